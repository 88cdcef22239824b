"""The message log on the screen: what it says and asks for, and that nothing moves the reader's place."""

import random
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp
from textual.selection import Selection
from textual.widgets import Input

from chatroom.common.colors import contrast
from chatroom.common.grid import Grid, encode
from chatroom.common.texts import Texts
from chatroom.model.notices import Notice
from chatroom.model.timeline import Timeline, Unsent
from chatroom.protocol.frames import Line, LineKind, Person, PresenceEvent
from chatroom.protocol.ids import RoomId, UserId
from chatroom.tui.widgets.log_body import cells_of
from chatroom.tui.widgets.log_words import LogWords
from chatroom.tui.widgets.message_log import MessageLog

ROOM, ME = RoomId("general"), UserId("me")
NOON_MS = 1_795_262_400_000
"""Sat 21 Nov 2026, 12:00 UTC."""
MINUTE_MS = 60_000
HOSTILE = "a\x1b[31mb\x1b]8;;http://x\x07c\x9bd\u202ee\u2066f[/red][bold]\x00\r\n\u200fz"


def line(
    line_id: int, body: str = "", *, user: str = "bob", at: int | None = None, kind: str = "", grid: str = ""
) -> bytes:
    at = NOON_MS + line_id * MINUTE_MS if at is None else at
    body = body or f"message number {line_id}"
    made = Line(line_id, at, ROOM, UserId(user), user, color="#e06c75", kind=kind, body=body, grid=grid)
    return msgspec.json.encode(made)


def filled(count: int, body: str = "") -> Timeline:
    timeline = Timeline(ROOM, ME)
    timeline.fill(line(at, body and f"{at} {body}") for at in range(1, count + 1))
    return timeline


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


WORDS = LogWords(
    Texts(),
    clock=lambda at: _moment(at).strftime("%H:%M"),
    day=lambda at: _moment(at).strftime("%a %d %b %Y"),
    me=ME,
    nick="it4",
)


class LogApp(App[None]):
    """A log above an input line, and what the log told."""

    def __init__(self, timeline: Timeline | None) -> None:
        super().__init__()
        self.log_view = MessageLog(WORDS)
        self.log_view.timeline = timeline
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.log_view
        yield Input()

    def on_message_log_lines_wanted(self, event: MessageLog.LinesWanted) -> None:
        self.told.append(event)

    def on_message_log_reached_bottom(self, event: MessageLog.ReachedBottom) -> None:
        self.told.append(event)

    def on_message_log_read_up_to(self, event: MessageLog.ReadUpTo) -> None:
        self.told.append(event)

    @property
    def wanted(self) -> list[tuple[int, int]]:
        return [(event.first, event.last) for event in self.told if isinstance(event, MessageLog.LinesWanted)]

    @property
    def read(self) -> list[int]:
        return [event.id for event in self.told if isinstance(event, MessageLog.ReadUpTo)]


class Stage:
    """A running app, looked at as lines of text."""

    def __init__(self, app: LogApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.log = app.log_view
        self.pilot = pilot

    @property
    def rows(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.log._strips]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    async def settle(self) -> None:
        self.log.refresh_lines()
        await self.pilot.pause()


@asynccontextmanager
async def shown(timeline: Timeline | None, columns: int = 120, rows: int = 36) -> AsyncIterator[Stage]:
    app = LogApp(timeline)
    async with app.run_test(size=(columns, rows)) as pilot:
        await pilot.pause()
        yield Stage(app, pilot)


async def test_nick_and_time_stand_beside_the_text() -> None:
    async with shown(filled(3)) as stage:
        assert stage.rows[-2:] == [
            "[12:02]          bob │ message number 2",
            "[12:03]          bob │ message number 3",
        ]
        assert stage.rows[0] == ""


async def test_as_long_as_40_cells_are_left_for_the_text() -> None:
    async with shown(filled(1, "x" * 41), columns=57) as stage:
        assert stage.rows[-3:] == [
            "[12:01]   bob │ 1",
            f"              │ {'x' * 40}",
            "              │ x",
        ]


async def test_below_that_the_nick_stands_above() -> None:
    async with shown(filled(2, "word " * 10), columns=40, rows=20) as stage:
        assert stage.rows[-3:] == [
            "bob [12:02]",
            " 2 word word word word word word word",
            " word word word",
        ]


async def test_messages_of_one_author_within_a_minute_are_joined() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.fill([line(1, "one", at=NOON_MS), line(2, "two", at=NOON_MS + 5_000)])
    timeline.append(line(3, "three", at=NOON_MS + 6_000, user="eve"))
    timeline.append(line(4, "four", at=NOON_MS + 70_000, user="eve"))
    async with shown(timeline) as stage:
        assert stage.rows[-4:] == [
            "[12:00]          bob │ one",
            "                     │ two",
            "[12:00]          eve │ three",
            "[12:01]          eve │ four",
        ]


async def test_days_and_the_new_messages_are_ruled_off() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.fill([line(1, at=NOON_MS), line(2, at=NOON_MS + 86_400_000), line(3, at=NOON_MS + 86_400_000)])
    timeline.new_after = 2
    async with shown(timeline) as stage:
        rows = [row.strip("─━ ") for row in stage.rows[-6:]]
        assert rows[0] == "Sat 21 Nov 2026"
        assert rows[2] == "Sun 22 Nov 2026"
        assert rows[4] == "new messages"
        assert stage.rows[-1].startswith("[12:00]          bob")


async def test_notices_stand_where_they_were_said() -> None:
    timeline = filled(1)
    for name in ("dave", "eve", "zoe", "al", "kim"):
        person = Person(UserId(name), name)
        timeline.note(Notice(NOON_MS, event=PresenceEvent.JOINED, people=(person,)))
    timeline.append(line(2))
    timeline.note(Notice(NOON_MS + 5 * MINUTE_MS, "a word of the program"))
    async with shown(timeline) as stage:
        assert stage.rows[-4:] == [
            "[12:01]          bob │ message number 1",
            "[12:00] · Notice: dave, eve, zoe and 2 others joined the room",
            "[12:02]          bob │ message number 2",
            "[12:05] · a word of the program",
        ]


async def test_other_kinds_of_lines() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.fill([line(1, "waves", kind=LineKind.ACTION), line(2, "Release talk", kind=LineKind.TOPIC)])
    timeline.append(line(3, "?", kind="poll"))
    async with shown(timeline) as stage:
        assert stage.rows[-3:] == [
            "[12:01]              │ * bob waves",
            "[12:02] · bob changed the topic: Release talk",
            "[12:03] · bob sent something this version cannot show (poll)",
        ]


@pytest.mark.parametrize("columns", [120, 40])
async def test_unsent_messages_tell_their_state(columns: int) -> None:
    timeline = filled(1)
    timeline.put_unsent(Unsent("a", "d", 1, "will review"))
    timeline.put_unsent(Unsent("b", "d", 2, "and merge", failed=True, reason="too long."))
    async with shown(timeline, columns) as stage:
        *_, pending, failed, reason = stage.rows
        assert "…will review" in pending
        assert ("… pending" in pending) == (columns == 120)
        assert failed.endswith("!and merge")
        assert reason.endswith("!too long: Alt+R again, Alt+D discard")
        assert any("it4" in row for row in stage.rows)
        timeline.append(
            msgspec.json.encode(Line(2, NOON_MS, ROOM, ME, "it4", dev="d", n=1, body="will review"))
        )
        timeline.drop_unsent("b")
        await stage.settle()
        assert stage.rows[-1].endswith("will review")
        assert "…" not in stage.text


async def test_a_picture_is_drawn_with_its_caption_and_fitted() -> None:
    grid = encode(Grid(60, 4, "#" * 240, bytes(240), ((255, 0, 0),)))
    timeline = Timeline(ROOM, ME)
    timeline.append(line(1, "logo.png", kind=LineKind.IMAGE, grid=grid))
    async with shown(timeline) as stage:
        assert stage.rows[-5:] == [
            "[12:01]          bob │ " + "#" * 60,
            *["                     │ " + "#" * 60] * 3,
            "                     │ logo.png",
        ]
        await stage.pilot.resize_terminal(40, 20)
        await stage.pilot.pause()
        assert stage.rows[-4:] == [" " + "#" * 38] * 3 + [" logo.png"]


async def test_a_picture_that_is_broken_is_said_so() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.append(line(1, "logo.png", kind=LineKind.IMAGE, grid="AAAA"))
    async with shown(timeline) as stage:
        assert stage.rows[-1].endswith("logo.png · this picture cannot be drawn")


@pytest.mark.parametrize("columns", [120, 40])
async def test_nothing_that_others_wrote_reaches_the_terminal_alive(columns: int) -> None:
    timeline = Timeline(ROOM, ME)
    for at, kind in enumerate(("", LineKind.ACTION, LineKind.TOPIC, LineKind.IMAGE, HOSTILE), 1):
        timeline.append(line(at, HOSTILE, user=HOSTILE, kind=kind, grid=HOSTILE))
    timeline.note(Notice(0, event=PresenceEvent.RENAMED, people=(Person(UserId("x"), HOSTILE, was=HOSTILE),)))
    timeline.note(Notice(0, HOSTILE))
    timeline.put_unsent(Unsent("a", "d", 1, HOSTILE, failed=True, reason=HOSTILE))
    async with shown(timeline, columns) as stage:
        assert "[/red][bold]" in stage.text.replace("\n", "")
        alive = {one for one in stage.text if unicodedata.category(one) in ("Cc", "Cf") and one != "\n"}
        assert not alive


async def test_a_message_that_means_me_is_marked() -> None:
    timeline = filled(1)
    timeline.append(line(2, "@it4 ready? " + "word " * 40))
    async with shown(timeline) as stage:
        assert all("│▌" in row for row in stage.rows[-3:])
        assert "│ " in stage.rows[-4]
        plain, marked = (
            {str(segment.style.bgcolor) for segment in stage.log._strips[at] if segment.style}
            for at in (-4, -1)
        )
        assert marked - plain


async def test_addresses_can_be_seen_but_do_nothing() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.append(line(1, "see https://example.org/a?b=1, or not"))
    async with shown(timeline) as stage:
        (link,) = [segment for segment in stage.log._strips[-1] if segment.style and segment.style.underline]
        assert link.text == "https://example.org/a?b=1"
        assert link.style is not None
        assert link.style.link is None
        assert not link.style.meta


async def test_the_log_follows_until_the_reader_goes_up() -> None:
    timeline = filled(200)
    async with shown(timeline) as stage:
        stage.log.page_up()
        top = stage.rows[0]
        timeline.append(line(201))
        timeline.append(line(202))
        await stage.settle()
        assert stage.rows[0] == top
        assert stage.rows[-1].endswith("↓ 2 new")
        assert not stage.log.is_following
        stage.log.scroll_to_newest()
        timeline.append(line(203))
        await stage.settle()
        assert stage.rows[-1].endswith("message number 203")
        assert any(isinstance(event, MessageLog.ReachedBottom) for event in stage.app.told)


async def test_scrolling_down_to_the_bottom_follows_again() -> None:
    async with shown(filled(200)) as stage:
        following = []
        for move in (stage.log.page_up, stage.log.page_up, stage.log.page_down, stage.log.page_down):
            move()
            following.append(stage.log.is_following)
        assert following == [False, False, False, True]
        assert stage.rows[-1].endswith("message number 200")


async def test_pages_overlap_and_miss_nothing() -> None:
    async with shown(filled(100)) as stage:
        seen = list(stage.rows)
        for _ in range(10):
            stage.log.page_up()
            seen = stage.rows + seen
        assert stage.log._anchor is not None
        assert stage.rows[0].strip("─ ") == "Sat 21 Nov 2026"
        assert [at for at in range(1, 101) if f"message number {at}" not in "\n".join(seen)] == []


async def test_one_can_go_to_the_oldest_and_to_a_line() -> None:
    async with shown(filled(500)) as stage:
        stage.log.scroll_to_oldest()
        assert stage.rows[1].endswith("message number 1")
        stage.log.show_line(250)
        assert stage.rows[0].endswith("message number 250")
        stage.log.show_line(499)
        assert stage.log.is_following


async def test_the_wheel_moves_three_rows() -> None:
    async with shown(filled(200)) as stage:
        before = stage.rows
        stage.log.post_message(_wheel(events.MouseScrollUp, stage.log))
        await stage.pilot.pause()
        assert stage.rows[3:] == before[:-3]
        stage.log.post_message(_wheel(events.MouseScrollDown, stage.log))
        await stage.pilot.pause()
        assert stage.rows == before
        assert stage.log.is_following


def _wheel(kind: type[events.MouseEvent], log: MessageLog) -> events.MouseEvent:
    return kind(log, x=1, y=1, delta_x=0, delta_y=0, button=0, shift=False, meta=False, ctrl=False)


async def test_a_click_on_the_pill_leads_to_the_newest() -> None:
    timeline = filled(200)
    async with shown(timeline) as stage:
        stage.log.page_up()
        timeline.append(line(201))
        await stage.settle()
        await stage.pilot.click(MessageLog, offset=(10, len(stage.rows) - 1))
        assert not stage.log.is_following
        await stage.pilot.click(MessageLog, offset=(112, len(stage.rows) - 1))
        assert stage.log.is_following


async def test_appending_repaints_only_what_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    timeline = filled(200)
    async with shown(timeline) as stage:
        stage.log.page_up()
        timeline.append(line(201))
        await stage.settle()
        painted: list[Region] = []
        monkeypatch.setattr(stage.log, "refresh", painted.append)
        stage.log.refresh_lines()
        assert painted == []
        timeline.append(line(202))
        stage.log.refresh_lines()
        assert [region.height for region in painted] == [1]


async def test_what_is_missing_is_asked_for_once_and_fills_without_a_jump() -> None:
    timeline = Timeline(ROOM, ME, last=1000)
    timeline.fill(map(line, range(980, 1001)))
    async with shown(timeline) as stage:
        assert stage.app.wanted == [(769, 979)]
        assert stage.rows[-1].endswith("message number 1000")
        assert stage.rows[0].endswith("…")
        await stage.settle()
        assert stage.app.wanted == [(769, 979)]
        stage.log.show_line(900)
        assert stage.rows[0].endswith("…")
        timeline.fill(line(at, "long text " * 30) for at in range(769, 980))
        await stage.settle()
        assert stage.rows[0].startswith("[03:00]")
        assert stage.log._anchor is not None
        assert stage.log._anchor.position == 900


async def test_it_tells_what_was_read() -> None:
    timeline = filled(300)
    async with shown(timeline) as stage:
        assert stage.app.read == [300]
        stage.log.scroll_to_oldest()
        timeline.append(line(301))
        await stage.settle()
        assert stage.app.read == [300]
        stage.log.scroll_to_newest()
        await stage.settle()
        assert stage.app.read == [300, 301]


async def test_a_hole_was_not_read() -> None:
    timeline = Timeline(ROOM, ME, last=10)
    async with shown(timeline) as stage:
        assert stage.app.read == []
        timeline.fill(map(line, range(1, 11)))
        await stage.settle()
        assert stage.app.read == [10]


async def test_another_width_keeps_the_character_on_the_top_row() -> None:
    words = " ".join(f"w{at}" for at in range(400))
    timeline = filled(50)
    timeline.append(line(51, words))
    timeline.fill(map(line, range(52, 90)))
    async with shown(timeline) as stage:
        stage.log.show_line(51)
        stage.log.scroll_rows(5)
        first = stage.rows[0].split("│ ")[1].split()[0]
        for columns in (60, 40, 90, 200, 120):
            await stage.pilot.resize_terminal(columns, 36)
            await stage.pilot.pause()
            assert first in stage.rows[0].split()
        assert stage.rows[0].split("│ ")[1].split()[0] == first


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_that_happens_elsewhere_moves_the_reader(seed: int) -> None:
    draw = random.Random(seed)
    timeline = Timeline(ROOM, ME, last=3000, resident_chunks=3)
    timeline.fill(map(line, range(1500, 1700)))
    async with shown(timeline, draw.choice([40, 80, 120]), 24) as stage:
        stage.log.show_line(1600)
        stage.log.scroll_rows(-draw.randint(0, 3))
        top = next(row for row in stage.rows if "message" in row)
        for _ in range(20):
            at = draw.randint(1, 2900)
            timeline.fill(map(line, range(at, at + draw.randint(1, 60))))
            timeline.append(line(timeline.last + 1))
            timeline.fill(map(line, range(1500, 1700)))
            stage.log.refresh_lines()
            assert next(row for row in stage.rows if "message" in row) == top


async def test_another_room_and_back_is_where_one_was() -> None:
    timeline, other = filled(300), filled(20, "elsewhere")
    async with shown(timeline) as stage:
        stage.log.show_line(100)
        rows = stage.rows
        stage.log.timeline = other
        await stage.settle()
        assert stage.rows[-1].endswith("20 elsewhere")
        assert stage.log.is_following
        stage.log.timeline = timeline
        await stage.settle()
        assert stage.rows == rows
        stage.log.timeline = None
        await stage.settle()
        assert stage.text.strip() == ""


async def test_an_empty_room_is_empty() -> None:
    async with shown(Timeline(ROOM, ME)) as stage:
        assert stage.text.strip() == ""
        stage.log.page_up()
        stage.log.scroll_to_oldest()
        stage.log.page_down()
        assert stage.log.is_following


async def test_another_past_is_shown_at_once() -> None:
    timeline = filled(100)
    async with shown(timeline) as stage:
        timeline.reset(50)
        timeline.append(line(51, "the other past"))
        await stage.settle()
        assert stage.rows[-2].endswith("message number 50")
        assert stage.rows[-1].endswith("the other past")


async def test_the_scrollbar_goes_by_messages() -> None:
    async with shown(filled(10_000)) as stage:
        bar = stage.log.vertical_scrollbar
        assert stage.log.show_vertical_scrollbar
        assert bar.position == stage.log.max_scroll_y == 9999
        stage.log.show_line(5000)
        assert bar.position == pytest.approx(5000, abs=30)
        stage.log.post_message(ScrollTo(y=2500))
        await stage.pilot.pause()
        assert stage.log._anchor is not None
        assert stage.log._anchor.position == pytest.approx(2500, abs=30)
        stage.log.post_message(ScrollTo(y=9999))
        await stage.pilot.pause()
        assert stage.log.is_following
        bottom = stage.rows
        for message in (ScrollUp(), ScrollDown()):
            stage.log.post_message(message)
            await stage.pilot.pause()
            assert (stage.rows == bottom) == isinstance(message, ScrollDown)


async def test_a_click_never_takes_the_focus() -> None:
    async with shown(filled(100)) as stage:
        stage.app.query_one(Input).focus()
        await stage.pilot.click(MessageLog, offset=(40, 5))
        assert stage.app.focused is stage.app.query_one(Input)


async def _drag(stage: Stage, start: tuple[int, int], end: tuple[int, int]) -> str | None:
    await stage.pilot.mouse_down(MessageLog, offset=start)
    await stage.pilot.hover(MessageLog, offset=end)
    await stage.pilot.mouse_up(MessageLog, offset=end)
    await stage.pilot.pause()
    return stage.app.screen.get_selected_text()


async def test_a_drag_copies_text_without_wraps_and_columns() -> None:
    timeline = filled(30)
    words = " ".join(f"word{at}" for at in range(40))
    timeline.append(line(31, words))
    timeline.append(line(32, "one\ntwo"))
    async with shown(timeline) as stage:
        bottom = len(stage.rows) - 1
        top = next(at for at, row in enumerate(stage.rows) if "word0 " in row)
        copied = await _drag(stage, (23, top), (23 + 3, bottom))
        assert copied == f"{words}\none\ntwo"
        copied = await _drag(stage, (23 + 6, top), (23 + 10, top))
        assert copied == "word1"
        copied = await _drag(stage, (2, bottom - 1), (2, bottom))
        assert copied == "one\nt"
        copied = await _drag(stage, (90, top - 1), (2, top - 2))
        assert copied == "message number 29\nmessage number 30"


async def test_what_is_selected_is_shown_so() -> None:
    timeline = filled(30, "日本語 text")
    async with shown(timeline) as stage:
        bottom = len(stage.rows) - 1
        assert await _drag(stage, (23, bottom), (23 + 3, bottom)) == "30 日"
        stage.log._is_painting = True
        strip = stage.log.render_line(bottom)
        stage.log._is_painting = False
        style = stage.app.screen.get_component_rich_style("screen--selection")
        shown_so = [
            segment.text for segment in strip if segment.style and segment.style.bgcolor == style.bgcolor
        ]
        assert "".join(shown_so) == "30 日"


async def test_a_selection_stays_on_its_text_in_another_width() -> None:
    timeline = filled(30, "some words to wrap in a narrow window, and some more of them")
    async with shown(timeline) as stage:
        bottom = len(stage.rows) - 1
        copied = await _drag(stage, (26, bottom - 1), (40, bottom))
        await stage.pilot.resize_terminal(40, 36)
        await stage.pilot.pause()
        assert stage.app.screen.get_selected_text() == copied


@pytest.mark.parametrize("theme", ["textual-light", "textual-dark", "nord", "solarized-light"])
async def test_colors_are_legible_in_every_theme(theme: str) -> None:
    timeline = filled(3)
    timeline.new_after = 2
    timeline.put_unsent(Unsent("b", "d", 2, "and merge", failed=True, reason="too long."))
    async with shown(timeline) as stage:
        stage.app.theme = theme
        await stage.pilot.pause()
        await stage.pilot.pause()
        background = stage.log.background_colors[1].rgb
        for strip in stage.log._strips:
            for segment in strip:
                if segment.text.strip() and segment.style and segment.style.color:
                    assert segment.style.color.triplet is not None
                    assert contrast(segment.style.color.triplet, background) >= 4.4, segment
                    assert segment.style.bgcolor is not None
                    assert segment.style.bgcolor.triplet is not None
                    assert tuple(segment.style.bgcolor.triplet) == background


async def test_a_picture_sits_on_a_dark_box_in_light_themes() -> None:
    grid = encode(Grid(3, 1, "###", bytes(3), ((255, 255, 255),)))
    timeline = Timeline(ROOM, ME)
    timeline.append(line(1, "logo.png", kind=LineKind.IMAGE, grid=grid))
    async with shown(timeline) as stage:
        stage.app.theme = "textual-light"
        await stage.pilot.pause()
        await stage.pilot.pause()
        (ink,) = [segment for segment in stage.log._strips[-2] if segment.text == "###"]
        assert ink.style is not None
        assert ink.style.bgcolor is not None
        assert ink.style.bgcolor.triplet is not None
        assert max(ink.style.bgcolor.triplet) < 64


async def test_a_message_as_long_as_can_be_is_scrolled_through() -> None:
    timeline = filled(3)
    timeline.append(line(4, "x" * 65_536))
    async with shown(timeline, 60, 24) as stage:
        stage.log.show_line(4)
        assert not stage.log.is_following
        for _ in range(3):
            stage.log.page_down()
        assert stage.log._anchor is not None
        assert stage.log._anchor.position == 4
        stage.log.scroll_to_newest()
        assert stage.rows[-1].endswith("x")


async def test_what_was_drawn_is_bounded() -> None:
    async with shown(filled(4_000, "text to wrap " * 10), 80, 50) as stage:
        for _ in range(100):
            stage.log.page_up()
        view = stage.log._view
        assert view is not None
        assert len(view._entries) <= 256
        assert len(view._strips) <= 1024


async def test_another_nick_draws_the_mentions_anew() -> None:
    timeline = filled(1)
    timeline.append(line(2, "hello zoe"))
    async with shown(timeline) as stage:
        assert "▌" not in stage.text
        stage.log.words = replace(WORDS, nick="zoe")
        assert "▌" in stage.rows[-1]


async def test_textual_may_scroll_by_itself_during_a_drag() -> None:
    async with shown(filled(200)) as stage:
        before = stage.rows
        for _ in range(4):
            stage.log.scroll_y -= 0.5
        assert stage.rows[2:] == before[:-2]
        stage.log.scroll_y += 2
        assert stage.rows == before


async def test_a_look_at_a_timeline_that_has_just_changed_is_safe() -> None:
    timeline = filled(100, "text to wrap " * 20)
    async with shown(timeline) as stage:
        stage.log.page_up()
        stage.app.screen.selections = {stage.log: Selection(None, None)}
        timeline.reset(3)
        for y in range(len(stage.rows) + 1):
            stage.log.render_line(y)
        timeline.reset(0)
        stage.log.page_up()
        stage.log.page_down()
        assert stage.app.screen.get_selected_text() is not None


@pytest.mark.parametrize("columns", [2, 5, 9, 12, 30])
async def test_no_window_is_too_small(columns: int) -> None:
    timeline = filled(5, "text 日本語 to wrap")
    timeline.append(line(6, "@it4 waves", kind=LineKind.ACTION, user="日本太郎"))
    timeline.append(line(7, "topic", kind=LineKind.TOPIC))
    timeline.note(Notice(NOON_MS, "a notice"))
    timeline.new_after = 4
    timeline.put_unsent(Unsent("a", "d", 1, "will review", failed=True, reason="too long"))
    async with shown(timeline, columns, 8) as stage:
        stage.log.scroll_to_oldest()
        timeline.append(line(8))
        for _ in range(60):
            assert all(strip.cell_length <= columns for strip in stage.log._strips)
            assert all(strip.cell_length == cells_of(list(strip)) for strip in stage.log._strips)
            stage.log.scroll_rows(5)
            stage.log.refresh_lines()
        assert stage.log.is_following
