"""A link that speaks our protocol: frames, with TLS or, from this machine, without.

Its first byte tells which: 0x16 begins TLS (RFC 8446, section 5.1), and is no kind of ours.
"""

import socket
from ssl import SSLError
from typing import Final

from chatroom.protocol import ERRORS, Connection, ErrorCode, Role, State, codec
from chatroom.protocol.events import FrameReceived, PeerBroke, PeerFinished, PeerSilent
from chatroom.protocol.frames import AnyFrame, Failed
from chatroom.protocol.limits import HANDSHAKE_TIMEOUT_S, PING_AFTER_S
from chatroom_server.core.inputs import LinkId
from chatroom_server.shell.link import QUEUE_MAX, Link, LinkOwner, Phase
from chatroom_server.shell.tls import TlsError, TlsStream

_TLS_BEGINS: Final = 0x16


class FrameLink(Link):
    """A connection to the server's port.

    Args:
        local: The peer may speak without TLS.
        owner: Shared by all links.
    """

    __slots__ = ("_connection", "_tls")

    def __init__(
        self, link_id: LinkId, sock: socket.socket, peer: tuple[str, int], *, local: bool, owner: LinkOwner
    ) -> None:
        super().__init__(link_id, sock, peer, local=local, owner=owner, patience_s=HANDSHAKE_TIMEOUT_S)
        self._tls: TlsStream | None = None
        self._connection = Connection(Role.SERVER, now=owner.loop.time())

    # --- reading ---------------------------------------------------------------------------------
    def _on_bytes(self, chunk: bytes, now: float) -> None:
        if self.phase is Phase.NEW:
            self._begin(chunk[0])
        if self._tls is not None:
            chunk = self._unsealed(self._tls, chunk)
        if chunk and self.phase is Phase.OPEN:
            self._feed(chunk, now)
        if self._tls is not None and self._tls.is_finished and self.phase is Phase.OPEN:
            self._on_end()

    def _begin(self, first_byte: int) -> None:
        """Tell TLS from frames; plain frames are for this machine only."""
        if first_byte == _TLS_BEGINS:
            self._tls, self.phase, self.tls = TlsStream(self._owner.tls), Phase.SHAKING, True
            self._seal = self._sealed
        elif self.local:
            self._open()
        else:
            self._fail(ErrorCode.TLS_REQUIRED)

    def _unsealed(self, tls: TlsStream, chunk: bytes) -> bytes:
        try:
            chunk = tls.feed(chunk)
        except TlsError as error:
            self._put(tls.take_output())
            self.end(f"no TLS: {error}")
            self._forget_queue()
            return b""
        self._put(tls.take_output())
        if tls.is_open and self.phase is Phase.SHAKING:
            self._open()
        return chunk

    def _feed(self, chunk: bytes, now: float) -> None:
        frames: list[AnyFrame] = []
        for event in self._connection.feed(chunk, now=now):
            if isinstance(event, FrameReceived):
                frames.append(event.frame)
            elif isinstance(event, PeerBroke):
                self._hand_over(frames)
                self.flush_connection()
                self.end(f"{event.error.code}: {event.error}")
                return
        self._hand_over(frames)
        self.flush_connection()

    def _hand_over(self, frames: list[AnyFrame]) -> None:
        if frames:
            self._owner.received(self, frames)

    def _on_end(self) -> None:
        for event in self._connection.feed(b"", now=self._owner.loop.time()):
            if isinstance(event, PeerFinished):
                self.is_clean = self.is_clean or event.clean
        self._lose("left" if self.is_clean else "hung up")

    # --- writing ---------------------------------------------------------------------------------
    def send(self, frame: AnyFrame) -> None:
        """Put a frame in front of everything of the link's rooms that comes later.

        Raises:
            LocalProtocolError: The frame has no place in the link's state, or is too long.
        """
        if self.phase is Phase.OPEN and self._connection.state is not State.CLOSED:
            self._connection.send(frame)
            self.flush_connection()

    def flush_connection(self) -> None:
        """Move what the connection has to say into the queue."""
        if output := self._connection.take_output():
            self.put(output)

    def _sealed(self, data: bytes) -> bytes:
        assert self._tls is not None
        try:
            return self._tls.seal(data)
        except SSLError as error:
            self._lose_soon(f"no TLS: {error}")
            return b""

    def _forget_queue(self) -> None:
        """Say nothing more: TLS takes nothing after what broke it."""
        self.queue.clear()
        self.queued = 0
        self._owner.loop.call_soon(self._settle)

    def _put(self, data: bytes) -> None:
        """Give what TLS itself has to say to the socket, behind what waits there."""
        if self.phase is Phase.GONE or not data:
            return
        if self._rest is None:
            try:
                sent = self._socket.send(data)
            except OSError as error:
                sent = self._not_sent(error)
            self._keep(data, sent)
        else:
            self._rest = memoryview(bytes(self._rest) + data)
            if len(self._rest) > QUEUE_MAX:
                self._lose_soon("did not read its answers")

    # --- time, and the end -----------------------------------------------------------------------
    def _go_on(self) -> None:
        self._connection.excuse(self._owner.loop.time())
        super()._go_on()

    def _tick_open(self, now: float) -> None:
        if self._held:
            self._connection.excuse(now)
            if now >= self._deadline:  # an open link needs it for nothing else
                self._deadline = now + PING_AFTER_S
                self._connection.ping()
        for event in self._connection.tick(now):
            if isinstance(event, PeerSilent):
                self._lose("was silent for too long")
                return
        self.flush_connection()

    def _come_too_late(self) -> None:
        if self.phase is Phase.NEW and self.local:
            self._fail(ErrorCode.HANDSHAKE_SLOW)
        else:
            super()._come_too_late()

    def excuse(self, now: float) -> None:
        """Count the peer as heard: this process was not running."""
        self._connection.excuse(now)
        super().excuse(now)

    def end(self, why: str) -> None:
        """Hang up when what waits has been written."""
        super().end(why)
        self._connection.close()

    def _fail(self, code: ErrorCode) -> None:
        self.put(codec.encode(Failed(code=code, text=ERRORS[code].sentence, fatal=True)))
        self.end(code)

    def _shut(self) -> None:
        if self._tls is not None:
            self._put(self._tls.finish())
        super()._shut()
