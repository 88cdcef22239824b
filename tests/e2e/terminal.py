"""A terminal for tests: a program in a pseudo-terminal, and what a person would see of it."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

PATIENCE_S = 30.0
_KITTY_OR_LINK = re.compile(
    rb"\x1b\[[><=][0-9;:]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)"
)
"""What pyte takes for text: private CSI sequences of keyboards, and OSC 8."""
_UNFINISHED = re.compile(rb"\x1b[^\x1b]{0,200}\Z")

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "ctrl+home": "\x1b[1;5H",
    "ctrl+end": "\x1b[1;5F",
    "ctrl+q": "\x11",
    "ctrl+u": "\x15",
    "ctrl+c": "\x03",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f5": "\x1b[15~",
    "alt+up": "\x1b[1;3A",
    "alt+down": "\x1b[1;3B",
}


class Terminal:
    """Runs a program in a pseudo-terminal until the `with` block ends.

    Args:
        columns, rows: Its size, in cells.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        columns: int = 120,
        rows: int = 36,
    ) -> None:
        self.raw = bytearray()
        self._lock = threading.Condition()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._rest = b""
        self._master, slave = pty.openpty()
        self._resize_pty(columns, rows)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(env),
            start_new_session=True,
            close_fds=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        os.close(self._master)

    def type(self, text: str) -> None:
        """Type a text, as a person would."""
        os.write(self._master, text.encode())

    def paste(self, text: str) -> None:
        """Paste a text in one go (bracketed)."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def press(self, *keys: str) -> None:
        """Press named keys (`KEYS`)."""
        for key in keys:
            self.type(KEYS[key])

    def lines(self) -> list[str]:
        """What stands on the screen, without the blanks at the ends of lines."""
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        """What stands on the screen, as one text."""
        return "\n".join(self.lines())

    def wait_for(self, wanted: str | Callable[[str], object], *, timeout_s: float = PATIENCE_S) -> str:
        """Wait until a text (or what a function accepts) stands on the screen; returns the screen."""
        is_there: Callable[[str], object] = (
            (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        )
        deadline = time.monotonic() + timeout_s
        while not is_there(text := self.text()):
            left = deadline - time.monotonic()
            if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                raise AssertionError(f"not seen: {wanted!r}; the screen shows:\n{text}")
            with self._lock:
                self._lock.wait(min(left, 0.2))
        return text

    def wait_gone(self, unwanted: str, *, timeout_s: float = PATIENCE_S) -> str:
        """Wait until a text stands on the screen no more."""
        return self.wait_for(lambda text: unwanted not in text, timeout_s=timeout_s)

    def wait_end(self, *, timeout_s: float = PATIENCE_S) -> int:
        """Wait until the program has ended; returns its exit code."""
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size, as its user does with the mouse."""
        with self._lock:
            self._screen.resize(rows, columns)
        self._resize_pty(columns, rows)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def _resize_pty(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._master, 1 << 16)
            except OSError:
                chunk = b""
            with self._lock:
                if chunk:
                    self.raw += chunk
                    self._feed(chunk)
                self._lock.notify_all()
            if not chunk:
                return

    def _feed(self, chunk: bytes) -> None:
        data = self._rest + chunk
        unfinished = _UNFINISHED.search(data)
        cut = unfinished.start() if unfinished and not _is_whole(data[unfinished.start() :]) else len(data)
        self._rest = data[cut:]
        self._stream.feed(_KITTY_OR_LINK.sub(b"", data[:cut]))


def _is_whole(sequence: bytes) -> bool:
    """Whether an escape sequence at the end of a chunk has its last byte already."""
    if sequence.startswith(b"\x1b["):
        return re.match(rb"\x1b\[[0-?]*[ -/]*[@-~]", sequence) is not None
    if sequence.startswith(b"\x1b]"):
        return b"\x07" in sequence or b"\x1b\\" in sequence
    return len(sequence) > 1


def client_command(*arguments: str) -> list[str]:
    """The command line of the client, as the tests' interpreter runs it."""
    return [sys.executable, "-m", "chatroom", *arguments]


def server_command(*arguments: str) -> list[str]:
    """The command line of the server."""
    return [sys.executable, "-m", "chatroom_server", *arguments]
