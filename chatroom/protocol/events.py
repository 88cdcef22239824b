"""What a connection says happened, for the shell around it to act on."""

from dataclasses import dataclass

import msgspec

from chatroom.protocol.errors import RemoteProtocolError
from chatroom.protocol.frames import AnyFrame


class FrameReceived(msgspec.Struct, frozen=True, gc=False):
    """A legal frame arrived. One is made for each frame: a frozen dataclass takes five times as long.

    Attributes:
        frame: What it says.
        body: Its bytes as they came: of a stored line, those of the journal.
    """

    frame: AnyFrame
    body: bytes


@dataclass(frozen=True, slots=True)
class PeerFinished:
    """The peer closed its side. A frame that was not whole is lost with it."""

    clean: bool


@dataclass(frozen=True, slots=True)
class PeerBroke:
    """The peer broke the contract: send what waits in the output, then hang up."""

    error: RemoteProtocolError


@dataclass(frozen=True, slots=True)
class PeerSilent:
    """Nothing was heard for `limits.DEAD_AFTER_S`: the link is taken for cut."""


Event = FrameReceived | PeerFinished | PeerBroke | PeerSilent
