"""Finds the server: the one that was named, or this user's on this machine, which is started if need be."""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chatroom.client.address import Address
from chatroom.tui.launch import Launch

if TYPE_CHECKING:
    from chatroom.client.local_server import LocalServer

_ANSWER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server is.

    Attributes:
        pin: The hash of its key, where that is known beforehand.
        is_local: It is this user's, on this machine, and goes on when the screen is left.
        started: What was started just now.
    """

    address: Address
    pin: str = ""
    is_local: bool = False
    started: "LocalServer | None" = None


def find_place(launch: Launch) -> Place:
    """Find the server. Blocking, for up to 20 s when one has to be started.

    Raises:
        LocalServerError: This user's server cannot be started.
    """
    if launch.address is not None and not _is_asleep(launch.address, may_start=launch.may_start):
        return Place(launch.address, launch.pin)
    from chatroom.client.local_server import find_or_start_server

    found = find_or_start_server(launch.home.runtime)
    return Place(found.address, found.pin, is_local=True, started=found if found.started else None)


def find_again(launch: Launch, server_key: bytes) -> Place | None:
    """Find the server where it is by now, if it is this user's own. Blocking, as above.

    Raises:
        LocalServerError: This user's server cannot be started again.
    """
    if launch.address is not None and not (launch.may_start and launch.address.is_loopback):
        return None
    from chatroom.client import local_server

    found = local_server.find_again(launch.home.runtime, server_key)
    if found is None:
        return None
    return Place(found.address, found.pin, is_local=True, started=found if found.started else None)


def _is_asleep(address: Address, *, may_start: bool) -> bool:
    """Whether it may be this user's own server, which does not run, as after a restart of the machine."""
    if not may_start or not address.is_loopback:
        return False
    try:
        socket.create_connection((address.host, address.port), timeout=_ANSWER_S).close()
    except OSError:
        return True
    return False
