"""Who may come in, with the real programs; nobody counts as local here, as if all sat at other machines."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.protocol import Connection, ErrorCode, Role
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import Failed, Hello
from tests.e2e.terminal import PATIENCE_S, client_command, server_command
from tests.e2e.world import Server, environment

HOST = "127.0.0.2"
Done = subprocess.CompletedProcess[str]


class Door:
    """A server that takes everybody for foreign, and its operator."""

    def __init__(self, folder: Path, port: int = 0, *more: str) -> None:
        folder.mkdir()
        self._conf = folder / "server.conf"
        self._more = more
        self.server = Server(folder, "--config", str(self._conf), "-a", HOST)
        self.server.port = port
        self._write("")
        self.server.start()
        if not port:  # an invitation names the address under which others come, so its port is needed first
            self.server.stop()
            self._write(f"PUBLIC={HOST}:{self.server.port}")
            self.server.start()

    def _write(self, line: str) -> None:
        lines = ["LOCAL_PEERS=", "HISTORY_FLUSH_S=0.1", line, *self._more]
        self._conf.write_text("\n".join(lines) + "\n")

    def invite(self, *arguments: str) -> str:
        done = subprocess.run(
            server_command("invite", "--data", str(self.server.data), *arguments),
            env=environment(self.server.folder),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        (line,) = done.stdout.splitlines()
        return line


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path / "server")
    yield door
    door.server.kill()


def run(home: Path, *arguments: str) -> Done:
    home.mkdir(exist_ok=True)
    return subprocess.run(
        client_command(*arguments, "--nick", home.name),
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def is_refused(done: Done, *words: str) -> None:
    """The script could not, and says so without a traceback."""
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_stranger_needs_the_printed_line(door: Door, tmp_path: Path) -> None:
    at = ("-a", HOST, "-p", str(door.server.port))
    refused = run(tmp_path / "zoe", "whoami", *at)
    is_refused(refused, "chatroom: you need an invitation to this server")
    assert refused.stderr.count("\n") == 1
    printed = re.search(r"chatroom '(chatroom://[^']+)'", door.server.console())
    assert printed is not None
    assert door.invite() == printed[1]
    assert run(tmp_path / "zoe", "send", printed[1], "let in").returncode == 0
    assert run(tmp_path / "zoe", "send", "general", "known now", *at).returncode == 0
    history = run(tmp_path / "zoe", "history", "general", *at).stdout
    assert re.search("let in\n.*known now", history)


def test_a_new_invitation_makes_the_old_one_worthless_for_newcomers(door: Door, tmp_path: Path) -> None:
    old = door.invite()
    assert run(tmp_path / "it4", "send", old, "one").returncode == 0
    new = door.invite("--new")
    assert new != old
    is_refused(run(tmp_path / "zoe", "whoami", old), "this invitation is no longer valid; ask for a new one")
    assert run(tmp_path / "it4", "send", old, "still known").returncode == 0
    door.server.kill()
    door.server.start()
    is_refused(run(tmp_path / "zoe", "whoami", old), "no longer valid")
    assert run(tmp_path / "zoe", "send", new, "in").returncode == 0
    assert door.invite("dev").split("?")[0].endswith("/dev")


def test_an_invitation_with_another_pin_opens_nothing(door: Door, tmp_path: Path) -> None:
    invitation = door.invite()
    pin = re.search(r"pin=(\w+)", invitation)
    assert pin is not None
    wrong = "b" * len(pin[1])
    done = run(tmp_path / "zoe", "send", invitation.replace(pin[1], wrong), "for somebody else")
    is_refused(done, "nothing was sent", wrong, pin[1])
    assert run(tmp_path / "zoe", "send", invitation, "for you").returncode == 0
    history = run(tmp_path / "zoe", "history", invitation).stdout
    assert "for you" in history
    assert "for somebody else" not in history


def test_plain_speech_from_outside_is_refused(door: Door) -> None:
    connection = Connection(Role.CLIENT, now=0.0)
    connection.send(Hello(versions=(1, 1), nonce=bytes(32), agent="test"))
    with socket.create_connection((HOST, door.server.port), timeout=PATIENCE_S) as link:
        link.sendall(connection.take_output())
        events = []
        while data := link.recv(4096):
            events += connection.feed(data, now=0.0)
    frames = [event.frame for event in events if isinstance(event, FrameReceived)]
    assert isinstance(frames[0], Failed)
    assert frames[0].code == ErrorCode.TLS_REQUIRED


def test_an_open_server_lets_everybody_in_and_says_so(tmp_path: Path) -> None:
    door = Door(tmp_path / "server", 0, "OPEN=yes")
    try:
        assert "OPEN=yes: everybody who reaches this port may come in." in door.server.console()
        done = run(tmp_path / "zoe", "send", "general", "hello", "-a", HOST, "-p", str(door.server.port))
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        door.server.kill()


def test_another_server_at_a_known_address_gets_nothing(door: Door, tmp_path: Path) -> None:
    zoe, port = tmp_path / "zoe", door.server.port
    at = ("-a", HOST, "-p", str(port))
    assert run(zoe, "send", door.invite(), "hello").returncode == 0
    known = _fingerprint(door)
    door.server.kill()
    done = run(zoe, "send", "general", "secret for the old server", "--timeout", "0.2", *at)
    is_refused(done, "1 message waits in the outbox")
    other = Door(tmp_path / "other", port, "OPEN=yes")
    try:
        shown = _fingerprint(other)
        assert shown != known
        for command in ("send", "whoami", "history"):
            arguments = {"send": ("general", "more"), "history": ("general",)}.get(command, ())
            is_refused(run(zoe, command, *arguments, *at), known, shown, "nothing was sent")
        assert run(tmp_path / "eve", "history", "general", *at).stdout == ""
        assert "zoe" not in other.server.console()
    finally:
        other.server.kill()
    door.server.start()
    assert run(zoe, "send", "general", "last", *at).returncode == 0
    said = run(zoe, "history", "general", *at).stdout
    assert said.count("secret for the old server") == 1


def _fingerprint(door: Door) -> str:
    found = re.search(r"key +((?:[0-9a-f]{4} ?)+)", door.server.console())
    assert found is not None
    return found[1].strip()
