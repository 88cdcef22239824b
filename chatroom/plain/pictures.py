"""Pictures in the line client: the paths that are typed, and the lines that are drawn."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from chatroom.common.grid import Grid, decode, fit, plain_lines
from chatroom.media import cells


def drawn_rows(encoded: str) -> list[str]:
    """The rows of a picture for this terminal, in color where it has any.

    Raises:
        GridError: It is no valid picture.
    """
    width = shutil.get_terminal_size().columns
    grid = fit(decode(encoded), width)
    is_colored = sys.stdout is not None and sys.stdout.isatty() and has_color(os.environ)
    return _colored(grid) if is_colored else plain_lines(grid)


def has_color(environ: Mapping[str, str]) -> bool:
    """Whether a terminal shows colors, and its user wants them (no-color.org)."""
    return environ.get("TERM", "") not in ("", "dumb") and not environ.get("NO_COLOR")


def _colored(grid: Grid) -> list[str]:
    return [
        "".join(
            characters if rgb is None else f"\x1b[38;2;{rgb[0]};{rgb[1]};{rgb[2]}m{characters}\x1b[39m"
            for characters, rgb in row
        )
        for row in cells(grid)
    ]


def typed_path(word: str) -> Path:
    """A path as it was typed: with quotes, or from one's home."""
    return Path(os.path.expanduser(word.strip("'\"")))  # noqa: PTH111  # a Path's own way counts as blocking
