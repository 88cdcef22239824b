"""Draws a picture as large as it fits into one message."""

from pathlib import Path
from typing import Final

from chatroom.common.grid import GridTooLarge, encode
from chatroom.media.ascii_art import Picture, draw_off_loop

_WIDTHS: Final = (80, 60, 40)
"""Columns that a picture is drawn with, one after the other."""


async def draw_to_send(path: Path) -> tuple[Picture, str]:
    """Draw a file; returns the picture, and its grid as a message holds it.

    Raises:
        PictureError: It is no picture.
        GridTooLarge: It does not fit, however small.
    """
    for columns in _WIDTHS[:-1]:
        picture = await draw_off_loop(path, columns=columns)
        try:
            return picture, encode(picture.grid)
        except GridTooLarge:
            continue
    picture = await draw_off_loop(path, columns=_WIDTHS[-1])
    return picture, encode(picture.grid)
