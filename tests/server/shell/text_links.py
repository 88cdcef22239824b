"""A link of the plain-text door over a real socket, with an owner that lets in everybody."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from chatroom.common.texts import Texts
from chatroom.protocol import codec
from chatroom.protocol.frames import Ack, AnyFrame, Join, Joined, Login, RoomInfo, Send, Welcome
from chatroom.protocol.ids import Epoch, RoomId, UserId
from chatroom_server.core.inputs import LinkId
from chatroom_server.gateways.text import TextConnection, TextSettings
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.link import READ_SIZE, Link
from chatroom_server.shell.text_link import TextLink

ROOM = RoomId("general")
FRAME = 1 << 16
MUCH = 64 * FRAME


class Owner:
    """A server whose hub lets everybody in, and stores at once unless it is slow."""

    tls: ssl.SSLContext

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.fanout = Fanout(loop.call_soon)
        self.frames: list[AnyFrame] = []
        self.said: list[str] = []
        self.endings: list[str] = []
        self.heard: list[LinkId] = []
        self.is_slow = self.lets_wait = False
        self._welcome: Welcome | None = None
        self.has_arrived = False
        self._waiting: list[tuple[Link, Send]] = []
        self.changed = asyncio.Event()

    def arrived(self, link: Link) -> None:
        self.has_arrived = True
        self.changed.set()

    def received(self, link: Link, frames: list[AnyFrame]) -> None:
        for frame in frames:
            self._take(link, frame)

    def _take(self, link: Link, frame: AnyFrame) -> None:
        self.frames.append(frame)
        match frame:
            case Login(nick):
                self._welcome = Welcome(UserId("me"), nick, "#fff", Epoch("e"), default_room=ROOM)
                if not self.lets_wait:
                    self.welcome(link)
            case Join(rid):
                link.send(Joined(rid, RoomInfo(ROOM, "general")))
            case Send():
                self.said.append(frame.body)
                self._waiting.append((link, frame))
        if not self.is_slow:
            self.store()
        self.changed.set()

    def welcome(self, link: Link) -> None:
        assert self._welcome is not None
        link.send(self._welcome)

    def store(self) -> None:
        for link, frame in self._waiting:
            link.send(Ack(frame.dev, frame.n, frame.room))
        self._waiting.clear()

    def has_output(self, link: Link) -> None:
        self.fanout.touch(link)

    def ending(self, link: Link) -> None:
        self.fanout.release(link)

    def heard_out(self, link: Link) -> None:
        self.heard.append(link.id)
        self.changed.set()

    def drained(self, link: Link) -> None:
        self.fanout.drained(link)

    def lost(self, link: Link, why: str) -> None:
        self.fanout.drop(link)
        self.endings.append(why)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def turns(self) -> None:
        """Let the loop do what is ready, and what comes of it."""
        for _turn in range(20):
            await asyncio.sleep(0)

    async def time(self, moment: float) -> None:
        """Let the loop's timers come to a moment."""
        reached = asyncio.Event()
        self.loop.call_at(moment, reached.set)
        await reached.wait()


class Stage:
    """A link, and the other end of its socket."""

    def __init__(self, owner: Owner) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.theirs.settimeout(10)
        self.owner = owner
        self.fed: list[bytes] = []
        settings = TextSettings(Texts(), lambda _at: "12:34")
        self.connection = TextConnection(
            ("192.0.2.7", 5), ("192.0.2.1", 9998), settings, lambda _line, _is_nameless: None
        )
        self.connection.feed = self._feed  # type: ignore[method-assign]
        self.link = TextLink(LinkId(1), ours, ("192.0.2.7", 5), self.connection, local=False, owner=owner)

    def _feed(self, chunk: bytes, now: float) -> None:
        TextConnection.feed(self.connection, chunk, now)
        self.fed.append(chunk)
        self.owner.changed.set()

    async def say(self, text: str) -> None:
        await asyncio.to_thread(self.theirs.sendall, text.encode())

    async def hear_all(self) -> str:
        heard = b""
        while chunk := await asyncio.to_thread(self.theirs.recv, 1 << 16):
            heard += chunk
        return heard.decode()

    def hear(self, size: int) -> None:
        """Read so many bytes."""
        while size > 0:
            size -= len(self.theirs.recv(min(size, 1 << 16)))

    def frame(self, text: str) -> bytes:
        """Something for the link alone that is shown."""
        piece = text.encode()[:FRAME]
        assert len(text) % len(piece) == 0
        return (bytes([0]) + codec.encode_length(len(piece)) + piece) * (len(text) // len(piece))

    def block(self) -> None:
        """Say more than the peer's socket takes, as a room does: that stops no reading."""
        self.link.write(self.frame("x" * MUCH))
        assert self.link.blocked

    async def enter(self) -> None:
        await self.say("Hello|zoé\nsalut\n")
        await self.owner.until(lambda: self.owner.said == ["salut"])
        self.owner.said.clear()

    def close(self) -> None:
        self.link.abort("the test is over")
        self.theirs.close()
