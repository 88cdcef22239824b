"""Who broke the contract, and the errors that one end tells the other.

ProtocolError
├── LocalProtocolError    our own caller asked for something the contract forbids
└── RemoteProtocolError   the peer broke the contract; the link has to end
    └── NotChatroomError  what answers there does not speak this protocol at all
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ProtocolError(Exception):
    """Root of everything this package raises."""


class LocalProtocolError(ProtocolError):
    """Our caller erred: the frame is not legal for this end in this state."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the contract; flush what is in the output, then hang up.

    Args:
        code: What it broke, as told to the peer.
        detail: What exactly was wrong, for logs.
    """

    def __init__(self, code: "ErrorCode", detail: str) -> None:
        super().__init__(detail)
        self.code = code


class NotChatroomError(RemoteProtocolError):
    """The first bytes of the peer are no hello of ours: another program answers there."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.BAD_FRAME, detail)


class ErrorCode(StrEnum):
    """The word by which an error travels; `ERRORS` has its sentence."""

    BAD_FRAME = "bad-frame"
    TOO_LONG = "frame-too-long"
    OUT_OF_ORDER = "out-of-order"
    UNKNOWN_KIND = "unknown-kind"
    VERSION = "no-common-version"
    TLS_REQUIRED = "tls-required"
    HANDSHAKE_SLOW = "handshake-too-slow"
    SERVER_FULL = "server-full"
    ADDRESS_FULL = "too-many-links"
    BAD_SIGNATURE = "bad-signature"
    INVITATION_NEEDED = "invitation-needed"
    INVITATION_WRONG = "invitation-wrong"
    NO_GUESTS = "no-guests"
    NICK_NEEDED = "nick-needed"
    NICK_INVALID = "nick-invalid"
    NICK_TAKEN = "nick-taken"
    TOO_MANY_DEVICES = "too-many-devices"
    ROOM_INVALID = "room-invalid"
    ROOM_UNKNOWN = "room-unknown"
    ROOM_EXISTS = "room-exists"
    ROOM_FORBIDDEN = "room-forbidden"
    TOO_MANY_ROOMS = "too-many-rooms"
    NOT_MEMBER = "not-member"
    USER_UNKNOWN = "user-unknown"
    GUEST_GONE = "guest-gone"
    NOT_ALLOWED = "not-allowed"
    MESSAGE_EMPTY = "message-empty"
    MESSAGE_TOO_LONG = "message-too-long"
    PICTURE_INVALID = "picture-invalid"
    TOPIC_TOO_LONG = "topic-too-long"
    NUMBER_CONFLICT = "number-conflict"
    NUMBER_PASSED = "number-passed"
    TOO_MANY_IN_FLIGHT = "too-many-in-flight"
    TOO_MANY_REQUESTS = "too-many-requests"
    NOT_STORED = "not-stored"
    SILENT = "silent"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class WireError:
    """One row of the table of errors.

    Attributes:
        sentence: What a person is told, in English; `{…}` are the error frame's `args`.
        fatal: Whether the link ends after it.
        fatal_at_first: Whether it does before the login.
    """

    sentence: str
    fatal: bool = False
    fatal_at_first: bool = False


ERRORS: Final[dict[ErrorCode, WireError]] = {
    ErrorCode.BAD_FRAME: WireError("what came is no frame of this protocol", fatal=True),
    ErrorCode.TOO_LONG: WireError("a frame is longer than its kind may be", fatal=True),
    ErrorCode.OUT_OF_ORDER: WireError("this frame has no place here in the conversation", fatal=True),
    ErrorCode.UNKNOWN_KIND: WireError(
        "a frame of a kind that this version does not know was skipped", fatal_at_first=True
    ),
    ErrorCode.VERSION: WireError(
        "no common protocol version: this side speaks {min} to {max}; update the older program", fatal=True
    ),
    ErrorCode.TLS_REQUIRED: WireError("from another machine this server only speaks TLS", fatal=True),
    ErrorCode.HANDSHAKE_SLOW: WireError("the login took too long", fatal=True),
    ErrorCode.SERVER_FULL: WireError("the server is full; try again later", fatal=True),
    ErrorCode.ADDRESS_FULL: WireError("too many connections from your address", fatal=True),
    ErrorCode.BAD_SIGNATURE: WireError("the login's signature does not fit its key", fatal=True),
    ErrorCode.INVITATION_NEEDED: WireError(
        "you need an invitation to this server: ask one of its people for the line that begins with chatroom://",
        fatal=True,
    ),
    ErrorCode.INVITATION_WRONG: WireError(
        "this invitation is no longer valid; ask for a new one", fatal=True
    ),
    ErrorCode.NO_GUESTS: WireError("this server does not admit guests; log in with a key", fatal=True),
    ErrorCode.NICK_NEEDED: WireError("the server does not know you yet; choose a nick", fatal=True),
    ErrorCode.NICK_INVALID: WireError("{reason}", fatal=False),
    ErrorCode.NICK_TAKEN: WireError("the nick {nick} belongs to somebody else; choose another"),
    ErrorCode.TOO_MANY_DEVICES: WireError("you have too many devices on this server", fatal=True),
    ErrorCode.ROOM_INVALID: WireError("{reason}"),
    ErrorCode.ROOM_UNKNOWN: WireError("there is no room {room}; /create makes it"),
    ErrorCode.ROOM_EXISTS: WireError("the room {room} exists already; /join opens it"),
    ErrorCode.ROOM_FORBIDDEN: WireError("this conversation belongs to others"),
    ErrorCode.TOO_MANY_ROOMS: WireError("there are too many rooms already"),
    ErrorCode.NOT_MEMBER: WireError("you are not in the room {room}"),
    ErrorCode.USER_UNKNOWN: WireError("there is no {nick} on this server"),
    ErrorCode.GUEST_GONE: WireError("{nick} was a guest and has left: nobody would read this"),
    ErrorCode.NOT_ALLOWED: WireError("you may not do that here"),
    ErrorCode.MESSAGE_EMPTY: WireError("the message has nothing that can be shown"),
    ErrorCode.MESSAGE_TOO_LONG: WireError("the message is too long: {size} bytes, at most {max} are allowed"),
    ErrorCode.PICTURE_INVALID: WireError("the picture could not be read: {reason}"),
    ErrorCode.TOPIC_TOO_LONG: WireError("the topic is too long: at most {max} bytes"),
    ErrorCode.NUMBER_CONFLICT: WireError("this device has used the number {n} for another message"),
    ErrorCode.NUMBER_PASSED: WireError(
        "the server has stored what was said later, and not this; try again if it still fits"
    ),
    ErrorCode.TOO_MANY_IN_FLIGHT: WireError("too many messages wait for their storing"),
    ErrorCode.TOO_MANY_REQUESTS: WireError("too many requests wait for their answer"),
    ErrorCode.NOT_STORED: WireError("the server could not store the message ({reason})"),
    ErrorCode.SILENT: WireError("nothing was heard for too long", fatal=True),
    ErrorCode.RESTARTING: WireError("the server restarts", fatal=True),
    ErrorCode.STOPPED: WireError("the server stops", fatal=True),
    ErrorCode.INTERNAL: WireError("the server could not do that; its log says why"),
}
