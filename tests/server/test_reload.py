"""Settings that change while the server runs: with its command, with SIGHUP, and what has to wait."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.peer import Peer, Person, RefusedError
from tests.conformance.server import ServerProcess, environment

_PATIENCE_S = 20.0


def run(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "chatroom_server", *arguments],
        env=environment(home) | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class House:
    """A server with a file of settings and a log."""

    def __init__(self, home: Path, settings: str, *arguments: str, **environ: str) -> None:
        self.home = home
        self.config = home / "server.conf"
        self.log = home / "server" / "log" / "server.log"
        self.write(settings)
        self.server = ServerProcess(home, "-q", "--config", str(self.config), *arguments, **environ)

    def write(self, settings: str) -> None:
        """Replace the file of settings."""
        self.config.write_text(settings, encoding="utf-8")

    def reload(self, settings: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Write other settings, and have the server take them over."""
        self.write(settings)
        return run(self.home, "reload", **environ)

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self.server.process.send_signal(signal.SIGHUP)

    def logged(self) -> str:
        """What stands in server.log."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Starts servers; they end with the test."""
    houses: list[House] = []

    def start(settings: str, *arguments: str, **environ: str) -> House:
        houses.append(House(tmp_path, settings, *arguments, **environ))
        return houses[-1]

    yield start
    for house in houses:
        assert house.server.end(signal.SIGINT)[0] == 0


OpenHouse = Callable[..., House]


def test_the_command_names_what_changed_and_what_waits(open_house: OpenHouse) -> None:
    house = open_house("RATE=7\nPUBLIC=chat.example.org:9999\n")
    nothing = run(house.home, "reload")
    assert (nothing.returncode, nothing.stdout) == (0, "the settings are as they were\n")
    done = house.reload("RATE=8\nOPEN=yes\nPUBLIC=chat.example.org:9999\nFSYNC=no\nDEFAULT_ROOM=tea\n")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "settings that changed: OPEN=yes, RATE=8",
        "these wait for a restart of the server: DEFAULT_ROOM=tea, FSYNC=no",
    ]
    assert done.stderr == ""
    wait_until(lambda: "settings that changed: OPEN=yes, RATE=8" in house.logged(), house.logged())
    assert "key=" not in run(house.home, "invite").stdout, "OPEN=yes needs no secret"
    again = run(house.home, "reload")
    assert again.stdout == "these wait for a restart of the server: DEFAULT_ROOM=tea, FSYNC=no\n"
    back = house.reload("RATE=7\nPUBLIC=a.example.org:1\n")
    assert back.stdout == "settings that changed: OPEN=no, PUBLIC=a.example.org:1, RATE=7\n"
    invitation = run(house.home, "invite").stdout
    assert "a.example.org:1" in invitation
    assert "key=" in invitation


def test_it_answers_in_the_language_of_who_asks(open_house: OpenHouse) -> None:
    house = open_house("")
    done = house.reload("RATE=8\n", CHATROOM_LANG="fr")
    assert done.stdout == "réglages changés : RATE=8\n"


def test_a_file_with_an_error_changes_nothing(open_house: OpenHouse) -> None:
    house = open_house("RATE=7\n")
    done = house.reload("RATE=8\nBURTS=1\n")
    problem = "the settings stay as they were: server.conf, line 2: there is no BURTS; did you mean BURST?"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"chatroom-server: {problem}\n"
    wait_until(lambda: problem in house.logged(), "server.log says it")
    house.config.unlink()
    assert run(house.home, "reload").returncode == 1
    assert house.reload("RATE=7\n").stdout == "the settings are as they were\n"
    _status, console = house.server.end(signal.SIGINT)
    assert problem in console


def test_each_of_several_errors_is_named(open_house: OpenHouse) -> None:
    house = open_house("RATE=7\n")
    done = house.reload("RATE=fast\nBURTS=1\nGUESTS=maybe\n")
    errors = [
        "server.conf, line 2: there is no BURTS; did you mean BURST?",
        "server.conf, line 3: GUESTS=maybe: write yes or no",
        "server.conf, line 1: RATE=fast: a number from 0 to 1000000000 is wanted",
    ]
    problems = [f"the settings stay as they were: {error}" for error in errors]
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"chatroom-server: {problem}" for problem in problems]
    wait_until(lambda: all(house.logged().count(problem) == 1 for problem in problems), "the log says it")
    house.hang_up()
    wait_until(lambda: all(house.logged().count(problem) == 2 for problem in problems), "and so again")


def test_options_and_the_environment_still_beat_the_file(open_house: OpenHouse) -> None:
    house = open_house("PORT=1\n", "--guests", CHATROOM_RATE="5")
    done = house.reload("PORT=2\nGUESTS=no\nRATE=6\nBURST=3\n")
    assert done.stdout == "settings that changed: BURST=3\n"


def test_nobody_is_asked_where_no_server_runs(tmp_path: Path) -> None:
    done = run(tmp_path, "reload")
    assert (done.returncode, done.stderr) == (1, "chatroom-server: no server of yours runs here\n")


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "3601"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, seconds: str) -> None:
    done = run(tmp_path, "stop", f"--restart-in={seconds}")
    assert done.returncode == 2
    assert f"'{seconds}': seconds from 0 to 3600 are wanted" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_signal_reloads_and_opens_the_log_again(open_house: OpenHouse) -> None:
    house = open_house("HISTORY_FLUSH_S=3600\n")
    wait_until(lambda: "ready" in house.logged(), "it is ready")
    moved = house.log.rename(house.log.with_name("moved.log"))
    house.write("HISTORY_FLUSH_S=0.05\n")
    house.hang_up()
    wait_until(lambda: "settings that changed: HISTORY_FLUSH_S=0.05" in house.logged(), "it says so")
    assert "settings" not in moved.read_text(encoding="utf-8")
    assert house.log.stat().st_mode & 0o777 == 0o600

    def flushes() -> int:
        return int(json.loads(run(house.home, "status", "--json").stdout)["flushes"])

    before = flushes()
    wait_until(lambda: flushes() > before + 1, "the new time counts at once")


def test_a_log_that_cannot_be_opened_again_is_said(open_house: OpenHouse) -> None:
    house = open_house("")
    wait_until(lambda: "ready" in house.logged(), "it is ready")
    moved = house.log.rename(house.log.with_name("moved.log"))
    house.log.mkdir()
    house.hang_up()
    wait_until(lambda: "the settings are as they were" in moved.read_text(encoding="utf-8"), "the old one")
    _status, console = house.server.end(signal.SIGINT)
    assert "server.log cannot be opened again: " in console


async def test_links_stay_and_the_bounds_count(open_house: OpenHouse) -> None:
    house = open_house("GUESTS=no\nMAX_LINKS=100\nLOG_CONVERSATION=no\nMAX_ROOMS=1\n")
    async with await Peer.connect(house.server.port) as peer:
        await peer.log_in(Person("ann"))
        await peer.join()
        await peer.say_and_wait("a secret")
        with pytest.raises(RefusedError, match="too-many-rooms"):
            await peer.join("tea", create=True)
        done = await asyncio.to_thread(
            house.reload, "GUESTS=yes\nMAX_LINKS=1\nLOG_CONVERSATION=yes\nMAX_ROOMS=2\n"
        )
        assert done.stdout.splitlines() == [
            "settings that changed: GUESTS=yes, MAX_LINKS=1, MAX_ROOMS=2, LOG_CONVERSATION=yes"
        ]
        await peer.join("tea", create=True)
        await peer.say_and_wait("no secret")
        async with await Peer.connect(house.server.port) as second:
            with pytest.raises(RefusedError, match="server-full"):
                await second.greet()
        await asyncio.to_thread(house.reload, "GUESTS=yes\nMAX_LINKS=2\nLOG_CONVERSATION=yes\nMAX_ROOMS=2\n")
        async with await Peer.connect(house.server.port) as second:
            assert (await second.greet()).guests
        assert (await peer.say_and_wait("still here")).id == 3
    wait_until(lambda: "#general ann: no secret" in house.logged(), house.logged())
    assert "a secret" not in house.logged()


async def test_the_plain_text_door_shows_as_much_as_it_is_told(open_house: OpenHouse) -> None:
    house = open_house("TEXT_HISTORY=1\n", "--text-port", "0")
    port = house.server.facts["text_port"]
    assert isinstance(port, int)
    async with await Peer.connect(house.server.port) as peer:
        await peer.log_in(Person("ann"))
        await peer.join()
        for body in ("one", "two", "three"):
            await peer.say_and_wait(body)
    assert await _history_at(port) == ["ann a dit : three"]
    done = await asyncio.to_thread(house.reload, "TEXT_HISTORY=2\n")
    assert done.stdout == "settings that changed: TEXT_HISTORY=2\n"
    assert await _history_at(port) == ["ann a dit : two", "ann a dit : three"]


async def _history_at(port: int) -> list[str]:
    """What who comes in by the plain-text door is shown of what was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"Hello|bob\n/quit\n")
    shown = await asyncio.wait_for(reader.read(-1), _PATIENCE_S)
    writer.close()
    await writer.wait_closed()
    return [line.partition("] ")[2] for line in shown.decode().splitlines() if " a dit : " in line]
