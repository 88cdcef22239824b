"""A disk in memory: it forgets what was not synced, refuses calls, takes small bites, or is full."""

import errno
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chatroom_server.history.files import Mode

SECTOR = 16
"""Bytes that reach the disk together; small, so that small files tear."""


@dataclass
class Inode:
    """A file: what programs read, and what a power cut leaves."""

    data: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    dropped: bytes = b""
    """What a sync refused: the system takes it for clean, and no later sync writes it."""

    def synced(self) -> bytes:
        """What is on the disk after a sync that says nothing bad."""
        if not self.dropped:
            return bytes(self.data)
        old = self.durable.ljust(len(self.data), b"\0")
        dropped = self.dropped.ljust(len(self.data), b"\0")
        return bytes(o if n == d else n for n, o, d in zip(self.data, old, dropped, strict=False))


@dataclass
class Folder:
    """The names in a folder, and those that a power cut leaves."""

    names: dict[str, "Inode | Folder"] = field(default_factory=dict)
    durable: dict[str, "Inode | Folder"] = field(default_factory=dict)


class SimFiles:
    """`Files` in memory.

    Attributes:
        calls: Each call that may fail, as (name, file name).
        fail: Decides before each call whether it fails, and how.
        free: Bytes that the disk still takes.
        bite: At most so many bytes are taken by one write.
    """

    def __init__(self) -> None:
        self.root = Folder()
        self.calls: list[tuple[str, str]] = []
        self.fail: Callable[[str, str], int | None] = lambda call, name: None
        self.free = 1 << 40
        self.bite = 1 << 40
        self.bootid = "boot 0"
        self._open: dict[int, tuple[Inode, str, bool]] = {}
        self._locked: set[int] = set()
        self._next_fd = 3

    # --- tests

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each call was made on each name."""
        return Counter(self.calls)

    def power_cut(self, rng: random.Random) -> "SimFiles":
        """The disk as it may be found afterwards: anything that was not synced is there or not."""
        after = SimFiles()
        after.root = _survivor(self.root, rng, {})
        after.bootid = f"boot {rng.random()}"
        return after

    def killed(self) -> "SimFiles":
        """The disk as the next process finds it: all bytes are there, none of them more durable."""
        after = SimFiles()
        after.root = self.root
        after.bootid = self.bootid
        return after

    def file(self, path: Path) -> Inode:
        """A file, to look at or to damage."""
        found = self._folder(path.parent).names[path.name]
        assert isinstance(found, Inode)
        return found

    # --- Files

    def open(self, path: Path, mode: Mode) -> int:
        folder = self._folder(path.parent)
        found = folder.names.get(path.name)
        if found is None:
            self._call("open", path.name)
            if not mode & (Mode.CREATE | Mode.NEW):
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            found = folder.names[path.name] = Inode()
        elif mode & Mode.NEW:
            raise FileExistsError(errno.EEXIST, "it exists", str(path))
        assert isinstance(found, Inode)
        return self._opened(found, path.name, writable=bool(mode & Mode.WRITE))

    def close(self, fd: int) -> None:
        del self._open[fd]

    def size(self, fd: int) -> int:
        return len(self._open[fd][0].data)

    def read(self, fd: int, size: int, offset: int) -> bytes:
        inode, name, _ = self._open[fd]
        self._call("read", name)
        return bytes(inode.data[offset : offset + min(size, self.bite)])

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        inode, name, writable = self._open[fd]
        assert writable
        self._call("write", name)
        count = min(len(data), self.bite)
        growth = max(0, offset + count - len(inode.data))
        if growth > self.free:
            count -= growth - self.free
            growth = self.free
        if count <= 0:
            raise OSError(errno.ENOSPC, "no space left")
        self.free -= growth
        inode.data.extend(bytes(max(0, offset - len(inode.data))))
        inode.data[offset : offset + count] = data[:count]
        return count

    def truncate(self, fd: int, size: int) -> None:
        inode, name, writable = self._open[fd]
        assert writable
        self._call("truncate", name)
        self.free += max(0, len(inode.data) - size)
        del inode.data[size:]
        inode.data.extend(bytes(size - len(inode.data)))

    def sync(self, fd: int) -> None:
        inode, name, _ = self._open[fd]
        try:
            self._call("sync", name)
        except OSError:
            inode.dropped = bytes(inode.data)
            raise
        inode.durable = inode.synced()

    def sync_folder(self, path: Path) -> None:
        self._call("sync_folder", path.name)
        folder = self._folder(path)
        folder.durable = dict(folder.names)

    def replace(self, path: Path, onto: Path) -> None:
        self._call("replace", onto.name)
        source = self._folder(path.parent)
        self._folder(onto.parent).names[onto.name] = source.names.pop(path.name)

    def unlink(self, path: Path) -> None:
        folder = self._folder(path.parent)
        if path.name not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        self._call("unlink", path.name)
        gone = folder.names.pop(path.name)
        assert isinstance(gone, Inode)
        self.free += len(gone.data)

    def make_folder(self, path: Path) -> None:
        folder = self.root
        for part in path.parts[1:]:
            if part not in folder.names:
                self._call("make_folder", part)
                folder.names[part] = Folder()
            below = folder.names[part]
            assert isinstance(below, Folder)
            folder = below

    def names(self, path: Path) -> list[str]:
        try:
            return list(self._folder(path).names)
        except FileNotFoundError:
            return []

    def lock(self, path: Path) -> int:
        fd = self.open(path, Mode.WRITE | Mode.CREATE)
        inode = self._open[fd][0]
        if any(held in self._open and self._open[held][0] is inode for held in self._locked if held != fd):
            self.close(fd)
            raise BlockingIOError(errno.EAGAIN, "it is locked")
        self._locked.add(fd)
        return fd

    def boot(self) -> str:
        return self.bootid

    def _call(self, call: str, name: str) -> None:
        self.calls.append((call, name))
        number = self.fail(call, name)
        if number is not None:
            raise OSError(number, f"{call} of {name} was made to fail")

    def _opened(self, inode: Inode, name: str, *, writable: bool) -> int:
        fd, self._next_fd = self._next_fd, self._next_fd + 1
        self._open[fd] = (inode, name, writable)
        return fd

    def _folder(self, path: Path) -> Folder:
        folder = self.root
        for part in path.parts[1:]:
            below = folder.names.get(part)
            if below is None:
                raise FileNotFoundError(errno.ENOENT, "no such folder", str(path))
            if not isinstance(below, Folder):
                raise NotADirectoryError(errno.ENOTDIR, "no folder", str(path))
            folder = below
        return folder


def _survivor(folder: Folder, rng: random.Random, seen: dict[int, Inode]) -> Folder:
    after = Folder()
    for name in sorted(folder.names.keys() | folder.durable.keys()):
        now, then = folder.names.get(name), folder.durable.get(name)
        left = now if now is then or rng.random() < 0.5 else then
        if isinstance(left, Folder):
            after.names[name] = _survivor(left, rng, seen)
        elif left is not None:
            if id(left) not in seen:
                seen[id(left)] = _torn(left, rng)
            after.names[name] = seen[id(left)]
    after.durable = dict(after.names)
    return after


def _torn(inode: Inode, rng: random.Random) -> Inode:
    """Each sector is the new one or the old one, and so is the size."""
    new, old = bytes(inode.data), inode.durable
    if new == old:
        return Inode(bytearray(old), old)
    chance = rng.choice([0.0, 0.5, 0.9, 1.0])
    size = len(new) if rng.random() < chance else len(old)
    longest = max(len(new), len(old))
    new, old = new.ljust(longest, b"\0"), old.ljust(longest, b"\0")
    torn = b"".join(
        (new if rng.random() < chance else old)[at : at + SECTOR] for at in range(0, longest, SECTOR)
    )
    return Inode(bytearray(torn[:size]), torn[:size])
