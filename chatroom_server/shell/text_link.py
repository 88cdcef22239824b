"""A link of the plain-text door: lines in, text out, and between them the same frames as for everybody."""

import socket
from asyncio import TimerHandle
from typing import Final

from chatroom.protocol import codec
from chatroom.protocol.frames import AnyFrame
from chatroom_server.core.inputs import LinkId
from chatroom_server.gateways.text import TextConnection
from chatroom_server.gateways.text.settings import FIRST_LINE_S
from chatroom_server.shell.keepalive import is_unreachable
from chatroom_server.shell.link import QUEUE_PAUSE, Link, LinkOwner, Phase

_LAST_READS: Final = 3
"""So often is a link read when the server ends: as much as may wait in it, and no sender keeps it busy."""
_HUNG_UP: Final = (BrokenPipeError, ConnectionResetError)


class TextLink(Link):
    """A connection to the plain-text port.

    What waits for it are frames, as for every link; they become text when they are written.
    """

    __slots__ = ("_connection", "_due", "_has_ended", "_is_last", "_is_planned", "_timer")

    is_foreign = True

    def __init__(
        self,
        link_id: LinkId,
        sock: socket.socket,
        peer: tuple[str, int],
        connection: TextConnection,
        *,
        local: bool,
        owner: LinkOwner,
    ) -> None:
        super().__init__(link_id, sock, peer, local=local, owner=owner, patience_s=FIRST_LINE_S)
        self._connection = connection
        self._seal = self._read_frames
        self._has_ended = False
        self._is_last = False
        self._is_planned = False
        self._timer: TimerHandle | None = None
        self._due: float | None = None
        self.is_clean = True  # who hangs up has left: plain text knows no other goodbye

    # --- reading ---------------------------------------------------------------------------------
    def _on_bytes(self, chunk: bytes, now: float) -> None:
        if self.phase not in (Phase.NEW, Phase.OPEN):
            return
        self._connection.feed(chunk, now)
        self._step()

    def _not_read(self, _error: OSError) -> None:
        self._on_end()  # all that came before is still said

    def _on_end(self) -> None:
        if self._has_ended or self.phase not in (Phase.NEW, Phase.OPEN):
            self._lose("left")
            return
        self._has_ended = True
        self._connection.finish(self._owner.loop.time())
        self._set_reading(False)
        self._step()

    def read_last(self) -> bool:
        """Read what has come already, and go on hearing it until `stop_reading`."""
        self._is_last = True
        for _read in range(_LAST_READS):
            if self.phase not in (Phase.NEW, Phase.OPEN) or self._has_ended or self._connection.is_full:
                break
            self._on_readable()
        if self._is_heard:
            self.stop_reading()
            return False
        self._set_reading(False)
        return True

    @property
    def _is_heard(self) -> bool:
        """Nothing that was read waits any more."""
        return self.phase not in (Phase.NEW, Phase.OPEN) or not self._connection.has_unheard

    @property
    def _hears(self) -> bool:
        """Lines are looked at: the hub does not hold the link, and the peer reads what it is told."""
        return not (self._held or self.blocked or self.queued > QUEUE_PAUSE)

    def _plan(self) -> None:
        """Step behind all other work that waits now."""
        if not self._is_planned:
            self._is_planned = True
            self._owner.loop.call_soon(self._step_as_planned)

    def _step_as_planned(self) -> None:
        self._is_planned = False
        self._step()

    def _step(self) -> None:
        """Go on with what the peer has said, as far as the hub has answered."""
        if self.phase not in (Phase.NEW, Phase.OPEN):
            return
        connection, now = self._connection, self._owner.loop.time()
        if not self._held:
            self._ask(connection.step(now, hears=self._hears))
        is_late = connection.ends_at is not None and now >= connection.ends_at
        if connection.is_over or (self._held and is_late):
            self._end_now()
        if self.phase in (Phase.NEW, Phase.OPEN):
            self._wait()
        if self._is_last and self._is_heard:
            self._owner.heard_out(self)

    def _end_now(self) -> None:
        """End the link: at once where nothing is to be said any more, since its nick may be wanted again."""
        if self._has_ended and not (self.queue or self.blocked or self.behind):
            self._lose("left")
        else:
            self.end("left")

    def _ask(self, asks: list[AnyFrame]) -> None:
        if output := self._connection.take_output():
            self.put(output)
        for frame in asks:
            if self.phase is Phase.NEW:
                self._open()
            if self.phase is Phase.OPEN:
                self._owner.received(self, [frame])

    def _wait(self) -> None:
        """Read on unless enough waits; wake up when something is due although nothing comes."""
        connection, hears = self._connection, self._hears
        is_wanted = not (self._has_ended or self._is_last or self._held or connection.is_full)
        self._set_reading(is_wanted and self.queued <= QUEUE_PAUSE)
        self._stop_timer()
        self._due = connection.due if hears else connection.ends_at
        if self._due is not None:
            self._timer = self._owner.loop.call_at(self._due, self._step)
        if hears and connection.has_work:
            self._plan()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        self._plan()

    def _settle(self) -> None:
        super()._settle()
        if self.phase in (Phase.NEW, Phase.OPEN) and self._hears:
            self._plan()

    def _tick_open(self, _now: float) -> None:
        if is_unreachable(self._socket):
            self._lose("was silent for too long")

    # --- writing ---------------------------------------------------------------------------------
    def send(self, frame: AnyFrame) -> None:
        """Put a frame in front of everything of the link's rooms that comes later."""
        if self.phase is Phase.OPEN:
            self.put(codec.encode(frame))

    def _not_sent(self, error: OSError, size: int = 0) -> int:
        """Who has hung up reads nothing more, but what it has sent is still said: pupils' programs do so."""
        return size if isinstance(error, _HUNG_UP) else super()._not_sent(error, size)

    def _read_frames(self, data: bytes) -> bytes:
        text = self._connection.read(data)
        connection = self._connection
        if connection.has_work or self._is_last or (self._hears and connection.due != self._due):
            self._plan()
        return text

    def _lose(self, why: str) -> None:
        self._stop_timer()
        super()._lose(why)
