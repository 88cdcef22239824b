"""The README's first minute: `chatroom` alone, and somebody else beside it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE_S, Terminal, client_command, server_command
from tests.e2e.world import environment


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short path, as people have; its server is stopped at the end, whatever happened."""
    with tempfile.TemporaryDirectory(prefix="ct-") as folder:
        yield Path(folder)
        _stop_all(Path(folder))


@pytest.fixture
def taken_port() -> Iterator[int]:
    """The default port, held by another program."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else holds it already: as good
            other.bind(("127.0.0.1", 9999))
            other.listen()
        yield 9999


def _running(home: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_bytes()) for path in home.rglob("*.server.json")]


def _stop_all(home: Path) -> None:
    for server in _running(home):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(str(server["pid"])), signal.SIGKILL)


def _client(home: Path, *arguments: str, rows: int = 36) -> Terminal:
    return Terminal(client_command(*arguments), env=environment(home), rows=rows)


def _server(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        server_command(*arguments),
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def _enter(terminal: Terminal, nick: str) -> None:
    """Answer the questions of a first start."""
    terminal.wait_for("What shall others call you?")
    terminal.type(nick)
    terminal.wait_for(nick)
    terminal.press("enter")
    terminal.wait_for("Where do you want to begin?")
    terminal.wait_for("#general")
    terminal.press("enter")
    terminal.wait_for("ONLINE")


def test_alone_it_starts_a_server_and_others_join_it(home: Path, taken_port: int) -> None:
    with _client(home) as alice:
        alice.wait_for("What shall others call you?")
        (server,) = _running(home)
        assert server["port"] != taken_port
        _enter(alice, "alice")
        with _client(home, "--as", "bob") as bob:
            _enter(bob, "bob")
            bob.type("hello alice\r")
            alice.wait_for("hello alice")
            bob.press("ctrl+q")
            assert bob.wait_end() == 0
        status = _server(home, "status")
        assert str(server["port"]) in status.stdout, status
        assert str(home) in status.stdout
        alice.press("ctrl+q")
        assert alice.wait_end() == 0
        assert "chatroom-server stop" in alice.text()
    assert _server(home, "stop").returncode == 0
    assert _running(home) == []


def test_it_says_where_the_server_keeps_its_data_and_log(home: Path) -> None:
    with _client(home) as alice:
        text = alice.wait_for("Started a server on this machine")
        assert f"{home}/server" in "".join(part.strip(" ▌") for part in text.split("\n"))


def test_a_second_client_is_the_same_person_and_says_so(home: Path) -> None:
    with _client(home) as first:
        _enter(first, "alice")
        with _client(home) as second:
            second.wait_for("--as")
            second.type("from the second\r")
            first.wait_for("from the second")
            assert "ONLINE — 1" in first.text()


def test_the_line_client_starts_a_server_too(home: Path) -> None:
    with _client(home, "--plain", "--nick", "alice") as alice:
        text = alice.wait_for("#general")
        assert "Started a server on this machine" in text
        assert str(home) in text
