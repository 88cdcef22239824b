"""The full screen against a server: two people talk, are cut, come back, and find what they left."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input

from chatroom.client.profile import Profile
from chatroom.client.resting import REST_S
from chatroom.common.texts import Texts
from chatroom.config import load_settings
from chatroom.home import find_home
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Login, Send
from chatroom.protocol.ids import RoomId
from chatroom.testing import FakeServer
from chatroom.tui.app import ChatroomApp
from chatroom.tui.launch import Launch
from chatroom.tui.screens.first_start import NickScreen, RoomScreen
from chatroom.tui.screens.questions import QuestionScreen
from chatroom.tui.widgets.banner import LinkState
from tests.tui.stage import lines_of

GENERAL = RoomId("general")
SIZES = [(120, 36), (80, 24), (40, 20)]


def launch(folder: Path, server: FakeServer, name: str, **options: str) -> Launch:
    home = find_home({"CHATROOM_HOME": str(folder)})
    return Launch(
        settings=load_settings({}, {}, None, folder / "none"),
        texts=Texts(),
        home=home,
        profile=Profile.open(home.profile(name)),
        address=server.address,
        pin=server.pin,
        log_folders=home.logs,
        **options,  # type: ignore[arg-type]
    )


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to be so."""
    for _turn in range(int(seconds / 0.01)):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"never happened; the screen:\n{lines_of(pilot.app.screen)}")  # type: ignore[arg-type]


def is_online(app: ChatroomApp) -> bool:
    return app.chat.banner.condition.state is LinkState.ONLINE and app.chat.conversation.current is not None


def asks(app: ChatroomApp) -> bool:
    """Whether a question stands there that can be answered."""
    return isinstance(app.screen, QuestionScreen) and isinstance(app.screen.focused, Button)


@pytest.mark.parametrize("size", SIZES)
async def test_two_people_talk(tmp_path: Path, size: tuple[int, int]) -> None:
    async with FakeServer() as server:
        alice = ChatroomApp(launch(tmp_path, server, "alice", nick="alice", room="general"))
        bob = ChatroomApp(launch(tmp_path, server, "bob", nick="bob", room="general"))
        async with alice.run_test(size=size) as hers, bob.run_test(size=size) as his:
            await until(hers, lambda: is_online(alice))
            await until(his, lambda: is_online(bob))
            await hers.press(*"hi", "space", *"[/b]", "enter")
            await until(his, lambda: "hi [/b]" in lines_of(bob.chat))
            await his.press(*"hello", "enter")
            await until(hers, lambda: "hello" in lines_of(alice.chat))
            await until(his, lambda: not bob.chat.conversation.timeline(GENERAL).unsent)
    log = (tmp_path / "log" / "client.log").read_text(encoding="utf-8")
    assert "alice said: hi [/b]" in log


async def test_after_a_start_everybody_in_the_room_is_known(tmp_path: Path) -> None:
    async with FakeServer() as server:
        alice = ChatroomApp(launch(tmp_path, server, "alice", nick="alice", room="general"))
        async with alice.run_test() as hers:
            await until(hers, lambda: is_online(alice))
            for _start in range(2):
                bob = ChatroomApp(launch(tmp_path, server, "bob", nick="bob", room="general"))
                async with bob.run_test() as his:
                    await until(his, lambda: is_online(bob))  # noqa: B023  # not kept
                    await until(his, lambda: len(bob.chat.conversation.people.online) == 2)  # noqa: B023  # not kept


async def test_the_first_start_asks_for_trust_nick_and_room(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(replace(launch(tmp_path, server, "me"), pin=""))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: asks(app))
            await pilot.press("right", "enter")
            await until(pilot, lambda: isinstance(app.screen, NickScreen))
            app.screen.query_one(Input).value = "zoé"
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, RoomScreen))
            await pilot.press("enter")
            await until(pilot, lambda: is_online(app) and app.screen is app.chat)
            assert app.chat.conversation.nick == "zoé"
            assert app.chat.conversation.rooms.current == GENERAL


async def test_a_stranger_that_is_not_trusted_gets_nothing(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(replace(launch(tmp_path, server, "me"), pin=""))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: asks(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.chat.banner.condition.state is LinkState.ENDED)
        assert not any(isinstance(frame, Login) for frame in server.received)


async def test_who_writes_when_trust_is_asked_for_does_not_answer_and_is_asked_again(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(replace(launch(tmp_path, server, "me", nick="it4", room="general"), pin=""))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
            await pilot.press(*"hi", "enter", "escape", *" all")
            assert isinstance(app.screen, QuestionScreen)
            await until(pilot, lambda: asks(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.chat.banner.condition.state is LinkState.ENDED)
            assert "F5 connects again" in " ".join(lines_of(app.chat).split())
            assert app.chat.composer.text == "hi all"
            await pilot.press("f5")
            await until(pilot, lambda: asks(app))
            await pilot.press("tab", "enter")
            await until(pilot, lambda: is_online(app))
            assert app.chat.composer.text == "hi all"
            await pilot.press("enter")
            await until(pilot, lambda: "it4 │ hi all" in lines_of(app.chat))


async def test_what_is_written_before_there_is_a_room_is_written_in_it(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4"))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.screen is app.chat or isinstance(app.screen, RoomScreen))
            await pilot.press(*"early")
            await until(pilot, lambda: isinstance(app.screen, RoomScreen))
            await pilot.press(*" bird", "enter")
            assert isinstance(app.screen, RoomScreen)
            await until(pilot, lambda: isinstance(app.screen, RoomScreen) and app.screen.is_settled)
            await pilot.press("enter")
            await until(pilot, lambda: is_online(app) and app.screen is app.chat)
            assert app.chat.composer.text == "early bird"
            await until(pilot, lambda: app.chat._keeper.drafts.get(GENERAL) == "early bird")


async def test_a_nick_that_is_taken_is_asked_for_again(tmp_path: Path) -> None:
    async with FakeServer() as server:
        server.world.add_user("zoé")
        app = ChatroomApp(launch(tmp_path, server, "me", nick="zoé", room="general"))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, NickScreen) and isinstance(app.focused, Input))
            app.screen.query_one(Input).value = "zoé2"
            await pilot.press("enter")
            await until(pilot, lambda: is_online(app))
            assert app.chat.conversation.nick == "zoé2"


async def test_what_is_said_during_a_cut_is_stored_after_it(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: is_online(app))
            await server.stop()
            await until(pilot, lambda: app.chat.banner.condition.state is LinkState.OFFLINE)
            await pilot.press(*"later", "enter")
            await until(pilot, lambda: "1 unsent" in lines_of(app.chat))
            assert "pending" in lines_of(app.chat)
            await server.start()
            await pilot.press("f5")
            await until(pilot, lambda: is_online(app))
            await until(pilot, lambda: not app.chat.conversation.timeline(GENERAL).unsent)
            assert "later" in lines_of(app.chat)


async def test_what_was_missed_is_fetched(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: is_online(app))
            server.skip("bob", "general", 600)
            await until(pilot, lambda: "skipped 599" in lines_of(app.chat))


async def test_lines_and_drafts_are_there_before_the_server_answers(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: is_online(app))
            await pilot.press(*"stored", "enter")
            await until(pilot, lambda: app.chat.conversation.timeline(GENERAL).last == 1)
            await pilot.press(*"draft", "ctrl+q")
        assert app.return_value == 0
        await server.stop()
        again = ChatroomApp(launch(tmp_path, server, "me", nick="it4"))
        async with again.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: "stored" in lines_of(again.chat))
            assert again.chat.composer.text == "draft"
            assert again.chat.banner.condition.state is not LinkState.ONLINE
            assert "new messages" not in lines_of(again.chat)


async def test_what_an_earlier_run_could_not_send_is_shown(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: is_online(app))
            server.refusals[Send] = ErrorCode.NOT_ALLOWED
            await pilot.press(*"refused", "enter")
            await until(pilot, lambda: "Alt+R" in lines_of(app.chat))
            await server.stop()
            await pilot.press(*"waiting", "enter")
            await until(pilot, lambda: "pending" in lines_of(app.chat))
        again = ChatroomApp(launch(tmp_path, server, "me", nick="it4"))
        async with again.run_test(size=(120, 36)) as pilot:
            await until(
                pilot, lambda: "waiting" in lines_of(again.chat) and "pending" in lines_of(again.chat)
            )
            assert "refused" in lines_of(again.chat)
            await pilot.press("alt+d")
            await until(pilot, lambda: "refused" not in lines_of(again.chat))


async def test_what_the_server_cannot_store_waits_and_one_toast_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REST_S, ErrorCode.NOT_STORED, 0.02)
    monkeypatch.setattr(ChatroomApp, "NOTIFICATION_TIMEOUT", 1.0)
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await until(pilot, lambda: is_online(app))
            server.refusals[Send] = ErrorCode.NOT_STORED
            await pilot.press(*"later", "enter")
            toasts: set[Widget] = set()

            def has_toast() -> bool:
                shown = {toast for toast in app.screen.query("Toast") if "waits" in str(toast.render())}
                toasts.update(shown)
                return bool(shown)

            await until(pilot, has_toast)
            await until(pilot, lambda: "pending" in lines_of(app.chat))
            await until(pilot, lambda: not has_toast())
            assert len(toasts) == 1
            assert "pending" in lines_of(app.chat)
            assert "Alt+R" not in lines_of(app.chat)
            server.refusals.clear()
            await until(pilot, lambda: "pending" not in lines_of(app.chat))
            assert "later" in lines_of(app.chat)
            assert app.chat.conversation.timeline(GENERAL).last == 1


async def test_another_key_is_blocked_and_what_is_kept_stays_readable(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: is_online(app))
            await pilot.press(*"stored", "enter")
            await until(pilot, lambda: app.chat.conversation.timeline(GENERAL).last == 1)
        port = server.address.port
    async with FakeServer(port=port) as impostor:
        again = ChatroomApp(replace(launch(tmp_path, impostor, "me", nick="it4"), pin=""))
        async with again.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: asks(again))
            await pilot.press("enter")
            await until(pilot, lambda: again.screen is again.chat and "stored" in lines_of(again.chat))
            assert again.chat.banner.condition.state is LinkState.ENDED
        assert not any(isinstance(frame, Login) for frame in impostor.received)


async def test_without_reconnecting_the_end_of_the_server_is_the_end(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(
            replace(launch(tmp_path, server, "me", nick="it4", room="general"), reconnect=False)
        )
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: is_online(app))
            await server.stop()
            await until(pilot, lambda: app.return_value is not None)
        assert app.return_value == 1


async def test_a_room_that_is_not_there_can_be_replaced(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="nowhere"))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RoomScreen))
            await pilot.press("enter")
            await until(pilot, lambda: is_online(app))
            assert app.chat.conversation.rooms.current == GENERAL


async def test_ctrl_c_says_how_to_quit_and_a_second_one_does(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: is_online(app))
            await pilot.press("ctrl+c")
            assert app.is_running
            await pilot.press("ctrl+c")
            await until(pilot, lambda: app.return_value is not None)
        assert app.return_value == 0
        assert app.live.last_words() == []
