"""The wire contract, shared by client and server. Pure: no sockets, clocks or randomness."""

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
