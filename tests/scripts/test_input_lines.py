"""A stream of bytes becomes messages: nothing is lost, and no cut falls where it would hurt."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatroom.common.inert import inert
from chatroom.protocol.limits import MESSAGE_MAX
from chatroom.scripts.input_lines import LineCutter, messages_of, split_message

RED, PLAIN = "\x1b[38;2;255;0;0m", "\x1b[0m"
LINK = "\x1b]8;;http://example.org/\x07"
WORDS = st.sampled_from(["a", "é", "語", "🏖", " ", RED, PLAIN, LINK, "\x1bP+q\x1b\\", "\x9b31m", "x" * 97])


def cut(data: bytes, size: int) -> list[str]:
    """The messages of a stream that comes in chunks of one size."""
    cutter = LineCutter()
    found = [message for at in range(0, len(data), size) for message in cutter.feed(data[at : at + size])]
    return found + cutter.finish()


@given(st.text(), st.integers(4, 20))
def test_pieces_are_short_and_make_the_text(text: str, limit: int) -> None:
    pieces = list(split_message(text, limit))
    assert "".join(pieces) == text.encode("utf-8", "replace").decode()
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=8), st.integers(1, 30))
@example(["a\r", "", "  ", "b"], 1)
def test_messages_do_not_depend_on_how_the_stream_is_cut(lines: list[str], size: int) -> None:
    data = "\n".join(lines).encode()
    expected = [m for line in data.decode().split("\n") for m in messages_of(line.removesuffix("\r"))]
    assert cut(data, size) == expected


@given(st.lists(WORDS, min_size=1, max_size=20), st.sampled_from([4093, 65536, 65537, 200_000]))
@example([RED, "x" * 97, " "], 4093)
@settings(max_examples=30)
def test_a_long_line_loses_nothing_and_leaves_no_half_sequence(words: list[str], size: int) -> None:
    line = "".join(words)
    line *= 3 * MESSAGE_MAX // len(line.encode())
    pieces = cut(line.encode() + b".\n", size)
    assert "".join(pieces).replace(" ", "") == inert(line + ".").replace(" ", "")
    assert all(len(piece.encode()) <= MESSAGE_MAX for piece in pieces)


def test_blanks_around_a_cut_stay() -> None:
    line = "x" * (MESSAGE_MAX - 2) + "  y" + "z" * MESSAGE_MAX
    assert "".join(cut(line.encode(), 1000)) == line


@pytest.mark.parametrize("opening", ["\x1b]0;", "\x1bP", "\x9d", "\x1b[", "\x1b[1;", "\x9b"])
@pytest.mark.parametrize("size", [5000, 65536, 400_000])
def test_a_sequence_without_an_end_takes_no_memory_and_says_nothing(opening: str, size: int) -> None:
    filling = "0" * (3 * MESSAGE_MAX)
    assert cut(f"{opening}{filling}\nnext".encode(), size) == ["next"]


def test_memory_stays_bounded_without_a_newline() -> None:
    cutter = LineCutter()
    for _ in range(20):
        cutter.feed(b"y" * 50_000)
        assert len(cutter._rest) <= MESSAGE_MAX  # what it keeps is the matter
    assert "".join(cutter.finish()) == "y" * (1_000_000 % MESSAGE_MAX)


def test_what_is_no_utf8_is_replaced_and_still_fits() -> None:
    pieces = cut(b"\xff" * 100_000, 7000)
    assert set("".join(pieces)) == {"\ufffd"}
    assert sum(map(len, pieces)) == 100_000
    assert all(len(piece.encode()) <= MESSAGE_MAX for piece in pieces)


def test_blank_lines_are_no_messages() -> None:
    assert cut(b"\n \n\t\n\x1b[31m\none\n\ntwo", 3) == ["one", "two"]
