"""Real programs for tests: a server, and the homes of the people who use it."""

import json
import os
import select
import signal
import subprocess
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatroom.protocol.auth import pin
from tests.e2e.terminal import PATIENCE_S, Terminal, client_command, server_command

_KEPT = ("PATH", "PYTHONPATH", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")


class Server:
    """A server process on a free port of loopback, with its data in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.port = 0
        self.text_port = 0
        """Of the plain-text door; 0 without one."""
        self.pin = ""
        self.log = folder / "console.txt"
        self._arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def invitation(self) -> str:
        """The line that says where it is, and which key it has."""
        return f"chatroom://127.0.0.1:{self.port}/?pin={self.pin}"

    def start(self, *more: str) -> "Server":
        """Start it, and wait until it listens; on the port it had before, if any."""
        ready, announce = os.pipe()
        command = server_command(
            "-p",
            str(self.port),
            "--data",
            str(self.data),
            "--announce-ready",
            str(announce),
            *self._arguments,
            *more,
        )
        with self.log.open("ab") as console:
            self.process = subprocess.Popen(
                command,
                env=environment(self.folder),
                pass_fds=[announce],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        os.close(announce)
        answer = _announced(ready, self.log)
        self.pin = pin(b64decode(answer["key"]))
        self.port, self.text_port = int(answer["port"]), int(answer["text_port"] or 0)
        return self

    def stop(self) -> int:
        """Ask it to end for good, as Ctrl-C does, and wait until it has."""
        return self._end(signal.SIGINT)

    def stop_for_restart(self) -> int:
        """Ask it to end, as a supervisor does that will start it again, and wait until it has."""
        return self._end(signal.SIGTERM)

    def reload(self) -> None:
        """Have it read its settings again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def room_lines(self, room: str = "general") -> list[dict[str, Any]]:
        """What the history files of a room hold."""
        folder = next(path for path in (self.data / "rooms").iterdir() if path.name.startswith(room))
        files = sorted(path for path in folder.glob("*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]

    def console(self) -> str:
        """What it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def _announced(descriptor: int, log: Path) -> dict[str, Any]:
    data = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while not data.endswith(b"\n"):
            readable, _, _ = select.select([pipe], [], [], PATIENCE_S)
            chunk = pipe.read(4096) if readable else b""
            if not chunk:
                raise AssertionError(f"the server is not ready: {data!r} {log.read_text()}")
            data += chunk
    answer: dict[str, Any] = json.loads(data)
    if "port" not in answer:
        raise AssertionError(f"the server did not start: {answer}")
    return answer


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of one person, who has nothing of the machine's own settings."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "CHATROOM_HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "TZ": "UTC",
        **more,
    }


class Person:
    """Somebody with a home of their own, at a server."""

    def __init__(self, home: Path, server: Server, nick: str, lang: str = "en") -> None:
        self.home = home
        self.nick = nick
        self._server = server
        self._lang = lang
        home.mkdir(parents=True, exist_ok=True)

    def _arguments(self) -> list[str]:
        return ["-a", "127.0.0.1", "-p", str(self._server.port), "--nick", self.nick, "--lang", self._lang]

    def script(
        self, command: str, *arguments: str, data: bytes = b"", timeout_s: float = 120.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one of the scripts, and wait for its end."""
        return subprocess.run(
            client_command(command, *self._arguments(), *arguments),
            input=data,
            capture_output=True,
            env=environment(self.home),
            timeout=timeout_s,
            check=False,
        )

    def start_script(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of the scripts, with pipes to and from it."""
        return subprocess.Popen(
            client_command(command, *self._arguments(), *arguments),
            env=environment(self.home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def plain(self, *arguments: str, columns: int = 120) -> Terminal:
        """The line client in a terminal, with an invitation that vouches for the server."""
        return self._terminal(["--plain", self._server.invitation, *arguments], columns, 40)

    def full_screen(self, *arguments: str, columns: int = 120, rows: int = 36) -> Terminal:
        """The full-screen client in a terminal."""
        return self._terminal(list(arguments), columns, rows)

    def _terminal(self, arguments: Sequence[str], columns: int, rows: int) -> Terminal:
        command = client_command(*self._arguments(), *arguments)
        return Terminal(command, env=environment(self.home), columns=columns, rows=rows)

    def history(self, room: str = "general") -> list[dict[str, Any]]:
        """A room's stored lines, oldest first."""
        done = self.script("history", room, "--json")
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]
