"""What the hub wants done. It performs nothing itself."""

from dataclasses import dataclass
from enum import Enum

from chatroom.protocol.frames import AnyFrame
from chatroom.protocol.ids import MessageId, RoomId, UserId
from chatroom_server.core.inputs import LinkId
from chatroom_server.core.ports import Draft


@dataclass(frozen=True, slots=True)
class Append:
    """Give lines to the log; `Stored` or `Refused` follows."""

    drafts: list[Draft]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send a frame to one link, before anything of its rooms that is broadcast later."""

    link: LinkId
    frame: AnyFrame


@dataclass(frozen=True, slots=True)
class DeliverLine:
    """Send a stored line to one link that has not its room open: its author's."""

    link: LinkId
    line: bytes


@dataclass(frozen=True, slots=True)
class BroadcastLine:
    """Put a stored line at the end of its room's tail: every link that has the room open gets it."""

    room: RoomId
    id: MessageId
    line: bytes


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Put a frame that is not stored (presence) at the end of a room's tail."""

    room: RoomId
    frame: AnyFrame


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Open a room on a link: its cursor stands at the end of the room's tail."""

    link: LinkId
    room: RoomId


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Close a room on a link."""

    link: LinkId
    room: RoomId


@dataclass(frozen=True, slots=True)
class FetchPage:
    """Read a page of history and send it to the link as the answer to a request; `PageSent` follows."""

    link: LinkId
    rid: int
    room: RoomId
    after: MessageId | None
    before: MessageId | None
    limit: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Read nothing from a link until a time: its user sends too fast."""

    link: LinkId
    until: float


@dataclass(frozen=True, slots=True)
class Close:
    """Hang up, when what waits for the link has been written."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send `Woke` at this time (monotonic seconds); replaces the last one asked for."""

    at: float


class Happening(Enum):
    """What an operator reads in the log beside the messages."""

    LOGGED_IN = "logged in"
    ARRIVED = "joined"
    BACK = "is back"
    DEPARTED = "left"
    RENAMED = "renamed"
    ROOM_CREATED = "created"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Report:
    """Something for the console and the server's log.

    Attributes:
        room: Empty for what concerns the whole server.
        detail: Free text, already inert.
    """

    happening: Happening
    user: UserId
    nick: str
    room: RoomId
    link: LinkId | None = None
    detail: str = ""


Effect = (
    Append
    | Deliver
    | DeliverLine
    | BroadcastLine
    | Broadcast
    | Subscribe
    | Unsubscribe
    | FetchPage
    | Hold
    | Close
    | WakeAt
    | Report
)
