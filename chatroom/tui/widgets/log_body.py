"""What a message of the log consists of, for one width: text that is wrapped, a picture that is fitted."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from chatroom.common.grid import Grid, fit
from chatroom.tui.widgets.log_wrap import Span, wrap

_LINK: Final = re.compile(r"https?://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)\]}]")
_WHOLE: Final = 1 << 20
"""The offset behind the last row of a picture: rows of one that is fitted anew have the same share of it."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """A part of a text in a style of its own."""

    start: int
    end: int
    style: Style


class Body(Protocol):
    """Rows without the columns at their left.

    Attributes:
        spans: For each row the part of the text to copy that it shows.
        offsets: For each row a number that rises, and that means the same in another width.
    """

    @property
    def spans(self) -> Sequence[Span]: ...

    @property
    def offsets(self) -> Sequence[int]: ...

    def segments(self, row: int) -> list[Segment]:
        """One row as it is drawn."""
        ...


def row_at(body: Body, offset: int) -> int:
    """The row that shows what an offset means."""
    return max(0, bisect_right(body.offsets, offset) - 1)


class TextBody:
    """A text, broken into rows of so many cells."""

    __slots__ = ("_highlights", "_style", "offsets", "spans", "text")

    def __init__(self, text: str, cells: int, style: Style, highlights: Sequence[Highlight] = ()) -> None:
        self.text = text
        self.spans: Sequence[Span] = wrap(text, cells)
        self.offsets: Sequence[int] = [start for start, _ in self.spans]
        self._style = style
        self._highlights = highlights

    def segments(self, row: int) -> list[Segment]:
        """One row as it is drawn."""
        start, end = self.spans[row]
        segments = []
        for highlight in self._highlights:
            low, high = max(start, highlight.start), min(end, highlight.end)
            if low < high:
                segments += [Segment(self.text[start:low], self._style)] if low > start else []
                segments.append(Segment(self.text[low:high], self._style + highlight.style))
                start = high
        if start < end:
            segments.append(Segment(self.text[start:end], self._style))
        return segments


class PictureBody:
    """A grid on a box, with its caption below."""

    __slots__ = ("_box", "_caption", "_rows", "offsets", "spans")

    def __init__(self, grid: Grid, caption: str, cells: int, box: Style, caption_style: Style) -> None:
        fitted = fit(grid, cells)
        self._rows = [(fitted, at) for at in range(fitted.rows)]
        self._box = box
        self._caption = TextBody(caption, cells, caption_style)
        self.spans: Sequence[Span] = [(0, 0)] * fitted.rows + list(self._caption.spans)
        shares = [at * _WHOLE // fitted.rows for at in range(fitted.rows)]
        self.offsets: Sequence[int] = shares + [_WHOLE + at for at in self._caption.offsets]

    def segments(self, row: int) -> list[Segment]:
        """One row as it is drawn."""
        if row >= len(self._rows):
            return self._caption.segments(row - len(self._rows))
        grid, at = self._rows[row]
        start, end = at * grid.columns, (at + 1) * grid.columns
        return _colored(grid.characters[start:end], grid.colors[start:end], grid, self._box)


class Bodies:
    """Several bodies below each other; only the first one is copied."""

    __slots__ = ("_firsts", "_parts", "offsets", "spans")

    def __init__(self, parts: Sequence[Body]) -> None:
        self._parts = parts
        self._firsts: list[int] = []
        spans: list[Span] = list(parts[0].spans)
        offsets: list[int] = []
        behind = spans[-1][1]
        for part in parts:
            self._firsts.append(len(offsets))
            base = offsets[-1] + 1 if offsets else 0
            offsets += [base + offset for offset in part.offsets]
        self.offsets: Sequence[int] = offsets
        self.spans: Sequence[Span] = spans + [(behind, behind)] * (len(offsets) - len(spans))

    def segments(self, row: int) -> list[Segment]:
        """One row as it is drawn."""
        part = bisect_right(self._firsts, row) - 1
        return self._parts[part].segments(row - self._firsts[part])


def links(text: str, style: Style) -> list[Highlight]:
    """Show addresses as such; nothing opens them."""
    if "://" not in text:
        return []
    return [Highlight(*found.span(), style) for found in _LINK.finditer(text)]


def cells_of(segments: Sequence[Segment]) -> int:
    """How wide a row is."""
    return sum(cell_len(segment.text) for segment in segments)


def _colored(characters: str, colors: bytes, grid: Grid, box: Style) -> list[Segment]:
    """A row of a picture: neighbours of one colour are one segment."""
    segments = []
    start = 0
    for at in range(1, len(colors) + 1):
        if at == len(colors) or colors[at] != colors[start]:
            place = colors[start]
            ink = Style(color=Color.from_rgb(*grid.palette[place])) if place < len(grid.palette) else None
            segments.append(Segment(characters[start:at], box + ink))
            start = at
    return segments
