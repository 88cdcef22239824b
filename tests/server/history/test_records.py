"""The bytes of the journal: what a batch looks like, and that it is read back."""

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.ids import RoomId
from chatroom_server.history.records import encode_batch, room_word, scan

SALT = 0x89ABCDEF
ROOMS = st.text(min_size=1, max_size=20).map(RoomId)
BODIES = st.binary(max_size=400).map(lambda body: body.replace(b"\n", b""))


def payload(room: RoomId, number: int, body: bytes = b"") -> bytes:
    return room_word(room) + b' {"id":%d,%b}' % (number, body)


def test_a_batch_is_its_word_and_its_lines() -> None:
    batch = encode_batch(78, [payload(RoomId("a"), 1), payload(RoomId("b"), 7)], SALT)
    assert batch == (
        b'6f398915 ["batch",78,2,46,1490138982]\n23f7b0a8 "a" {"id":1,}\n50e41eea "b" {"id":7,}\n'
    )


@given(st.lists(st.tuples(ROOMS, BODIES), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_each_line_stands_behind_its_checksum(said: list[tuple[RoomId, bytes]], salt: int) -> None:
    payloads = [payload(room, number, body) for number, (room, body) in enumerate(said, 1)]
    _word, _newline, body = encode_batch(1, payloads, salt).partition(b"\n")
    assert body == b"".join(b"%08x %b\n" % (crc32(each, salt), each) for each in payloads)


@given(st.lists(st.tuples(ROOMS, BODIES), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_what_is_written_is_read_back(said: list[tuple[RoomId, bytes]], salt: int) -> None:
    payloads = [payload(room, number, body) for number, (room, body) in enumerate(said, 1)]
    batch = encode_batch(5, payloads, salt)
    found = scan(b"before" + batch, 3, len(b"before"), salt)
    assert (found.batches, found.damages, found.end) == ([5], [], len(batch) + 6)
    assert [(each.room, room_word(each.room) + b" " + each.line) for each in found.entries] == [
        (room, each) for (room, _body), each in zip(said, payloads, strict=True)
    ]


def test_a_large_batch_is_whole() -> None:
    payloads = [payload(RoomId("a"), number, b"x" * 1000) for number in range(1, 201)]
    batch = encode_batch(1, payloads, SALT)
    assert [each.id for each in scan(batch, 1, 0, SALT).entries] == list(range(1, 201))
    assert not scan(batch, 1, 0, SALT).damages
    assert scan(batch[:-5] + b"y" + batch[-4:], 1, 0, SALT).damages
