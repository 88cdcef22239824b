"""What goes over the sockets: as much of a server's language as a load generator speaks."""

import base64
import json
import os
from collections.abc import Generator
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

DEVICE: Final = "load"
MARK: Final = b"~@"
"""Stands once in each body; 16 hexadecimal digits of a time in ns and 8 of a number follow."""


class RefusedError(Exception):
    """The server said no."""


class Frame(NamedTuple):
    """One unit of a server's language."""

    kind: bytes
    body: bytes


class Said(NamedTuple):
    """A line of a room; `id` is 0 where a server has no numbers."""

    id: int
    room: str
    body: str


Greeting: TypeAlias = Generator[bytes, Frame, None]
"""Yields what to send, is sent each frame that comes, and ends when one is in the room."""


class Dialect(Protocol):
    """How one kind of server is spoken to."""

    ping: bytes
    """What keeps a silent link open; empty where nothing needs to."""

    def take(self, buffer: bytearray) -> Frame | None:
        """Take the first frame out of the buffer; None while it is not whole."""

    def greet(self, nick: str, room: str) -> Greeting:
        """Come into a room."""

    def knock(self) -> Greeting:
        """Come as far as one does before the login."""

    def say(self, room: str, n: int, body: bytes) -> bytes:
        """A message, the n-th of its author."""

    def said(self, frame: Frame) -> Said | None:
        """The line that a frame brings, if it is one."""

    def back_in_s(self, frame: Frame, /) -> float | None:
        """When to come again, if the server says so with this frame."""


class Chatroom:
    """Version 1 of docs/protocol.md, as a guest."""

    ping = b"?\x02{}"

    def take(self, buffer: bytearray) -> Frame | None:
        """A byte of kind, a length of 1 to 8 bytes, a body."""
        if len(buffer) < 2:
            return None
        header = 1 << (buffer[1] >> 6)
        length = int.from_bytes(buffer[1 : 1 + header]) & ((1 << (8 * header - 2)) - 1)
        end = 1 + header + length
        if len(buffer) < max(end, 1 + header):
            return None
        frame = Frame(bytes(buffer[:1]), bytes(buffer[1 + header : end]))
        del buffer[:end]
        return frame

    def greet(self, nick: str, room: str) -> Greeting:
        """Hello, login and join; a quiet guest, so that nobody is told."""
        yield from self.knock()
        _expect(b"w", (yield _frame(b"L", {"nick": nick, "devices": [DEVICE], "quiet": True})))
        frame = yield _frame(b"J", {"rid": 1, "room": room})
        while frame.kind not in b"je":
            frame = yield b""
        _expect(b"j", frame)

    def knock(self) -> Greeting:
        """Hello, and the server's."""
        nonce = base64.b64encode(os.urandom(32)).decode()
        _expect(b"h", (yield _frame(b"H", {"versions": [1, 1], "nonce": nonce, "agent": "load"})))

    def say(self, room: str, n: int, body: bytes) -> bytes:
        """One frame; the body holds nothing that JSON escapes."""
        return framed(b"S", b'{"room":"%b","dev":"load","n":%d,"body":"%b"}' % (room.encode(), n, body))

    def said(self, frame: Frame) -> Said | None:
        """Lines are frames of their own."""
        if frame.kind != b"m":
            return None
        line = json.loads(frame.body)
        return Said(line["id"], line["room"], line["body"])

    def back_in_s(self, frame: Frame) -> float | None:
        """A goodbye names it."""
        return float(json.loads(frame.body).get("back_in_s", 0)) if frame.kind == b"b" else None


class Naive:
    """JSON, one object a line: see benchmarks/naive_server.py."""

    ping = b""

    def take(self, buffer: bytearray) -> Frame | None:
        """A line."""
        end = buffer.find(b"\n") + 1
        if not end:
            return None
        frame = Frame(b"", bytes(buffer[:end]))
        del buffer[:end]
        return frame

    def greet(self, nick: str, room: str) -> Greeting:
        """One line there, one back."""
        frame = yield json.dumps({"join": room, "nick": nick}).encode() + b"\n"
        if "joined" not in json.loads(frame.body):
            raise RefusedError(frame.body.decode())

    def knock(self) -> Greeting:
        """There is nothing before the login."""
        yield from self.greet("nobody", "general")

    def say(self, room: str, n: int, body: bytes) -> bytes:
        """One line."""
        return b'{"room": "%b", "n": %d, "body": "%b"}\n' % (room.encode(), n, body)

    def said(self, frame: Frame) -> Said | None:
        """Whatever has a body."""
        line = json.loads(frame.body)
        return Said(0, line["room"], line["body"]) if "body" in line else None

    def back_in_s(self, _frame: Frame, /) -> float | None:
        """It never says."""
        return None


DIALECTS: Final[dict[str, Dialect]] = {"chatroom": Chatroom(), "naive": Naive()}


def framed(kind: bytes, body: bytes) -> bytes:
    """A frame: its kind, the shortest form of its length, its body."""
    for place, (size, most) in enumerate(((1, 1 << 6), (2, 1 << 14), (4, 1 << 30))):
        if len(body) < most:
            return kind + (len(body) | place << (8 * size - 2)).to_bytes(size) + body
    raise ValueError("a body of a gigabyte is no body for a load generator")


def fetch(rid: int, room: str, before: int, limit: int) -> bytes:
    """Ask for the last lines below an id."""
    return _frame(b"F", {"rid": rid, "room": room, "before": before, "limit": limit})


def _frame(kind: bytes, body: dict[str, Any]) -> bytes:
    return framed(kind, json.dumps(body, separators=(",", ":")).encode())


def _expect(kind: bytes, frame: Frame) -> None:
    if frame.kind != kind:
        told = json.loads(frame.body)
        raise RefusedError(told.get("text") or f"a frame {frame.kind!r} came instead of {kind!r}")
