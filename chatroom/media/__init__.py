"""Pictures: from pasted paths to characters in color, and onto the screen. Cheap to import."""

from chatroom.media.ascii_art import Picture, draw, draw_off_loop
from chatroom.media.errors import SENTENCES, PictureError, Problem
from chatroom.media.pasted import picture_paths
from chatroom.media.render import Run, cells, rich_lines
from chatroom.media.sending import draw_to_send

__all__ = [
    "SENTENCES",
    "Picture",
    "PictureError",
    "Problem",
    "Run",
    "cells",
    "draw",
    "draw_off_loop",
    "draw_to_send",
    "picture_paths",
    "rich_lines",
]
