"""How the journal's bytes look: segments of batches of lines, each with its own checksum.

A *record* is one line of text: eight hexadecimal digits of a CRC-32, a space, a payload, a newline. The
payload's first characters tell what it is:

    {"segment": …}         the first record of a segment (`Header`)
    ["batch", 78, 3, …]    a batch begins: its number, how many lines, how many bytes, their checksum
    "general" {"id":417,…} a line, with the room that it belongs to

Every checksum starts from the segment's *salt*, so that what an older file left on the same blocks of the
disk never passes for content. A raw double quote stands near the start of each payload, and JSON text has
none inside its strings: nobody can write a message that contains a record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from chatroom.protocol.ids import MessageId, RoomId

_RECORD: Final = re.compile(rb'([0-9a-f]{8}) ((?:\{"|\["|")[^\n]*)\n')
_LINE_AFTER_ROOM: Final = b'" {"id":'


class Position(NamedTuple):
    """A place between two batches of the journal; a later place compares greater."""

    segment: int
    offset: int
    batch: int
    """The number of the batch that begins here."""


class Header(msgspec.Struct, frozen=True):
    """The first record of a segment.

    Attributes:
        segment: Its number, as in its name.
        batch: The number of its first batch.
        cut: (segment, offset): everything between there and here is void, its lines are repeated here or
            were refused. None for a segment that follows its predecessor's last byte.
    """

    segment: int
    batch: int
    cut: tuple[int, int] | None = None


class Entry(NamedTuple):
    """A line found in the journal."""

    segment: int
    offset: int
    """Of its batch, or, in a damaged one, its own."""
    room: RoomId
    id: MessageId
    line: bytes


class Damage(NamedTuple):
    """Bytes of a segment that are no whole batch."""

    start: int
    end: int


@dataclass(slots=True)
class Scan:
    """What a segment holds.

    Attributes:
        entries: The good lines, in order.
        damages: What else there is; the last one may be a torn tail.
        batches: The numbers of the whole batches.
        end: Where the bytes end that were looked at.
    """

    entries: list[Entry]
    damages: list[Damage]
    batches: list[int]
    end: int


class _Batch(NamedTuple):
    number: int
    lines: int
    size: int
    checksum: int
    start: int
    """Offset of its first line."""

    @property
    def end(self) -> int:
        return self.start + self.size


class _Word(msgspec.Struct, array_like=True, frozen=True, tag="batch"):
    number: int
    count: int
    size: int
    checksum: int


_HEADER: Final = msgspec.json.Decoder(Header)
_BATCH: Final = msgspec.json.Decoder(_Word)
_ROOM: Final = msgspec.json.Decoder(str)


def segment_salt(salt: int, segment: int) -> int:
    """The starting value of a segment's checksums, from the log's own salt."""
    return (salt + segment * 2_654_435_761) & 0xFFFFFFFF


def room_word(room: RoomId) -> bytes:
    """A room as it stands in front of its lines."""
    return msgspec.json.encode(room)


def encode_header(header: Header, salt: int) -> bytes:
    """The first record of a segment."""
    return _record(msgspec.json.encode(header), salt)


def encode_batch(number: int, payloads: list[bytes], salt: int) -> bytes:
    """A batch of lines; a payload is a `room_word`, a space and the line."""
    body = b"".join([b"%08x %b\n" % (crc32(payload, salt), payload) for payload in payloads])
    word = _Word(number, len(payloads), len(body), crc32(body, salt))
    return _record(msgspec.json.encode(word), salt) + body


def _record(payload: bytes, salt: int) -> bytes:
    return b"%08x %b\n" % (crc32(payload, salt), payload)


def decode_header(data: bytes, salt: int) -> tuple[Header, int] | None:
    """The header at the start of a segment and where it ends; None when it is damaged."""
    found = _RECORD.match(data)
    if found is None or not _is_whole(found, salt):
        return None
    try:
        return _HEADER.decode(found[2]), found.end()
    except msgspec.MsgspecError:
        return None


def scan(data: bytes, segment: int, start: int, salt: int) -> Scan:
    """Read the batches of a segment from an offset on.

    Whole batches are taken as they are. Out of anything else come the lines whose own checksum is right.
    """
    result = Scan([], [], [], len(data))
    offset = start
    while offset < len(data):
        batch = _batch_at(data, offset, salt)
        if batch is not None:
            result.batches.append(batch.number)
            result.entries += _lines_of(data, batch, segment, offset)
            offset = batch.end
        else:
            resumed = _next_batch(data, offset, salt)
            result.entries += _salvage(data, segment, offset, resumed, salt)
            result.damages.append(Damage(offset, resumed))
            offset = resumed
    return result


def _is_whole(found: re.Match[bytes], salt: int) -> bool:
    return int(found[1], 16) == crc32(found[2], salt)


def _batch_at(data: bytes, offset: int, salt: int) -> _Batch | None:
    found = _RECORD.match(data, offset)
    if found is None or not found[2].startswith(b"[") or not _is_whole(found, salt):
        return None
    try:
        word = _BATCH.decode(found[2])
    except msgspec.MsgspecError:
        return None
    batch = _Batch(word.number, word.count, word.size, word.checksum, found.end())
    body = data[batch.start : batch.end]
    if len(body) != batch.size or crc32(body, salt) != batch.checksum:
        return None
    return batch


def _lines_of(data: bytes, batch: _Batch, segment: int, offset: int) -> Iterator[Entry]:
    for record in data[batch.start : batch.end - 1].split(b"\n"):
        yield _entry(record[9:], segment, offset)


def _entry(payload: bytes, segment: int, offset: int) -> Entry:
    """A line of which the checksum was right.

    A room's name is a JSON string, in which a quote has a backslash before it: the first `" {"id":` ends it.
    """
    at = payload.index(_LINE_AFTER_ROOM) + 1
    line = payload[at + 1 :]
    number = int(line[6 : line.index(b",")])
    return Entry(segment, offset, RoomId(_ROOM.decode(payload[:at])), MessageId(number), line)


def _candidates(data: bytes, start: int, end: int) -> Iterator[re.Match[bytes]]:
    """What looks like records, also in the middle of a line: a newline may be what was damaged."""
    offset = start
    while (found := _RECORD.search(data, offset, end)) is not None:
        yield found
        offset = found.start() + 1


def _next_batch(data: bytes, start: int, salt: int) -> int:
    """Where the next whole batch begins, else the end."""
    for found in _candidates(data, start, len(data)):
        if found[2].startswith(b"[") and _batch_at(data, found.start(), salt) is not None:
            return found.start()
    return len(data)


def _salvage(data: bytes, segment: int, start: int, end: int, salt: int) -> Iterator[Entry]:
    for found in _candidates(data, start, end):
        if found[2].startswith(b'"') and _LINE_AFTER_ROOM in found[2] and _is_whole(found, salt):
            yield _entry(found[2], segment, found.start())
