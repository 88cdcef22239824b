"""Finds out whether pasted or dropped text is nothing but the paths of pictures.

Terminals paste what is dropped on them in their own ways: raw, in quotes, with backslashes, as `file://`
addresses, one on a line or several. Whatever is not in its entirety such a list is text that somebody wrote.
"""

import re
import shlex
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from chatroom.media.errors import PictureError
from chatroom.media.files import HEAD, read_picture

TEXT_MAX: Final = 32 * 1024
"""Characters; nothing longer is looked at."""

PICTURES_MAX: Final = 20
"""More paths than these are taken as text."""

_LINE_ENDS: Final = re.compile(r"[\r\n]+")
_FILE: Final = "file://"
_HOSTS: Final = ("", "localhost")


def picture_paths(text: str) -> list[Path]:
    """Give the pictures that a pasted text consists of, in its order; none if any of it is something else.

    Each is an absolute path (`~/` too) of a regular file of less than 20 MiB that begins as PNG, JPEG, GIF or
    WebP do. Blocking (it looks at the files); call it in a thread. Never raises, nor opens pipes or devices.
    """
    text = text.strip()
    if not text or len(text) > TEXT_MAX:
        return []
    lines = [line.strip() for line in _LINE_ENDS.split(text)]
    return _pictures(lines) or _pictures(_words(text))


def _words(text: str) -> list[str]:
    """Split as a shell would; what a shell would find unfinished is nobody's list of paths."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _pictures(tokens: list[str]) -> list[Path]:
    """The paths of all tokens, or none if one of them is not the path of a picture."""
    paths: list[Path] = []
    for token in tokens if len(tokens) <= PICTURES_MAX else ():
        path = _absolute(token)
        if path is None or not _is_picture(path):
            return []
        paths.append(path)
    return paths


def _absolute(token: str) -> Path | None:
    if token.startswith(_FILE):
        host, _, rest = token.removeprefix(_FILE).partition("/")
        return Path("/" + unquote(rest, errors="surrogateescape")) if host in _HOSTS else None
    if token.startswith("~/"):
        return _in_home(token)
    path = Path(token)
    return path if path.is_absolute() else None


def _in_home(token: str) -> Path | None:
    try:
        return Path(token).expanduser()
    except RuntimeError:  # nobody knows where home is
        return None


def _is_picture(path: Path) -> bool:
    try:
        read_picture(path, HEAD)
    except PictureError:
        return False
    return True
