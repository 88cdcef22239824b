"""Cuts a stream of bytes into messages: one a line, none longer than a message may be."""

from collections.abc import Iterator

from chatroom.common.inert import inert
from chatroom.protocol.limits import MESSAGE_MAX


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
    return [piece for piece in split_message(inert(text).rstrip()) if piece.strip()]


class LineCutter:
    """Collects bytes and gives out whole lines, in bounded memory however long a line is."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Accept bytes; return the messages that became whole."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        found = [message for line in lines for message in messages_of(_text(line))]
        while len(self._rest) > MESSAGE_MAX:
            piece, self._rest = self._cut()
            found += messages_of(_text(piece))
        return found

    def finish(self) -> list[str]:
        """The messages of a last line without its newline."""
        rest, self._rest = self._rest, b""
        return messages_of(_text(rest))

    def _cut(self) -> tuple[bytes, bytes]:
        end = MESSAGE_MAX
        while end > MESSAGE_MAX - 4 and self._rest[end] & 0xC0 == 0x80:
            end -= 1
        return self._rest[:end], self._rest[end:]


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
