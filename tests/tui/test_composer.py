"""Writing: what the keys of the composer do."""

import asyncio
from pathlib import Path

from textual import on
from textual.app import App, ComposeResult
from textual.events import Key, Paste

from chatroom.protocol.ids import RoomId
from chatroom.protocol.limits import MESSAGE_MAX
from chatroom.tui.completion import Vocabulary
from chatroom.tui.widgets.composer import Composer


class Writing(App[None]):
    """A composer alone, and what it posted."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.sizes: list[int] = []
        self.pictures: list[Path] = []
        self.waiting: list[Composer.Submitted] = []
        self.answers: bool | None = True
        self.has_sent = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Composer(
            lambda: Vocabulary(nicks=("alice", "bob"), rooms=("general",)),
            picture_paths=lambda text: [Path(text)] if text.endswith(".png") else [],
        )

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @on(Composer.Submitted)
    def _sent(self, event: Composer.Submitted) -> None:
        self.sent.append(event.text)
        self.waiting.append(event)
        self.has_sent.set()
        if self.answers is not None:
            event.answer(is_taken=self.answers)

    @on(Composer.TooLong)
    def _too_long(self, event: Composer.TooLong) -> None:
        self.sizes.append(event.size)

    @on(Composer.PicturesPasted)
    def _pasted(self, event: Composer.PicturesPasted) -> None:
        self.pictures += event.paths


async def test_enter_sends_and_empties() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        await pilot.press("h", "i", "enter")
        assert app.sent == ["hi"]
        assert app.composer.text == ""
        await pilot.press("enter", "space", "enter")
        assert app.sent == ["hi"]


async def test_a_text_stands_there_until_it_is_taken_and_what_is_typed_meanwhile_comes_behind() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        app.answers = None
        app.composer.focus()
        for key in (Key("h", "h"), Key("enter", "\r"), Key("o", "o"), Key("k", "k"), Key("enter", "\r")):
            app.composer.post_message(key)
        await app.has_sent.wait()
        assert app.composer.text == "h"
        app.answers = True
        app.waiting[0].answer(is_taken=True)
        await pilot.pause()
        assert app.sent == ["h", "ok"]
        assert app.composer.text == ""


async def test_a_text_that_is_not_taken_stays() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        app.answers = False
        await pilot.press("h", "i", "enter", "!")
        assert app.composer.text == "hi!"


async def test_a_text_of_another_room_is_left_alone() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        app.answers = None
        app.composer.turn_to(RoomId("general"), "")
        for key in (Key("h", "h"), Key("enter", "\r")):
            app.composer.post_message(key)
        await app.has_sent.wait()
        app.composer.turn_to(RoomId("lab"), "draft")
        app.waiting[0].answer(is_taken=True)
        await pilot.pause()
        assert app.composer.text == "draft"
        assert app.waiting[0].room == "general"


async def test_every_way_to_begin_a_new_line() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        for key in ("ctrl+j", "alt+enter", "shift+enter"):
            await pilot.press("a", key)
        await pilot.press("b", "\\", "enter", "c")
        assert app.composer.text == "a\na\na\nb\nc"
        assert app.sent == []
        await pilot.press("enter")
        assert app.sent == ["a\na\na\nb\nc"]


async def test_it_grows_with_its_lines_up_to_a_bound() -> None:
    app = Writing()
    async with app.run_test(size=(40, 20)) as pilot:
        assert app.composer.size.height == 1
        await pilot.press("a", "ctrl+j", "b")
        assert app.composer.size.height == 2
        await pilot.press(*["ctrl+j"] * 30)
        assert app.composer.size.height == 8


async def test_up_and_down_bring_back_what_was_sent() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "b", "enter", "c")
        await pilot.press("up")
        assert app.composer.text == "b"
        await pilot.press("up", "up")
        assert app.composer.text == "a"
        await pilot.press("down", "down")
        assert app.composer.text == "c"


async def test_up_moves_the_cursor_where_there_is_a_line_above() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "b", "ctrl+j", "c", "up", "x")
        assert app.composer.text == "bx\nc"


async def test_tab_completes_and_goes_round() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        await pilot.press("a", "tab")
        assert app.composer.text == "alice: "
        await pilot.press("@", "tab")
        assert app.composer.text == "alice: @alice "
        await pilot.press("tab")
        assert app.composer.text == "alice: @bob "
        await pilot.press("shift+tab")
        assert app.composer.text == "alice: @alice "


async def test_tab_on_a_later_line_replaces_there() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        await pilot.press("x", "ctrl+j", "y", "space", "b", "tab")
        assert app.composer.text == "x\ny bob "


async def test_pasted_text_is_inserted_inert() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        app.composer.post_message(Paste("one\r\ntwo\x1b[31m\x07 [/red]"))
        await pilot.pause()
        assert app.composer.text == "one\ntwo [/red]"


async def test_a_large_paste_stays_whole() -> None:
    text = "word " * 12_000
    app = Writing()
    async with app.run_test() as pilot:
        app.composer.post_message(Paste(text))
        await pilot.pause()
        await pilot.press("enter")
        assert app.sent == [text.strip()]


async def test_a_message_too_long_is_kept_and_told() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        app.composer.write("é" * (MESSAGE_MAX // 2 + 1))
        await pilot.press("enter")
        assert app.sizes == [MESSAGE_MAX + 2]
        assert app.sent == []
        assert app.composer.text


async def test_pasted_pictures_are_told_and_not_written() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        app.composer.post_message(Paste("/tmp/a.png"))
        app.composer.post_message(Paste("/tmp/b.txt"))
        await app.workers.wait_for_complete()
        for _turn in range(200):
            await pilot.pause(0.01)
            if app.composer.text:
                break
        assert app.pictures == [Path("/tmp/a.png")]
        assert app.composer.text == "/tmp/b.txt"


async def test_what_was_typed_can_be_undone_where_ctrl_z_is_for_the_shell() -> None:
    app = Writing()
    async with app.run_test() as pilot:
        await pilot.press("a")
        app.composer.post_message(Paste("bc"))
        await pilot.pause()
        await pilot.press("ctrl+underscore")
        assert app.composer.text == "a"
        await pilot.press("ctrl+y")
        assert app.composer.text == "abc"
