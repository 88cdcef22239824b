"""Runs the examples as pupils do: each is a process, spoken to through its terminal and its sockets."""

import os
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
PATIENCE_S: Final = 20.0
# aioconsole leaves its pipes to the standard streams open on purpose; all other warnings are errors.
_WARNINGS: Final = "error,ignore:unclosed transport <_Unix:ResourceWarning"
_LISTENING: Final = re.compile(r"Listening on (\S+):(\d+)")

# A shell that runs the tests in the background lets them ignore Ctrl+C, and the examples would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """A running example: `with Program("echo/server.py", "--port", "0") as server: …`.

    Every server of the examples prints `Listening on <host>:<port>` when it does; every example ends on
    Ctrl+C with exit code 0 and without a traceback.
    """

    def __init__(self, path: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", str(EXAMPLES / path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONWARNINGS": _WARNINGS},
        )
        self._coming: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.lines: list[str] = []
        """What it has printed and was waited for, errors too, without line ends."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._coming.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self._coming.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    # --- what it prints ------------------------------------------------------------------------------
    def wait_for(self, text: str, *, patience_s: float = PATIENCE_S) -> str:
        """The next line that holds this text; lines before it are taken too."""
        deadline = time.monotonic() + patience_s
        while (line := self._next(deadline, text)) is not None:
            if text in line:
                return line
        raise AssertionError(f"{text!r} did not come; it ended after {self.lines}")

    def _next(self, deadline: float, wanted: str) -> str | None:
        try:
            line = self._coming.get(timeout=max(0.001, deadline - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"{wanted!r} did not come after {self.lines}") from None
        if line is not None:
            self.lines.append(line)
        return line

    def listening(self) -> tuple[str, int]:
        """Where the server listens."""
        found = _LISTENING.search(self.wait_for("Listening on "))
        assert found is not None
        return found[1], int(found[2])

    # --- what it is told -----------------------------------------------------------------------------
    def say(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end_input(self) -> None:
        """Press Ctrl+D."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def interrupt(self) -> int:
        """Press Ctrl+C, and wait for the end."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def kill(self) -> None:
        """End it without a word, as a crash would."""
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def wait(self, *, patience_s: float = PATIENCE_S) -> int:
        """Wait for the end; what it still printed is in `lines`. Returns the exit code."""
        deadline = time.monotonic() + patience_s
        while self._next(deadline, "the end") is not None:
            pass
        code = self._process.wait(PATIENCE_S)
        assert not any("Traceback" in line for line in self.lines), self.lines
        return code


class Peer:
    """A raw socket, as a pupil's program or netcat has one."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, PATIENCE_S)
        self.received = b""
        """What came and was not waited for yet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where it comes from, as the server sees it."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def send(self, text: str | bytes) -> None:
        """Send bytes as they are, without a line end of its own."""
        self._socket.sendall(text.encode() if isinstance(text, str) else text)

    def line(self) -> str:
        """The next line, without its end."""
        while b"\n" not in self.received:
            self._more()
        line, _, self.received = self.received.partition(b"\n")
        return line.decode().removesuffix("\r")

    def wait_for(self, text: str) -> str:
        """Wait until this has come, with or without a line end; give all up to it."""
        wanted = text.encode()
        while wanted not in self.received:
            self._more()
        before, _, self.received = self.received.partition(wanted)
        return (before + wanted).decode()

    def rest(self) -> str:
        """All that comes until the other end hangs up."""
        while chunk := self._socket.recv(65536):
            self.received += chunk
        rest, self.received = self.received, b""
        return rest.decode()

    def _more(self) -> None:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise AssertionError(f"the other end hung up after {self.received!r}")
        self.received += chunk

    def reset(self) -> None:
        """Hang up as a crash does: the other end's next read or write fails."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
