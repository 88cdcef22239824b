"""Starts the real server for tests, in this process or in one of its own, on a free port of loopback."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from chatroom.common.texts import Texts
from chatroom_server.config import load_settings
from chatroom_server.shell.engine import Seams
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.running import open_runtime_folder
from chatroom_server.shell.server import Places, Server


def environment(home: Path) -> dict[str, str]:
    """An environment in which everything of chatroom is below one folder."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CHATROOM_", "XDG_", "LC_"))
    }
    return kept | {"CHATROOM_HOME": str(home), "LANG": "C.UTF-8"}


@asynccontextmanager
async def running(home: Path, seams: Seams | None = None, /, **options: str) -> AsyncIterator[Server]:
    """A server in this process.

    Args:
        seams: What lies under its engine; that of this machine if it is None.
        options: Settings by key.
    """
    environ = environment(home)
    given: Mapping[str, str] = {"PORT": "0", "HISTORY_FLUSH_S": "3600"} | options
    logs = OperatorLog()
    places = Places(open_runtime_folder(environ), None)
    server = Server(load_settings(given, environ), logs, places, Texts(), seams=seams)
    try:
        await server.start()
        try:
            yield server
        finally:
            await server.close()
    finally:
        await asyncio.to_thread(logs.close)


def port_of(server: Server) -> int:
    """The port that a server listens on."""
    return server.addresses[0][1]


class ServerProcess:
    """`chatroom-server` as a process of its own. Its methods block."""

    def __init__(self, home: Path, *arguments: str, **environ: str) -> None:
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatroom_server", "-p", "0", "--announce-ready", str(write), *arguments],
            env=environment(home) | environ,
            pass_fds=[write],
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(write)
        with os.fdopen(read) as ready:
            self.facts: dict[str, object] = json.loads(ready.readline())

    @property
    def port(self) -> int:
        """Where it listens."""
        port = self.facts["port"]
        assert isinstance(port, int)
        return port

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait; returns the exit status and what it wrote to standard error."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait for its end; returns the exit status and what it wrote to standard error."""
        _nothing, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors
