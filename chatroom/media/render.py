"""Turns a grid into what screens draw: runs of one color, or lines of Rich text."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from chatroom.common.grid import NO_COLOR, RGB, Grid

if TYPE_CHECKING:
    from rich.text import Text

Run = tuple[str, RGB | None]
"""Characters that follow each other in one color; None is the reader's own colour."""


def cells(grid: Grid) -> Iterator[list[Run]]:
    """Yield each row, top first, as runs of one color; their characters add up to all columns."""
    for characters, colors in grid.rows_of_cells():
        yield list(_runs(characters, colors, grid.palette))


def rich_lines(grid: Grid, *, color: bool) -> list["Text"]:
    """Give the rows as Rich text, in their colors or without any; nothing in them is read as markup."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    lines = []
    for row in cells(grid):
        line = Text(no_wrap=True)
        for characters, rgb in row:
            line.append(characters, Style(color=Color.from_rgb(*rgb)) if color and rgb else None)
        lines.append(line)
    return lines


def _runs(characters: str, colors: bytes, palette: tuple[RGB, ...]) -> Iterator[Run]:
    for place, run in groupby(zip(characters, colors, strict=True), key=itemgetter(1)):
        yield "".join(map(itemgetter(0), run)), None if place == NO_COLOR else palette[place]
