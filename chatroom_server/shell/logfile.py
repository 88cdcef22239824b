"""A private file that lines are added to, and that is put aside before it grows too long."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

SIZE_MAX: Final = 8 * 1024 * 1024
KEPT: Final = 5
"""Files that were put aside: server.log.1 is the newest of them."""


class LogFileError(Exception):
    """The file is not one to write into; the text says why."""


class RotatingFile:
    """One log file, opened for its owner alone. Everything blocks.

    Raises:
        LogFileError: It is a link, no file, or belongs to somebody else.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, *, size_max: int = SIZE_MAX, kept: int = KEPT) -> None:
        self.path = path
        self._size_max, self._kept = size_max, kept
        self._fd = _open_private(path)
        self._size = os.fstat(self._fd).st_size

    def write(self, text: str) -> None:
        """Add text; a disk that refuses it is left alone, since nothing depends on it."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            if self._size and self._size + len(data) > self._size_max:
                self._put_aside()
            self._size += os.write(self._fd, data)
        except (OSError, LogFileError):
            return

    def reopen(self) -> None:
        """Go on in the file that has the name now, or in a new one: it may have been moved away.

        Raises:
            LogFileError: There is something else; the file from before stays in use.
            OSError: It cannot be opened; the same.
        """
        fresh = _open_private(self.path)
        os.close(self._fd)
        self._fd, self._size = fresh, os.fstat(fresh).st_size

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _put_aside(self) -> None:
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        with contextlib.suppress(FileNotFoundError):  # somebody else has moved it
            self.path.replace(self._numbered(1))
        fresh = _open_private(self.path)
        os.close(self._fd)
        self._fd, self._size = fresh, 0

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def make_private_folder(folder: Path) -> None:
    """Make a folder and its parents for this user alone; fine when it exists.

    Raises:
        OSError: It cannot be made.
    """
    for missing in reversed([folder, *folder.parents]):
        if not missing.is_dir():
            missing.mkdir(0o700, exist_ok=True)


def _open_private(path: Path) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, flags, 0o600)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise LogFileError(f"{path} is no ordinary file")
        if found.st_uid != os.geteuid():
            raise LogFileError(f"{path} belongs to another user")
        os.fchmod(fd, 0o600)
    except BaseException:
        os.close(fd)
        raise
    return fd


def open_first(folders: list[Path], name: str) -> tuple[RotatingFile | None, list[str]]:
    """Open a log in the first folder that can be written.

    Returns:
        The file, None where there is no such folder; and why the others were passed over.
    """
    problems: list[str] = []
    for folder in folders:
        try:
            make_private_folder(folder)
            return RotatingFile(folder / name), problems
        except LogFileError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{folder / name}: {error.strerror}")
    return None, problems
