"""Cuts a stream of bytes into messages: one a line, none longer than a message may be."""

import re
from collections.abc import Iterator
from typing import Final

from chatroom.common.inert import inert
from chatroom.protocol.limits import MESSAGE_MAX

_INTRODUCER_BYTES: Final = 2
"""Of `ESC [` and its like, and of a C1 control in UTF-8. What follows vanishes, however long it is."""
_UNFINISHED: Final = re.compile(
    rb"""
      (?: \x1b[PX^_\]] | \xc2[\x90\x98\x9d\x9e\x9f] ) (?: (?!\xc2\x9c) [^\x07\x18\x1a\x1b] )* \Z
    | (?: \x1b\[ | \xc2\x9b ) [0-?\x00-\x17\x19\x1c-\x1f]* [ -/]* \Z
    | \x1b [ -/]* \Z
    """,
    re.VERBOSE,
)
"""An escape sequence that goes on behind the end: to cut in it would leave half of it as text."""


def split_message(text: str, limit: int = MESSAGE_MAX) -> Iterator[str]:
    """Cut a text into pieces of at most `limit` bytes of UTF-8, between characters."""
    data = text.encode("utf-8", "replace")
    start = 0
    while len(data) - start > limit:
        end = start + limit
        while data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end].decode()
        start = end
    if start < len(data):
        yield data[start:].decode()


def messages_of(text: str) -> list[str]:
    """The messages that a text makes, without what a terminal would obey; blank ones make none."""
    return _pieces(inert(text).rstrip())


class LineCutter:
    """Collects bytes and gives out whole lines, in bounded memory however long a line is."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Accept bytes; return the messages that became whole."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        found = [message for line in lines for message in messages_of(_text(line))]
        while len(self._rest) > MESSAGE_MAX:
            found += _pieces(inert(_text(self._cut())))
        return found

    def finish(self) -> list[str]:
        """The messages of a last line without its newline."""
        rest, self._rest = self._rest, b""
        return messages_of(_text(rest))

    def _cut(self) -> bytes:
        """Take off what may leave before its line is whole."""
        end = MESSAGE_MAX
        while end > MESSAGE_MAX - 4 and self._rest[end] & 0xC0 == 0x80:
            end -= 1
        unfinished = _UNFINISHED.search(self._rest[:end])
        if unfinished is None:
            head, self._rest = self._rest[:end], self._rest[end:]
        elif unfinished.start():
            head, self._rest = self._rest[: unfinished.start()], self._rest[unfinished.start() :]
        else:
            head, self._rest = b"", self._rest[:_INTRODUCER_BYTES] + self._rest[end:]
        return head


def _pieces(text: str) -> list[str]:
    return [piece for piece in split_message(text) if piece.strip()]


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
