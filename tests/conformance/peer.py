"""A client that speaks only the protocol, for tests of the real server: made from docs/protocol.md alone."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatroom.protocol import Connection, Role
from chatroom.protocol.auth import invitation_proof, is_signed, login_transcript, server_transcript
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    AnyFrame,
    Bye,
    Failed,
    Fetch,
    Hello,
    Join,
    Joined,
    Line,
    Login,
    Page,
    Send,
    ServerHello,
    Welcome,
)
from chatroom.protocol.ids import DeviceId, RoomId

WAIT_S = 10.0
RECEIVE_BYTES = 32 * 1024
"""What the kernel keeps for a reader that has stopped; left alone, some kernels go on to many megabytes."""
GENERAL = RoomId("general")
DEVICE = DeviceId("d1")
AnyKind = TypeVar("AnyKind", bound=AnyFrame)


class PeerClosedError(Exception):
    """The server hung up while a frame was waited for."""


class RefusedError(Exception):
    """The server answered with a `Failed`."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(f"{failed.code}: {failed.text}")
        self.code = failed.code
        self.failed = failed


@dataclass
class Person:
    """A user's key."""

    nick: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        """The key that others see."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Peer:
    """One link to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.connection = Connection(Role.CLIENT, now=0.0)
        self.inbox: list[AnyFrame] = []
        self.seen: list[AnyFrame] = []
        self.hello: Hello | None = None
        self.server_hello: ServerHello | None = None
        self.is_closed = False
        self.n = 0

    @classmethod
    async def connect(
        cls, port: int, *, host: str = "127.0.0.1", tls: bool = False, source: str | None = None
    ) -> Self:
        """Open a link; `source` is the address that the server sees."""
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        local = (source, 0) if source else None
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(host, port, ssl=context, local_addr=local), WAIT_S
        )
        return cls(reader, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    # --- bytes and frames ------------------------------------------------------------------------
    def send(self, frame: AnyFrame) -> None:
        """Send a frame."""
        self.connection.send(frame)
        self.writer.write(self.connection.take_output())

    async def read_some(self) -> None:
        """Wait for bytes, and take the frames that are whole."""
        chunk = await asyncio.wait_for(self.reader.read(256 * 1024), WAIT_S)
        self.is_closed = not chunk
        for event in self.connection.feed(chunk, now=0.0):
            if isinstance(event, FrameReceived):
                self.inbox.append(event.frame)
                self.seen.append(event.frame)
        if output := self.connection.take_output():
            self.writer.write(output)

    async def expect(
        self, kind: type[AnyKind], accept: Callable[[AnyKind], bool] = lambda _frame: True
    ) -> AnyKind:
        """Wait for a frame of a kind; others are passed over, but a `Failed` raises.

        Raises:
            RefusedError: The server says that something went wrong.
            PeerClosedError: The server hung up.
        """
        while True:
            while self.inbox:
                frame = self.inbox.pop(0)
                if isinstance(frame, kind) and accept(frame):
                    return frame
                if isinstance(frame, Failed):
                    raise RefusedError(frame)
            if self.is_closed:
                raise PeerClosedError
            await self.read_some()

    async def expect_line(self, line_id: int) -> Line:
        """Wait for the line with a number."""
        return await self.expect(Line, lambda line: line.id == line_id)

    def pause_reading(self) -> None:
        """Leave what the server sends in the sockets' buffers, which grow no more."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._transport().pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport().resume_reading()

    def _transport(self) -> asyncio.Transport:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.Transport)
        return transport

    async def expect_end(self) -> None:
        """Wait until the server hangs up."""
        while not self.is_closed:
            await self.read_some()

    async def cut(self) -> None:
        """Hang up without a word."""
        self.writer.transport.abort()
        try:
            await self.writer.wait_closed()
        except OSError:
            return

    async def leave(self) -> None:
        """Say goodbye, and wait for the server to hang up."""
        self.send(Bye())
        await self.expect_end()
        await self.cut()

    # --- conversations ---------------------------------------------------------------------------
    async def greet(self) -> ServerHello:
        """Say hello and check the server's answer."""
        self.hello = Hello(versions=(1, 1), nonce=os.urandom(32), agent="conformance")
        self.send(self.hello)
        answer = self.server_hello = await self.expect(ServerHello)
        transcript = server_transcript(answer.version, self.hello.nonce, answer.nonce)
        assert is_signed(answer.key, answer.signature, transcript)
        return answer

    def server_key(self) -> bytes:
        """The server's key as this client sees it: under TLS the one in the certificate."""
        assert self.server_hello is not None
        tls: ssl.SSLObject | None = self.writer.get_extra_info("ssl_object")
        if tls is None:
            return self.server_hello.key
        certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        key = certificate.public_key()
        assert isinstance(key, Ed25519PublicKey)
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)

    def login_of(self, person: Person, *, secret: str = "", quiet: bool = False) -> Login:
        """The login frame for a user's key."""
        assert self.hello is not None
        assert self.server_hello is not None
        transcript = login_transcript(
            1, self.hello.nonce, self.server_hello.nonce, self.server_key(), person.nick, [DEVICE]
        )
        proof = b""
        if secret:
            nonces = self.hello.nonce, self.server_hello.nonce
            proof = invitation_proof(secret.encode(), *nonces, person.public)
        return Login(
            nick=person.nick,
            key=person.public,
            signature=person.key.sign(transcript),
            devices=[DEVICE],
            quiet=quiet,
            proof=proof,
        )

    async def log_in(self, person: Person, *, secret: str = "", quiet: bool = False) -> Welcome:
        """Come in."""
        if self.server_hello is None:
            await self.greet()
        self.send(self.login_of(person, secret=secret, quiet=quiet))
        welcome = await self.expect(Welcome)
        self.n = welcome.devices.get(DEVICE, 0)
        return welcome

    async def join(self, room: str = "general", *, create: bool = False) -> Joined:
        """Become a member of a room."""
        self.send(Join(rid=1, room=room, create=create))
        return await self.expect(Joined, lambda joined: joined.rid == 1)

    def say(self, body: str, room: RoomId = GENERAL) -> int:
        """Send a message; returns its number."""
        self.n += 1
        self.send(Send(room=room, dev=DEVICE, n=self.n, body=body))
        return self.n

    async def say_and_wait(self, body: str, room: RoomId = GENERAL) -> Line:
        """Send a message, and wait until it is stored."""
        n = self.say(body, room)
        return await self.expect(Line, lambda line: line.dev == DEVICE and line.n == n and line.room == room)

    async def page(
        self, *, room: RoomId = GENERAL, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> list[Line]:
        """Fetch a page of history."""
        self.send(Fetch(rid=7, room=room, after=after, before=before, limit=limit))
        page = await self.expect(Page, lambda page: page.rid == 7)
        return [msgspec.json.decode(line, type=Line) for line in page.lines]
