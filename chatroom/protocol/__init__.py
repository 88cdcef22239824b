"""The wire contract, shared by client and server. Pure: no sockets, clocks or randomness."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatroom.protocol.connection import Connection, Role
    from chatroom.protocol.errors import (
        ERRORS,
        ErrorCode,
        LocalProtocolError,
        NotChatroomError,
        ProtocolError,
        RemoteProtocolError,
    )
    from chatroom.protocol.transitions import State

__all__ = [
    "ERRORS",
    "Connection",
    "ErrorCode",
    "LocalProtocolError",
    "NotChatroomError",
    "ProtocolError",
    "RemoteProtocolError",
    "Role",
    "State",
]

_HOMES = {"Connection": "connection", "Role": "connection", "State": "transitions"}
"""Modules of public names; all others are errors."""


def __getattr__(name: str) -> object:
    """Load a public name when it is asked for (PEP 562): the client draws its first frame without a link."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
