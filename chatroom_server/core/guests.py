"""Users without a key: what the server knows them by, for as long as they stay."""

import base64
import hmac
from typing import Final
from zlib import crc32

from chatroom.common.colors import draw_color
from chatroom.protocol.auth import guest_id
from chatroom.protocol.ids import UserId
from chatroom_server.core.accounts import User

_LABEL: Final = b"chatroom guest token\0"


def guest_token(secret: bytes, id_: UserId) -> bytes:
    """What makes a guest the same guest after a cut: its id, and the server's HMAC of it."""
    return base64.b64encode(hmac.digest(secret, _LABEL + id_.encode(), "sha256")[:18]) + b"." + id_.encode()


def read_token(secret: bytes, token: bytes) -> UserId | None:
    """The guest that the token was made for; None when this server did not make it."""
    _mac, _dot, name = token.partition(b".")
    if not name.isascii():
        return None
    id_ = UserId(name.decode())
    return id_ if hmac.compare_digest(token, guest_token(secret, id_)) else None


def new_guest(secret: bytes, host: str, port: int, nick: str, at: int) -> User:
    """Somebody without a key, who came from this address."""
    return make_guest(guest_id(secret, host, port, nick), nick, at)


def address_nick(host: str, port: int) -> str:
    """What a guest without a nick is called; `check_nick` keeps everybody else from it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def make_guest(id_: UserId, nick: str, at: int) -> User:
    """A guest of this id; the colour follows from it, and so is the same after a cut."""
    return User(id_, b"", draw_color(crc32(id_.encode())), at, [nick], guest=True)
