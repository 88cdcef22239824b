"""One connection to a server: a StreamReader and a StreamWriter around the protocol's state machine."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import deque
from typing import Final

from chatroom.client.address import Address
from chatroom.client.errors import CannotConnect, ClientError, NoChatroom
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.common.texts import Texts
from chatroom.protocol import Connection, NotChatroomError, Role, State
from chatroom.protocol.events import FrameReceived, PeerBroke, PeerFinished, PeerSilent
from chatroom.protocol.frames import AnyFrame, Bye, Failed, Goodbye, Ping, Send, ServerHello
from chatroom.protocol.kinds import BY_FRAME

_FIRST_KINDS: Final = frozenset(BY_FRAME[frame].kind for frame in (ServerHello, Failed, Goodbye, Ping))
"""What a server may begin with."""
_CHUNK: Final = 256 * 1024
_BACKLOG_MAX: Final = 64 * 1024 * 1024
_CONNECT_TIMEOUT_S: Final = 15.0
_TICK_S: Final = 1.0
_CLOSE_TIMEOUT_S: Final = 2.0


class LinkCut(ClientError):  # noqa: N818  # reads as what happened
    """The link is over.

    Attributes:
        back_in_s: When the server said that it is back; 0 where it did not.
        restarting: The server said that it restarts.
    """

    def __init__(self, sentence: str, *, back_in_s: float = 0.0, restarting: bool = False) -> None:
        super().__init__(sentence)
        self.back_in_s = back_in_s
        self.restarting = restarting


class Link:
    """A connection that is open; `open_link` makes one.

    Attributes:
        tls_key: The Ed25519 key in the server's certificate; None on a plain link.
        gathered: About how many bytes wait for the next `drain`.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timing: Timing, texts: Texts
    ) -> None:
        self.tls_key: bytes | None = None
        self.gathered = 0
        self._reader = reader
        self._writer = writer
        self._timing = timing
        self._texts = texts
        self._connection = Connection(Role.CLIENT, now=timing.now())
        self._received: deque[FrameReceived] = deque()
        self._end: PeerBroke | PeerFinished | None = None
        self._silent = False
        self._is_first = True
        self._tasks = Tasks("link")
        self._tasks.start(self._tick(), name="tick")

    @property
    def is_online(self) -> bool:
        """Whether the login is done and the link is not over."""
        return self._connection.state is State.ONLINE

    def send(self, frame: AnyFrame) -> None:
        """Hand a frame to the system, or to its queue; who sends many awaits `drain` now and then.

        Raises:
            LocalProtocolError: It is too long.
            LinkCut: The link is over, which `receive` may not have told yet.
        """
        self.gather(frame)
        self._flush()

    def gather(self, frame: AnyFrame) -> None:
        """Keep a frame for the next `send` or `drain`, so that many leave together; raises as `send` does."""
        if self._connection.state is State.CLOSED:
            raise self._cut(None)
        self._connection.send(frame)
        self.gathered += 64 + len(frame.body) if isinstance(frame, Send) else 64

    async def drain(self) -> None:
        """Hand over what was gathered, and wait while the server takes nothing.

        Raises:
            LinkCut: It never will.
        """
        self._flush()
        try:
            await self._writer.drain()
        except OSError as error:
            raise self._cut(error) from error

    async def receive(self) -> list[FrameReceived]:
        """The next frames, oldest first; at least one.

        Raises:
            LinkCut: The link is over.
            NoChatroom: What answers is none.
        """
        if not self._received:
            await self._read()
        frames = list(self._received)
        self._received.clear()
        return frames

    async def receive_one(self) -> FrameReceived:
        """The next frame; raises as `receive` does."""
        if not self._received:
            await self._read()
        return self._received.popleft()

    async def close(self, *, politely: bool = False) -> None:
        """End the link; politely says goodbye first, and waits a little until that has left."""
        if politely and self.is_online and not self._silent:
            with contextlib.suppress(OSError, LinkCut):
                self.send(Bye())
                self._writer.close()
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self._writer.wait_closed()
        self._connection.close()
        self._writer.transport.abort()
        await self._tasks.cancel_all()

    async def _read(self) -> None:
        while not self._received:
            if self._end is not None:  # the frames in front of it were taken first
                raise self._ended(self._end)
            try:
                chunk = await self._reader.read(_CHUNK)
            except OSError as error:
                raise self._cut(error) from error
            self._check_first(chunk)
            events = self._connection.feed(chunk, now=self._timing.now())
            self._flush()
            for event in events:
                if isinstance(event, FrameReceived):
                    self._received.append(event)
                elif isinstance(event, PeerBroke | PeerFinished) and self._end is None:
                    self._end = event
            if not chunk and self._end is None:
                self._end = PeerFinished(clean=False)

    def _check_first(self, chunk: bytes) -> None:
        """Tell another program by its first byte, which may look like the begin of a long frame."""
        if self._is_first and chunk and chunk[0] not in _FIRST_KINDS:
            raise NoChatroom(self._texts._("what answers there is no chatroom server"))
        self._is_first = False

    def _flush(self) -> None:
        self.gathered = 0
        if output := self._connection.take_output():
            self._writer.write(output)
            if self._writer.transport.get_write_buffer_size() > _BACKLOG_MAX:
                self._writer.transport.abort()  # it asks and asks, and takes no answer

    async def _tick(self) -> None:
        while True:
            await self._timing.sleep(_TICK_S)
            if any(isinstance(event, PeerSilent) for event in self._connection.tick(self._timing.now())):
                self._silent = True
                self._writer.transport.abort()
                return
            self._flush()

    def _ended(self, end: PeerBroke | PeerFinished) -> ClientError:
        """What the end of the stream is for a person."""
        if isinstance(end, PeerFinished):
            return self._cut(None)
        if isinstance(end.error, NotChatroomError):
            ended: ClientError = NoChatroom(self._texts._("what answers there is no chatroom server"))
        else:
            ended = LinkCut(self._texts._("the server sent what cannot be read"))
        ended.__cause__ = end.error
        return ended

    def _cut(self, error: Exception | None) -> LinkCut:
        if self._silent:
            return LinkCut(self._texts._("the server no longer answers"))
        if error is None:
            return LinkCut(self._texts._("the server has closed the connection"))
        return LinkCut(self._texts._("the connection is cut"))


async def open_link(address: Address, *, tls: bool, timing: Timing, texts: Texts) -> Link:
    """Connect to a server.

    Raises:
        CannotConnect: Nobody answers there, or something else does.
    """
    context = _tls_context() if tls else None
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=context, limit=_CHUNK
            )
    except ssl.SSLEOFError as error:
        raise CannotConnect(texts._("the connection is cut")) from error
    except ssl.SSLError as error:
        raise NoChatroom(texts._("what answers there is no chatroom server")) from error
    except (OSError, UnicodeError) as error:
        raise CannotConnect(_why(error, address, texts)) from error
    _set_nodelay(writer)
    link = Link(reader, writer, timing, texts)
    if tls:
        link.tls_key = _certificate_key(writer)
    return link


def _tls_context() -> ssl.SSLContext:
    """TLS 1.3 without authorities: a server is known by its key, which is compared after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _certificate_key(writer: asyncio.StreamWriter) -> bytes:
    """The Ed25519 key of the server's certificate; empty where it has another kind of key."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    try:
        key = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"").public_key()
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else b""


def _set_nodelay(writer: asyncio.StreamWriter) -> None:
    connected = writer.get_extra_info("socket")
    if connected is not None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _why(error: Exception, address: Address, texts: Texts) -> str:
    """Why nobody could be reached, for a person."""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return texts._("no machine is known as {host}").format(host=address.host)
    if isinstance(error, TimeoutError):
        return texts._("{address} does not answer").format(address=address)
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ECONNREFUSED or "refused" in str(error).lower():
        return texts._("no server answers at {address}").format(address=address)
    if code in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return texts._("{host} cannot be reached from here").format(host=address.host)
    return texts._("{address} cannot be reached ({reason})").format(address=address, reason=error)
