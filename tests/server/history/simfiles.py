"""A disk in memory: it forgets what was not synced, refuses calls, takes small bites, or is full."""

import errno
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

from chatroom_server.history.files import Mode

SECTOR = 16
"""Bytes that reach the disk together; small, so that small files tear."""


class PowerFailedError(OSError):
    """The machine is off."""


@dataclass
class Inode:
    """A file: what programs read, and what a power cut leaves."""

    data: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    lost: bytearray = field(default_factory=bytearray)
    """Not 0 for bytes that a sync refused: the system takes them for clean, and no later sync writes them."""

    def refuse_sync(self) -> None:
        """Take for clean what is not."""
        old = self.durable.ljust(len(self.data), b"\0")
        self.lost = bytearray(o != n for o, n in zip(old, self.data, strict=False))

    def sync(self) -> None:
        """Write what the system takes for dirty."""
        old = self.durable.ljust(len(self.data), b"\0")
        lost = self.lost.ljust(len(self.data), b"\0")
        self.durable = (
            bytes(o if gone else n for o, n, gone in zip(old, self.data, lost, strict=False))
            if any(lost)
            else bytes(self.data)
        )


Node = Union[Inode, "Folder"]


@dataclass
class Folder:
    """The names in a folder, those that are on the disk, and the changes between them."""

    names: dict[str, Node] = field(default_factory=dict)
    durable: dict[str, Node] = field(default_factory=dict)
    changes: list[dict[str, Node | None]] = field(default_factory=list)
    """Each is whole on the disk, or not at all: a rename takes one name away and gives another."""

    def change(self, change: dict[str, Node | None]) -> None:
        """Give names, or take them away."""
        self.changes.append(change)
        _apply(self.names, change)


def _apply(names: dict[str, Node], change: dict[str, Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class SimFiles:
    """`Files` in memory.

    Attributes:
        calls: Each call that may fail, as (name, file name).
        fail: Decides before each call whether it fails, and how.
        free: Bytes that the disk still takes.
        bite: At most so many bytes are taken by one write.
        halves: Decides before each write whether it takes only half of the bytes.
        sector: Bytes that reach the disk together.
        tears_inside: A power cut may leave a file at any size between the old one and the new one.
        dies_at: The number of the call at which the power fails: from there on nothing happens any more.
    """

    def __init__(self) -> None:
        self.root = Folder()
        self.calls: list[tuple[str, str]] = []
        self.fail: Callable[[str, str], int | None] = lambda call, name: None
        self.free = 1 << 40
        self.bite = 1 << 40
        self.halves: Callable[[], bool] = lambda: False
        self.sector = SECTOR
        self.tears_inside = False
        self.dies_at = 1 << 40
        self.bootid = "boot 0"
        self._open: dict[int, tuple[Inode, str, bool]] = {}
        self._locked: set[int] = set()
        self._next_fd = 3

    # --- tests

    @property
    def is_dead(self) -> bool:
        """The power has failed, and nobody has brought it back."""
        return len(self.calls) >= self.dies_at

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each call was made on each name."""
        return Counter(self.calls)

    def power_cut(self, rng: random.Random) -> "SimFiles":
        """The disk as it may be found afterwards: anything that was not synced is there or not."""
        after = SimFiles()
        after.sector, after.tears_inside = self.sector, self.tears_inside
        after.root = after.survivor(self.root, rng, {})
        after.bootid = f"boot {rng.random()}"
        return after

    def survivor(self, folder: Folder, rng: random.Random, seen: dict[int, Inode]) -> Folder:
        """What a power cut leaves of a folder."""
        names = dict(folder.durable)
        for change in folder.changes:
            if rng.random() < 0.5:
                _apply(names, change)
        after = Folder()
        for name, left in sorted(names.items()):
            if isinstance(left, Folder):
                after.names[name] = self.survivor(left, rng, seen)
            else:
                if id(left) not in seen:
                    seen[id(left)] = _torn(left, rng, self.sector, inside=self.tears_inside)
                after.names[name] = seen[id(left)]
        after.durable = dict(after.names)
        return after

    def killed(self) -> "SimFiles":
        """The disk as the next process finds it: all bytes are there, none of them more durable."""
        after = SimFiles()
        after.sector, after.tears_inside = self.sector, self.tears_inside
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
        self._call("open", path.name)
        if found is None:
            if not mode & (Mode.CREATE | Mode.NEW):
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            found = Inode()
            folder.change({path.name: found})
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
        try:
            self._call("write", name)
        except PowerFailedError:
            if len(self.calls) == self.dies_at:
                half = bytes(data[: len(data) // 2])
                inode.data.extend(bytes(max(0, offset - len(inode.data))))
                inode.data[offset : offset + len(half)] = half
            raise
        count = min(len(data), self.bite)
        count = (count + 1) // 2 if self.halves() else count
        growth = max(0, offset + count - len(inode.data))
        if growth > self.free:
            count -= growth - self.free
            growth = self.free
        if count <= 0 < len(data):
            raise OSError(errno.ENOSPC, "no space left")
        self.free -= growth
        inode.data.extend(bytes(max(0, offset - len(inode.data))))
        inode.data[offset : offset + count] = data[:count]
        inode.lost[offset : offset + count] = bytes(len(inode.lost[offset : offset + count]))
        return count

    def truncate(self, fd: int, size: int) -> None:
        inode, name, writable = self._open[fd]
        assert writable
        self._call("truncate", name)
        self.free += max(0, len(inode.data) - size)
        del inode.data[size:], inode.lost[size:]
        inode.data.extend(bytes(size - len(inode.data)))

    def sync(self, fd: int) -> None:
        inode, name, _ = self._open[fd]
        try:
            self._call("sync", name)
        except OSError:
            inode.refuse_sync()
            raise
        inode.sync()

    def sync_folder(self, path: Path) -> None:
        self._call("sync_folder", path.name)
        folder = self._folder(path)
        folder.durable = dict(folder.names)
        folder.changes = []

    def replace(self, path: Path, onto: Path) -> None:
        self._call("replace", onto.name)
        assert path.parent == onto.parent
        folder = self._folder(path.parent)
        folder.change({path.name: None, onto.name: folder.names[path.name]})

    def unlink(self, path: Path) -> None:
        folder = self._folder(path.parent)
        if path.name not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        self._call("unlink", path.name)
        gone = folder.names[path.name]
        assert isinstance(gone, Inode)
        folder.change({path.name: None})
        self.free += len(gone.data)

    def make_folder(self, path: Path) -> None:
        folder = self.root
        for part in path.parts[1:]:
            if part not in folder.names:
                self._call("make_folder", part)
                folder.change({part: Folder()})
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
        if self.is_dead:
            raise PowerFailedError(errno.EIO, "the power is gone")
        self.calls.append((call, name))
        if self.is_dead:
            raise PowerFailedError(errno.EIO, "the power goes")
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


def _torn(inode: Inode, rng: random.Random, sector: int, *, inside: bool) -> Inode:
    """Each sector is the new one or the old one, and so is the size; or that is between them."""
    new, old = bytes(inode.data), inode.durable
    if new == old:
        return Inode(bytearray(old), old)
    chance = rng.choice([0.0, 0.5, 0.7, 0.9, 1.0] if inside else [0.0, 0.5, 0.9, 1.0])
    size = len(new) if rng.random() < chance else len(old)
    if inside and 0.0 < chance < 1.0 and rng.random() < 0.6:
        size = rng.randint(min(len(new), len(old)), max(len(new), len(old)))
    longest = max(len(new), len(old))
    new, old = new.ljust(longest, b"\0"), old.ljust(longest, b"\0")
    torn = b"".join(
        (new if rng.random() < chance else old)[at : at + sector] for at in range(0, longest, sector)
    )
    return Inode(bytearray(torn[:size]), torn[:size])
