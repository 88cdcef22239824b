"""Frames to bytes and back, however the stream is cut."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol import ErrorCode, LocalProtocolError, RemoteProtocolError, codec, limits
from chatroom.protocol.frames import Fetch, Line, Ping, Send, Welcome
from chatroom.protocol.ids import DeviceId, RoomId
from chatroom.protocol.kinds import BY_FRAME, BY_KIND, KINDS, KindInfo

BEACH = "été à la plage 🏖"


def _send(body: str) -> Send:
    return Send(room=RoomId("general"), dev=DeviceId("a1"), n=1, body=body)


def _read(*chunks: bytes) -> list[tuple[int, bytes]]:
    reader = codec.FrameReader()
    frames = []
    for chunk in chunks:
        whole, error = reader.feed(chunk)
        assert error is None
        frames += whole
    assert reader.pending == 0
    return frames


@pytest.mark.parametrize(
    ("length", "header"),
    [
        # The examples of RFC 9000, appendix A.1.
        (151_288_809_941_952_652, "c2197c5eff14e88c"),
        (494_878_333, "9d7f3e7d"),
        (15_293, "7bbd"),
        (37, "25"),
    ],
)
def test_length_headers_are_those_of_rfc_9000(length: int, header: str) -> None:
    assert codec.encode_length(length).hex() == header
    assert codec.decode_length(bytes.fromhex(header), 0) == (length, len(header) // 2)


@given(st.integers(0, (1 << 62) - 1), st.binary(max_size=3))
def test_a_length_comes_back_whatever_stands_around_it(length: int, before: bytes) -> None:
    data = before + codec.encode_length(length) + b"rest"
    assert codec.decode_length(data, len(before)) == (length, len(data) - 4)


@given(st.integers(0, (1 << 62) - 1))
def test_a_cut_length_header_waits_for_more(length: int) -> None:
    header = codec.encode_length(length)
    assert all(codec.decode_length(header[:size], 0) is None for size in range(len(header)))


@pytest.mark.parametrize("length", [-1, 1 << 62])
def test_a_length_that_cannot_be_written_is_the_callers_fault(length: int) -> None:
    with pytest.raises(LocalProtocolError):
        codec.encode_length(length)


def test_lengths_count_bytes_not_characters() -> None:
    data = codec.encode(_send(BEACH))
    length, start = codec.decode_length(data, 1) or (0, 0)
    assert length == len(data) - start > len(data[start:].decode())
    (kind, body), *none = _read(data)
    assert not none
    assert codec.decode_body(kind, body) == _send(BEACH)


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@given(st.lists(_TEXTS, max_size=6), st.data())
def test_a_stream_means_the_same_whole_in_pieces_and_byte_by_byte(
    texts: list[str], data: st.DataObject
) -> None:
    stream = b"".join(codec.encode(_send(text)) for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[one:two] for one, two in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = _read(stream)
    assert whole == _read(*pieces) == _read(*(bytes([byte]) for byte in stream))
    assert [codec.decode_body(*frame) for frame in whole] == [_send(text) for text in texts]


def test_trailing_bytes_wait_for_the_next_chunk() -> None:
    one, two = codec.encode(_send("one")), codec.encode(_send("two"))
    reader = codec.FrameReader()
    frames, _ = reader.feed(one + two[:-1])
    assert len(frames) == 1
    assert reader.pending == len(two) - 1
    frames, _ = reader.feed(two[-1:] + one[:1])
    assert [codec.decode_body(*frame) for frame in frames] == [_send("two")]
    assert reader.pending == 1


@pytest.mark.parametrize("info", KINDS, ids=lambda info: info.frame.__name__)
def test_a_length_over_the_kinds_maximum_ends_it_before_the_body_is_read(info: KindInfo) -> None:
    header = bytes([info.kind]) + codec.encode_length(info.max_length + 1)
    reader = codec.FrameReader()
    _, error = reader.feed(header)
    assert error is not None
    assert error.code is ErrorCode.TOO_LONG
    fits = bytes([info.kind]) + codec.encode_length(info.max_length)
    assert codec.FrameReader().feed(fits) == ([], None)


def test_unknown_kinds_have_a_maximum_too() -> None:
    kind = next(kind for kind in range(256) if kind not in BY_KIND)
    for extra, is_refused in ((0, False), (1, True)):
        header = bytes([kind]) + codec.encode_length(limits.FRAME_UNKNOWN_MAX + extra)
        assert (codec.FrameReader().feed(header)[1] is not None) == is_refused


def test_kinds_are_unique_and_none_of_them_begins_tls() -> None:
    assert len(BY_KIND) == len(BY_FRAME) == len(KINDS)
    assert 0x16 not in BY_KIND


def test_unknown_fields_are_ignored() -> None:
    kind = BY_FRAME[Fetch].kind
    body = b'{"rid":1,"room":"general","colour":"blue","limit":5}'
    assert codec.decode_body(kind, body) == Fetch(rid=1, room=RoomId("general"), limit=5)


def test_a_stored_line_travels_as_the_bytes_that_were_stored() -> None:
    stored = b'{"id":417,"at":1763705123456,"room":"general","user":"k3jf7a2m","nick":"it4","body":"salut"}'
    ((kind, body),) = _read(codec.frame_line(stored))
    assert body == stored
    line = codec.decode_body(kind, body)
    assert isinstance(line, Line)
    assert (line.id, line.body) == (417, "salut")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"id":1}',
        b'{"id":-1,"at":1,"room":"r","user":"u","nick":"n"}',
        b'{"id":1e400,"at":1,"room":"r","user":"u","nick":"n"}',
        b'{"id":' + b"9" * 5000 + b',"at":1,"room":"r","user":"u","nick":"n"}',
        b'{"id":1,"at":1,"room":"\xff","user":"u","nick":"n"}',
        b'{"id":1,"at":1,"room":"\\ud800","user":"u","nick":"n"}x',
        b'{"x":' + b"[" * 90_000,
    ],
)
def test_bodies_that_are_no_lines_raise_the_documented_error(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        codec.decode_body(BY_FRAME[Line].kind, body)
    assert caught.value.code is ErrorCode.BAD_FRAME


@given(st.sampled_from(KINDS), st.binary(max_size=300))
def test_garbage_raises_only_the_documented_error(info: KindInfo, body: bytes) -> None:
    kind = info.kind
    with contextlib.suppress(RemoteProtocolError):
        codec.decode_body(kind, body)


@given(st.lists(st.binary(max_size=400), max_size=5))
def test_garbage_never_makes_the_reader_keep_more_than_one_frame(chunks: list[bytes]) -> None:
    reader = codec.FrameReader()
    for chunk in chunks:
        _, error = reader.feed(chunk)
        assert reader.pending <= sum(map(len, chunks))
        if error is not None:
            break


def test_a_frame_that_is_too_long_is_never_written() -> None:
    with pytest.raises(LocalProtocolError):
        codec.encode(_send("x" * limits.FRAME_LINE_MAX))


def test_a_text_that_utf8_cannot_hold_is_never_written() -> None:
    with pytest.raises(LocalProtocolError):
        codec.encode(_send("\ud800"))


def test_default_values_are_not_paid_for() -> None:
    assert codec.encode(Ping()) == b"?\x02{}"
    assert b"grid" not in codec.encode(_send("x"))


def test_a_welcome_comes_back() -> None:
    welcome = msgspec.convert(
        {"user": "u", "nick": "n", "color": "#ffffff", "epoch": "e", "devices": {"a1": 93}}, Welcome
    )
    ((kind, body),) = _read(codec.encode(welcome))
    assert codec.decode_body(kind, body) == welcome
