"""The data folder's lock: one server at a time, and a word of it for whoever wants to speak with it."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatroom_server.history.errors import FolderInUseError
from chatroom_server.history.files import Files, OsFiles, lock_shared, read_file, write_at

NAME: Final = "lock"


@dataclass(frozen=True, slots=True)
class LockNote:
    """What the server that has the folder says of itself.

    Attributes:
        pid: Its process.
        note: Free text, such as the path of its control socket.
    """

    pid: int
    note: str


def read_lock(files: Files, folder: Path) -> LockNote:
    """What the last server wrote there, running or not; pid 0 when it says nothing."""
    try:
        said = json.loads(read_file(files, folder / NAME))
        return LockNote(int(said["pid"]), str(said["note"]))
    except (OSError, ValueError, TypeError, KeyError):
        return LockNote(0, "")


def take_lock(files: Files, folder: Path, note: str, *, pid: int | None = None) -> int:
    """Lock the folder until the returned file is closed or the process ends.

    Args:
        pid: The process that has it from now on; this one where nothing is said.

    Raises:
        FolderInUseError: Another process has it.
        OSError: The lock file cannot be made.
    """
    try:
        fd = files.lock(folder / NAME)
    except BlockingIOError as error:
        holder = read_lock(files, folder)
        raise FolderInUseError(folder, holder.pid, holder.note) from error
    try:
        write_note(files, fd, note, pid=pid)
    except OSError:
        files.close(fd)
        raise
    return fd


def write_note(files: Files, fd: int, note: str, *, pid: int | None = None) -> None:
    """Leave word in a lock that is ours."""
    said = {"pid": os.getpid() if pid is None else pid, "note": note}
    files.truncate(fd, 0)
    write_at(files, fd, json.dumps(said).encode() + b"\n", 0)


@contextlib.contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Keep servers out of a folder while it is read. Nothing is written, not even the lock.

    Raises:
        FolderInUseError: A server has it open.
        OSError: The lock cannot be read.
    """
    try:
        fd = lock_shared(folder / NAME)
    except FileNotFoundError:  # no server has ever opened this copy
        yield
        return
    except BlockingIOError as error:
        holder = read_lock(OsFiles(), folder)
        raise FolderInUseError(folder, holder.pid, holder.note) from error
    try:
        yield
    finally:
        os.close(fd)
