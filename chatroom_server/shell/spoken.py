"""What server.log says of messages. Done for each: what repeats, names and seconds, is worked out once."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from chatroom.common.inert import one_line


class Spoken(msgspec.Struct, gc=False):
    """What the log shows of a message's line."""

    id: int
    at: int
    room: str
    nick: str
    kind: str = ""
    body: str = ""


_decode: Final = msgspec.json.Decoder(Spoken).decode
_NO_CONTROLS: Final = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), ord("\n")})
"""All bytes of UTF-8 but the controls of ASCII; a newline, which many texts have, is let through."""


def decode(stored: list[bytes]) -> list[Spoken]:
    """Read stored lines.

    Raises:
        msgspec.MsgspecError: One of them is none.
        UnicodeDecodeError: One of them is no UTF-8.
    """
    return list(map(_decode, stored))


def format_kept(stored: list[bytes], lines: list[Spoken]) -> list[str]:
    """The file's lines for messages; none for those of direct conversations, which stay out.

    Args:
        stored: The same lines as they are stored.
        lines: What `decode` made of them.
    """
    shown = _as_ascii(stored, lines)
    return [
        f"{start}{shown(body) if (body := line.body).isascii() else one_line(body)}\n"
        for line in lines
        if (start := _start(line.at // 1000, line.room, line.nick, line.kind))
    ]


@lru_cache(maxsize=100)
def stamp(second: int) -> str:
    """`2026-11-21 12:03:04`, local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _as_ascii(stored: list[bytes], lines: list[Spoken]) -> Callable[[str], str]:
    """What does `one_line`'s work for those of these texts that are ASCII, as cheaply as they allow.

    One look at all of them costs less than a look at each.
    """
    text = b"".join(stored)
    if b"\\" not in text and b"\x7f" not in text:  # JSON has a backslash before all other controls of ASCII
        return str.strip
    bodies = "".join([line.body for line in lines]).encode()
    return one_line if bodies.translate(None, _NO_CONTROLS) else _without_newlines


def _without_newlines(body: str) -> str:
    return body.replace("\n", " ").strip()


@lru_cache(maxsize=1000)
def _start(second: int, room: str, nick: str, kind: str) -> str:
    """All that stands before the text of a message; empty for a direct conversation."""
    if room.startswith("="):
        return ""
    where, who = f"{stamp(second)} #{one_line(room)}", one_line(nick)
    match kind:
        case "":
            return f"{where} {who}: "
        case "me":
            return f"{where} * {who} "
        case _:
            return f"{where} {who} ({one_line(kind)}): "
