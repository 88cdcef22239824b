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


def decode(stored: list[bytes]) -> list[Spoken]:
    """Read stored lines.

    Raises:
        msgspec.MsgspecError: One of them is none.
    """
    return list(map(_decode, stored))


def format_kept(stored: list[bytes], lines: list[Spoken]) -> list[str]:
    """The file's lines for messages; none for those of direct conversations, which stay out.

    Args:
        stored: The same lines as they are stored.
        lines: What `decode` made of them.
    """
    shown: Callable[[str], str] = str.strip if _is_plain(stored) else one_line
    return [
        f"{start}{shown(line.body)}\n"
        for line in lines
        if (start := _start(line.at // 1000, line.room, line.nick, line.kind))
    ]


@lru_cache(maxsize=100)
def stamp(second: int) -> str:
    """`2026-11-21 12:03:04`, local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _is_plain(stored: list[bytes]) -> bool:
    """Nothing in these lines needs `one_line`: JSON has a backslash before every control of ASCII but DEL."""
    text = b"".join(stored)
    return text.isascii() and b"\\" not in text and b"\x7f" not in text


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
