"""The screens that ask something return what was answered, whatever names others have."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList, Static

from chatroom.common.grid import Grid
from chatroom.common.names import check_nick, check_room
from chatroom.common.texts import Texts
from chatroom.languages import load_texts
from chatroom.media import Picture
from chatroom.testing.clock import Clock
from chatroom.tui.naming import name_problem
from chatroom.tui.screens.first_start import NickScreen, RoomChoice, RoomScreen
from chatroom.tui.screens.interruption import SETTLE_S, Interruption
from chatroom.tui.screens.notice import NoticeScreen
from chatroom.tui.screens.preview import PreviewScreen
from chatroom.tui.screens.questions import QuestionScreen, key_changed_question, trust_question
from tests.tui.stage import lines_of, room

TEXTS = Texts()
SIZES = [(120, 36), (80, 24), (40, 20)]
Answer = TypeVar("Answer")


class Asking(App[None]):
    """Shows one screen and keeps its answer."""

    def __init__(self, screen: Screen[Answer]) -> None:
        super().__init__()
        self._asked = screen
        self.answers: list[object] = []
        self.given_away: list[str] = []

    def on_mount(self) -> None:
        self.push_screen(self._asked, self.answers.append)

    def on_interruption_typed(self, typed: Interruption.Typed) -> None:
        event = typed.event
        self.given_away.append(event.key if isinstance(event, events.Key) else event.text)


async def read(pilot: Pilot[None], clock: Clock) -> None:
    """Let so much time pass that the question could be read."""
    await pilot.pause()
    await clock.move(SETTLE_S)
    for _turn in range(1000):
        if isinstance(pilot.app.screen.focused, Button):
            return
        await pilot.pause(0.01)
    raise AssertionError("no answer was ever offered")


def shown_by(app: App[None]) -> str:
    return lines_of(app.screen)  # type: ignore[arg-type]  # every screen has lines


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for something to be so."""
    for _turn in range(1000):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"never happened; the screen:\n{shown_by(pilot.app)}")


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
    clock = Clock()
    app = Asking(QuestionScreen(trust_question("[/x]:9999", "7d4f a84f", TEXTS), clock=clock.now))
    async with app.run_test(size=(40, 20)) as pilot:
        await read(pilot, clock)
        await pilot.press(*keys)
        await pilot.pause()
        assert app.answers == [answer]


@pytest.mark.parametrize("size", SIZES)
async def test_no_key_answers_what_could_not_be_read_yet(size: tuple[int, int]) -> None:
    clock = Clock()
    app = Asking(QuestionScreen(trust_question("[/x]:9999", "7d4f a84f", TEXTS), clock=clock.now))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.press("enter", "escape", "tab", "enter", "right", "enter")
        await clock.move(SETTLE_S - 0.1)
        await pilot.press("enter")
        await clock.move(SETTLE_S - 0.1)
        await pilot.press("escape")
        assert app.answers == []
        assert not isinstance(app.screen.focused, Button)
        await read(pilot, clock)
        assert app.screen.focused is app.screen.query_one("#no")
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert app.answers == [True]


async def test_what_is_typed_meanwhile_is_given_away_and_puts_the_answer_off() -> None:
    clock = Clock()
    app = Asking(QuestionScreen(trust_question("[/x]:9999", "7d4f a84f", TEXTS), clock=clock.now))
    async with app.run_test() as pilot:
        await pilot.press(*"hi", "space", "é", "backspace")
        app.post_message(events.Paste("all"))
        await read(pilot, clock)
        await pilot.press("!", "enter", "escape")
        await pilot.pause()
        assert app.answers == []
        assert app.given_away == ["h", "i", "space", "é", "backspace", "all", "exclamation_mark"]
        await read(pilot, clock)
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers == [False]


async def test_what_is_out_of_sight_is_no_answer_and_can_be_scrolled_to() -> None:
    clock = Clock()
    app = Asking(QuestionScreen(trust_question("[/x]:9999", "7d4f a84f", TEXTS), clock=clock.now))
    async with app.run_test(size=(20, 5)) as pilot:
        await read(pilot, clock)
        assert "Leave" not in shown_by(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "Leave" in shown_by(app)
        await pilot.press("home")
        await until(pilot, lambda: "Leave" not in shown_by(app))
        for _line in range(20):
            if "7d4f" in shown_by(app):
                break
            await pilot.press("down")
            await pilot.pause()
        assert "7d4f" in shown_by(app)
        await pilot.press("tab")
        await until(pilot, lambda: "Trust it" in shown_by(app))
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == [True]


@pytest.mark.parametrize("size", [*SIZES, (30, 24)])
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_answers_are_whole(language: str, size: tuple[int, int]) -> None:
    clock, texts = Clock(), load_texts(language, {})
    question = trust_question("[/x]:9999", "7d4f a84f", texts)
    app = Asking(QuestionScreen(question, clock=clock.now))
    async with app.run_test(size=size) as pilot:
        await read(pilot, clock)
        shown = shown_by(app)
        assert question.yes in shown
        assert question.no in shown


async def test_who_still_writes_chooses_no_room() -> None:
    clock = Clock()
    screen = RoomScreen(TEXTS, [room("general")], room_problem, clock=clock.now)
    app = Asking(screen)
    async with app.run_test() as pilot:
        await pilot.press(*"hi", "enter")
        await pilot.pause()
        assert app.answers == []
        assert app.given_away == ["h", "i"]
        await clock.move(SETTLE_S)
        await pilot.press("down", "enter", *"tea", "backspace", "enter")
        await pilot.pause()
        assert app.given_away == ["h", "i"], "the name of a room is for the room"
        assert app.answers == [RoomChoice("te", create=True)]


async def test_a_changed_key_is_only_told() -> None:
    clock = Clock()
    app = Asking(QuestionScreen(key_changed_question("was a [/b], is b", "mend", TEXTS), clock=clock.now))
    async with app.run_test() as pilot:
        await read(pilot, clock)
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
