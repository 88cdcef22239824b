"""The checker can fail: each mistake that is planted into the product is found out within a few seeds."""

import pytest

from chatroom_server.history.journal import Journal
from tests.simulation.checker import (
    Backed,
    Began,
    CaughtUp,
    Entered,
    Fact,
    Kept,
    Parted,
    Record,
    Said,
    Seen,
    Shown,
    Stopped,
    Stopping,
    Typed,
    Warned,
    check,
)
from tests.simulation.planted_ends import PLANTED
from tests.simulation.world import run

SEEDS = 200
SLIPS = ("AttributeError", "TypeError", "NameError", "AssertionError")
"""Of the plant itself: the product has changed under it."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = PLANTED[name]
    faults = planted.plant(monkeypatch)
    others: set[str] = set()
    for seed in range(SEEDS):
        problems = run(seed, faults=faults).found_out()
        assert [problem for problem in problems if any(slip in problem for slip in SLIPS)] == []
        if any(word in problem for problem in problems for word in planted.words):
            return
        others.update(problems)
    pytest.fail(f"{SEEDS} worlds with this fault showed nothing of it, only {sorted(others)[:5]}")


def test_what_a_plant_gets_wrong_is_not_taken_for_what_it_plants(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the product has changed under it: there are problems, and not the expected ones."""

    def renamed(_self: object, _fd: int) -> None:
        raise AttributeError("this was renamed")

    monkeypatch.setattr(Journal, "_sync", renamed)
    words = PLANTED["the_journal_is_not_synced"].words
    for seed in range(3):
        problems = run(seed).found_out()
        assert problems
        assert not any(word in problem for problem in problems for word in words)


def test_there_are_enough_faults() -> None:
    assert len(PLANTED) >= 30


# --- the checker alone -----------------------------------------------------------------------------------
LINES = [Kept("general", 1, "ann", "a"), Kept("general", 2, "bob", "b")]


def broken(*facts: Fact, history: list[Kept] | None = None, past: str = "") -> int:
    return len(check(Record(list(facts), LINES if history is None else history, past)))


def test_a_good_record_has_no_problem() -> None:
    assert (
        broken(
            Said("ann", "general", "a"),
            Shown("ann", "a", "pending"),
            Seen("bob's", "general", 0, 1, "ann", "a"),
            Shown("ann", "a", "stored", 1),
            Said("bob", "general", "b"),
            Seen("bob's", "general", 0, 2, "bob", "b"),
            CaughtUp("bob's", "general"),
        )
        == 0
    )


@pytest.mark.parametrize(
    "facts",
    [
        [Shown("ann", "c", "stored")],
        [Shown("ann", "a", "stored", 2)],
        [Shown("ann", "a", "stored", 1), Shown("ann", "a", "pending")],
        [Seen("v", "general", 0, 1, "ann", "other")],
        [Seen("v", "general", 0, 2, "bob", "b")],
        [Seen("v", "general", 0, 1, "ann", "a"), Seen("v", "general", 0, 1, "ann", "a")],
        [Seen("v", "general", 0, 1, "ann", "a"), CaughtUp("v", "general")],
        [Said("ann", "general", "c")],
        [Typed("ann", "general", "a")],
    ],
)
def test_each_broken_promise_is_told(facts: list[Fact]) -> None:
    assert broken(*facts) >= 1


def test_histories_are_looked_at() -> None:
    assert broken(history=[LINES[0], Kept("general", 2, "ann", "a")]) == 1
    assert broken(history=[LINES[1]]) == 1
    order = [Said("ann", "general", "a"), Said("ann", "general", "c")]
    assert broken(*order, history=[Kept("general", 1, "ann", "c"), Kept("general", 2, "ann", "a")]) == 1


# --- the checker, on backups and stops -------------------------------------------------------------------
C_IN_OLD = Seen("v", "general", 2, 3, "bob", "c", "old")
RESTORED: list[Fact] = [
    Began("old"),
    Entered("ann 1", "ann", "server 1", "old"),
    Seen("u", "general", 0, 1, "ann", "a", "old"),
    Backed(0, "old", {"general": 2}),
    Seen("v", "general", 1, 2, "bob", "b", "old"),
    C_IN_OLD,
    Shown("bob", "c", "stored", 3, "old"),
    Said("bob", "general", "c"),
    Began("new", 0),
    Warned("ann 1"),
    Entered("ann 1", "ann", "server 2", "new"),
    Seen("w", "general", 0, 1, "ann", "a", "new"),
]


def test_what_came_after_a_backup_may_be_lost() -> None:
    assert broken(*RESTORED, past="new") == 0
    assert broken(*RESTORED, history=[*LINES, Kept("general", 3, "ann", "d")], past="new") == 0


@pytest.mark.parametrize("without", [Began("new", 0), Warned("ann 1")])
def test_a_past_is_replaced_aloud(without: Fact) -> None:
    assert broken(*[fact for fact in RESTORED if fact != without], past="new") >= 1


@pytest.mark.parametrize(
    "fact",
    [
        Seen("w", "general", 1, 3, "bob", "c", "new"),
        Seen("v", "general", 3, 4, "bob", "e", "new"),
        Seen("x", "general", 2, 3, "ann", "other", "old"),
        Shown("ann", "d", "stored", 3, "new"),
        Warned("ann 1"),
        Began("newer"),
    ],
)
def test_nothing_else_is_lost(fact: Fact) -> None:
    assert broken(*RESTORED, fact, Entered("ann 1", "ann", "server 3", "new"), past="new") >= 1


def test_what_a_backup_holds_is_kept() -> None:
    assert (
        broken(*RESTORED, Said("ann", "general", "d"), Shown("ann", "d", "stored", 2, "old"), past="new") == 1
    )
    assert broken(*RESTORED, history=LINES[:1], past="new") == 1
    assert broken(*RESTORED, history=[LINES[0], Kept("general", 2, "bob", "z")], past="new") == 1


def test_goodbye_comes_behind_what_was_stored() -> None:
    online = Entered("bob 1", "bob", "server 1")
    asked, ended = Stopping("server 1", "", {"general": 1}), Stopped("server 1", {"general": 2})
    told, bye = Shown("bob", "b", "stored", 2), Parted("bob", "server 1")
    assert broken(online, asked, told, bye, ended) == 0
    assert broken(online, asked, bye, told, ended) == 1
    assert broken(online, asked, bye, ended) == 1
