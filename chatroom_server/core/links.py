"""What the hub knows of each connection, and of each user who has one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from chatroom.protocol import State as LinkState
from chatroom.protocol.ids import DeviceId, RoomId, UserId
from chatroom_server.core.accounts import User
from chatroom_server.core.devices import Device
from chatroom_server.core.inputs import Arrived, LinkId
from chatroom_server.core.rates import Bucket


class LineStart(NamedTuple):
    """What all lines of a user from one device to one room have in common.

    Attributes:
        prefix: From `"room"` to `"n":`.
        end: Behind the body.
        hash: The `content_hash` of a text, as far as what comes before the text itself.
    """

    prefix: bytes
    end: bytes
    hash: int


@dataclass(slots=True, eq=False)
class Session:
    """A user who has a link, or was cut a moment ago.

    Attributes:
        links: Those of the user, quiet ones too.
        shown: The user counts as online: has a link that is not quiet, or had one a moment ago.
        away: Nobody sits at any of the links that are not quiet.
        is_returning: A guest that was here before; the first room it joins is told that it is back.
        known_as: The id of the guest that its address and its present nick make, where that is another one.
        cut_at: When the last of these was cut (monotonic seconds).
        starts: How this user's lines start, by room and device.
    """

    user: User
    bucket: Bucket
    links: dict[LinkId, "Link"] = field(default_factory=dict)
    shown: bool = False
    away: bool = False
    is_returning: bool = False
    known_as: UserId | None = None
    cut_at: float | None = None
    starts: dict[tuple[RoomId, DeviceId], LineStart] = field(default_factory=dict)

    def loud_links(self) -> Iterator["Link"]:
        """The links that are not quiet."""
        return (link for link in list(self.links.values()) if not link.quiet)


_NO_DEVICES: Final[Mapping[DeviceId, Device]] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Link:
    """One connection.

    Attributes:
        state: Where it stands, as `chatroom.protocol.transitions` has it.
        version: The one agreed on.
        client_nonce: That of its hello, empty before.
        tries: Logins that were refused on it.
        session: Whose it is, once it is online.
        devices: Those it named at its login.
        rooms: Those open on it.
        requests: How many wait for their answer.
        address: What counts as one address with that of others.
    """

    id: LinkId
    arrived: Arrived
    state: LinkState = LinkState.OPENED
    version: int = 0
    client_nonce: bytes = b""
    tries: int = 0
    session: Session | None = None
    quiet: bool = False
    away: bool = False
    devices: Mapping[DeviceId, Device] = field(default_factory=lambda: _NO_DEVICES)
    rooms: set[RoomId] = field(default_factory=set)
    requests: int = 0
    address: str = ""

    @property
    def online(self) -> Session:
        """Whose it is; only asked of a link that is online."""
        assert self.session is not None
        return self.session

    @property
    def is_closed(self) -> bool:
        """Whether nothing reaches it any more."""
        return self.state is LinkState.CLOSED
