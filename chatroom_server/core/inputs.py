"""What can happen to the hub. It learns of the world through these and nothing else.

The garbage collector need not know them (`gc=False`), as none can be part of a cycle.
"""

from typing import NewType

import msgspec

from chatroom.protocol.frames import AnyFrame
from chatroom_server.core.ports import Draft, StoredRun
from chatroom_server.core.settings import HubSettings

LinkId = NewType("LinkId", int)
"""A connection of this process, never used again."""


class Started(msgspec.Struct, frozen=True, gc=False):
    """The server begins to serve: comes once, before any link."""


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A link opened.

    Attributes:
        seed: 64 random bytes: the server's nonce, then what chance decides at the login.
        local: The peer counts as this machine: no TLS and no invitation needed.
        foreign: It came through a gateway that the operator opened: it speaks without TLS, and its user is a
            guest whatever `guests` says.
    """

    link: LinkId
    host: str
    port: int
    seed: bytes
    local: bool
    tls: bool
    foreign: bool = False


class Received(msgspec.Struct, frozen=True, gc=False):
    """Legal frames arrived on a link, one behind the other."""

    link: LinkId
    frames: list[AnyFrame]


class Left(msgspec.Struct, frozen=True, gc=False):
    """A link is gone, and its rooms are closed on it. After a `Bye`, `Left` says what is known already.

    Attributes:
        clean: The user meant it: a foreign client has no `Bye`, it just hangs up.
    """

    link: LinkId
    clean: bool = False


class Stored(msgspec.Struct, frozen=True, gc=False):
    """The log yielded lines: they are on disk, and may be shown. In the order of their drafts."""

    runs: list[StoredRun]


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The log could not store drafts, and never will."""

    drafts: list[Draft]
    reason: str


class PageSent(msgspec.Struct, frozen=True, gc=False):
    """The answer to a `FetchPage` of this link is on its way."""

    link: LinkId


class InvitationReplaced(msgspec.Struct, frozen=True, gc=False):
    """Another secret opens the server's door from now on; None: none does."""

    secret: bytes | None


class SettingsChanged(msgspec.Struct, frozen=True, gc=False):
    """The operator decides otherwise from now on; who is here stays.

    Attributes:
        settings: As a whole. The default room is the one from before.
    """

    settings: HubSettings


class Woke(msgspec.Struct, frozen=True, gc=False):
    """The time asked for by `WakeAt` has come."""


class Stopping(msgspec.Struct, frozen=True, gc=False):
    """The server goes down: say goodbye to everybody.

    Attributes:
        back_in_s: When it will be back, 0 for not at all.
    """

    back_in_s: float = 0.0


Input = (
    Started
    | Arrived
    | Received
    | Left
    | Stored
    | Refused
    | PageSent
    | InvitationReplaced
    | SettingsChanged
    | Woke
    | Stopping
)
