"""Bytes of plain-text clients, cut into lines."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom_server.gateways.text.lines import LineReader, LineTooLong
from chatroom_server.gateways.text.settings import LINE_MAX, SILENCE_S

MIB = 1024 * 1024
TOO_LONG = LineTooLong("x" * 16)
Lines = list[str | LineTooLong]


def taken(reader: LineReader, now: float = 0.0) -> Lines:
    """All lines that are there."""
    lines: Lines = []
    while (line := reader.next(now)) is not None:
        lines.append(line)
    return lines


def due(reader: LineReader) -> float | None:
    return reader.due


def is_over(reader: LineReader) -> bool:
    return reader.is_over


def read(*chunks: bytes) -> Lines:
    """What a peer said that then sent nothing more; nothing waits between the chunks."""
    reader = LineReader()
    lines: Lines = []
    for chunk in chunks:
        reader.feed(chunk, 0.0)
        lines += taken(reader)
    reader.finish()
    lines += taken(reader)
    assert reader.is_over
    return lines


# --- ends of lines -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\n", ["a"]),
        (b"a\r\n", ["a"]),
        (b"a\nb\r\n\n", ["a", "b", ""]),
        (b"a\r\r\n", ["a\r"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a", ["a"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\0\r\nb\0c\n", ["a\r", "bc"]),
        ("salut à tous\n".encode(), ["salut à tous"]),
    ],
)
def test_a_line_ends_at_lf_with_or_without_cr_or_with_the_link(data: bytes, lines: Lines) -> None:
    assert read(data) == lines


@pytest.mark.parametrize(
    "command",
    [
        b"\xff\xfb\x18",  # WILL terminal type
        b"\xff\xfd\x03",  # DO suppress go ahead
        b"\xff\xf4",  # interrupt
        b"\xff\xfa\x18\x00xterm\xff\xf0",  # the terminal's type
        b"\xff\xff",  # an escaped 0xFF
        b"\xff",
    ],
)
def test_commands_of_telnet_are_left_out(command: bytes) -> None:
    assert read(command + b"salut\r\n") == read(b"sal" + command + b"ut\n") == read(b"salut" + command)
    assert read(command * 2 + b"salut\n") == ["salut"]


def test_bytes_that_are_no_utf_8_are_shown_as_such_and_cost_no_others() -> None:
    assert read(b"caf\xe9 noir\n\xc3\nok\n") == ["caf\ufffd noir", "\ufffd", "ok"]


def test_a_character_may_be_cut_anywhere() -> None:
    data = "é😀\n".encode()
    assert read(*(bytes([byte]) for byte in data)) == ["é😀"]


# --- links that know no end of a line ------------------------------------------------------------
def test_a_link_that_never_sent_lf_has_a_line_after_a_silence() -> None:
    reader = LineReader()
    reader.feed(b"Hello", 1.0)
    assert reader.next(1.0) is None
    reader.feed(b"|it4", 1.05)
    assert due(reader) == 1.05 + SILENCE_S
    assert reader.next(1.0 + SILENCE_S) is None
    assert taken(reader, 1.05 + SILENCE_S) == ["Hello|it4"]
    assert due(reader) is None
    reader.feed(b"salut", 9.0)
    assert taken(reader, 9.0 + SILENCE_S) == ["salut"]


def test_a_link_that_sent_lf_once_is_never_cut_by_a_silence() -> None:
    reader = LineReader()
    reader.feed(b"one\ntw", 0.0)
    assert taken(reader, 0.0) == ["one"]
    assert due(reader) is None
    assert taken(reader, 3600.0) == []
    reader.feed(b"o\n", 3600.0)
    assert taken(reader, 3600.0) == ["two"]


def test_what_is_left_when_the_link_closes_is_a_line_at_once() -> None:
    reader = LineReader()
    reader.feed(b"tail", 5.0)
    assert due(reader) is not None
    reader.finish()
    assert (due(reader), is_over(reader)) == (None, False)
    assert taken(reader, 5.0) == ["tail"]
    assert (due(reader), is_over(reader)) == (None, True)


# --- lines that are too long ---------------------------------------------------------------------
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"", b"\r"])
@pytest.mark.parametrize("cut", [1, LINE_MAX - 1, LINE_MAX, LINE_MAX + 1, LINE_MAX + 2])
def test_a_line_may_have_exactly_so_many_bytes(end: bytes, cut: int) -> None:
    for size, line in ((LINE_MAX, "x" * LINE_MAX), (LINE_MAX + 1, TOO_LONG)):
        data = b"first\n" + b"x" * size + end
        assert read(data) == ["first", line]
        assert read(data[: 6 + cut], data[6 + cut :]) == ["first", line]


def test_many_bytes_without_an_end_take_little_memory_and_cost_one_line() -> None:
    reader = LineReader()
    for _chunk in range(64):
        reader.feed(b"x" * (MIB // 8), 0.0)
        assert taken(reader) == []
        assert reader.pending <= LINE_MAX + 1
    reader.feed(b"end of it\nnext\n", 0.0)
    assert taken(reader) == [TOO_LONG, "next"]


def test_a_long_line_without_an_end_is_told_of_when_the_link_closes() -> None:
    chunk = b"x" * LINE_MAX
    assert read(chunk * 3) == read(chunk, chunk, chunk) == [TOO_LONG]


def test_a_long_line_of_a_link_without_lf_does_not_swallow_the_next() -> None:
    reader = LineReader()
    reader.feed(b"x" * MIB, 1.0)
    assert taken(reader, 1.0) == []
    assert due(reader) == 1.0 + SILENCE_S
    assert taken(reader, 1.0 + SILENCE_S) == [TOO_LONG]
    reader.feed(b"salut", 2.0)
    assert taken(reader, 2.0 + SILENCE_S) == ["salut"]


# --- however it is cut ---------------------------------------------------------------------------
BITS = st.sampled_from(
    [b"\n", b"\r", b"\r\n", b"\0", b"\xff\xfb\x18", b"\xff", "é".encode(), b"a", b"x" * LINE_MAX, b"x" * 700]
)


@given(st.lists(st.one_of(BITS, st.binary(max_size=8)), max_size=24), st.data())
@example([b"x" * LINE_MAX, b"xx"], None)
def test_however_the_stream_is_cut_the_same_lines_come(bits: list[bytes], data: st.DataObject | None) -> None:
    stream = b"".join(bits)
    cuts = [LINE_MAX]
    if data is not None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*chunks) == read(stream)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=20)))
def test_what_is_sent_as_lines_arrives_as_lines(lines: list[str]) -> None:
    assert read(*(f"{line}\r\n".encode() for line in lines)) == lines
