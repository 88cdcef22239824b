"""Wrapping: no row is too long, nothing is lost, what is one character stays one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatroom.tui.widgets.log_wrap import wrap

FAMILY = "👨‍👩‍👧‍👦"

_PIECES = ["a", "b", " ", "\n", "é", "日", "本", "e\u0301", " \u0301", "👍🏽", FAMILY, "-"]
texts = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)


def rows(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in wrap(text, width)]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two", "three"]),
        ("one  two   ", 4, ["one", "two"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("x abcdefghij", 4, ["x", "abcd", "efgh", "ij"]),
        ("  indented code", 10, ["  indented", "code"]),
        ("a\n\nb", 10, ["a", "", "b"]),
        ("日本語日本語", 5, ["日本", "語日", "本語"]),
        ("ab 日本", 5, ["ab 日", "本"]),
        ("née à Paris", 5, ["née à", "Paris"]),
        (FAMILY * 3, 4, [FAMILY * 2, FAMILY]),
        ("e\u0301" * 5, 2, ["e\u0301" * 2, "e\u0301" * 2, "e\u0301"]),
    ],
)
def test_examples(text: str, width: int, expected: list[str]) -> None:
    assert rows(text, width) == expected


@given(text=texts, width=st.integers(2, 40))
def test_no_row_is_longer_than_the_width(text: str, width: int) -> None:
    assert max(cell_len(row) for row in rows(text, width)) <= width


@given(text=texts, width=st.integers(1, 40))
def test_only_blanks_and_newlines_are_left_out_and_nothing_twice(text: str, width: int) -> None:
    spans = wrap(text, width)
    behind = 0
    for start, end in spans:
        assert behind <= start <= end
        assert not text[behind:start].strip()
        behind = end
    assert not text[behind:].strip()


@given(text=texts, width=st.integers(1, 40))
def test_rows_begin_at_different_characters(text: str, width: int) -> None:
    starts = [start for start, _ in wrap(text, width)]
    assert starts == sorted(set(starts))


def test_a_long_text_takes_time_in_proportion() -> None:
    assert len(wrap("x" * 64_000, 40)) == 1600
    assert len(wrap("日" * 20_000, 40)) == 1000
    assert len(wrap(" " * 64_000 + "x", 40)) >= 1
