"""What the hub wants done. It performs nothing itself.

Msgspec structs, since some are made for each message: a frozen dataclass takes ten times as long to make.
The garbage collector need not know them (`gc=False`), as none can be part of a cycle.
Effects are to be carried out in their order; `Deliver` goes out before anything of the link's rooms that
stands behind it in that order.
"""

from enum import Enum

import msgspec

from chatroom.protocol.frames import AnyFrame
from chatroom.protocol.ids import MessageId, RoomId, UserId
from chatroom_server.core.inputs import LinkId
from chatroom_server.core.ports import Draft


class Append(msgspec.Struct, frozen=True, gc=False):
    """Give lines to the log; `Stored` or `Refused` follows."""

    drafts: list[Draft]


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """Send a frame to one link, before anything of its rooms that is broadcast later."""

    link: LinkId
    frame: AnyFrame


class DeliverLine(msgspec.Struct, frozen=True, gc=False):
    """Send a stored line to one link that has not its room open: its author's."""

    link: LinkId
    line: bytes


class BroadcastLines(msgspec.Struct, frozen=True, gc=False):
    """Put stored lines at the end of their room's tail: every link that has the room open gets them.

    Attributes:
        first: The number of the first; each has the next one.
    """

    room: RoomId
    first: MessageId
    lines: list[bytes]


class Broadcast(msgspec.Struct, frozen=True, gc=False):
    """Put a frame that is not stored (presence) at the end of a room's tail."""

    room: RoomId
    frame: AnyFrame


class Subscribe(msgspec.Struct, frozen=True, gc=False):
    """Open a room on a link: its cursor stands at the end of the room's tail."""

    link: LinkId
    room: RoomId


class Unsubscribe(msgspec.Struct, frozen=True, gc=False):
    """Close a room on a link. What was put into the room's tail before this still goes out to it."""

    link: LinkId
    room: RoomId


class FetchPage(msgspec.Struct, frozen=True, gc=False):
    """Read a page of history and send it to the link as the answer to a request; `PageSent` follows."""

    link: LinkId
    rid: int
    room: RoomId
    after: MessageId | None
    before: MessageId | None
    limit: int


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Read nothing from a link until a time (monotonic seconds): its user sends too fast."""

    link: LinkId
    until: float


class Close(msgspec.Struct, frozen=True, gc=False):
    """Hang up, when what waits for the link has been written."""

    link: LinkId


class WakeAt(msgspec.Struct, frozen=True, gc=False):
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


class Report(msgspec.Struct, frozen=True, gc=False):
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
    | BroadcastLines
    | Broadcast
    | Subscribe
    | Unsubscribe
    | FetchPage
    | Hold
    | Close
    | WakeAt
    | Report
)
