"""Where a text is broken into rows: by cells, at blanks, never inside what is drawn as one character."""

from rich.cells import split_graphemes

Span = tuple[int, int]
"""(start, end) in characters."""


def wrap(text: str, width: int) -> list[Span]:
    """Break a text into rows of at most so many cells; at least one row.

    Newlines break always, blanks and wide characters where the row would be too long, words only where one
    alone is longer than a row. The blanks at a break belong to no row.
    """
    rows: list[Span] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if line.isascii():
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
        behind = _behind_blanks(text, blank, end)
        rows.append((start, _before_blanks(text, start, blank)))
        if behind == end:
            return
        start = behind
    rows.append((start, end))


def _wrap_graphemes(text: str, start: int, end: int, width: int, rows: list[Span]) -> None:
    """Characters take two cells, or none, or several make one that is drawn."""
    graphemes, cells = split_graphemes(text[start:end])
    if cells <= width:
        rows.append((start, end))
        return
    row, used, place, chance = start, 0, 0, -1
    while place < len(graphemes):
        first, behind, size = graphemes[place]
        here = start + first
        if used + size > width and here > row:
            if chance >= 0:
                rows.append((row, _before_blanks(text, row, start + graphemes[chance][0])))
                place = chance
                while place < len(graphemes) and text[start + graphemes[place][0]] == " ":
                    place += 1
                if place == len(graphemes):
                    return
            else:
                rows.append((row, here))
            row, used, chance = start + graphemes[place][0], 0, -1
            continue
        if (text[here] == " " or size == 2) and here > row and not text[row:here].isspace():
            chance = place
        used += size
        place += 1
        if size == 2 and place < len(graphemes) and behind < end - start:
            chance = place if used <= width else chance
    rows.append((row, end))


def _behind_blanks(text: str, at: int, end: int) -> int:
    while at < end and text[at] == " ":
        at += 1
    return at


def _before_blanks(text: str, start: int, at: int) -> int:
    while at > start and text[at - 1] == " ":
        at -= 1
    return at
