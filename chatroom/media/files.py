"""Opens files that may be pictures without ever waiting for, or waking, anything that is no regular file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatroom.media.errors import PictureError, Problem

BYTES_MAX: Final = 20 * 1024 * 1024
"""A picture's file is smaller than this."""

HEAD: Final = 12
"""Bytes that tell the format."""

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # what follows are not there on Windows
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def picture_format(head: bytes) -> str | None:
    """Tell PNG, JPEG, GIF and WEBP by a file's first `HEAD` bytes, None for everything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return None


def read_picture(path: Path, limit: int = BYTES_MAX) -> bytes:
    """Read the beginning of a picture, or all of it. Blocking; call it in a thread.

    Merely opening some devices acts on them, and opening a pipe waits for its writer: so it looks before it
    opens, and again at what was really opened, for a file that is replaced in between.

    Raises:
        PictureError: It is missing, no regular file, too large, unreadable, or none of the four formats.
    """
    with _refusals(path):
        _check(path, path.stat())
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            _check(path, os.fstat(file.fileno()))
            head = file.read(HEAD) or b""
            if picture_format(head) is None:
                raise PictureError(Problem.NO_PICTURE, path)
            return head + file.read(limit - HEAD)


def _check(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(Problem.FOLDER, path)
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(Problem.NO_FILE, path)
    if status.st_size >= BYTES_MAX:
        raise PictureError(Problem.TOO_MANY_BYTES, path)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Put the system's refusals into our words."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PictureError(Problem.MISSING, path) from error
    except PermissionError as error:
        raise PictureError(Problem.NOT_PERMITTED, path) from error
    except OSError as error:
        raise PictureError(Problem.UNREADABLE, path, error.strerror or type(error).__name__) from error
    except ValueError as error:  # a NUL in the path
        raise PictureError(Problem.MISSING, path) from error
