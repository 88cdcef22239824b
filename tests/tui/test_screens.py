"""The screens that ask something return what was answered, whatever names others have."""

from typing import TypeVar

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from chatroom.common.grid import Grid
from chatroom.common.names import check_nick, check_room
from chatroom.common.texts import Texts
from chatroom.media import Picture
from chatroom.tui.naming import name_problem
from chatroom.tui.screens.first_start import NickScreen, RoomChoice, RoomScreen
from chatroom.tui.screens.notice import NoticeScreen
from chatroom.tui.screens.preview import PreviewScreen
from chatroom.tui.screens.questions import QuestionScreen, key_changed_question, trust_question
from tests.tui.stage import room

TEXTS = Texts()
SIZES = [(120, 36), (80, 24), (40, 20)]
Answer = TypeVar("Answer")


class Asking(App[None]):
    """Shows one screen and keeps its answer."""

    def __init__(self, screen: Screen[Answer]) -> None:
        super().__init__()
        self._asked = screen
        self.answers: list[object] = []

    def on_mount(self) -> None:
        self.push_screen(self._asked, self.answers.append)


def nick_problem(name: str) -> str:
    return name_problem(check_nick, name, TEXTS)


def room_problem(name: str) -> str:
    return name_problem(check_room, name, TEXTS)


def problem_of(app: Asking) -> str:
    return str(app.screen.query_one(".problem", Static).content)


@pytest.mark.parametrize("size", SIZES)
async def test_a_nick_is_checked_as_it_is_typed(size: tuple[int, int]) -> None:
    app = Asking(NickScreen(TEXTS, nick_problem, problem="taken [/x]"))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert problem_of(app) == "taken [/x]"
        await pilot.press("@")
        await pilot.pause()
        assert "cannot begin with @" in problem_of(app)
        await pilot.press("enter")
        assert app.answers == []
        await pilot.press("backspace", *"zoé", "enter")
        await pilot.pause()
        assert app.answers == ["zoé"]


async def test_escape_gives_no_nick() -> None:
    app = Asking(NickScreen(TEXTS, nick_problem))
    async with app.run_test() as pilot:
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers == [None]


@pytest.mark.parametrize("size", SIZES)
async def test_the_default_room_is_offered_first(size: tuple[int, int]) -> None:
    rooms = [room("[/red]", 5), room("dev"), room("general", topic="[b]all\x1b[31m")]
    app = Asking(RoomScreen(TEXTS, rooms, room_problem, default="general"))
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [RoomChoice("general")]


async def test_a_new_room_is_named_and_checked() -> None:
    app = Asking(RoomScreen(TEXTS, [room("general")], room_problem))
    async with app.run_test() as pilot:
        await pilot.press("down", "enter", *"a b")
        await pilot.pause()
        assert "spaces" in problem_of(app)
        await pilot.press("escape")
        assert app.answers == []
        assert app.screen.query_one(OptionList).has_focus
        await pilot.press("enter")
        app.screen.query_one(Input).value = "#tea"
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [RoomChoice("tea", create=True)]


@pytest.mark.parametrize(
    ("keys", "answer"), [(["escape"], False), (["tab", "enter"], True), (["enter"], False)]
)
async def test_trust_is_asked_for(keys: list[str], answer: bool) -> None:
    app = Asking(QuestionScreen(trust_question("[/x]:9999", "7d4f a84f", TEXTS)))
    async with app.run_test(size=(40, 20)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        assert app.answers == [answer]


async def test_a_changed_key_is_only_told() -> None:
    app = Asking(QuestionScreen(key_changed_question("was a [/b], is b", "mend", TEXTS)))
    async with app.run_test() as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [True]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "answer"), [("enter", True), ("escape", False)])
async def test_a_picture_is_shown_before_it_is_sent(size: tuple[int, int], key: str, answer: bool) -> None:
    grid = Grid(60, 2, "[/red]#@" * 15, bytes(120), ((255, 0, 0),))
    app = Asking(PreviewScreen(Picture("[/x].png", grid), "#[/red]", TEXTS))
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert app.answers == [answer]


async def test_a_notice_is_closed_and_copied() -> None:
    app = Asking(NoticeScreen("[/x]", ["chatroom://[::1]:1/[/x]"], TEXTS, copied="chatroom://"))
    async with app.run_test() as pilot:
        await pilot.press("c")
        assert app.clipboard == "chatroom://"
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers == [None]
