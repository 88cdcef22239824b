"""The thin layer under which lies the disk, so that tests can put a failing one in its place.

Everything here blocks, and raises OSError. What is POSIX only in the history sits in this module.
"""

import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from enum import Flag, auto
from pathlib import Path
from typing import Final, Protocol

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


class Mode(Flag):
    """How a file is opened."""

    READ = 0
    WRITE = auto()
    CREATE = auto()
    """Make it, with `FILE_MODE`, where there is none."""
    NEW = auto()
    """Fail where there is one."""


class Files(Protocol):
    """The calls to the disk that the history makes; `fd` is an open file."""

    def open(self, path: Path, mode: Mode) -> int:
        """Open a file."""

    def close(self, fd: int) -> None:
        """Let go of a file."""

    def size(self, fd: int) -> int:
        """How many bytes the file holds."""

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """Read at most `size` bytes; fewer at the end of the file or, as every read(2), at will."""

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write some of the bytes and say how many."""

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to a size."""

    def sync(self, fd: int) -> None:
        """Return when the file's bytes and size are on the disk."""

    def sync_folder(self, path: Path) -> None:
        """Return when the names in the folder are on the disk."""

    def replace(self, path: Path, onto: Path) -> None:
        """Rename a file, over another one if need be."""

    def unlink(self, path: Path) -> None:
        """Remove a file."""

    def make_folder(self, path: Path) -> None:
        """Make a folder and its parents, with `FOLDER_MODE`; fine when it exists."""

    def names(self, path: Path) -> list[str]:
        """The names in a folder; none when there is no such folder."""

    def lock(self, path: Path) -> int:
        """Open a file for this process alone; raises BlockingIOError when another process has it."""

    def boot(self) -> str:
        """A word that changes when the machine starts anew; empty where nobody knows."""


def lock_shared(path: Path) -> int:
    """Open a file so that no process may have it alone; raises BlockingIOError when one has."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _full_sync(fd: int) -> None:
    """On macOS fsync leaves the bytes in the disk's own cache; F_FULLFSYNC does not."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        except OSError:  # file systems of other machines know only fsync
            os.fsync(fd)
    else:
        os.fdatasync(fd)


class OsFiles:
    """The disk of this machine."""

    def open(self, path: Path, mode: Mode) -> int:
        """Open a file."""
        flags = os.O_CLOEXEC | (os.O_RDWR if mode & Mode.WRITE else os.O_RDONLY)
        flags |= os.O_CREAT if mode & (Mode.CREATE | Mode.NEW) else 0
        flags |= os.O_EXCL if mode & Mode.NEW else 0
        return os.open(path, flags, FILE_MODE)

    def close(self, fd: int) -> None:
        """Let go of a file."""
        os.close(fd)

    def size(self, fd: int) -> int:
        """How many bytes the file holds."""
        return os.fstat(fd).st_size

    def read(self, fd: int, size: int, offset: int) -> bytes:
        """Read at most `size` bytes."""
        return os.pread(fd, size, offset)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write some of the bytes and say how many."""
        return os.pwrite(fd, data, offset)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to a size."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Return when the file's bytes and size are on the disk."""
        _full_sync(fd)

    def sync_folder(self, path: Path) -> None:
        """Return when the names in the folder are on the disk."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def replace(self, path: Path, onto: Path) -> None:
        """Rename a file, over another one if need be."""
        path.replace(onto)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """Make a folder and its parents; fine when it exists."""
        if path.is_dir():  # as nearly always: each flush asks for each room
            return
        for folder in reversed([path, *path.parents]):
            if not folder.is_dir():
                folder.mkdir(FOLDER_MODE, exist_ok=True)

    def names(self, path: Path) -> list[str]:
        """The names in a folder; none when there is no such folder."""
        try:
            return [entry.name for entry in path.iterdir()]
        except FileNotFoundError:
            return []

    def lock(self, path: Path) -> int:
        """Open a file for this process alone."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        return fd

    def boot(self) -> str:
        """A word that changes when the machine starts anew; empty where nobody knows."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return ""


@contextlib.contextmanager
def opened(files: Files, path: Path, mode: Mode = Mode.READ) -> Iterator[int]:
    """An open file that is closed at the end."""
    fd = files.open(path, mode)
    try:
        yield fd
    finally:
        files.close(fd)


def write_at(files: Files, fd: int, data: bytes, offset: int) -> None:
    """Write all of the bytes, however few the disk takes at once."""
    done = files.write(fd, data, offset)
    while done < len(data):
        more = files.write(fd, memoryview(data)[done:], offset + done)
        if more == 0:
            raise OSError(errno.EIO, "the disk takes no bytes")
        done += more


def read_at(files: Files, fd: int, size: int, offset: int) -> bytes:
    """Read `size` bytes, fewer only where the file ends."""
    chunks: list[bytes] = []
    while size > 0:
        chunk = files.read(fd, size, offset)
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
        offset += len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_file(files: Files, path: Path) -> bytes:
    """All of a file."""
    with opened(files, path) as fd:
        return read_at(files, fd, files.size(fd), 0)


def write_file(files: Files, path: Path, data: bytes) -> None:
    """Write a file anew and wait until its bytes are on the disk; its name may not be yet."""
    with opened(files, path, Mode.WRITE | Mode.CREATE) as fd:
        files.truncate(fd, 0)
        write_at(files, fd, data, 0)
        files.sync(fd)


def replace_file(files: Files, path: Path, data: bytes) -> None:
    """Replace a file's content at one instant, durably: it is the old one or the new one, never a part."""
    beside = path.with_name(path.name + ".tmp")
    write_file(files, beside, data)
    files.replace(beside, path)
    files.sync_folder(path.parent)


def unlink_if_there(files: Files, path: Path) -> None:
    """Remove a file that nothing needs; one that resists is left for the next time."""
    with contextlib.suppress(OSError):
        files.unlink(path)
