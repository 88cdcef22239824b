"""The lines that let others in: for each address that they can really use, never for one that they cannot."""

import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

from chatroom.protocol.auth import pin
from chatroom.protocol.frames import Invitations
from chatroom.protocol.invitation import Invitation

_ADDRESSES_MAX: Final = 8
_ROOM_MAX: Final = 120
"""Bytes of a room's name as an invitation writes it; a longer one is left out."""
_ANYWHERE: Final = frozenset({"0.0.0.0", "::"})
_NOWHERE: Final = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses of documentation (RFC 5737, RFC 3849): nothing is sent, the system only picks its own address."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_addresses() -> list[str]:
    """Addresses of this machine that others may know. Blocks, as it asks the resolver for the host's name."""
    found = [_address_towards(target, family) for target, family in _NOWHERE]
    with contextlib.suppress(OSError):  # a machine need not know its own name
        found += [str(row[4][0]) for row in socket.getaddrinfo(socket.gethostname(), None)]
    return [host for host in dict.fromkeys(found) if host and _is_useful(host)]


def _address_towards(target: str, family: socket.AddressFamily) -> str:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((target, 9))
            return str(sock.getsockname()[0])
    except OSError:
        return ""


def _is_useful(host: str) -> bool:
    address = ip_address(host.partition("%")[0])
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def reachable(
    listening: Sequence[tuple[str, int]],
    public: Iterable[tuple[str, int]],
    addresses: Callable[[], list[str]] = own_addresses,
) -> list[tuple[str, int]]:
    """Under which (host, port) others reach a server; empty when only this machine can. May block.

    Args:
        listening: What the server listens on.
        public: What its operator says.
    """
    found = list(public)
    for host, port in listening:
        if host in _ANYWHERE:
            found += [(own, port) for own in addresses() if host == "::" or ":" not in own]
        elif not is_loopback(host):
            found.append((host, port))
    return list(dict.fromkeys(found))[:_ADDRESSES_MAX]


@dataclass(slots=True)
class InvitationBook:
    """Writes invitations to one server.

    Attributes:
        addresses: Where others reach it.
        secret: What newcomers have to hold; empty where everybody may come in.
        room: The one to open first, unless another is asked for.
        opening: The command that opens the server to the network.
    """

    public_key: bytes
    addresses: list[tuple[str, int]]
    secret: str
    room: str
    opening: str

    def lines(self, room: str = "") -> list[str]:
        """One invitation for each address."""
        name = room if room and len(quote(room, safe="")) <= _ROOM_MAX else self.room
        key = pin(self.public_key)
        return [str(Invitation(host, port, name, key, self.secret)) for host, port in self.addresses]

    def answer(self, room: str) -> Invitations:
        """What a client that asks is told."""
        lines = self.lines(room)
        return Invitations(rid=0, invitations=lines, help="" if lines else self.opening)
