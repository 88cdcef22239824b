"""Reading a journal that was cut anywhere, or has any byte changed, yields exactly its good lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.history.files import Mode
from chatroom_server.history.journal import Journal, segment_path
from chatroom_server.history.records import Position
from chatroom_server.history.recovery import Found, read_journal
from tests.server.history.simfiles import Inode, SimFiles

FOLDER = Path("/journal")
SALT = 12345
START = Position(1, 0, 1)
ROOM, OTHER = RoomId("a"), RoomId('o " é\\')
BATCHES = [["a1"], ["a2", "a3", "o1"], ["o2"], ["a4", "a5", "o3", "a6"]]


def _payload(word: str) -> bytes:
    room = b'"a"' if word[0] == "a" else b'"o \\" \xc3\xa9\\\\"'
    return room + b' {"id":%d,"at":%d,"body":"%b 0123abcd {\\"id\\":5,"}' % (
        int(word[1:]),
        70 + int(word[1:]),
        word.encode(),
    )


def _journal(batches: list[list[str]], segment_bytes: int = 1 << 20) -> tuple[SimFiles, list[int]]:
    """A journal, and the end of each batch in its (one) segment."""
    files = SimFiles()
    files.make_folder(FOLDER)
    journal = Journal(files, FOLDER, start=START, salt=SALT, segment_bytes=segment_bytes, durable=True)
    ends = [journal.write([_payload(word) for word in batch]).offset for batch in batches]
    journal.close()
    return files, ends


def _read(files: SimFiles, last_ids: dict[RoomId, MessageId] | None = None) -> Found:
    return read_journal(files, FOLDER, START, SALT, last_ids or {})


def _words(found: Found) -> list[str]:
    """Which lines were found: those of BATCHES by their words, a lost one as -."""
    return [_word(entry.line) for entry in found.entries]


def _word(line: bytes) -> str:
    return "-" if b'"kind":"lost"' in line else line.partition(b'"body":"')[2][:2].decode()


def _content(files: SimFiles, number: int = 1) -> Inode:
    return files.file(segment_path(FOLDER, number))


def _spans(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Where each line's record is, its newline included."""
    offset = 0
    for record in data.splitlines(keepends=True):
        if record[9:10] == b'"':
            yield offset, offset + len(record), _word(record)
        offset += len(record)


def test_an_undamaged_journal() -> None:
    files, _ = _journal(BATCHES)
    found = _read(files)
    assert _words(found) == [word for batch in BATCHES for word in batch]
    assert {entry.room for entry in found.entries} == {ROOM, OTHER}
    assert (found.next_segment, found.next_batch) == (2, 5)
    assert not found.notes
    assert not found.asides
    assert not found.corrupt


def test_every_prefix_yields_its_whole_lines() -> None:
    files, ends = _journal(BATCHES)
    whole = bytes(_content(files).data)
    spans = list(_spans(whole))
    for length in range(len(whole)):
        _content(files).data[:] = whole[:length]
        found = _read(files)
        assert _words(found) == [word for _, end, word in spans if end <= length]
        assert not found.corrupt
        assert len(found.asides) == (length not in (0, whole.index(b"\n") + 1, *ends))
        if found.asides:
            assert whole[:length].endswith(found.asides[0].data)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0xFF])
def test_every_changed_byte_loses_its_line_and_no_other(flip: int) -> None:
    files, ends = _journal(BATCHES)
    whole = bytes(_content(files).data)
    spans = list(_spans(whole))
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= flip
        _content(files).data[:] = damaged
        found = _read(files)
        good = [word for start, end, word in spans if not start <= position < end]
        assert [word for word in _words(found) if word != "-"] == good
        assert found.corrupt == (position < ends[-2])
        assert found.asides
        _assert_no_holes(found)


def _assert_no_holes(found: Found) -> None:
    for room in (ROOM, OTHER):
        numbers = [entry.id for entry in found.entries if entry.room == room]
        assert numbers == list(range(1, len(numbers) + 1))
        for entry in found.entries:
            assert entry.line.startswith(b'{"id":%d,' % entry.id)


def test_a_lost_line_in_the_middle_leaves_others_their_numbers() -> None:
    files, _ = _journal(BATCHES)
    data = _content(files).data
    data[data.index(b"a2 ")] ^= 1
    found = _read(files)
    assert _words(found) == ["a1", "-", "a3", "o1", "o2", "a4", "a5", "o3", "a6"]
    assert found.entries[1].line == b'{"id":2,"at":73,"room":"a","user":"","nick":"","kind":"lost"}'
    assert "room 'a' lost the lines 2 to 2" in found.notes


def test_a_lost_line_in_a_torn_tail_lets_others_close_ranks() -> None:
    files, _ = _journal(BATCHES)
    data = _content(files).data
    data[data.index(b"a4 ")] ^= 1
    found = _read(files)
    assert [(entry.id, _word(entry.line)) for entry in found.entries if entry.room == ROOM][3:] == [
        (4, "a5"), (5, "a6")
    ]  # fmt: skip
    assert not found.corrupt


def test_segments_follow_one_another() -> None:
    files, _ = _journal(BATCHES, segment_bytes=10)
    assert _words(_read(files)) == [word for batch in BATCHES for word in batch]
    assert _read(files).next_segment == 5


def test_reading_from_a_later_place() -> None:
    files, ends = _journal(BATCHES)
    found = read_journal(
        files, FOLDER, Position(1, ends[1], 3), SALT, {ROOM: MessageId(3), OTHER: MessageId(1)}
    )
    assert _words(found) == ["o2", "a4", "a5", "o3", "a6"]
    assert found.next_batch == 5
    assert not found.corrupt


def test_a_missing_segment_is_corruption() -> None:
    files, _ = _journal(BATCHES, segment_bytes=10)
    files.unlink(segment_path(FOLDER, 2))
    found = _read(files)
    assert found.corrupt
    assert _words(found) == ["a1", "-", "o2", "-", "-", "a4", "a5", "o3", "a6"]


def test_a_missing_first_segment_is_corruption() -> None:
    files, _ = _journal(BATCHES[:1])
    files.unlink(segment_path(FOLDER, 1))
    found = read_journal(files, FOLDER, Position(1, 50, 2), SALT, {})
    assert found.corrupt
    assert "is missing" in found.notes[0]


def test_damage_at_the_end_of_a_segment_with_a_follower_is_corruption() -> None:
    files, _ = _journal(BATCHES, segment_bytes=10)
    del _content(files, 2).data[-5:]
    found = _read(files)
    assert found.corrupt
    assert [aside.name for aside in found.asides] == ["0000000002.journal"]


def test_what_a_later_header_cuts_off_is_void() -> None:
    files, _ = _journal(BATCHES[:2])
    _content(files).data += b"0badcafe junk of a failed round\n" * 3
    end = len(_content(files).data) - 96
    journal = Journal(files, FOLDER, start=Position(1, end, 3), salt=SALT, segment_bytes=1, durable=True)
    journal._next_segment = 4
    journal.write([_payload("o2")])
    found = _read(files)
    assert _words(found) == ["a1", "a2", "a3", "o1", "o2"]
    assert not found.corrupt
    assert not found.asides


def test_a_round_that_stands_in_two_torn_segments_counts_once() -> None:
    files, _ = _journal([["a1"]])
    torn, _ = _journal([["a1"], ["a2", "a3", "a4"]])
    again = bytes(_content(torn).data)
    _content(files).data[:] = again.replace(b"a2 ", b"XX ")
    other = SimFiles()
    other.make_folder(FOLDER)
    journal = Journal(other, FOLDER, start=Position(2, 0, 2), salt=SALT, segment_bytes=1, durable=True)
    journal.write([_payload(word) for word in ("a2", "a3", "a4")])
    second = bytes(_content(other, 2).data)
    files.open(segment_path(FOLDER, 2), _new())
    _content(files, 2).data[:] = (
        second.replace(b"batch", b"bitch").replace(b"cut", b"cat").replace(b"a2 ", b"XX ")
    )
    assert _words(_read(files)) == ["a1", "a3", "a4"]


def _new() -> Mode:
    return Mode.WRITE | Mode.NEW


def test_nobody_can_write_a_message_that_contains_a_record() -> None:
    inner, _ = _journal([["a1"]])
    record = next(line for line in bytes(_content(inner).data).splitlines() if line[9:10] == b'"')
    files = SimFiles()
    files.make_folder(FOLDER)
    journal = Journal(files, FOLDER, start=START, salt=SALT, segment_bytes=1 << 20, durable=True)
    text = record.decode().replace("\\", "\\\\").replace('"', '\\"').encode()
    journal.write([b'"a" {"id":1,"at":1,"body":"%b"}' % text])
    data = _content(files).data
    data[data.index(b'"body"') + 1] ^= 1
    assert _words(_read(files)) == []
