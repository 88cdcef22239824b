"""Disks that are full or cannot be written, under the real programs: readers go on, writers are told, what
was said waits, and all of it is stored, once and in order, when the disk works again: by itself."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.small_disk import SmallDisk
from tests.e2e.terminal import PATIENCE_S, server_command
from tests.e2e.test_pipes import Reading, bodies, finish
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]
LONG = "x" * 20_000
"""No page of the disk that is in use already has room for it."""
PENDING = "…yyyy"
"""How the lines of it begin on the full screen, until it is stored."""
MOMENT_S = 3
"""For how long a script waits for a disk that it is not to wait for."""
TYPED = "y" * 4050
"""As long as a line in a terminal may be, and with what is around it longer than a page of the disk."""


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
    """A message is not stored; one sentence says why, and another one that it waits."""
    done = person.script("send", "general", "--timeout", str(MOMENT_S), data=text.encode())
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"{waits(word)}"
        "chatroom: 1 message waits in the outbox; it leaves with the next program of this profile.\n"
    )


def waits(word: str) -> str:
    """What a script says at once."""
    reason = f"the server could not store the message ({word})"
    return f"chatroom: {reason}; it waits in the outbox and is sent again\n"


def read_until(reading: subprocess.Popen[bytes], last: str) -> list[str]:
    """What `tail` shows, up to a message."""
    said: list[str] = []
    assert reading.stdout is not None
    while last not in said and (line := reading.stdout.readline()):
        said += bodies(line)
    return said


def read_count(reading: subprocess.Popen[bytes], count: int) -> list[str]:
    """So many messages more."""
    assert reading.stdout is not None
    return bodies(b"".join(reading.stdout.readline() for _ in range(count)))


def test_a_full_disk(disk: SmallDisk, on_disk: Server, people: MakePeople) -> None:
    """Three of a writer's messages, in two programs, and one of somebody else are stored by nobody's word."""
    it4, zoe = people(on_disk, "it4"), people(on_disk, "zoe")
    said = [f"before {number}" for number in range(200)]
    assert it4.script("send", "general", data="\n".join(said).encode()).returncode == 0
    with Reading(zoe) as reading, people(on_disk, "ann").plain(columns=100) as ann:
        shown = read_until(reading, said[-1])
        ann.wait_for("#general")
        disk.fill()
        refused(it4, f"1 {LONG}", "disk-full")
        sending = it4.start_script("send", "general")
        assert sending.stdin is not None
        assert sending.stderr is not None
        sending.stdin.write(f"2 {LONG}\n3 {LONG}\n".encode())
        sending.stdin.flush()
        assert sending.stderr.readline().decode() == waits("disk-full")
        ann.type(TYPED + "\r")
        ann.wait_for("(disk-full); it waits in the outbox")
        assert bodies(zoe.script("history", "general", "--json").stdout) == said
        assert [line["body"] for line in it4.history()] == said
        assert b"You said" not in ann.raw
        disk.make_room()
        assert finish(sending) == (0, b"")
        ann.wait_for(lambda _text: b"You said: yyyy" in ann.raw)  # it is longer than the screen
        late = read_count(reading, 4)
        assert "Not sent" not in ann.text()
    assert sorted(late) == sorted([*(f"{number} {LONG}" for number in (1, 2, 3)), TYPED])
    assert [body[0] for body in late if body != TYPED] == ["1", "2", "3"]
    on_disk.kill()
    on_disk.start()
    assert [line["body"] for line in it4.history()] == [*shown, *late]
    assert "new messages are refused: the journal in" in on_disk.console()
    assert "the journal can be written again" in on_disk.console()


def test_a_pipe_into_a_full_disk(disk: SmallDisk, on_disk: Server, people: MakePeople) -> None:
    """All of it waits, and leaves with the next program."""
    it4 = people(on_disk, "it4")
    assert it4.script("send", "general", "before").returncode == 0
    disk.fill()
    lines = [f"{number} {TYPED}" for number in range(300)]
    done = it4.script("send", "general", "--timeout", str(MOMENT_S), data="\n".join(lines).encode())
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"{waits('disk-full')}"
        "chatroom: 300 messages wait in the outbox; they leave with the next program of this profile.\n"
    )
    assert [line["body"] for line in it4.history()] == ["before"]
    disk.make_room()
    assert it4.script("send", "general", "after").returncode == 0
    assert [line["body"] for line in it4.history()] == ["before", *lines, "after"]


def test_the_full_screen_shows_on_a_full_disk_what_is_not_stored(
    disk: SmallDisk, on_disk: Server, people: MakePeople
) -> None:
    """It stays on the screen as pending, when the reason is gone; and then it is stored."""
    it4, zoe = people(on_disk, "it4"), people(on_disk, "zoe")
    assert it4.script("send", "general", "before").returncode == 0
    with it4.full_screen("--room", "general", rows=60) as screen:
        screen.wait_for("before")
        disk.fill()
        refused(zoe, LONG, "disk-full")
        screen.paste(TYPED)
        screen.press("enter")
        screen.wait_for("(disk-full)")
        screen.wait_gone("(disk-full)")
        assert PENDING in screen.text()
        assert [line["body"] for line in it4.history()] == ["before"]
        disk.make_room()
        screen.wait_gone(PENDING)
    assert [line["body"] for line in it4.history()] == ["before", TYPED]
    assert zoe.script("send", "general", "after").returncode == 0
    assert [line["body"] for line in it4.history()] == ["before", TYPED, LONG, "after"]


def test_somebody_new_on_a_full_disk(disk: SmallDisk, on_disk: Server, people: MakePeople) -> None:
    """Who is new has to be stored first; one sentence says why that is not done, and later it is."""
    disk.fill()
    refused(people(on_disk, "it4"), LONG, "disk-full")
    zoe = people(on_disk, "zoe")
    done = zoe.script("history", "general", "--json")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"cannot take in anybody new at present (disk-full)" in done.stderr
    begun = time.monotonic()
    done = zoe.script("send", "general", "hello", "--timeout", "30")
    assert (done.returncode, time.monotonic() - begun < 20) == (1, True)
    assert done.stderr.startswith(b"chatroom: the server cannot take in anybody new at present (disk-full)")
    assert b"1 message waits in the outbox" in done.stderr
    disk.make_room()
    assert zoe.history() == []


@pytest.mark.parametrize("state", ["read-only", "full"])
def test_a_start_on_a_disk_that_cannot_be_written(
    disk: SmallDisk, on_disk: Server, people: MakePeople, state: str
) -> None:
    """One sentence says why there is no server; what is stored stays as it is."""
    it4 = people(on_disk, "it4")
    assert it4.script("send", "general", "before").returncode == 0
    on_disk.kill()
    if state == "full":
        disk.fill()
    else:
        disk.remount("ro")
    code, said = _ends(disk.within(*server_command("-p", "0", "--data", str(on_disk.data))), on_disk.folder)
    reason = "Read-only file system" if state == "read-only" else "No space left on device"
    assert f"chatroom-server: the data folder {on_disk.data} cannot be used ({reason}" in said
    assert said.endswith("); mend that, or choose another folder with --data\n")
    assert (code, said.count("Traceback")) == (1, 0)
    if state == "full":
        disk.make_room()
    else:
        disk.remount("rw")
    on_disk.start()
    assert [line["body"] for line in it4.history()] == ["before"]
    assert it4.script("send", "general", "after").returncode == 0


def _ends(command: list[str], home: Path) -> tuple[int, str]:
    """Run a server that cannot start."""
    done = subprocess.run(
        command, env=environment(home), capture_output=True, timeout=PATIENCE_S, check=False
    )
    return done.returncode, done.stderr.decode()


def test_two_servers_at_once_on_a_new_folder(tmp_path: Path) -> None:
    """One of them gets it; the other one is told, and changes nothing."""
    command = server_command("-p", "0", "--data", str(tmp_path / "data"))
    env = environment(tmp_path)
    both = [subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (ended := [server for server in both if server.poll() is not None]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (loser,) = ended
        (winner,) = (server for server in both if server is not loser)
        assert (loser.returncode, winner.poll()) == (1, None)
        assert loser.stderr is not None
        assert "is used by a server that runs already" in loser.stderr.read()
        winner.terminate()
        assert winner.wait(PATIENCE_S) == 0
    finally:
        for server in both:
            server.kill()
            server.wait()
            assert server.stderr is not None
            server.stderr.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a program that runs")
def test_files_that_may_not_grow(server: Server, person: MakePerson) -> None:
    """As with a quota: every write of the running server that would make a file longer fails."""
    it4, zoe = person("it4"), person("zoe")
    assert it4.script("send", "general", "before").returncode == 0
    assert zoe.script("send", "general", "and").returncode == 0
    assert server.process is not None
    _limit(server.process.pid, 0)
    with Reading(zoe) as reading:
        shown = read_until(reading, "and")
        refused(it4, "while", "disk-error")
        assert [line["body"] for line in it4.history()] == ["before", "and"]
        _limit(server.process.pid, resource.RLIM_INFINITY)
        assert it4.script("send", "general", "after").returncode == 0
        shown += read_until(reading, "after")
    assert shown == ["before", "and", "while", "after"]
    server.kill()
    server.start()
    assert [line["body"] for line in it4.history()] == shown
    assert "Traceback" not in server.console()


def _limit(pid: int, size: int) -> None:
    """Limit the files of a process to a size; it may be raised again."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
