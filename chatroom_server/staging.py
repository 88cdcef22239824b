"""Staging folders: hidden ones in which copies are made, beside the place they will take.

Each is locked by the program that works there. What one left that was killed is told from that: a folder of
this shape, with our word in a lock that nobody holds.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chatroom_server.history import FolderInUseError, OsFiles
from chatroom_server.history.lock import NAME as LOCK
from chatroom_server.history.lock import read_lock, take_lock

COPY: Final = "copy"
"""The folder in it that is filled, and moved away when it is whole."""
_WORD: Final = "chatroom-server backup"
_END: Final = ".new"


@contextlib.contextmanager
def staging_folder(parent: Path, name: str) -> Iterator[Path]:
    """An empty folder for a copy, on the disk of `parent`; it is gone at the end unless it was moved away.

    Raises:
        OSError: It cannot be made.
    """
    place = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=_END, dir=parent))
    lock = None
    try:
        with contextlib.suppress(
            FolderInUseError, OSError
        ):  # no locks on that disk: nobody will tidy up there
            lock = take_lock(OsFiles(), place, _WORD)
        (place / COPY).mkdir(mode=0o700)
        yield place / COPY
    finally:
        _remove(place)
        if lock is not None:
            os.close(lock)


def tidy_up(parent: Path) -> None:
    """Take away the staging folders whose programs were killed; what may be anything else stays."""
    with contextlib.suppress(OSError):
        for place in list(parent.glob(f".*{_END}")):
            with contextlib.suppress(OSError):
                _tidy_up(place)


def _tidy_up(place: Path) -> None:
    """Take it away if it is ours and nobody works there."""
    is_own = place.is_dir() and not place.is_symlink() and place.stat().st_uid == os.geteuid()
    if not is_own or {path.name for path in place.iterdir()} - {LOCK, COPY}:
        return
    files = OsFiles()
    if read_lock(files, place).note != _WORD:  # not ours, or so new that its lock is not taken yet
        return
    lock = files.lock(place / LOCK)  # raises where somebody has it
    try:
        _remove(place)
    finally:
        os.close(lock)


def _remove(place: Path) -> None:
    """The lock goes last, so that a program that is killed meanwhile leaves what can be told."""
    shutil.rmtree(place / COPY, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
