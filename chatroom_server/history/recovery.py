"""Reading the journal after a stop of any kind: what is good, what is torn, what is damaged.

A batch that is damaged and has no whole batch behind it is a *torn tail*: the server died while it was
written, and nobody was shown anything of it. Its good lines stay, and close ranks where one between them is
lost.

Damage in front of a whole batch is *corruption*: something that was stored is lost, which is reported and
gives the log another epoch. A line of kind `lost` takes the number of each line that is lost there, so that
all others keep theirs, by which amendments know them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import msgspec

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.history.files import Files, read_file
from chatroom_server.history.journal import list_segments, segment_path
from chatroom_server.history.records import (
    Damage,
    Entry,
    Header,
    Position,
    Scan,
    decode_header,
    scan,
    segment_salt,
)

_AT = re.compile(rb'"at":(\d+)')


@dataclass(frozen=True, slots=True)
class Aside:
    """Bytes of the journal that are kept for people to look at.

    Attributes:
        name: What to call the copy.
        sentence: What happened.
    """

    name: str
    data: bytes
    sentence: str


@dataclass(slots=True)
class Found:
    """What the journal holds behind a place.

    Attributes:
        entries: Each room's lines consecutive, from the first that the room's files may lack or earlier.
        corrupt: Something that was stored is lost.
    """

    entries: list[Entry] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    corrupt: bool = False
    next_segment: int = 1
    next_batch: int = 1


@dataclass(slots=True)
class _Segment:
    number: int
    data: bytes
    header: Header | None
    body: int
    """Where its batches begin, 0 when the header is damaged."""


def read_journal(
    files: Files, folder: Path, start: Position, salt: int, last_ids: Mapping[RoomId, MessageId]
) -> Found:
    """Read everything behind a place. Changes nothing on the disk.

    Args:
        folder: The journal's.
        last_ids: The last line of each room that is safe outside the journal.

    Raises:
        OSError: The disk does not give the bytes.
    """
    numbers = list_segments(files, folder)
    found = Found(next_segment=max([start.segment - 1, *numbers]) + 1, next_batch=start.batch)
    segments = [_load(files, folder, number, salt) for number in numbers if number >= start.segment]
    if start.offset and (not segments or segments[0].number != start.segment):
        _report_missing(found, folder, start)
    scans = [(each, _scan(each, start, salt, end)) for each, end in _valid(segments)]
    torn_from = _judge(found, folder, scans)
    entries = [entry for _, part in scans for entry in part.entries]
    good = [entry for entry in entries if (entry.segment, entry.offset) < torn_from]
    found.entries = list(_consecutive(found, good, entries[len(good) :], last_ids))
    return found


def _load(files: Files, folder: Path, number: int, salt: int) -> _Segment:
    data = read_file(files, segment_path(folder, number))
    decoded = decode_header(data, segment_salt(salt, number))
    header, body = decoded or (None, 0)
    return _Segment(number, data, header, body)


def valid_ends(segments: Sequence[tuple[int, int, Header | None]]) -> dict[int, int]:
    """The place up to which later headers leave each segment valid; void ones are left out.

    Args:
        segments: Number, size, and header unless that is damaged; ascending.
    """
    valid: dict[int, int] = {}
    cut: tuple[int, int] | None = None
    for number, size, header in reversed(segments):
        if cut is not None and number > cut[0]:
            continue
        valid[number] = cut[1] if cut is not None and number == cut[0] else size
        cut = header.cut if header else None
    return valid


def _valid(segments: list[_Segment]) -> list[tuple[_Segment, int]]:
    ends = valid_ends([(each.number, len(each.data), each.header) for each in segments])
    return [(each, ends[each.number]) for each in segments if each.number in ends]


def _scan(segment: _Segment, start: Position, salt: int, end: int) -> Scan:
    begin = start.offset if segment.number == start.segment and start.offset else segment.body
    part = scan(segment.data[:end], segment.number, begin, segment_salt(salt, segment.number))
    if end > len(segment.data):
        part.damages.append(Damage(len(segment.data), end))
    return part


def _judge(found: Found, folder: Path, scans: list[tuple[_Segment, Scan]]) -> tuple[float, float]:
    """Tell torn tails from corruption, and say what was found.

    Returns:
        Segment and offset from where on everything is a torn tail.
    """
    torn_from: tuple[float, float] = (inf, inf)
    last_good = max((index for index, (_, part) in enumerate(scans) if part.batches), default=-1)
    for index, (segment, part) in enumerate(scans):
        for number in part.batches:
            if number > found.next_batch:
                found.corrupt = True
                found.notes.append(f"the journal lacks what stood before its batch {number} in {folder}")
            found.next_batch = max(found.next_batch, number + 1)
        torn = [d for d in part.damages if index >= last_good and d.end == part.end and d.start < d.end]
        damaged = [d for d in part.damages if d not in torn]
        if damaged:
            found.corrupt = True
            found.asides.append(_set_aside(folder, segment))
        for damage in torn:
            found.asides.append(_cut_off(folder, segment, damage))
            torn_from = min(torn_from, (segment.number, damage.start))
    return torn_from


def _set_aside(folder: Path, segment: _Segment) -> Aside:
    path = segment_path(folder, segment.number)
    return Aside(path.name, segment.data, f"{path} is damaged; its good lines were kept")


def _cut_off(folder: Path, segment: _Segment, damage: Damage) -> Aside:
    path = segment_path(folder, segment.number)
    count = damage.end - damage.start
    return Aside(
        f"{path.stem}-{damage.start}.torn",
        segment.data[damage.start : damage.end],
        f"{path} ended in a batch that was not written to its end ({count} bytes from {damage.start}); "
        "its good lines were kept",
    )


def _report_missing(found: Found, folder: Path, start: Position) -> None:
    found.corrupt = True
    found.notes.append(f"{segment_path(folder, start.segment)} is missing")


def _consecutive(
    found: Found, good: list[Entry], torn: list[Entry], last_ids: Mapping[RoomId, MessageId]
) -> Iterator[Entry]:
    """Leave out what stands there twice, and see to it that numbers have no holes."""
    seen: dict[RoomId, int] = {}
    for entry in good:
        last = seen.get(entry.room, min(last_ids.get(entry.room, 0), entry.id - 1))
        if entry.id > last + 1:
            found.notes.append(f"room {entry.room!r} lost the lines {last + 1} to {entry.id - 1}")
        for number in range(last + 1, entry.id):
            yield entry._replace(id=MessageId(number), line=_lost_line(number, entry))
        if entry.id > last:
            seen[entry.room] = entry.id
            yield entry
    rests: set[tuple[RoomId, bytes]] = set()
    for entry in torn:
        last = seen.get(entry.room, last_ids.get(entry.room, 0))
        rest = entry.line[entry.line.index(b",") :]
        if entry.id > last and (entry.room, rest) not in rests:
            # A round that failed in one segment may stand in the next one once more.
            rests.add((entry.room, rest))
            seen[entry.room] = last + 1
            yield entry._replace(id=MessageId(last + 1), line=b'{"id":%d%b' % (last + 1, rest))


def _lost_line(number: int, following: Entry) -> bytes:
    found = _AT.search(following.line)
    room = msgspec.json.encode(following.room)
    at = found[1] if found else b"0"
    return b'{"id":%d,"at":%b,"room":%b,"user":"","nick":"","kind":"lost"}' % (number, at, room)
