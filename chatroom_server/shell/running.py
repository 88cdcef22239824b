"""How programs of this user find the servers that run: one JSON file each in the runtime folder.

The file is named after the data folder and holds a `RunningServer`. A server that was killed leaves its file
behind: the file counts only while its process holds the lock on it.
"""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from chatroom.common.places import runtime_folder
from chatroom_server.shell.logfile import make_private_folder

_SUFFIX: Final = ".server.json"
_LOOK_AGAIN_S: Final = 0.05


class RuntimeFolderError(Exception):
    """The runtime folder cannot be trusted or made; the text says why."""


class RunningServer(msgspec.Struct, frozen=True):
    """What a running server says of itself.

    Attributes:
        host: Where this machine reaches it.
        key: Its public key, in base64.
        control: Path of the socket that takes commands.
    """

    pid: int
    host: str
    port: int
    key: bytes
    data: str
    log: str
    control: str


_decode: Final = msgspec.json.Decoder(RunningServer).decode


def open_runtime_folder(environ: Mapping[str, str]) -> Path:
    """The folder, made where there is none; nobody else may have a hand in it. Blocks.

    Raises:
        RuntimeFolderError: It belongs to somebody else, or cannot be made.
    """
    folder = Path(runtime_folder(environ, os.getuid()))
    try:
        make_private_folder(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise RuntimeFolderError(f"{folder} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR")
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise RuntimeFolderError(f"{folder} cannot be used: {error.strerror}") from error
    return folder


def _stem(folder: Path, data: Path) -> Path:
    return folder / hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]


def control_path(folder: Path, data: Path) -> Path:
    """Where the server of a data folder takes commands."""
    return _stem(folder, data).with_suffix(".sock")


class Announcement:
    """The file of this server, there for as long as it runs. Blocks."""

    def __init__(self, folder: Path, server: RunningServer) -> None:
        self._path = _stem(folder, Path(server.data)).with_suffix(_SUFFIX)
        beside = self._path.with_suffix(f".{os.getpid()}.new")
        beside.unlink(missing_ok=True)
        self._fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        os.write(self._fd, msgspec.json.encode(server) + b"\n")
        beside.replace(self._path)

    def withdraw(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def running_servers(folder: Path) -> list[RunningServer]:
    """The servers that run now, by their data folders. Blocks."""
    found = [_read(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    return sorted((server for server in found if server is not None), key=lambda server: server.data)


def wait_until_gone(folder: Path, server: RunningServer, timeout_s: float) -> bool:
    """Wait until a server has ended; False when it took too long. Blocks."""
    deadline = time.monotonic() + timeout_s
    while any(other.pid == server.pid for other in running_servers(folder)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN_S)
    return True


def _read(path: Path) -> RunningServer | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not _is_locked(fd):
            return None
        return _decode(os.read(fd, 64 * 1024))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    finally:
        os.close(fd)


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
