"""Every frame of the wire as a frozen typed struct; `kinds` says how each is told and who may send it."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from chatroom.protocol import limits
from chatroom.protocol.ids import DeviceId, Epoch, MessageId, RoomId, UserId

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""A whole number that every JSON reader can hold exactly (RFC 8259, section 6)."""
Word = Annotated[str, Meta(max_length=256)]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Bytes64 = Annotated[bytes, Meta(min_length=64, max_length=64)]
_DEVICE_MAX = 16
_DeviceWord = Annotated[DeviceId, Meta(min_length=1, max_length=_DEVICE_MAX, pattern="^[a-z0-9]+$")]


class Frame(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What all frames are: a JSON object without the default values; unknown fields are ignored."""


class PersonState(StrEnum):
    """Where a person is, as the people list shows it."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class PresenceEvent(StrEnum):
    """What happened to people in a room. Sent, never stored."""

    JOINED = "joined"
    """Came into the room for the first time, or again after leaving it."""
    BACK = "back"
    """A member is online again."""
    GONE = "gone"
    """A member went offline: left cleanly, or was cut and did not return in time."""
    LEFT = "left"
    """Gave the room up, and is no member any more."""
    AWAY = "away"
    HERE = "here"
    """No longer away; or online again, said later in one `back` for many."""
    RENAMED = "renamed"


class LineKind(StrEnum):
    """Kinds of lines. A client shows one it does not know as a short notice."""

    TEXT = ""
    ACTION = "me"
    IMAGE = "image"
    TOPIC = "topic"
    EDIT = "edit"
    DELETE = "delete"
    REACT = "react"
    RIGHTS = "rights"
    LOST = "lost"
    """Stands where the disk of the server lost a line, so that numbers have no hole."""


class Person(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A user as others see them."""

    user: UserId
    nick: Word
    color: Word = ""
    state: PersonState = PersonState.ONLINE
    guest: bool = False
    was: Word = ""
    """The nick before, in a `renamed`."""


class RoomInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A room as lists show it."""

    id: RoomId
    name: Word
    last: Count = 0
    """The number of its newest stored line."""
    members: Count = 0
    topic: str = ""
    direct: list[Person] = []
    """The two people of a direct conversation; empty for a room."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A stored line of a room: the bytes of the journal, the wire and the history alike."""

    id: Count
    at: Count
    """The server's time of receipt: milliseconds since 1970, UTC."""
    room: RoomId
    user: UserId
    nick: str
    color: str = ""
    dev: str = ""
    n: Count = 0
    kind: str = ""
    body: str = ""
    grid: str = ""
    """A picture's characters and colours (`chatroom.common.grid`)."""
    guest: bool = False
    target: Count = 0
    """The id of the line that an amendment amends."""


# --- from the client ---------------------------------------------------------------------------
class Hello(Frame, frozen=True):
    """The first frame of a link: which versions the client speaks, and its challenge."""

    versions: tuple[Count, Count]
    nonce: Bytes32
    agent: Word = ""


class Login(Frame, frozen=True):
    """Who comes in. With a key and its signature, or, where guests are admitted, without."""

    nick: Word = ""
    """Empty: whatever the server knows this key as."""
    key: bytes = b""
    signature: bytes = b""
    proof: bytes = b""
    """Shows that the client holds an invitation's secret (`auth.invitation_proof`)."""
    devices: Annotated[list[_DeviceWord], Meta(max_length=limits.DEVICES_PER_LINK_MAX)] = []
    """The devices that this link sends for."""
    quiet: bool = False
    """A script: nothing is announced, and no room is opened by itself."""
    token: bytes = b""
    """Makes a guest the same guest after a cut."""


class Send(Frame, frozen=True):
    """A message. Its line, sent to the room, says that it is stored."""

    room: RoomId
    dev: Annotated[DeviceId, Meta(max_length=_DEVICE_MAX)]
    """One of those that the login named; a pattern would be three times as much work as all the rest."""
    n: Count
    body: str = ""
    kind: Word = ""
    grid: str = ""
    target: Count = 0


class Join(Frame, frozen=True):
    """Become a member of a room; with `create`, of a new one."""

    rid: Count
    room: Word
    create: bool = False


class Leave(Frame, frozen=True):
    """Give a room up."""

    rid: Count
    room: RoomId


class Open(Frame, frozen=True):
    """Get a room's lines on this link without becoming a member (scripts)."""

    rid: Count
    room: Word


class Direct(Frame, frozen=True):
    """Open the conversation with one user, named by nick or id."""

    rid: Count
    nick: Word = ""
    user: Word = ""


class Fetch(Frame, frozen=True):
    """Ask for a page: the lines after an id, or the last ones before it; the newest without either."""

    rid: Count
    room: RoomId
    after: Count | None = None
    before: Count | None = None
    limit: Annotated[int, Meta(ge=1, le=limits.PAGE_LINES_MAX)] = 100


class ListRooms(Frame, frozen=True):
    """Ask for the rooms that one may join."""

    rid: Count


class Who(Frame, frozen=True):
    """Ask for the people of a room."""

    rid: Count
    room: Word


class Rename(Frame, frozen=True):
    """Take another nick."""

    rid: Count
    nick: Word


class AskInvitation(Frame, frozen=True):
    """Ask for the server's invitations."""

    rid: Count
    room: Word = ""


class Away(Frame, frozen=True):
    """Say that nobody sits at this link, or that somebody does again."""

    away: bool


class Bye(Frame, frozen=True):
    """Leave cleanly: announced at once."""


# --- from the server ---------------------------------------------------------------------------
class ServerHello(Frame, frozen=True):
    """The server's answer to a hello: its key, its challenge, and its signature over both nonces."""

    version: Count
    nonce: Bytes32
    key: Bytes32
    signature: Bytes64
    guests: bool = False


class Welcome(Frame, frozen=True):
    """The login is done."""

    user: UserId
    nick: Word
    color: Word
    epoch: Epoch
    back: bool = False
    """The server has seen this user before."""
    guest: bool = False
    token: bytes = b""
    devices: dict[str, Count] = {}
    """The last number stored for each device of the login (0 for none)."""
    rooms: list[RoomInfo] = []
    """The rooms that one is a member of; this link gets their lines unless it is quiet."""
    default_room: RoomId = RoomId("")
    links: Count = 1
    """How many links this user has now, this one included."""
    at: Count = 0


class Joined(Frame, frozen=True):
    """The room is open on this link: an answer, or (`rid` 0) another device or a direct message opened it."""

    rid: Count
    room: RoomInfo
    people: list[Person] = []
    more: Count = 0
    """How many people of the room are not named."""
    created: bool = False


class LeftRoom(Frame, frozen=True):
    """The room is closed on this link: an answer, or (`rid` 0) another device closed it."""

    rid: Count
    room: RoomId


class Page(Frame, frozen=True):
    """Consecutive lines of a room, as they were written, oldest first."""

    rid: Count
    room: RoomId
    last: Count
    """The number of the room's newest stored line."""
    lines: list[msgspec.Raw] = []
    amendments: list[msgspec.Raw] = []
    """Later lines that amend the ones of this page."""


class Rooms(Frame, frozen=True):
    """The rooms that one may join."""

    rid: Count
    rooms: list[RoomInfo] = []
    more: Count = 0


class People(Frame, frozen=True):
    """The people of a room."""

    rid: Count
    room: RoomId
    people: list[Person] = []
    more: Count = 0


class Presence(Frame, frozen=True):
    """People of a room came, left, or changed. Several at once after a restart."""

    room: RoomId
    event: PresenceEvent
    people: list[Person] = []


class Ack(Frame, frozen=True):
    """The message is stored: an answer to one that was sent again."""

    dev: str
    n: Count
    room: RoomId
    id: Count = 0
    """The number of its line, where the server still knows it."""


class Refusal(Frame, frozen=True):
    """The message is not stored: not now, or, depending on the code, never under this number."""

    dev: str
    n: Count
    code: str
    text: str = ""
    args: dict[str, str] = {}


class Done(Frame, frozen=True):
    """A request without an answer of its own is done."""

    rid: Count


class Gap(Frame, frozen=True):
    """The link was too slow: fetch what is after `after`, and ask who is there."""

    room: RoomId
    after: Count
    last: Count


class Invitations(Frame, frozen=True):
    """Lines to paste for those one wants to invite; none while the server only listens on loopback."""

    rid: Count
    invitations: list[str] = []
    help: str = ""
    """The command that opens the server to the network, when there is no invitation."""


class Failed(Frame, frozen=True):
    """Something went wrong: a request (`rid` above 0) or the link itself."""

    code: str
    text: str = ""
    rid: Count = 0
    args: dict[str, str] = {}
    fatal: bool = False


class Goodbye(Frame, frozen=True):
    """The server ends the link on purpose."""

    code: str
    text: str = ""
    back_in_s: float = 0.0
    """When to come back, 0 for not at all."""


# --- from both ---------------------------------------------------------------------------------
class Ping(Frame, frozen=True):
    """Are you there?"""


class Pong(Frame, frozen=True):
    """I am."""


AnyFrame = Frame | Line


def message_id(line: Line) -> MessageId:
    """The number of a line in its room."""
    return MessageId(line.id)
