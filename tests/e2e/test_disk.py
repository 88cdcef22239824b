"""Disks that are full or cannot be written, under the real programs: readers go on, writers are told, nothing
is harmed, and everything goes on without a restart when the disk does."""

import asyncio
import errno
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from chatroom_server.history import open_log
from chatroom_server.history.files import Mode, OsFiles
from chatroom_server.shell.runner import Runner
from tests.conformance.server import port_of, running
from tests.e2e.terminal import PATIENCE_S, Terminal, server_command
from tests.e2e.test_pipes import Reading, bodies, ids
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]
SIZE = 4 * 1024 * 1024
LONG = "x" * 20_000
"""No page of the disk that is in use already has room for it."""
TYPED = "y" * 4050
"""As long as a line in a terminal may be, and with what is around it longer than a page of the disk."""


class SmallDisk:
    """A file system of a few megabytes, in a mount namespace that ends with it; needs no rights.

    Raises:
        OSError: This machine does not let us; the text says why.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        script = 'mount -t tmpfs -o mode=700,size="$1" tmpfs "$2" && echo ready && exec cat'
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
        if sys.platform != "linux" or any(shutil.which(tool) is None for tool in ("unshare", "nsenter")):
            raise OSError(errno.ENOSYS, "there is no unshare or no nsenter")
        self._holder = subprocess.Popen(
            [*command, str(SIZE), str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline()
        if said != b"ready\n":
            self.close()
            raise OSError(errno.EPERM, said.decode(errors="replace").strip())

    def within(self, *command: str) -> list[str]:
        """The command line that runs a command where the disk is mounted."""
        target = ["--target", str(self._holder.pid), "--user", "--mount", "--preserve-credentials"]
        return ["nsenter", *target, "--", *command]

    def remount(self, how: str) -> None:
        """Mount it anew, "ro" or "rw"."""
        subprocess.run(self.within("mount", "-o", f"remount,{how}", str(self._place)), check=True)

    @property
    def folder(self) -> Path:
        """The disk as it is seen from outside."""
        return Path(f"/proc/{self._holder.pid}/root{self._place}")

    def fill(self) -> None:
        """Leave no room."""
        with (
            Path("/dev/zero").open("rb") as zeros,
            (self.folder / "filling").open("wb", buffering=0) as file,
            pytest.raises(OSError, match="No space left"),
        ):
            shutil.copyfileobj(zeros, file)

    def make_room(self) -> None:
        """Take away what filled it."""
        (self.folder / "filling").unlink()

    def close(self) -> None:
        """Let go of it; it ends with the last program that uses it."""
        self._holder.communicate(timeout=PATIENCE_S)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    place = tmp_path / "server" / "data"
    place.mkdir(parents=True)
    try:
        small = SmallDisk(place)
    except OSError as error:
        pytest.skip(f"no small disk can be mounted here: {error.strerror}")
    yield small
    small.close()


@pytest.fixture
def on_disk(disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with its data on the small disk."""
    monkeypatch.setattr("tests.e2e.world.server_command", lambda *args: disk.within(*server_command(*args)))
    yield from _served(tmp_path / "server")


def _served(folder: Path) -> Iterator[Server]:
    (folder / "server.conf").write_text("BURST=0\nRATE=0\nHISTORY_FLUSH_S=0.2\n")
    server = Server(folder, "--config", str(folder / "server.conf")).start()
    yield server
    server.kill()
    assert "Traceback" not in server.console()


@pytest.fixture
def people(tmp_path: Path) -> Callable[[Server, str], Person]:
    def make(server: Server, nick: str) -> Person:
        return Person(tmp_path / f"home-{nick}", server, nick)

    return make


MakePeople = Callable[[Server, str], Person]


def refused(person: Person, text: str, word: str) -> None:
    """One message is not stored, and one sentence says so."""
    done = person.script("send", "general", data=text.encode())
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"the server could not store the message ({word})\n"


def test_a_full_disk(disk: SmallDisk, on_disk: Server, people: MakePeople) -> None:
    it4, zoe = people(on_disk, "it4"), people(on_disk, "zoe")
    said = [f"before {number}" for number in range(200)]
    assert it4.script("send", "general", data="\n".join(said).encode()).returncode == 0
    with Reading(zoe) as reading, people(on_disk, "ann").plain(columns=100) as ann:
        assert reading.stdout is not None
        shown = [reading.stdout.readline() for _ in said]
        ann.wait_for("#general")
        disk.fill()
        refused(it4, LONG, "disk-full")
        refused(it4, LONG, "disk-full")
        ann.type(TYPED + "\r")
        ann.wait_for("Not sent: yyyy")
        ann.wait_for("(disk-full)). /retry sends it again")
        assert bodies(zoe.script("history", "general", "--json").stdout) == said
        assert [line["body"] for line in it4.history()] == said
        assert b"You said" not in ann.raw
        disk.make_room()
        assert it4.script("send", "general", "after").returncode == 0
        ann.type("/retry\r")
        ann.wait_for(lambda _text: b"You said: yyyy" in ann.raw)  # it is longer than the screen
        shown += [reading.stdout.readline() for _ in range(2)]
    assert ids(b"".join(shown)) == list(range(1, 203))
    said += ["after", TYPED]
    assert bodies(b"".join(shown)) == said
    on_disk.kill()
    on_disk.start()
    assert [line["body"] for line in it4.history()] == said
    assert "new messages are refused: the journal in" in on_disk.console()
    assert "the journal can be written again" in on_disk.console()


def test_a_pipe_into_a_full_disk(disk: SmallDisk, on_disk: Server, people: MakePeople) -> None:
    """What was read of it leaves later, or waits as failed for its author's word; no line is stored twice."""
    it4 = people(on_disk, "it4")
    assert it4.script("send", "general", "before").returncode == 0
    disk.fill()
    lines = [f"{number} {TYPED}" for number in range(300)]
    done = it4.script("send", "general", data="\n".join(lines).encode())
    assert done.returncode == 1
    assert done.stderr.startswith(b"the server could not store the message (disk-full)\n")
    assert [line["body"] for line in it4.history()] == ["before"]
    disk.make_room()
    assert it4.script("send", "general", "after").returncode == 0
    with it4.plain("--room", "general") as again:
        again.wait_for(lambda _text: b"You said: after" in again.raw)
        assert any(_retry(again) for _ in lines), "too many failed"
    said = [line["body"].split()[0] for line in it4.history()]
    assert len(said) == len(set(said))
    read = {word for word in said if word.isdecimal()}
    assert read == {str(number) for number in range(len(read))}
    assert len(read) > 0


def _retry(plain: Terminal) -> bool:
    """Send the oldest message that failed again; True when there is none."""
    told = plain.raw.count(b"You said: ")
    plain.type("/retry\r")
    screen = plain.wait_for(
        lambda text: "No message has failed." in text or plain.raw.count(b"You said: ") > told
    )
    return "No message has failed." in screen


def test_the_full_screen_shows_on_a_full_disk_what_is_not_stored(
    disk: SmallDisk, on_disk: Server, people: MakePeople
) -> None:
    it4 = people(on_disk, "it4")
    assert it4.script("send", "general", "before").returncode == 0
    with it4.full_screen("--room", "general", rows=60) as screen:
        screen.wait_for("before")
        disk.fill()
        refused(people(on_disk, "zoe"), LONG, "disk-full")
        screen.paste(TYPED)
        screen.press("enter")
        screen.wait_for("(disk-full)")
        assert [line["body"] for line in it4.history()] == ["before"]
        disk.make_room()
        screen.type("\x1br")
        screen.wait_gone("(disk-full)")
    assert [line["body"] for line in it4.history()] == ["before", TYPED]


def test_a_start_on_a_folder_that_can_only_be_read(
    disk: SmallDisk, on_disk: Server, people: MakePeople, tmp_path: Path
) -> None:
    """One sentence says why there is no server; what is stored stays as it is."""
    it4 = people(on_disk, "it4")
    assert it4.script("send", "general", "before").returncode == 0
    on_disk.kill()
    disk.remount("ro")
    done = subprocess.run(
        disk.within(*server_command("-p", "0", "--data", str(on_disk.data))),
        env=environment(tmp_path / "server"),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().endswith(
        f"chatroom-server: the data folder {on_disk.data} cannot be used (Read-only file system); "
        "mend that, or choose another folder with --data\n"
    )
    assert b"Traceback" not in done.stderr
    disk.remount("rw")
    on_disk.start()
    assert [line["body"] for line in it4.history()] == ["before"]
    assert it4.script("send", "general", "after").returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a program that runs")
def test_files_that_may_not_grow(server: Server, person: MakePerson) -> None:
    """As with a quota: every write of the running server that would make a file longer fails."""
    it4, zoe = person("it4"), person("zoe")
    assert it4.script("send", "general", "before").returncode == 0
    assert zoe.script("send", "general", "and").returncode == 0
    assert server.process is not None
    _limit(server.process.pid, 0)
    with Reading(zoe) as reading:
        assert reading.stdout is not None
        shown = [reading.stdout.readline() for _ in range(2)]
        for _ in range(3):
            refused(it4, "short", "disk-error")
        assert [line["body"] for line in it4.history()] == ["before", "and"]
        _limit(server.process.pid, resource.RLIM_INFINITY)
        assert it4.script("send", "general", "after").returncode == 0
        shown.append(reading.stdout.readline())
    assert bodies(b"".join(shown)) == ["before", "and", "after"]
    server.kill()
    server.start()
    assert [line["body"] for line in it4.history()] == ["before", "and", "after"]
    assert "Traceback" not in server.console()


def _limit(pid: int, size: int) -> None:
    """Limit the files of a process to a size; it may be raised again."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


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
def files(monkeypatch: pytest.MonkeyPatch) -> BadFiles:
    """The disk of servers that are started in this process."""
    bad = BadFiles()
    monkeypatch.setattr("chatroom_server.shell.server.open_log", partial(open_log, files=bad))
    return bad


@asynccontextmanager
async def _in_process(home: Path) -> AsyncIterator[Server]:
    """A server in this process, for programs of people."""
    async with running(home, HISTORY_FLUSH_S="0.05") as server:
        outside = Server(home)
        outside.port = port_of(server)
        yield outside


@pytest.mark.parametrize(
    "fails",
    [{"sync": errno.EIO}, {"sync_folder": errno.EIO, "sync": errno.EIO}, dict.fromkeys(CHANGES, errno.EROFS)],
    ids=["fsync", "fsync of files and folders", "read-only"],
)
async def test_a_disk_that_refuses_for_a_while(
    files: BadFiles, fails: dict[str, int], tmp_path: Path, people: MakePeople
) -> None:
    home = tmp_path / "server"
    async with _in_process(home) as server:
        it4, zoe = people(server, "it4"), people(server, "zoe")
        assert (await asyncio.to_thread(it4.script, "send", "general", "before")).returncode == 0
        with Reading(zoe) as reading:
            assert reading.stdout is not None
            shown = [await asyncio.to_thread(reading.stdout.readline)]
            files.fails = fails
            for _ in range(2):
                await asyncio.to_thread(refused, it4, "refused", "disk-error")
            assert await asyncio.to_thread(_said, it4) == ["before"]
            files.fails = {}
            assert (await asyncio.to_thread(it4.script, "send", "general", "after")).returncode == 0
            shown.append(await asyncio.to_thread(reading.stdout.readline))
        assert bodies(b"".join(shown)) == ["before", "after"]
    async with _in_process(home) as server:
        assert await asyncio.to_thread(_said, people(server, "it4")) == ["before", "after"]


async def test_one_fsync_that_fails_refuses_nobody(
    files: BadFiles, tmp_path: Path, people: MakePeople
) -> None:
    """What the file may have lost is written to another one before anybody is shown it."""
    home = tmp_path / "server"
    async with _in_process(home) as server:
        it4 = people(server, "it4")
        assert (await asyncio.to_thread(it4.script, "send", "general", "before")).returncode == 0
        files.fails, files.once = {"sync": errno.EIO}, True
        assert (await asyncio.to_thread(it4.script, "send", "general", "during")).returncode == 0
        assert not files.fails
        assert await asyncio.to_thread(_said, it4) == ["before", "during"]
    async with _in_process(home) as server:
        assert await asyncio.to_thread(_said, people(server, "it4")) == ["before", "during"]


HOUR_MS, YEAR_MS = 3_600_000, 31_536_000_000


async def test_a_clock_that_jumps(
    tmp_path: Path, people: MakePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shown as the time of a message is the clock's; nothing else depends on it."""
    home, shift = tmp_path / "server", [0]
    clock = partial(_shifted_ns, shift)
    monkeypatch.setattr("chatroom_server.shell.server.Runner", partial(Runner, wall_ns=clock))
    jumps = [0, -HOUR_MS, YEAR_MS, -YEAR_MS, 0]
    async with _in_process(home) as server:
        it4 = people(server, "it4")
        for number, shift[0] in enumerate(jumps):
            done = await asyncio.to_thread(it4.script, "send", "general", f"{number}")
            assert (done.returncode, done.stderr) == (0, b"")
            await _until(lambda: len(_filed(home)) > number)  # noqa: B023 - called before the next turn
    shift[0] = -YEAR_MS
    async with _in_process(home) as server:
        it4 = people(server, "it4")
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


def _said(person: Person) -> list[str]:
    return [line["body"] for line in person.history()]
