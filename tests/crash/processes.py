"""The processes of a run: the server, and the clients; each dies by SIGKILL and begins anew on its files."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.crash.facts import Reader, Story
from tests.e2e.terminal import PATIENCE_S, server_command
from tests.e2e.world import environment

_ROOT: Final = Path(__file__).parents[2]
_SETTINGS: Final = "BURST=0\nRATE=0\nHISTORY_FLUSH_S=0.2\nLOG_CONVERSATION=no\n"


def compile_once(folder: Path) -> None:
    """Have what all processes run compiled, as it is where it was installed; else each start does it."""
    command = [sys.executable, "-c", "import tests.crash.actor, chatroom_server.serving"]
    subprocess.run(command, env=compiled(folder), cwd=_ROOT, check=True)


def compiled(folder: Path) -> dict[str, str]:
    """The environment of somebody at home in a folder, with what is compiled kept there."""
    return environment(folder, PYTHONPYCACHEPREFIX=str(folder / "compiled"), PYTHONDONTWRITEBYTECODE="")


class ServerProcess:
    """The real server on a real folder.

    Attributes:
        port: Where it listens: any, then always the same.
        starts_s: What each start took that was waited for, from the command to listening.
        problems: Ends that nobody asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = 0
        self.starts_s: list[float] = []
        self.problems: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = -1
        self._began = 0.0
        folder.mkdir()
        (folder / "server.conf").write_text(_SETTINGS, encoding="utf-8")

    def start(self) -> None:
        """Begin a process; `ready` waits for it."""
        self._ready, announce = os.pipe()
        settings = ["--config", str(self.folder / "server.conf"), "--announce-ready", str(announce)]
        with (self.folder / "console.txt").open("ab") as console:
            self._process = subprocess.Popen(
                server_command("-p", str(self.port), "--data", str(self.data), *settings),
                env=compiled(self.folder.parent),
                cwd=_ROOT,
                pass_fds=[announce],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        os.close(announce)
        self._began = time.monotonic()

    async def ready(self) -> bool:
        """Wait until it listens; False where it has ended instead."""
        line = await asyncio.to_thread(_read_line, self._ready)
        answer = json.loads(line) if line.endswith(b"\n") else {}
        if "port" not in answer:
            self.problems.append(f"the server did not start: {line.decode()}; see its console.txt")
            return False
        self.port = int(answer["port"])
        self.starts_s.append(time.monotonic() - self._began)
        return True

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is None:
            return
        self._process.kill()
        code = self._process.wait(PATIENCE_S)
        self._forget()
        if code != -signal.SIGKILL:
            self.problems.append(f"the server had ended by itself: {code}; see its console.txt")

    async def stop(self) -> None:
        """Have it end cleanly."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(self._process.wait, PATIENCE_S)
        self._forget()
        if code != 0:
            self.problems.append(f"the server ended with {code}; see its console.txt")

    def _forget(self) -> None:
        self._process = None
        os.close(self._ready)


def _read_line(descriptor: int) -> bytes:
    data = b""
    while not data.endswith(b"\n") and (chunk := os.read(descriptor, 4096)):
        data += chunk
    return data


class ClientProcess:
    """One `actor`.

    Attributes:
        facts: What it has noted.
        story: How far it had come when that was read last.
        problems: Ends that nobody asked for.
    """

    def __init__(self, folder: Path, nick: str, port: int, messages: int) -> None:
        self.nick = nick
        self.facts = folder / f"{nick}.facts"
        self.story = Story()
        self.problems: list[str] = []
        self._folder = folder
        self._port = port
        self._messages = messages
        self._allowed = 0
        self._reader = Reader(self.facts)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin a process, unless there is one."""
        if self._process is not None:
            return
        home = self._folder / f"{self.nick}-home"
        arguments = {
            "--port": self._port,
            "--home": home,
            "--facts": self.facts,
            "--nick": self.nick,
            "--messages": self._messages,
        }
        command = [sys.executable, "-m", "tests.crash.actor"]
        for name, value in arguments.items():
            command += [name, str(value)]
        with (self._folder / f"{self.nick}-console.txt").open("ab") as console:
            self._process = subprocess.Popen(
                command,
                env=compiled(self._folder),
                cwd=_ROOT,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=console,
            )
        self.allow(self._allowed)

    def allow(self, messages: int) -> None:
        """Let it have said so many."""
        self._allowed = max(self._allowed, messages)
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(b"%d\n" % self._allowed)
        except BrokenPipeError:
            self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is None:
            return
        self._process.kill()
        code = self._process.wait(PATIENCE_S)
        self._forget()
        if code != -signal.SIGKILL:
            self.problems.append(f"{self.nick} had ended by itself: {code}; see its console")

    async def stop(self) -> None:
        """Have it leave cleanly."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        code = await asyncio.to_thread(self._process.wait, PATIENCE_S)
        self._forget()
        if code != 0:
            self.problems.append(f"{self.nick} ended with {code}; see its console")

    def look(self) -> Story:
        """How far it has come now. Blocks."""
        return self.story.take(self._reader)

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
