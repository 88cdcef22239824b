"""What a session tells its user: the full screen, the plain client, a script or a bot."""

from dataclasses import dataclass, field
from enum import StrEnum

from chatroom.common.texts import with_mend
from chatroom.protocol.frames import Line, Person, PresenceEvent, RoomInfo, Welcome
from chatroom.protocol.ids import DeviceId, MessageId, RoomId


class MessageState(StrEnum):
    """What people see of a message of their own; there is nothing else, and never a lie."""

    PENDING = "pending"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """A message in the outbox.

    Attributes:
        key: Its name in the outbox; stays the same when it is tried again under another number.
        dev, n: How the server knows it.
        reason: Why it failed: a sentence in the user's language.
    """

    key: str
    room: RoomId
    dev: DeviceId
    n: int
    body: str
    kind: str = ""
    grid: str = ""
    state: MessageState = MessageState.PENDING
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Connecting:
    """An attempt begins; the first one has the number 1."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Online:
    """The login is done; what waits in the outbox is on its way.

    Attributes:
        again: Whether this session was online before.
    """

    welcome: Welcome
    server_key: bytes
    again: bool


@dataclass(frozen=True, slots=True)
class Offline:
    """The link is gone, or an attempt failed; the next attempt follows by itself.

    Attributes:
        retry_in_s: Seconds until the next attempt.
        attempt: Its number.
        unsent: Messages that wait in the outbox.
        restarting: The server said that it restarts.
        is_no_chatroom: What answers there is no chatroom server.
        is_refused: The server cannot take one in at present, who was never in.
        is_silent: What answers there says nothing.
    """

    reason: str
    retry_in_s: float
    attempt: int
    unsent: int
    restarting: bool = False
    is_no_chatroom: bool = False
    is_refused: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over and tries no more.

    Attributes:
        code: A word of `chatroom.protocol.ErrorCode`, or `server-key-changed`, `unreachable`, `closed`.
        reason: A sentence in the user's language.
        mend: What to do, a sentence or a command; may be empty.
    """

    code: str
    reason: str
    mend: str = ""

    def __str__(self) -> str:
        return with_mend(self.reason, self.mend)


@dataclass(frozen=True, slots=True)
class NickRefused:
    """The server wants another nick: `Session.login_again` gives it one; until then nothing is tried.

    Attributes:
        code: `nick-taken`, `nick-invalid` or `nick-needed`.
    """

    code: str
    reason: str
    nick: str


@dataclass(frozen=True, slots=True)
class LineArrived:
    """A stored line of a room, live; `body` is its JSON as the journal holds it.

    Attributes:
        key: The outbox's name of the message, where the line is one's own from this session.
    """

    line: Line
    body: bytes
    key: str = ""


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message of one's own is pending, stored or failed now; a stored one has left the outbox."""

    message: OwnMessage
    id: MessageId | None = None


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """One is in a room.

    Attributes:
        people: At most 500 of them; `more` counts the others.
        asked: This session asked for it; else another device or a direct message opened it.
    """

    room: RoomInfo
    people: list[Person] = field(default_factory=list)
    more: int = 0
    created: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """One is not in a room any more.

    Attributes:
        is_lost: The server does not have it, or does not have one in it; else one has left it.
    """

    room: RoomId
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """People of a room came, left, or changed."""

    room: RoomId
    event: PresenceEvent
    people: list[Person]


@dataclass(frozen=True, slots=True)
class LinesMissed:
    """Lines behind `after` and up to `last` are to be fetched; who is there may have changed as well.

    The link was away, or the server or the reader of these events was too slow.
    """

    room: RoomId
    after: MessageId
    last: MessageId


@dataclass(frozen=True, slots=True)
class PastReplaced:
    """The server's log has another past than the one this client knew: forget what was kept of its rooms."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerProblem:
    """The server reports something that belongs to no request."""

    code: str
    reason: str


SessionEvent = (
    Connecting
    | Online
    | Offline
    | Ended
    | NickRefused
    | LineArrived
    | MessageChanged
    | RoomOpened
    | RoomClosed
    | PresenceChanged
    | LinesMissed
    | PastReplaced
    | ServerProblem
)
