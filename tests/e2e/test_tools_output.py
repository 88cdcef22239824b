"""The operator's tools where their output cannot be written: on full disks, for readers that have gone."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatroom_server.cli import main
from tests.e2e.small_disk import SmallDisk
from tests.e2e.terminal import server_command
from tests.e2e.test_tools import left_beside, say
from tests.e2e.world import Person, Server, environment

People = Callable[..., Person]
FULL = Path("/dev/full")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A full one."""
    place = tmp_path / "small"
    place.mkdir()
    try:
        small = SmallDisk(place)
    except OSError as error:
        pytest.skip(f"no small disk can be mounted here: {error.strerror}")
    small.fill()
    yield small
    small.close()


def test_on_a_full_disk_the_file_is_named_that_cannot_be_written(
    disk: SmallDisk, server: Server, person: People, tmp_path: Path
) -> None:
    say(person("ada"), *("x" * 1000 for _ in range(100)))
    place = tmp_path / "small" / "general.json"
    words = ("export", "general", "--data", str(server.data), "-o", str(place))
    done = subprocess.run(
        disk.within(*server_command(*words)),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"chatroom-server: {place} cannot be written: No space left on device\n"
    assert left_beside(disk.folder) == ["filling"]


needs_full = pytest.mark.skipif(not FULL.exists(), reason=f"this system has no {FULL}")


@needs_full
@pytest.mark.parametrize(
    ("words", "status"),
    [(("verify",), 2), (("verify", "--json"), 2), (("export", "general", "--data"), 1), (("--check",), 1)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_command_whose_output_is_full_says_so(
    words: tuple[str, ...], status: int, server: Server, person: People, tmp_path: Path
) -> None:
    say(person("ada"), "one")
    server.stop()
    what = words if words == ("--check",) else (*words, str(server.data))
    with FULL.open("wb") as full:
        done = subprocess.run(
            server_command(*what),
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == status
    assert done.stderr == "chatroom-server: standard output cannot be written: No space left on device\n"


@needs_full
def test_where_nothing_can_be_said_the_exit_status_does(
    server: Server, person: People, tmp_path: Path
) -> None:
    say(person("ada"), "one", "two")
    server.stop()
    sound, damaged, data = tmp_path / "sound", tmp_path / "bad", str(server.data)
    assert everything_full(tmp_path, "verify", data) == 2
    assert everything_full(tmp_path, "verify", str(tmp_path / "nowhere")) == 2
    assert everything_full(tmp_path, "export", "nowhere", "--data", data) == 1
    assert everything_full(tmp_path, "backup", data, str(sound)) == 0
    assert sound.is_dir()
    break_a_line(server)
    assert everything_full(tmp_path, "verify", data) == 2
    assert everything_full(tmp_path, "backup", data, str(damaged)) == 1
    assert (tmp_path / "bad.damaged").is_dir()
    assert not damaged.exists()


def everything_full(home: Path, *words: str) -> int:
    """The exit status of a command both of whose outputs go to a full disk."""
    with FULL.open("wb") as full:
        return subprocess.run(
            server_command(*words),
            env=environment(home),
            stdout=full,
            stderr=full,
            timeout=60,
            check=False,
        ).returncode


def closed(home: Path, streams: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command comes to whose caller has closed some of its streams."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *server_command(*words)],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


CLOSED = "chatroom-server: standard output cannot be written: Bad file descriptor\n"


def test_a_command_whose_output_is_closed_says_so(server: Server, person: People, tmp_path: Path) -> None:
    say(person("ada"), "one", "two")
    data = str(server.data)
    status = closed(server.folder, ">&-", "status", "--data", data)
    assert (status.returncode, status.stderr) == (1, CLOSED)
    server.stop()
    for words, code in (
        (("verify", data), 2),
        (("verify", "--json", data), 2),
        (("export", "general", "--data", data), 1),
        (("--check",), 1),
        (("--help",), 1),
        (("backup", data, str(tmp_path / "copy")), 0),
    ):
        for streams in (">&-", "<&- >&-"):
            shutil.rmtree(tmp_path / "copy", ignore_errors=True)
            done = closed(tmp_path, streams, *words)
            assert (words, done.returncode, done.stderr) == (words, code, CLOSED)
    assert closed(tmp_path, "", "verify", str(tmp_path / "copy")).returncode == 0
    break_a_line(server)
    assert closed(tmp_path, "<&- >&- 2>&-", "verify", data).returncode == 2
    assert closed(tmp_path, "<&- >&- 2>&-", "backup", data, str(tmp_path / "bad")).returncode == 1
    assert (tmp_path / "bad.damaged").is_dir()


def break_a_line(server: Server) -> None:
    (room,) = server.data.glob("rooms/general-*/*.jsonl")
    room.write_bytes(room.read_bytes().replace(b'"id":2', b'"id":3'))


def test_a_check_that_nobody_reads_to_its_end_never_passes_for_sound(
    server: Server, person: People, tmp_path: Path
) -> None:
    say(person("ada"), "one", "two")
    server.stop()
    break_a_line(server)
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '{ "$@"; echo "$?" >&2; } | true',
            "sh",
            *server_command("verify", str(server.data)),
        ],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == "2\n"


@pytest.mark.parametrize(("words", "status"), [(("verify", "x"), 2), (("backup", "x", "y"), 1)])
def test_a_check_that_is_broken_off_never_passes_for_damage(
    words: tuple[str, ...], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("chatroom_server.tools.run_tool", broken_off)
    assert main(words) == status
