"""The checker can fail: each mistake that is planted into the product is found out within a few seeds."""

import pytest

from tests.simulation.checker import CaughtUp, Kept, Record, Said, Seen, Shown, check
from tests.simulation.planted import PLANTED
from tests.simulation.world import run

SEEDS = 60


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = PLANTED[name](monkeypatch)
    for seed in range(SEEDS):
        try:
            world = run(seed, faults=faults)
        except Exception:  # noqa: BLE001 - the product itself noticed
            return
        if world.problems + check(world.record):
            return
    pytest.fail(f"{SEEDS} worlds with this fault looked as if all was well")


def test_there_are_enough_faults() -> None:
    assert len(PLANTED) >= 15


# --- the checker alone -----------------------------------------------------------------------------------
LINES = [Kept("general", 1, "ann", "a"), Kept("general", 2, "bob", "b")]


def broken(*facts: Said | Shown | Seen | CaughtUp, history: list[Kept] | None = None) -> int:
    return len(check(Record(list(facts), LINES if history is None else history)))


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
    ],
)
def test_each_broken_promise_is_told(facts: list[Said | Shown | Seen | CaughtUp]) -> None:
    assert broken(*facts) >= 1


def test_histories_are_looked_at() -> None:
    assert broken(history=[LINES[0], Kept("general", 2, "ann", "a")]) == 1
    assert broken(history=[LINES[1]]) == 1
    order = [Said("ann", "general", "a"), Said("ann", "general", "c")]
    assert broken(*order, history=[Kept("general", 1, "ann", "c"), Kept("general", 2, "ann", "a")]) == 1
