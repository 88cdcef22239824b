"""A journal of 200 lines that was cut at any byte, or has any byte changed: what recovery makes of it.

What has to be found is told by a reading of the journal's text that shares no code with the package.
"""

import json
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest

from chatroom_server.history import LogSettings
from chatroom_server.history.journal import Journal, list_segments, segment_path
from chatroom_server.history.records import Position
from chatroom_server.history.recovery import Found, read_journal
from tests.server.history.harness import Rig
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/journal")
SALT = 77
ROOMS = ("a", "b")
DATA = Path("/sim/data")
_PARTS = 5
"""So many processes may share the work."""


@dataclass(frozen=True)
class Row:
    """A line as the test reads it: where it stands, and in which batch of which segment."""

    segment: int
    start: int
    end: int
    batch: int
    room: str
    id: int
    line: bytes


@dataclass(frozen=True)
class Reading:
    """An undamaged journal."""

    rows: list[Row]
    starts: dict[int, tuple[int, int]]
    """Segment and offset at which each batch begins."""
    contents: dict[int, bytes]
    """By segment."""
    written: list[tuple[str, int, bytes]]
    """Room, number and line of each row."""
    ends: list[tuple[int, int]]
    """Segment and offset behind each row."""

    @property
    def last_batch(self) -> int:
        return max(self.starts)


def _read_plainly(contents: dict[int, bytes]) -> Reading:
    """Take the text apart line by line, as its description says it looks; every checksum has to be right."""
    rows: list[Row] = []
    starts: dict[int, tuple[int, int]] = {}
    batch = 0
    for segment, content in contents.items():
        offset = 0
        for text in content.splitlines(keepends=True):
            checksum, payload = text[:-1].split(b" ", 1)
            assert int(checksum, 16) == crc32(payload, (SALT + segment * 2_654_435_761) % (1 << 32))
            if payload.startswith(b"["):
                batch = json.loads(payload)[1]
                starts[batch] = (segment, offset)
            elif payload.startswith(b'"'):
                room, line = payload.split(b" ", 1)
                span = (segment, offset, offset + len(text))
                rows.append(Row(*span, batch, json.loads(room), json.loads(line)["id"], line))
            offset += len(text)
    written = [(row.room, row.id, row.line) for row in rows]
    return Reading(rows, starts, contents, written, [(row.segment, row.end) for row in rows])


def _journal(lines: int, segment_bytes: int) -> tuple[SimFiles, Reading]:
    """The shortest lines, in batches of one to thirteen, of two rooms in turn."""
    files = SimFiles()
    files.make_folder(FOLDER)
    start = Position(1, 0, 1)
    journal = Journal(files, FOLDER, start=start, salt=SALT, segment_bytes=segment_bytes, durable=True)
    payloads = [b'"%b" {"id":%d,"%x":0}' % (ROOMS[n % 2].encode(), n // 2 + 1, n) for n in range(lines)]
    size = 1
    while payloads:
        journal.write(payloads[:size])
        del payloads[:size]
        size = size % 13 + 1
    journal.close()
    numbers = list_segments(files, FOLDER)
    contents = {number: bytes(files.file(segment_path(FOLDER, number)).data) for number in numbers}
    return files, _read_plainly(contents)


def _read(files: SimFiles) -> Found:
    return read_journal(files, FOLDER, Position(1, 0, 1), SALT, {})


def _found(found: Found) -> list[tuple[str, int, bytes]]:
    return [(str(entry.room), int(entry.id), entry.line) for entry in found.entries]


@pytest.fixture(
    params=[(200, 1500), (40, 1 << 20)], ids=["200 lines, many segments", "40 lines, one segment"]
)
def journal(request: pytest.FixtureRequest) -> tuple[SimFiles, Reading]:
    return _journal(*request.param)


def test_the_whole_journal_is_found(journal: tuple[SimFiles, Reading]) -> None:
    files, whole = journal
    found = _read(files)
    assert len(whole.rows) in (200, 40)
    assert _found(found) == whole.written
    assert (found.notes, found.asides, found.corrupt) == ([], [], False)


def _prefixes(files: SimFiles, whole: Reading) -> Iterator[tuple[int, int]]:
    """Cut the journal at each of its bytes, the last one first; yields the segment and its length."""
    for segment, content in sorted(whole.contents.items(), reverse=True):
        data = files.file(segment_path(FOLDER, segment)).data
        for length in range(len(content) - 1, -1, -1):
            del data[length:]
            yield segment, length
        files.unlink(segment_path(FOLDER, segment))


def test_every_prefix(journal: tuple[SimFiles, Reading]) -> None:
    """The lines that are whole are found; what stands behind the last whole batch is set aside."""
    files, whole = journal
    seams = _seams(whole)
    for segment, length in _prefixes(files, whole):
        found = _read(files)
        assert _found(found) == whole.written[: bisect_right(whole.ends, (segment, length))]
        assert not found.corrupt
        good = seams[bisect_right(seams, (segment, length)) - 1][1]
        torn = whole.contents[segment][good:length]
        assert [aside.data for aside in found.asides] == ([torn] if torn else [])
        for aside in found.asides:
            assert f"({len(torn)} bytes from {good})" in aside.sentence


def _seams(whole: Reading) -> list[tuple[int, int]]:
    """Where a journal may end that nothing is wrong with: in front of headers and behind whole batches."""
    last_rows = {row.batch: (row.segment, row.end) for row in whole.rows}
    return sorted([*((number, 0) for number in whole.contents), *whole.starts.values(), *last_rows.values()])


def _expected(whole: Reading, segment: int, position: int) -> list[tuple[str, int, bytes]]:
    """What is left when a byte is another one.

    The line that it belongs to is gone. In the last batch, of which nobody was shown anything, the others
    close ranks; in front of it they keep their numbers, and a line of kind "lost" stands in for what is gone.
    """
    is_torn = (segment, position) >= whole.starts[whole.last_batch]
    before = bisect_right(whole.ends, (segment, position))
    hit = whole.rows[before] if before < len(whole.rows) else None
    is_hit = hit is not None and (segment, position) >= (hit.segment, hit.start)
    behind = before + is_hit
    near = len(whole.rows) if is_torn else behind + len(ROOMS)
    last = {room: next((r.id for r in reversed(whole.rows[:before]) if r.room == room), 0) for room in ROOMS}
    lines = whole.written[:before]
    for row in whole.rows[behind:near]:
        for number in range(last[row.room] + 1, row.id if not is_torn else 0):
            lost = {"id": number, "at": 0, "room": row.room, "user": "", "nick": "", "kind": "lost"}
            lines.append((row.room, number, json.dumps(lost, separators=(",", ":")).encode()))
            last[row.room] = number
        last[row.room] += 1
        _, _, rest = row.line.partition(b",")
        lines.append((row.room, last[row.room], b'{"id":%d,%b' % (last[row.room], rest)))
    return lines + whole.written[near:]


@pytest.mark.parametrize("part", range(_PARTS))
def test_every_changed_byte(journal: tuple[SimFiles, Reading], part: int) -> None:
    """One line is lost at most; what was damaged is set aside; what was stored and is lost is said so."""
    for segment, content in journal[1].contents.items():
        for position in range(part, len(content), _PARTS):
            _check_changed(*journal, segment, position, content[position] ^ 1 << position % 8)


def test_a_newline_in_place_of_any_byte() -> None:
    """It may cut a record in two, or make the end of one the start of another."""
    files, whole = _journal(40, 500)
    for segment, content in whole.contents.items():
        for position, byte in enumerate(content):
            if byte != ord("\n"):
                _check_changed(files, whole, segment, position, ord("\n"))


def _check_changed(files: SimFiles, whole: Reading, segment: int, position: int, changed: int) -> None:
    data = files.file(segment_path(FOLDER, segment)).data
    byte, data[position] = data[position], changed
    found, damaged = _read(files), bytes(data)
    data[position] = byte
    lines = _found(found)
    assert lines == _expected(whole, segment, position)
    torn_from = whole.starts[whole.last_batch]
    if (segment, position) >= torn_from:
        assert not found.corrupt
        assert [aside.data for aside in found.asides] == [damaged[torn_from[1] :]]
        assert not found.notes
    else:
        assert found.corrupt
        assert [aside.data for aside in found.asides] == [damaged]
        assert found.notes == _sentences(whole, segment, position, lines)


def _sentences(whole: Reading, segment: int, position: int, lines: list[tuple[str, int, bytes]]) -> list[str]:
    """What is said of a byte that was damaged in front of a whole batch."""
    batches = [batch for batch, start in whole.starts.items() if start <= (segment, position)]
    first = min(start for start in whole.starts.values() if start[0] == segment)
    lost = [(room, number) for room, number, line in lines if b'"kind":"lost"' in line]
    said = [f"the journal lacks what stood before its batch {max(batches, default=0) + 1} in {FOLDER}"]
    said = [] if (segment, position) < first else said
    return said + [f"room {room!r} lost the lines {number} to {number}" for room, number in lost]


@pytest.mark.parametrize("seed", range(25))
async def test_a_server_that_starts_on_a_damaged_journal_goes_on(seed: int) -> None:
    """It says what it did, keeps a copy of what it could not use, and stores what comes next."""
    rng = random.Random(seed)
    files = SimFiles()
    files.make_folder(DATA.parent)
    rig = await Rig.open(DATA, files, LogSettings())
    for index in range(20):
        await rig.say(f"{index} x", f"{index} y")
    said, epoch = [line.line for line in rig.stored()], rig.log.epoch
    await rig.die()
    (name,) = files.names(DATA / "journal")
    data = files.file(DATA / "journal" / name).data
    last_batch = data.rindex(b'["batch"') - len("01234567 ")
    position, is_cut = rng.randrange(len(data)), rng.random() < 0.5
    if is_cut:
        del data[position:]
    else:
        data[position] ^= rng.randint(1, 255)
    damaged = bytes(data)
    again = await Rig.open(DATA, files.killed())
    lines = await again.all_lines()
    rests = {line.partition(b",")[2] for line in said}
    assert [line for line in lines if line.partition(b",")[2] in rests or b'"kind":"lost"' in line] == lines
    assert len([line for line in lines if line in said]) >= (0 if is_cut else len(said) - 2)
    kept = [bytes(files.file(DATA / "damaged" / each).data) for each in files.names(DATA / "damaged")]
    assert all(copy in damaged for copy in kept)
    assert len(kept) == sum(str(DATA / "damaged") in note for note in again.recovery.notes)
    assert (again.log.epoch == epoch) == (is_cut or position >= last_batch)
    await again.say("after")
    await again.log.close()
    last = await Rig.open(DATA, files.killed())
    assert await last.all_lines() == [*lines, again.stored()[0].line]
    assert last.recovery.notes == []
    await last.log.close()
