"""A position of the timeline made ready to be drawn in one width and theme."""

from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatroom.common.grid import GridError, decode
from chatroom.common.inert import inert, one_line
from chatroom.common.names import shown_nick
from chatroom.model.timeline import Timeline, Unsent
from chatroom.protocol.frames import Line, LineKind
from chatroom.tui.widgets.log_body import Bodies, Body, Highlight, PictureBody, TextBody, cells_of, links
from chatroom.tui.widgets.log_geometry import TIME_CELLS, Geometry
from chatroom.tui.widgets.log_looks import Looks
from chatroom.tui.widgets.log_words import LogWords

_SPOKEN: Final = frozenset({LineKind.TEXT, LineKind.IMAGE})
"""Kinds that stand beside their author's nick; all others are a notice or say the nick themselves."""


@dataclass(slots=True, eq=False)
class Entry:
    """One position, ready to be drawn.

    Attributes:
        body: Its rows.
        text: What copying it gives.
        author: The user, for joining messages of one author; empty for what joins with nothing.
        at: Its time (ms since 1970, UTC), 0 while it has none.
        nick, nick_style, time: What stands beside or above the body.
        mark, mark_style: The cell between the gutter and each row.
        fill: The style of a row's background.
        source: The unsent message that it shows; None for stored lines.
    """

    body: Body
    text: str
    at: int = 0
    author: str = ""
    nick: str = ""
    nick_style: Style | None = None
    time: str = ""
    mark: str = " "
    mark_style: Style | None = None
    fill: Style | None = None
    is_notice: bool = False
    is_hole: bool = False
    source: Unsent | None = None

    def continues(self, before: "Entry | None") -> bool:
        """Whether nick and time would only repeat those of the entry before."""
        if before is None or not self.author or self.author != before.author:
            return False
        return self.source is not None or (self.time == before.time and self.at - before.at < 60_000)


class Drawer:
    """Makes entries, and rows of them.

    Everything here is for one width, theme, language and reader: it is thrown away when one changes.
    """

    def __init__(self, timeline: Timeline, geometry: Geometry, looks: Looks, words: LogWords) -> None:
        self.timeline = timeline
        self.geometry = geometry
        self.looks = looks
        self.words = words

    @property
    def notice_indent(self) -> int:
        """Cells left of a notice's text."""
        return TIME_CELLS + len(" · ")

    @property
    def _notice_cells(self) -> int:
        return max(1, self.geometry.width - self.notice_indent)

    # --- entries ---------------------------------------------------------------------------------
    def text(self, position: int) -> str | None:
        """What copying a position gives, without drawing it; None for a hole."""
        if unsent := self.timeline.unsent_at(position):
            return self._unsent_text(unsent)
        line = self.timeline.line(position)
        return None if line is None else self.words.body(line)

    def entry(self, position: int) -> Entry:
        """Make what stands at a position, 1 to the timeline's end."""
        if unsent := self.timeline.unsent_at(position):
            return self._unsent(unsent)
        line = self.timeline.line(position)
        return self._hole() if line is None else self._stored(line)

    def _hole(self) -> Entry:
        body = TextBody("…", self.geometry.text, self.looks["hole"])
        return Entry(body, "", mark_style=self.looks.base, is_hole=True)

    def _stored(self, line: Line) -> Entry:
        text = self.words.body(line)
        if line.kind not in _SPOKEN and line.kind != LineKind.ACTION:
            return self._said(line, text)
        meant = self.words.meant(line, text)
        return Entry(
            body=self._body(line.kind, text, line.grid, meant, self.looks.base),
            text=text,
            at=line.at,
            author=line.user if line.kind in _SPOKEN else "",
            nick=shown_nick(line.nick, guest=line.guest) if line.kind in _SPOKEN else "",
            nick_style=self.looks.nick(line.color),
            time=self.words.time(line.at),
            mark="▌" if meant else " ",
            mark_style=self.looks["mention-bar"] if meant else self.looks.base,
            fill=self.looks.fill if meant else None,
        )

    def _said(self, line: Line, text: str) -> Entry:
        """A line about the room: a topic, a right, or a kind of a later version."""
        body = TextBody(text, self._notice_cells, self.looks["notice"])
        return Entry(body, text, at=line.at, time=self.words.time(line.at), is_notice=True)

    def _unsent(self, message: Unsent) -> Entry:
        state = "failed" if message.failed else "pending"
        style = self.looks[state]
        text = self._unsent_text(message)
        body = self._body(message.kind, text, message.grid, [], style)
        if message.failed:
            reason = TextBody(self.words.not_sent(message.reason), self.geometry.text, style)
            body = Bodies([body, reason])
        return Entry(
            body=body,
            text=text,
            author=self.words.me,
            nick=one_line(self.words.nick),
            nick_style=style,
            mark="!" if message.failed else "…",
            mark_style=style,
            source=message,
        )

    def _unsent_text(self, message: Unsent) -> str:
        text = inert(message.body)
        return f"* {one_line(self.words.nick)} {text}" if message.kind == LineKind.ACTION else text

    def _body(self, kind: str, text: str, grid: str, meant: list[tuple[int, int]], style: Style) -> Body:
        if kind == LineKind.IMAGE and grid:
            try:
                picture = decode(grid)
            except GridError:
                text = f"{text} · {self.words.texts._('this picture cannot be drawn')}"
            else:
                caption = text or f"{picture.columns} x {picture.rows}"
                cells, box = self.geometry.text, self.looks["picture"]
                return PictureBody(picture, caption, cells, box, self.looks["notice"])
        highlights = links(text, self.looks["link"])
        highlights += [Highlight(start, end, self.looks["meant"]) for start, end in meant]
        highlights.sort(key=lambda highlight: highlight.start)
        return TextBody(text, self.geometry.text, style, highlights)

    # --- rows ------------------------------------------------------------------------------------
    def body_row(self, entry: Entry, row: int, continued: bool) -> Strip:
        """One row of an entry's body, as wide as the log."""
        if entry.is_notice:
            return self._notice_row(entry, row)
        segments = self._gutter(entry, row, continued)
        segments.append(Segment(entry.mark, self._on(entry, entry.mark_style)))
        content = entry.body.segments(row)
        if entry.fill:
            content = [Segment(text, (style or Style()) + entry.fill) for text, style, _ in content]
        used = self.geometry.gutter + cells_of(content)
        segments += content
        if entry.source and row == 0 and not entry.source.failed:
            used += self._pending(segments, used)
        return self._strip(segments, used, entry.fill)

    def header(self, entry: Entry) -> Strip:
        """The nick above the text, where it has no column."""
        if not entry.nick:
            return self._strip([Segment(entry.time, self.looks["time"])], cell_len(entry.time))
        nick = cut(entry.nick, max(1, self.geometry.width - TIME_CELLS - 1))
        time = f" {entry.time}" if entry.time else ""
        segments = [Segment(nick, entry.nick_style), Segment(time, self.looks["time"])]
        return self._strip(segments, cells_of(segments))

    def rule(self, label: str, look: str, character: str) -> Strip:
        """A line over the whole width with a label in it: a day, where the new messages begin."""
        style, width = self.looks[look], self.geometry.width
        label = cut(f" {label} ", max(0, width - 2))
        left = (width - cell_len(label)) // 2 if look == "day" else width - cell_len(label) - 2
        text = character * left + label
        return Strip([Segment(text + character * (width - cell_len(text)), style)], width)

    def notice(self, at: int, text: str) -> list[Strip]:
        """`[09:03] · dave joined the room`"""
        entry = Entry(
            TextBody(text, self._notice_cells, self.looks["notice"]), text, time=self.words.time(at)
        )
        return [self._notice_row(entry, row) for row in range(len(entry.body.spans))]

    def _notice_row(self, entry: Entry, row: int) -> Strip:
        lead = f"{entry.time} · " if row == 0 else " " * self.notice_indent
        segments = [Segment(lead, self.looks["notice"]), *entry.body.segments(row)]
        return self._strip(segments, cells_of(segments))

    def _gutter(self, entry: Entry, row: int, continued: bool) -> list[Segment]:
        if self.geometry.is_stacked:
            return []
        rule = Segment(" │", self.looks["rule"])
        if row or continued:
            return [Segment(" " * (TIME_CELLS + 1 + self.geometry.nick), self.looks.base), rule]
        nick = cut(entry.nick, self.geometry.nick)
        padding = " " * (1 + self.geometry.nick - cell_len(nick))
        time = entry.time or " " * TIME_CELLS
        return [
            Segment(time, self.looks["time"]),
            Segment(padding, self.looks.base),
            Segment(nick, entry.nick_style),
            rule,
        ]

    def _pending(self, segments: list[Segment], used: int) -> int:
        """Say it in words, too, where there is room at the right."""
        label = f" … {self.words.texts._('pending')}"
        free = self.geometry.width - used - cell_len(label)
        if free < 0 or self.geometry.is_stacked:
            return 0
        segments += [Segment(" " * free, self.looks.base), Segment(label, self.looks["pending"])]
        return free + cell_len(label)

    def _on(self, entry: Entry, style: Style | None) -> Style:
        style = style or self.looks.base
        return style + entry.fill if entry.fill else style

    def _strip(self, segments: list[Segment], used: int, fill: Style | None = None) -> Strip:
        width = self.geometry.width
        if used < width:
            base = self.looks.base + fill if fill else self.looks.base
            segments.append(Segment(" " * (width - used), base))
        strip = Strip([segment for segment in segments if segment.text], max(used, width))
        return strip if used <= width else strip.crop(0, width)


def cut(text: str, cells: int) -> str:
    """Shorten a text to so many cells, with `…` where something is missing."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1) + "…" if cells > 0 else ""
