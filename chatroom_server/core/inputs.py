"""What can happen to the hub. It learns of the world through these and nothing else."""

from dataclasses import dataclass
from typing import NewType

from chatroom.protocol.frames import AnyFrame
from chatroom_server.core.ports import Draft, StoredLine

LinkId = NewType("LinkId", int)
"""A connection of this process, never used again."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A link opened.

    Attributes:
        seed: 64 random bytes: the server's nonce, then what chance decides at the login.
        local: The peer counts as this machine: no TLS and no invitation needed.
    """

    link: LinkId
    host: str
    port: int
    seed: bytes
    local: bool
    tls: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A legal frame arrived on a link."""

    link: LinkId
    frame: AnyFrame


@dataclass(frozen=True, slots=True)
class Left:
    """A link is gone. After a `Bye`, `Left` says what is known already."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class Stored:
    """The log yielded lines: they are on disk, and may be shown."""

    lines: list[StoredLine]


@dataclass(frozen=True, slots=True)
class Refused:
    """The log could not store drafts, and never will."""

    drafts: list[Draft]
    reason: str


@dataclass(frozen=True, slots=True)
class PageSent:
    """The answer to a `FetchPage` of this link is on its way."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class Woke:
    """The time asked for by `WakeAt` has come."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The server goes down: say goodbye to everybody.

    Attributes:
        back_in_s: When it will be back, 0 for not at all.
    """

    back_in_s: float = 0.0


Input = Arrived | Received | Left | Stored | Refused | PageSent | Woke | Stopping
