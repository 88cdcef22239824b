"""Up and Down through what was sent."""

from hypothesis import given
from hypothesis import strategies as st

from chatroom.tui.input_history import KEPT_MAX, InputHistory


def test_back_and_forth_keeps_what_was_being_written() -> None:
    history = InputHistory()
    history.add("one")
    history.add("two")
    assert [history.back("draft"), history.back("two"), history.back("one")] == ["two", "one", None]
    assert [history.forth(), history.forth(), history.forth()] == ["two", "draft", None]


def test_the_same_twice_is_kept_once() -> None:
    history = InputHistory()
    history.add("one")
    history.add("one")
    assert [history.back(""), history.back("")] == ["one", None]


@given(st.lists(st.text(), max_size=KEPT_MAX * 2))
def test_it_never_holds_more_than_its_bound(texts: list[str]) -> None:
    history = InputHistory()
    for text in texts:
        history.add(text)
    steps = 0
    while history.back("") is not None:
        steps += 1
    assert steps <= min(KEPT_MAX, len(texts))
