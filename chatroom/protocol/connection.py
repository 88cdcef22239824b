"""One end of a link, without a socket: bytes in; events and bytes out. Both ends use it."""

from enum import Enum

from chatroom.protocol import codec
from chatroom.protocol.errors import (
    ERRORS,
    ErrorCode,
    LocalProtocolError,
    NotChatroomError,
    RemoteProtocolError,
)
from chatroom.protocol.events import Event, FrameReceived, PeerBroke, PeerFinished, PeerSilent
from chatroom.protocol.frames import AnyFrame, Bye, Failed, Goodbye, Ping, Pong
from chatroom.protocol.kinds import BY_FRAME, BY_KIND, KINDS, KindInfo, Sender
from chatroom.protocol.limits import DEAD_AFTER_S, PING_AFTER_S
from chatroom.protocol.transitions import ALWAYS, HANDSHAKE, State, next_state


class Role(Enum):
    """Which end this is."""

    CLIENT = "client"
    SERVER = "server"


_PEER = {Role.CLIENT: Sender.SERVER, Role.SERVER: Sender.CLIENT}
_SELF = {Role.CLIENT: Sender.CLIENT, Role.SERVER: Sender.SERVER}
_STATEFUL = HANDSHAKE | ALWAYS
_PLAIN = {
    role: frozenset(info.kind for info in KINDS if info.sender is _PEER[role] and info.frame not in _STATEFUL)
    for role in Role
}
"""Kinds that an online link takes from its peer without another thought: nearly all of what is sent."""
_ONLINE, _CLOSED = State.ONLINE, State.CLOSED
"""For what is done for each frame: in Python 3.11 `State.ONLINE` costs as much as a call."""
_PING, _PONG = codec.encode(Ping()), codec.encode(Pong())


class Connection:
    """The state machine of a link (see `transitions`), its frames, pings and errors.

    Args:
        role: Which end this is.
        now: The caller's monotonic clock, in seconds.
    """

    __slots__ = ("_asked", "_clean", "_heard", "_output", "_plain", "_reader", "role", "state")

    def __init__(self, role: Role, *, now: float) -> None:
        self.role = role
        self.state = State.OPENED
        self._plain = _PLAIN[role]
        self._reader = codec.FrameReader()
        self._output: list[bytes] = []
        self._heard = now
        self._asked = False
        self._clean = False

    def send(self, frame: AnyFrame) -> None:
        """Put a frame into the output.

        Raises:
            LocalProtocolError: The frame is not legal for this end in this state, or too long.
        """
        sender = BY_FRAME[type(frame)].sender
        move = next_state(self.state, type(frame))
        if move is None or sender not in (_SELF[self.role], Sender.BOTH):
            raise LocalProtocolError(
                f"{type(frame).__name__} from the {self.role.value} while {self.state.value}"
            )
        self._output.append(codec.encode(frame))
        self.state = self._after(move, frame)

    def take_output(self) -> bytes:
        """What has to be written to the peer now."""
        if not self._output:
            return b""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def feed(self, chunk: bytes, *, now: float) -> list[Event]:
        """Accept bytes from the peer and return what they meant, oldest first.

        However the stream is cut, the events are the same. Send `take_output()` afterwards: answers to
        pings and to broken frames wait there.

        Args:
            chunk: Bytes as read; empty means the peer has finished.
            now: The caller's monotonic clock, in seconds.
        """
        if self.state is _CLOSED:
            return []
        if not chunk:
            self.state = State.CLOSED
            return [PeerFinished(clean=self._clean and not self._reader.pending)]
        self._heard, self._asked = now, False
        events: list[Event] = []
        frames, error = self._reader.feed(chunk)
        try:
            for kind, body in frames:
                if kind in self._plain and self.state is _ONLINE:
                    events.append(FrameReceived(codec.decode_body(kind, body), body))
                    self._clean = False
                else:
                    self._receive(kind, body, events)
            if self.state is not _ONLINE:
                self._check_begun()
            if error is not None:
                raise self._blame(error)
        except RemoteProtocolError as broken:
            events.append(self._break(broken))
        return events

    def tick(self, now: float) -> list[Event]:
        """Let time pass: asks a silent peer with a ping, and gives it up after `DEAD_AFTER_S`.

        Args:
            now: The caller's monotonic clock, in seconds.
        """
        silent_s = now - self._heard
        if self.state is State.CLOSED or silent_s < PING_AFTER_S:
            return []
        if silent_s >= DEAD_AFTER_S:
            self.state = State.CLOSED
            return [PeerSilent()]
        if not self._asked:
            self._asked = True
            self._output.append(_PING)
        return []

    def excuse(self, now: float) -> None:
        """Count the peer as heard: it was this end that did not read."""
        self._heard, self._asked = now, False

    def ping(self) -> None:
        """Put a ping into the output, whoever was heard when."""
        self._output.append(_PING)

    def close(self) -> None:
        """End this side: nothing is accepted any more."""
        self.state = State.CLOSED

    def _receive(self, kind: int, body: bytes, events: list[Event]) -> None:
        if self.state is State.CLOSED:
            return None
        info = BY_KIND.get(kind)
        if info is None:
            return self._skip(kind)
        move = self._move(info)
        frame = codec.decode_body(kind, body)
        self.state = self._after(move, frame)
        if isinstance(frame, Ping):
            self._output.append(_PONG)
        elif not isinstance(frame, Pong):
            self._clean = isinstance(frame, (Bye, Goodbye))
            events.append(FrameReceived(frame, body))
        return None

    def _check_begun(self) -> None:
        """Refuse a kind without a place before the login at its first byte: more may never come."""
        kind = self._reader.pending_kind
        if kind is None or self.state in (State.ONLINE, State.CLOSED):
            return
        info = BY_KIND.get(kind)
        if info is None:
            self._skip(kind)
        else:
            self._move(info)

    def _move(self, info: KindInfo) -> State:
        """Where a frame of the peer's leads."""
        name = info.frame.__name__
        if info.sender not in (_PEER[self.role], Sender.BOTH):
            raise self._blame(RemoteProtocolError(ErrorCode.OUT_OF_ORDER, f"{name} from this end"))
        move = next_state(self.state, info.frame)
        if move is None:
            detail = f"{name} while {self.state.value}"
            raise self._blame(RemoteProtocolError(ErrorCode.OUT_OF_ORDER, detail))
        return move

    def _after(self, move: State, frame: AnyFrame) -> State:
        return (
            State.CLOSED if isinstance(frame, Failed) and frame.fatal and self.role is Role.SERVER else move
        )

    def _skip(self, kind: int) -> None:
        """Answer a kind this version does not know, so that old and new versions talk."""
        if self.state is not State.ONLINE:
            detail = f"kind 0x{kind:02x} before the login"
            raise self._blame(RemoteProtocolError(ErrorCode.UNKNOWN_KIND, detail))
        if self.role is Role.SERVER:
            sentence = ERRORS[ErrorCode.UNKNOWN_KIND].sentence
            self._output.append(codec.encode(Failed(code=ErrorCode.UNKNOWN_KIND, text=sentence)))

    def _blame(self, error: RemoteProtocolError) -> RemoteProtocolError:
        """A client whose first bytes make no sense talks to another program."""
        if self.role is Role.CLIENT and self.state in (State.OPENED, State.GREETING):
            return NotChatroomError(str(error))
        return error

    def _break(self, error: RemoteProtocolError) -> PeerBroke:
        if self.role is Role.SERVER:
            row = ERRORS[error.code]
            self._output.append(codec.encode(Failed(code=error.code, text=row.sentence, fatal=True)))
        self.state = State.CLOSED
        return PeerBroke(error)
