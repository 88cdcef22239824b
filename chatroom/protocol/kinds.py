"""The table of kinds: each frame's first byte, its struct, who may send it, and how long it may be.

Kinds are ASCII letters, so that a hexdump can be read: upper case from the client, lower case from the
server. 0x16 is none of them: it is how TLS begins (RFC 8446, section 5.1).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from chatroom.protocol import limits
from chatroom.protocol.frames import (
    Ack,
    AskInvitation,
    Away,
    Bye,
    Direct,
    Done,
    Failed,
    Fetch,
    Frame,
    Gap,
    Goodbye,
    Hello,
    Invitations,
    Join,
    Joined,
    Leave,
    LeftRoom,
    Line,
    ListRooms,
    Login,
    Open,
    Page,
    People,
    Ping,
    Pong,
    Presence,
    Refusal,
    Rename,
    Rooms,
    Send,
    ServerHello,
    Welcome,
    Who,
)


class Sender(Enum):
    """Which end may send a frame."""

    CLIENT = "client"
    SERVER = "server"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """One row of the table of kinds.

    Attributes:
        kind: The frame's first byte.
        frame: The struct of its body.
        sender: Which end may send it.
        max_length: The longest body, in bytes.
    """

    kind: int
    frame: type[Frame] | type[Line]
    sender: Sender
    max_length: int


def _row(letter: str, frame: type[Frame] | type[Line], sender: Sender, max_length: int) -> KindInfo:
    return KindInfo(ord(letter), frame, sender, max_length)


_CLIENT, _SERVER, _BOTH = Sender.CLIENT, Sender.SERVER, Sender.BOTH
_REQUEST, _REPLY = limits.FRAME_REQUEST_MAX, limits.FRAME_REPLY_MAX

KINDS: Final[tuple[KindInfo, ...]] = (
    _row("H", Hello, _CLIENT, limits.FRAME_HANDSHAKE_MAX),
    _row("L", Login, _CLIENT, limits.FRAME_LOGIN_MAX),
    _row("S", Send, _CLIENT, limits.FRAME_LINE_MAX),
    _row("J", Join, _CLIENT, _REQUEST),
    _row("Q", Leave, _CLIENT, _REQUEST),
    _row("O", Open, _CLIENT, _REQUEST),
    _row("D", Direct, _CLIENT, _REQUEST),
    _row("F", Fetch, _CLIENT, _REQUEST),
    _row("R", ListRooms, _CLIENT, _REQUEST),
    _row("W", Who, _CLIENT, _REQUEST),
    _row("N", Rename, _CLIENT, _REQUEST),
    _row("I", AskInvitation, _CLIENT, _REQUEST),
    _row("A", Away, _CLIENT, _REQUEST),
    _row("B", Bye, _CLIENT, _REQUEST),
    _row("h", ServerHello, _SERVER, limits.FRAME_HANDSHAKE_MAX),
    _row("w", Welcome, _SERVER, _REPLY),
    _row("m", Line, _SERVER, limits.FRAME_LINE_MAX),
    _row("j", Joined, _SERVER, _REPLY),
    _row("q", LeftRoom, _SERVER, _REQUEST),
    _row("f", Page, _SERVER, limits.FRAME_PAGE_MAX),
    _row("r", Rooms, _SERVER, _REPLY),
    _row("u", People, _SERVER, _REPLY),
    _row("n", Presence, _SERVER, _REPLY),
    _row("a", Ack, _SERVER, _REQUEST),
    _row("x", Refusal, _SERVER, _REQUEST),
    _row("d", Done, _SERVER, _REQUEST),
    _row("g", Gap, _SERVER, _REQUEST),
    _row("i", Invitations, _SERVER, limits.FRAME_LOGIN_MAX),
    _row("e", Failed, _SERVER, _REQUEST),
    _row("b", Goodbye, _SERVER, _REQUEST),
    _row("?", Ping, _BOTH, limits.FRAME_HANDSHAKE_MAX),
    _row("!", Pong, _BOTH, limits.FRAME_HANDSHAKE_MAX),
)

BY_KIND: Final[dict[int, KindInfo]] = {info.kind: info for info in KINDS}
BY_FRAME: Final[dict[type, KindInfo]] = {info.frame: info for info in KINDS}
