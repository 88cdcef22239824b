"""Faults that no real disk has at will, put under a server in this process; people use the real programs."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from chatroom_server.history.files import Mode, OsFiles
from chatroom_server.shell.engine import Seams
from tests.conformance.server import port_of, running
from tests.e2e.terminal import PATIENCE_S
from tests.e2e.test_disk import read_until, refused
from tests.e2e.test_pipes import Reading
from tests.e2e.world import Person, Server


class BadFiles(OsFiles):
    """The disk of this machine, until something is said to fail.

    Attributes:
        fails: The error number of a call, by its name, while it fails.
        once: Calls that work again after they failed.
    """

    def __init__(self) -> None:
        self.fails: dict[str, int] = {}
        self.once = False

    def open(self, path: Path, mode: Mode) -> int:
        if mode & (Mode.WRITE | Mode.CREATE | Mode.NEW):
            self._call("open")
        return super().open(path, mode)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self._call("write")
        return super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        self._call("sync")
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._call("truncate")
        super().truncate(fd, size)

    def sync_folder(self, path: Path) -> None:
        self._call("sync_folder")
        super().sync_folder(path)

    def replace(self, path: Path, onto: Path) -> None:
        self._call("replace")
        super().replace(path, onto)

    def unlink(self, path: Path) -> None:
        self._call("unlink")
        super().unlink(path)

    def _call(self, name: str) -> None:
        number = self.fails.get(name)
        if number is not None:
            if self.once:
                self.fails.clear()
            raise OSError(number, os.strerror(number))


CHANGES = ("open", "write", "truncate", "sync_folder", "replace", "unlink")


@pytest.fixture
def files() -> BadFiles:
    """A disk for servers in this process."""
    return BadFiles()


@asynccontextmanager
async def _in_process(home: Path, seams: Seams) -> AsyncIterator[Server]:
    """A server in this process, for programs of people."""
    outside = Server(home)
    async with running(home, seams, HISTORY_FLUSH_S="0.05") as server:
        outside.port = port_of(server)
        yield outside


@pytest.mark.parametrize(
    "fails",
    [{"sync": errno.EIO}, {"sync_folder": errno.EIO, "sync": errno.EIO}, dict.fromkeys(CHANGES, errno.EROFS)],
    ids=["fsync", "fsync of files and folders", "read-only"],
)
async def test_a_disk_that_refuses_for_a_while(
    files: BadFiles, fails: dict[str, int], tmp_path: Path
) -> None:
    home, seams = tmp_path / "server", Seams(files=files)
    async with _in_process(home, seams) as server:
        it4, zoe = _person(server, "it4"), _person(server, "zoe")
        assert (await asyncio.to_thread(it4.script, "send", "general", "before")).returncode == 0
        with Reading(zoe) as reading:
            shown = await asyncio.to_thread(read_until, reading, "before")
            files.fails = fails
            await asyncio.to_thread(refused, it4, "while", "disk-error")
            assert await asyncio.to_thread(_said, it4) == ["before"]
            files.fails = {}
            assert (await asyncio.to_thread(it4.script, "send", "general", "after")).returncode == 0
            shown += await asyncio.to_thread(read_until, reading, "after")
        assert shown == ["before", "while", "after"]
    async with _in_process(home, seams) as server:
        assert await asyncio.to_thread(_said, _person(server, "it4")) == shown


async def test_one_fsync_that_fails_refuses_nobody(files: BadFiles, tmp_path: Path) -> None:
    """What the file may have lost is written to another one before anybody is shown it."""
    home, seams = tmp_path / "server", Seams(files=files)
    async with _in_process(home, seams) as server:
        it4 = _person(server, "it4")
        assert (await asyncio.to_thread(it4.script, "send", "general", "before")).returncode == 0
        files.fails, files.once = {"sync": errno.EIO}, True
        assert (await asyncio.to_thread(it4.script, "send", "general", "during")).returncode == 0
        assert not files.fails
        assert await asyncio.to_thread(_said, it4) == ["before", "during"]
    async with _in_process(home, seams) as server:
        assert await asyncio.to_thread(_said, _person(server, "it4")) == ["before", "during"]


HOUR_MS, YEAR_MS = 3_600_000, 31_536_000_000


async def test_a_clock_that_jumps(tmp_path: Path) -> None:
    """What is shown as the time of a message is the clock's; nothing else depends on it."""
    home, shift = tmp_path / "server", [0]
    seams = Seams(wall_ns=partial(_shifted_ns, shift))
    jumps = [0, -HOUR_MS, YEAR_MS, -YEAR_MS, 0]
    async with _in_process(home, seams) as server:
        it4 = _person(server, "it4")
        for number, shift[0] in enumerate(jumps):
            done = await asyncio.to_thread(it4.script, "send", "general", f"{number}")
            assert (done.returncode, done.stderr) == (0, b"")
            await _until(lambda: len(_filed(home)) > number)  # noqa: B023 - called before the next turn
    shift[0] = -YEAR_MS
    async with _in_process(home, seams) as server:
        it4 = _person(server, "it4")
        assert (await asyncio.to_thread(it4.script, "send", "general", "5")).returncode == 0
        lines = await asyncio.to_thread(it4.history)
    assert [(line["id"], line["body"]) for line in lines] == [(n + 1, str(n)) for n in range(6)]
    times = [line["at"] - lines[0]["at"] for line in lines]
    assert [round(at / HOUR_MS) * HOUR_MS for at in times] == [*jumps, -YEAR_MS]


def _shifted_ns(shift: list[int]) -> int:
    return time.time_ns() + shift[0] * 1_000_000


def _filed(home: Path) -> list[bytes]:
    """What the file of the room holds."""
    return b"".join(path.read_bytes() for path in home.glob("**/rooms/*/*.jsonl")).splitlines()


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _person(server: Server, nick: str) -> Person:
    return Person(server.folder / f"home-{nick}", server, nick)


def _said(person: Person) -> list[str]:
    return [line["body"] for line in person.history()]
