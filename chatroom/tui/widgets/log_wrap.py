"""Where a text is broken into rows: by cells, at blanks, never inside what is drawn as one character."""

from typing import Final

from rich.cells import split_graphemes

CellSpan = tuple[int, int, int]
"""(start, end, cells) of what is drawn as one character."""

Span = tuple[int, int]
"""(start, end) in characters."""


_NARROW: Final = "\u0300"
"""Below it every character of an inert text takes one cell."""


def wrap(text: str, width: int) -> list[Span]:
    """Break an inert text into rows of at most so many cells; at least one row.

    Newlines break always, blanks and wide characters where the row would be too long, words only where one
    alone is longer than a row. The blanks at a break belong to no row.
    """
    rows: list[Span] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if line.isascii() or max(line) < _NARROW:
            _wrap_narrow(text, start, end, width, rows)
        else:
            _wrap_graphemes(text, start, end, width, rows)
        start = end + 1
    return rows


def _wrap_narrow(text: str, start: int, end: int, width: int, rows: list[Span]) -> None:
    """Every character takes one cell."""
    while end - start > width:
        blank = text.rfind(" ", start, start + width + 1)
        if blank <= start or text[start:blank].isspace():
            rows.append((start, start + width))
            start += width
            continue
        rows.append((start, _before_blanks(text, start, blank)))
        start = _behind_blanks(text, blank, end)
        if start == end:
            return
    rows.append((start, end))


def _wrap_graphemes(text: str, start: int, end: int, width: int, rows: list[Span]) -> None:
    """Characters take two cells, or none, or several make one that is drawn."""
    graphemes, cells = split_graphemes(text[start:end])
    if cells <= width:
        rows.append((start, end))
        return
    row, used, chance, place, from_place = start, 0, 0, 0, 0
    while place < len(graphemes):
        first, behind, size = graphemes[place]
        here = start + first
        is_blank = text[here : start + behind] == " "
        if is_blank and not text[row:here].isspace():
            chance = place
        if used + size > width and place > from_place:
            cut = chance if chance > from_place else place
            rows.append((row, _before_blanks(text, row, start + graphemes[cut][0])))
            place = _behind_blank_graphemes(text, start, graphemes, cut) if chance > from_place else cut
            if place == len(graphemes):
                return
            row, used, from_place = start + graphemes[place][0], 0, place
            continue
        used, place = used + size, place + 1
        if size > 1:
            chance = place
    rows.append((row, end))


def _behind_blank_graphemes(text: str, start: int, graphemes: list[CellSpan], place: int) -> int:
    while place < len(graphemes) and text[start + graphemes[place][0] : start + graphemes[place][1]] == " ":
        place += 1
    return place


def _behind_blanks(text: str, at: int, end: int) -> int:
    while at < end and text[at] == " ":
        at += 1
    return at


def _before_blanks(text: str, start: int, at: int) -> int:
    while at > start and text[at - 1] == " ":
        at -= 1
    return at
