"""What an operator decides about the hub, and who the server is."""

from collections.abc import Callable
from dataclasses import dataclass

from chatroom.protocol.frames import Invitations
from chatroom_server.core import limits


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The server's keys.

    Attributes:
        public_key: 32 bytes, Ed25519.
        sign: Signs with the private half.
        guest_secret: Makes guests' ids and tokens.
        invitation_secret: What a newcomer's proof is made with; None while nobody can be invited.
    """

    public_key: bytes
    sign: Callable[[bytes], bytes]
    guest_secret: bytes
    invitation_secret: bytes | None = None


def no_invitations(room: str) -> Invitations:  # noqa: ARG001 - stands for a function that needs it
    """The answer of a server that nobody outside can reach."""
    return Invitations(rid=0)


@dataclass(frozen=True, slots=True)
class HubSettings:
    """What an operator decides; bounds are explained in `limits`.

    Attributes:
        open: Keys that are new need no invitation.
        guests: Users without a key are admitted.
        default_room: Exists from the start; a name.
        burst, rate: Messages at once, and then a second, of one user; a rate of 0 is no bound.
        invitations: The lines that let others in, for a room.
    """

    open: bool = False
    guests: bool = False
    default_room: str = "general"
    burst: float = 1000.0
    rate: float = 100.0
    max_links: int = limits.LINKS_MAX
    max_links_per_address: int = limits.LINKS_PER_ADDRESS_MAX
    max_users: int = limits.USERS_MAX
    max_rooms: int = limits.ROOMS_MAX
    invitations: Callable[[str], Invitations] = no_invitations
