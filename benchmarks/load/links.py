"""One link of the load generator: its socket, what it still has to send, and how many messages it has had."""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from benchmarks.load.wire import MARK, Dialect, Greeting, Said

READ_SIZE: Final = 1 << 18
STAMP: Final = re.compile(re.escape(MARK) + rb"([0-9a-f]{16})")
LINKS_PER_ADDRESS: Final = 20_000
"""An address has about 28,000 ports to call from, some of which rest after an earlier call."""
_BIND_NO_PORT: Final = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
_buffer = bytearray(READ_SIZE)
"""All links read into it, one after the other."""


class Link:
    """A guest in a room.

    Attributes:
        greeting: What is still to be said before it is in; None when it is.
        got: Messages that came, since it came in.
        received: Bytes that came.
        output: What the socket has not taken.
        sent_at: When something was last sent.
        checks: Whether the lines themselves are looked at.
        is_cut: It has ended, or was not begun.
        back_in_s: When the server wants it to come again.
    """

    __slots__ = (
        "_half",
        "back_in_s",
        "buffer",
        "checks",
        "dialect",
        "got",
        "greeting",
        "is_cut",
        "nick",
        "number",
        "output",
        "received",
        "room",
        "sent_at",
        "socket",
    )

    def __init__(self, number: int, room: int, nick: str, dialect: Dialect) -> None:
        self.number, self.room, self.nick, self.dialect = number, room, nick, dialect
        self.greeting: Greeting | None = None
        self.got = self.received = 0
        self.buffer, self.output = bytearray(), bytearray()
        self.sent_at = self.back_in_s = 0.0
        self.checks = self._half = False
        self.is_cut = True
        self.socket: socket.socket

    def call(self, address: tuple[str, int], *, tls: bool) -> None:
        """Connect; with TLS it is waited for.

        Raises:
            OSError: It cannot.
        """
        self.socket = socket.socket()
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket.connect(address)
            self.socket = context.wrap_socket(self.socket)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not tls:
            if which := self.number // LINKS_PER_ADDRESS:
                self.socket.setsockopt(socket.IPPROTO_IP, _BIND_NO_PORT, 1)
                self.socket.bind((f"127.0.0.{1 + which}", 0))
            self.socket.connect_ex(address)
        self.is_cut, self.back_in_s = False, 0.0
        self.buffer.clear()
        self.output.clear()

    def begin(self, greeting: Greeting) -> None:
        """Start to come in."""
        self.greeting = greeting
        self.output += next(greeting)

    def flush(self, now: float) -> bool:
        """Send what waits; whether something still does."""
        self.sent_at = now
        while self.output:
            try:
                del self.output[: self.socket.send(self.output)]
            except (BlockingIOError, ssl.SSLWantWriteError):
                return True
            except OSError:
                self.is_cut = True
                return False
        return False

    def read(self) -> Iterator[int]:
        """Read once, with TLS all that is there; gives how many bytes the shared buffer has each time."""
        while True:
            try:
                size = self.socket.recv_into(_buffer)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                size = 0
            if not size:
                self.is_cut = True
                return
            yield size
            if not isinstance(self.socket, ssl.SSLSocket):
                return

    def come_in(self, size: int) -> bool:
        """Take what was read while coming in; whether it is in now."""
        self.buffer += memoryview(_buffer)[:size]
        while self.greeting is not None and (frame := self.dialect.take(self.buffer)):
            try:
                self.output += self.greeting.send(frame)
            except StopIteration:
                self.greeting = None
                self.got = self.buffer.count(MARK)
        if self.greeting is None and not self.checks:
            self._half = self.buffer.endswith(MARK[:1])
            self.buffer.clear()
        return self.greeting is None

    def count(self, size: int) -> int:
        """How many messages what was read brings."""
        self.received += size
        count = _buffer.count(MARK, 0, size) + (self._half and _buffer[0] == MARK[1])
        self._half = _buffer[size - 1] == MARK[0]
        self.got += count
        return count

    def lines(self, size: int) -> list[Said]:
        """The lines that are whole with what was read."""
        self.buffer += memoryview(_buffer)[:size]
        found = []
        while frame := self.dialect.take(self.buffer):
            if line := self.dialect.said(frame):
                found.append(line)
            elif back_in_s := self.dialect.back_in_s(frame):
                self.back_in_s = back_in_s
        return found


def stamps(size: int) -> list[bytes]:
    """The time stamps in what was read; one that is cut in two is left out."""
    return STAMP.findall(_buffer, 0, size)
