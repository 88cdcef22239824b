"""One link's socket: bytes in; bytes out, of which it is known how many still wait.

A link begins NEW; with TLS its two ends shake hands (SHAKING). OPEN is where the hub knows it. To end it,
what waits is written (ENDING), our side is shut, and what the peer still sends is thrown away for a moment
(LINGERING): closing a socket with unread bytes would reset the connection, and the peer would never read
why. From every state it may be GONE.

The socket is ours, not a transport's: what is shared by links is not copied for those that are slow, and an
idle link takes little memory. What the bytes mean, `FrameLink` and `TextLink` know.
"""

import socket
from abc import abstractmethod
from asyncio import AbstractEventLoop
from collections.abc import Callable
from enum import Enum
from ssl import SSLContext
from typing import Final, Protocol

from chatroom.protocol.frames import AnyFrame
from chatroom_server.core.inputs import LinkId
from chatroom_server.shell.tails import Outlet

READ_SIZE: Final = 64 * 1024
QUEUE_PAUSE: Final = 64 * 1024
"""Bytes for a link alone beyond which nothing more is read from it."""
QUEUE_MAX: Final = 8 * 1024 * 1024
"""Bytes for a link alone beyond which it is cut: others can fill this queue too."""
ENDING_S: Final = 5.0
LINGER_S: Final = 2.0
_FOR_EVER: Final = float("inf")
_CLOCK_GRAIN_S: Final = 0.001
"""A timer may come so much before its time."""


class Phase(Enum):
    """Where a link stands; see the module."""

    NEW = "new"
    SHAKING = "shaking"
    OPEN = "open"
    ENDING = "ending"
    LINGERING = "lingering"
    GONE = "gone"


_OPEN: Final = Phase.OPEN
_LINGERING: Final = Phase.LINGERING
"""For what is done for each delivery: in Python 3.11 `Phase.OPEN` costs as much as a call."""


class LinkOwner(Protocol):
    """What a link needs of the server around it."""

    loop: AbstractEventLoop
    tls: SSLContext
    buffer: memoryview
    """`READ_SIZE` bytes that all links read into, one after the other."""

    def arrived(self, link: "Link") -> None:
        """The link speaks frames from here on."""

    def received(self, link: "Link", frames: list[AnyFrame]) -> None:
        """Legal frames came, at least one."""

    def has_output(self, link: "Link") -> None:
        """Something was put into the link's queue: a round is wanted."""

    def ending(self, link: "Link") -> None:
        """The link ends when what waits for it has been written; nothing new is for it."""

    def drained(self, link: "Link") -> None:
        """The socket takes bytes again."""

    def heard_out(self, link: "Link") -> None:
        """All that was read before the end is heard."""

    def lost(self, link: "Link", why: str) -> None:
        """The link is gone; comes once, whatever its phase was."""


class Link(Outlet):
    """A connection that was accepted.

    Args:
        local: The peer counts as this machine.
        owner: Shared by all links.
        patience_s: How long the peer may take until the link is open.
    """

    __slots__ = (
        "_deadline",
        "_held",
        "_owner",
        "_reading",
        "_rest",
        "_seal",
        "_socket",
        "host",
        "id",
        "is_clean",
        "is_known",
        "local",
        "phase",
        "port",
        "tls",
        "why",
    )

    is_foreign = False
    """It came through a gateway."""

    def __init__(
        self,
        link_id: LinkId,
        sock: socket.socket,
        peer: tuple[str, int],
        *,
        local: bool,
        owner: LinkOwner,
        patience_s: float,
    ) -> None:
        super().__init__()
        self.id, self.local = link_id, local
        self.host, self.port = peer
        self.phase, self.why = Phase.NEW, ""
        self.is_clean = self.is_known = False
        self.tls = False
        self._socket, self._owner = sock, owner
        self._deadline = owner.loop.time() + patience_s
        self._seal: Callable[[bytes], bytes] | None = None
        self._rest: memoryview | None = None
        self._held = 0.0
        self._reading = True
        owner.loop.add_reader(sock, self._on_readable)

    # --- reading ---------------------------------------------------------------------------------
    def _on_readable(self) -> None:
        owner = self._owner
        try:
            count = self._socket.recv_into(owner.buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._not_read(error)
            return
        if count == 0:
            self._on_end()
        elif self.phase is not _LINGERING:
            self._on_bytes(bytes(owner.buffer[:count]), owner.loop.time())

    def _not_read(self, error: OSError) -> None:
        """The connection broke."""
        self._lose(error.strerror or "cut")

    @abstractmethod
    def _on_bytes(self, chunk: bytes, now: float) -> None:
        """The peer sent bytes."""

    @abstractmethod
    def _on_end(self) -> None:
        """The peer sends nothing more."""

    def _open(self) -> None:
        self.phase = Phase.OPEN
        self._aim()
        self._owner.arrived(self)

    # --- writing ---------------------------------------------------------------------------------
    @abstractmethod
    def send(self, frame: AnyFrame) -> None:
        """Put a frame in front of everything of the link's rooms that comes later.

        Raises:
            LocalProtocolError: The frame has no place in the link's state, or is too long.
        """

    def send_encoded(self, data: bytes) -> None:
        """As `send`, with the bytes of a frame that can be sent to everybody who is online."""
        if self.phase is Phase.OPEN:
            self.put(data)

    def put(self, data: bytes) -> None:
        """Put bytes of frames into the queue; reads less from a peer that does not read."""
        self.queue.append(data)
        self.queued += len(data)
        self._owner.has_output(self)
        if self.queued > QUEUE_MAX:
            self._lose_soon("did not read its answers")
        elif self.queued > QUEUE_PAUSE:
            self._set_reading(False)

    def write(self, data: bytes) -> None:
        """Give bytes of frames to the socket, which must not be blocked."""
        if self._seal is not None:
            data = self._seal(data)
        try:
            sent = self._socket.send(data)
        except OSError as error:
            self.not_taken(data, 0, error)
        else:
            if sent != len(data):
                self._keep(data, sent)
        if not self._reading or self.phase is not _OPEN:
            self._owner.loop.call_soon(self._settle)

    def not_taken(self, data: bytes, sent: int, error: OSError | None = None) -> None:
        """The socket took so many of these bytes only."""
        self._keep(data, sent if error is None else self._not_sent(error, len(data)))

    def _keep(self, data: bytes, sent: int) -> None:
        """Keep what the socket did not take, without a copy."""
        if sent < len(data) and self._rest is None and self.phase is not Phase.GONE:
            self.blocked = True
            self._aim()
            self._rest = memoryview(data)[sent:]
            self._owner.loop.add_writer(self._socket, self._on_writable)

    def _aim(self) -> None:
        """Say whether a round may write to the socket by itself."""
        is_ready = self.phase is _OPEN and self._seal is None and not self.blocked
        self.sink = self._socket if is_ready else None

    def broke(self) -> None:
        """A round could not write to the link: it ends."""
        self._lose_soon("an error in the server")

    def _not_sent(self, error: OSError, _size: int = 0) -> int:
        """How many of so many bytes count as sent although the socket took none."""
        if not isinstance(error, (BlockingIOError, InterruptedError)):
            self._lose_soon(error.strerror or "cut")
        return 0

    def _on_writable(self) -> None:
        assert self._rest is not None
        try:
            sent = self._socket.send(self._rest)
        except OSError as error:
            sent = self._not_sent(error, len(self._rest))
        self._rest = self._rest[sent:]
        if not self._rest:
            self._rest, self.blocked = None, False
            self._aim()
            self._owner.loop.remove_writer(self._socket)
            self._owner.drained(self)
            self._settle()

    def _settle(self) -> None:
        """After a write: read again where that was paused; end where that was wanted."""
        if self.blocked or self.queued > QUEUE_PAUSE:
            return
        if self.phase is Phase.ENDING and not self.queue:
            self._shut()
        elif self.phase is Phase.OPEN and not self._reading and not self._held:
            self._go_on()

    # --- holding and ending ----------------------------------------------------------------------
    def hold(self, until: float) -> None:
        """Read nothing until a time."""
        if not self._held:
            self._set_reading(False)
            self._owner.loop.call_at(until, self._release)
        self._held = max(self._held, until)

    def _release(self) -> None:
        now = self._owner.loop.time()
        if self.phase is not Phase.OPEN or self._held == _FOR_EVER:
            return
        if self._held - now > _CLOCK_GRAIN_S:
            self._owner.loop.call_at(self._held, self._release)
            return
        self._held = 0.0
        if self.queued <= QUEUE_PAUSE:
            self._go_on()

    def _go_on(self) -> None:
        """Read again: it was this end that did not."""
        self._set_reading(True)

    def _set_reading(self, wanted: bool) -> None:
        if wanted == self._reading or self.phase is Phase.GONE:
            return
        self._reading = wanted
        if wanted:
            self._owner.loop.add_reader(self._socket, self._on_readable)
        else:
            self._owner.loop.remove_reader(self._socket)

    def read_last(self) -> bool:
        """The server ends: read no more than is there; whether some of that will take time to be heard."""
        self.stop_reading()
        return False

    def stop_reading(self) -> None:
        """Hear nothing more; what was said already still goes out."""
        if self.phase is Phase.OPEN:
            self._held = _FOR_EVER
            self._set_reading(False)
        elif self.phase in (Phase.NEW, Phase.SHAKING):
            self._lose("came too late")

    def tick(self, now: float) -> None:
        """Let time pass: pings, time-outs."""
        if self.phase is Phase.OPEN:
            self._tick_open(now)
        elif now >= self._deadline:
            self._come_too_late()

    def _tick_open(self, now: float) -> None:
        """Let time pass on an open link."""

    def _come_too_late(self) -> None:
        """The peer took too long to open the link, or to end it."""
        self._lose(self.why or "said nothing")

    def excuse(self, now: float) -> None:
        """Count the peer as heard: this process was not running."""
        self._deadline = max(self._deadline, now + LINGER_S)

    def end(self, why: str) -> None:
        """Hang up when what waits has been written."""
        if self.phase in (Phase.ENDING, Phase.LINGERING, Phase.GONE):
            return
        self.phase, self.why = Phase.ENDING, why
        self._aim()
        self._deadline = self._owner.loop.time() + ENDING_S
        self._owner.ending(self)
        self._owner.loop.call_soon(self._settle)

    def abort(self, why: str) -> None:
        """Hang up at once."""
        self._lose(why)

    def _shut(self) -> None:
        self.phase = Phase.LINGERING
        self._deadline = self._owner.loop.time() + LINGER_S
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._lose(self.why)
            return
        self._set_reading(True)

    def _lose_soon(self, why: str) -> None:
        """As `_lose`, from within a round."""
        self.blocked = True
        self._aim()
        self._owner.loop.call_soon(self._lose, why)

    def _lose(self, why: str) -> None:
        if self.phase is Phase.GONE:
            return
        loop = self._owner.loop
        loop.remove_reader(self._socket)
        loop.remove_writer(self._socket)
        self._socket.close()
        self.phase, self.blocked, self._rest, self._seal = Phase.GONE, True, None, None
        self._aim()
        self._owner.lost(self, self.why or why)
