"""Every slash command of the line client."""

from pathlib import Path

import pytest
from PIL import Image

from chatroom.common.grid import Grid, encode
from chatroom.model.commands import COMMANDS
from chatroom.plain import pictures
from chatroom.protocol.frames import AskInvitation, PersonState, Rename, Send
from chatroom.protocol.ids import DeviceId, RoomId
from chatroom.testing import FakeServer
from tests.client.helpers import until
from tests.plain.paper import Table

RED_CELL = Grid(2, 1, "#@", bytes((0, 0)), ((255, 0, 0),))


def send_picture(server: FakeServer, grid: str) -> None:
    bob = server.world.add_user("bob")
    server.publish(bob, Send(RoomId("general"), DeviceId("b1"), len(grid), "a.png, 2 x 1", "image", grid))


async def test_help_tells_about_every_command(table: Table) -> None:
    await table.ask("/help", "/show")
    for info in COMMANDS.values():
        assert any(line.startswith(info.usage) for line in table.paper.lines)


async def test_rooms_are_created_joined_and_left(table: Table) -> None:
    answer = await table.ask("/join dev", "dev")
    assert "#dev:" not in answer
    await table.ask("/create Dev", "#Dev: no messages yet.")
    assert (await table.ask("here", "You said")).endswith("here")
    table.server.world.rooms[RoomId("dev")].topic = "no \x1b]0;bots\x07"
    assert await table.ask("/rooms", "#Dev") == "#Dev  1 person, 1 message · no"
    await table.paper.until("#general  1 person, 0 messages")
    assert all("\x1b" not in line for line in table.paper.lines)
    await table.ask("/leave", "You left #Dev.")
    assert (await table.ask("back here", "back here")) == "[09:00] You said: back here"
    assert len(table.server.world.rooms[RoomId("general")].lines) == 1
    await table.ask("/leave #general", "You left #general.")
    await table.ask("lost", "You are in no room yet.")
    await table.ask("/leave", "You are in no room yet.")


async def test_who_is_here_goes_by_state(table: Table) -> None:
    general = table.server.world.rooms[RoomId("general")]
    for nick, state in (("bob", PersonState.AWAY), ("eve\x1b[1m", PersonState.OFFLINE)):
        user = table.server.world.add_user(nick)
        user.state = state
        general.members.add(user.user)
    await table.ask("/who", "Online: it4")
    await table.paper.until("Away: bob")
    await table.paper.until("Offline: eve")
    await table.ask("/who #nowhere", "nowhere")


async def test_another_nick_is_asked_for(table: Table) -> None:
    table.paper.type("/nick it5")
    await until(lambda: any(isinstance(frame, Rename) for frame in table.server.received))


async def test_doing_is_said_with_a_star(table: Table) -> None:
    assert await table.ask("/me waves", "waves") == "[09:00] * it4 waves"


async def test_a_conversation_of_two(table: Table) -> None:
    table.server.world.add_user("bob")
    await table.ask("/msg bob hello there", "You said: hello there")
    assert "@bob: no messages yet." in table.paper.lines
    assert not any("opened a conversation" in line for line in table.paper.lines)
    await table.ask("/join general", "#general")
    bob = table.server.world.named("bob")
    assert bob is not None
    direct = next(room for room in table.server.world.rooms.values() if room.direct)
    table.server.publish(bob, Send(direct.id, DeviceId("b1"), 1, "psst"))
    await table.paper.until("[09:00] bob writes to you alone: psst")
    await table.ask("/msg bob", "@bob: 1 message since 09:00, then live.")
    await table.ask("/leave", "You left @bob.")


async def test_the_topic_is_shown_and_changed(table: Table) -> None:
    await table.ask("/topic", "This room has no topic.")
    await table.ask("/topic no bots", "changed the topic: no bots")
    assert await table.ask("/topic", "no bots") == "no bots"


async def test_invitations_are_shown(table: Table) -> None:
    assert "chatroom://127.0.0.1" in await table.ask("/invite", "/general?pin=")
    assert isinstance(table.server.received[-1], AskInvitation)


async def test_the_bell_can_be_turned_off(table: Table) -> None:
    await table.ask("/quiet", "The bell is off.")
    table.server.say("bob", "general", "@it4 hey")
    await table.paper.until("hey")
    assert table.paper.rings == 0
    await table.ask("/quiet", "The bell is on.")
    table.server.say("bob", "general", "@it4 again")
    await table.paper.until("again")
    assert table.paper.rings == 1


async def test_holding_keeps_what_comes_until_enter(table: Table) -> None:
    await table.ask("/hold", "What arrives now is shown when you have pressed Enter.")
    table.server.say("bob", "general", "wait for it")
    await until(lambda: 1 in table.client.view.told.values())
    assert not any("wait for it" in line for line in table.paper.lines)
    await table.ask("", "wait for it")
    table.server.say("bob", "general", "and again")
    await until(lambda: 2 in table.client.view.told.values())
    await table.ask("/hold", "and again")
    table.server.say("bob", "general", "at once")
    await table.paper.until("at once")


async def test_holding_counts_what_it_cannot_keep(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatroom.plain.console._KEPT_MAX", 3)
    await table.ask("/hold", "What arrives now")
    for at in range(5):
        table.server.say("bob", "general", f"line {at}")
    await until(lambda: 5 in table.client.view.told.values())
    await table.ask("", "2 older lines were too much to keep.")
    assert [line[-1] for line in table.paper.lines if "said: line" in line] == ["2", "3", "4"]


async def test_quitting_is_no_failure(table: Table) -> None:
    table.paper.type("/quit")
    assert await table.end() == 0


async def test_what_is_mistyped_is_explained(table: Table) -> None:
    assert "Did you mean /join?" in await table.ask("/jion general", "jion")
    assert "/help" in await table.ask("/xyzzy\x1b[31m", "There is no /xyzzy.")
    await table.ask("/msg", "It goes like this: /msg NICK [TEXT]")


async def test_a_picture_is_sent(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    Image.new("RGB", (32, 32), "red").save(path)
    line = await table.ask(f"/image '{path}'", "sends a picture")
    assert "a b.png" in line
    assert "/show 1 draws it." in line
    await table.ask(f"/image {tmp_path}/none.png", "none.png does not exist")


async def test_pictures_are_drawn_by_number(table: Table) -> None:
    await table.ask("/show", "There is no picture among the newest messages.")
    table.server.say("bob", "general", "no picture")
    send_picture(table.server, encode(RED_CELL))
    await table.paper.until("/show 2 draws it.")
    await table.ask("/show 2", "#@")
    await table.ask("/show #2", "#@")
    await table.ask("/show", "#@")
    for wrong in ("1", "3", "0"):
        await table.ask(f"/show {wrong}", f"Number {wrong} is no picture.")
    await table.ask("/show it", "It goes like this: /show [NUMBER]")


async def test_a_hostile_picture_is_only_a_sentence(table: Table) -> None:
    send_picture(table.server, "AAAA")
    await table.paper.until("/show 1 draws it.")
    await table.ask("/show 1", "picture")
    await table.ask("still here", "You said: still here")


def test_pictures_have_color_where_the_terminal_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert pictures.drawn_rows(encode(RED_CELL)) == ["\x1b[38;2;255;0;0m#@\x1b[39m"]
    monkeypatch.setenv("TERM", "dumb")
    assert pictures.drawn_rows(encode(RED_CELL)) == ["#@"]
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert pictures.drawn_rows(encode(RED_CELL)) == ["#@"]


def test_pictures_fit_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    wide = Grid(40, 4, "x" * 160, bytes(160), ((1, 2, 3),))
    assert [len(row) for row in pictures.drawn_rows(encode(wide))] == [10]
