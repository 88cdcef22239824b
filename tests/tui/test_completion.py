"""What Tab offers."""

import pytest

from chatroom.tui.completion import Completion, Cycle, Vocabulary, complete

WORDS = Vocabulary(nicks=("alice", "Al", "bob", "[/red]", "日本太郎"), rooms=("general", "dev", "games"))


@pytest.mark.parametrize(
    ("before", "start", "choices"),
    [
        ("al", 0, ("alice: ", "Al: ")),
        ("hi AL", 3, ("alice ", "Al ")),
        ("hi @al", 3, ("@alice ", "@Al ")),
        ("see #g", 4, ("#general ", "#games ")),
        ("/join g", 6, ("general ", "games ")),
        ("/join #g", 6, ("#general ", "#games ")),
        ("/msg b", 5, ("bob ",)),
        ("/who d", 5, ("dev ",)),
        ("/q", 0, ("/quiet ", "/quit ")),
        ("one\nbo", 4, ("bob ",)),
        ("[", 0, ("[/red]: ",)),
        ("日", 0, ("日本太郎: ",)),
    ],
)
def test_what_a_word_can_become(before: str, start: int, choices: tuple[str, ...]) -> None:
    assert complete(before, WORDS) == Completion(start, choices)


@pytest.mark.parametrize("before", ["", "hello ", "zz", "/zz", "hi /q", "#zz", "//qui"])
def test_nothing_to_offer(before: str) -> None:
    assert complete(before, WORDS) is None


def test_commands_of_lines_alone_are_not_offered() -> None:
    found = complete("/", WORDS)
    assert found is not None
    assert "/hold " not in found.choices
    assert "/join " in found.choices


def test_pressing_again_goes_round_and_back() -> None:
    cycle = Cycle(Completion(0, ("a", "b")))
    assert [cycle.step(), cycle.step(), cycle.step(), cycle.step(back=True)] == ["a", "b", "a", "b"]
