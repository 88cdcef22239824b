"""What operators read and write, with the real programs: console lines, settings, history files."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE_S, client_command, server_command
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]
_FLUSH_S = 3.0


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; it is looked at every few milliseconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[Server]:
    """A server that writes the rooms' files rarely, and tells every event."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "server.conf").write_text(f"HISTORY_FLUSH_S={_FLUSH_S}\n")
    server = Server(folder, "-v", "--config", str(folder / "server.conf")).start()
    yield server
    server.kill()


def test_the_console_has_a_line_for_each_event(slow_server: Server, tmp_path: Path) -> None:
    it4, zoe = Person(tmp_path / "it4", slow_server, "it4"), Person(tmp_path / "zoe", slow_server, "zoé")
    with zoe.plain() as watching:
        watching.wait_for("#general")
        assert it4.script("send", "general", "héllo \x1b[31m\nyou").returncode == 0
        watching.wait_for("it4 said: you")
    wait_until(lambda: slow_server.console().count("disconnected ") == 2, slow_server.console())
    slow_server.stop()
    console = slow_server.console()
    clock = r"\d\d:\d\d:\d\d"
    peer = r"127\.0\.0\.1:\d+"
    for event in (
        rf"{clock} connected    {peer}",
        rf"{clock} logged in    zoé \([a-z2-7]{{16}}\) from {peer}",
        rf"{clock} received     general/1 from it4, 6 bytes",
        rf"{clock} sent         general/1 to \d clients?",
        rf"{clock} received     general/2 from it4, 3 bytes",
        rf"{clock} disconnected {peer} \(.+\)",
    ):
        assert re.search(rf"^{event}$", console, re.MULTILINE), (event, console)
    assert len(re.findall(rf"^{clock} connected    ", console, re.MULTILINE)) == 2
    assert "\x1b" not in console


def test_files_and_options_say_where_the_server_is(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    server.folder.mkdir()
    conf = server.folder / "both.conf"
    conf.write_text("# the course's file\nHOST=127.0.0.2\nPORT=1\n")
    beaten = Server(server.folder, "--config", str(conf), "-a", "127.0.0.1").start()  # -p stands there, too
    try:
        assert f"listens on 127.0.0.1:{beaten.port}" in beaten.console()
        assert _whoami(tmp_path / "a", "-a", "127.0.0.1", "-p", str(beaten.port))
        conf.write_text(f"HOST=127.0.0.1\nPORT={beaten.port}\n")
        assert _whoami(tmp_path / "b", "--config", str(conf))
        conf.write_text("HOST=127.0.0.2\nPORT=1\n")
        assert _whoami(tmp_path / "c", "--config", str(conf), "-a", "127.0.0.1", "--port", str(beaten.port))
        assert not _whoami(tmp_path / "d", "--config", str(conf))
    finally:
        beaten.kill()
    conf.write_text(f"HOST=127.0.0.1\nPORT={beaten.port}\n")
    assert _listening(server.folder, "--config", str(conf)) == beaten.port


def test_check_shows_the_settings_and_where_each_came_from(tmp_path: Path) -> None:
    conf = tmp_path / "server.conf"
    conf.write_text("HOST=127.0.0.3\nPORT=1234\nRATE=7\n")
    done = subprocess.run(
        server_command("--config", str(conf), "--port", "4321", "--check"),
        env=environment(tmp_path, CHATROOM_RATE="9"),
        capture_output=True,
        text=True,
        check=True,
    )
    shown = {line.split("=")[0]: line for line in done.stdout.splitlines()}
    assert re.match(r"HOST=127\.0\.0\.3\s.*server\.conf.*1", shown["HOST"])
    assert re.match(r"PORT=4321\s+\(option\)", shown["PORT"])
    assert re.match(r"RATE=9\s.*CHATROOM_RATE", shown["RATE"])
    assert re.match(r"BURST=1000\s.*default", shown["BURST"])
    assert done.stderr == ""
    assert not (tmp_path / "server").exists(), "--check makes nothing"


def _whoami(home: Path, *arguments: str) -> bool:
    """Whether a client with these arguments finds its server."""
    home.mkdir()
    done = subprocess.run(
        client_command("whoami", "--nick", home.name, *arguments),
        env=environment(home),
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _listening(folder: Path, *arguments: str) -> int:
    """The port on which a server with these arguments says that it listens."""
    process = subprocess.Popen(
        server_command(*arguments), env=environment(folder), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    return int(first.rsplit(":", 1)[1])


def test_the_history_file_is_written_by_the_timer_alone(slow_server: Server, tmp_path: Path) -> None:
    it4 = Person(tmp_path / "it4", slow_server, "it4")

    def files() -> tuple[tuple[int, int], ...]:
        found = (slow_server.data / "rooms").rglob("*.jsonl")
        return tuple(sorted((path.stat().st_size, path.stat().st_mtime_ns) for path in found))

    sending = it4.start_script("send", "general")
    assert sending.stdin is not None
    assert it4.script("send", "general", "first").returncode == 0
    reading = it4.start_script("tail", "general", "--after", "1")
    assert reading.stdout is not None
    began, states = time.monotonic(), {files()}
    for number in range(40):
        sending.stdin.write(b"%d\n" % number)
        sending.stdin.flush()
        assert reading.stdout.readline().endswith(b"%d\n" % number), "it is stored now"
        states.add(files())
    flushes_at_most = 2 + (time.monotonic() - began) / _FLUSH_S
    assert len(states) - 1 <= flushes_at_most < 40, "the file changes with the timer, not with each message"
    for script in (sending, reading):
        script.terminate()
        script.communicate(timeout=PATIENCE_S)
    wait_until(lambda: files() and len(slow_server.room_lines()) == 41, "flushed at last")
    rest = files()
    for _ in range(2):
        raw = it4.script("history", "general", "--json").stdout.splitlines()
        assert [json.loads(line) for line in raw] == slow_server.room_lines()
    assert files() == rest, "reading writes nothing"
    assert slow_server.stop() == 0
