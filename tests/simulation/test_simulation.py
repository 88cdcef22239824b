"""Whole worlds on a virtual clock: nothing seen is lost, whatever fails; and the checker can tell."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from tests.simulation.checker import Fact, check
from tests.simulation.run import digest, play
from tests.simulation.world import run

SEEDS = range(1000, 1040)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, 10))
def test_all_promises_hold_whatever_fails(first: int) -> None:
    starts = 0
    for seed in range(first, first + 10):
        _seed, problems, _history, started = play(seed)
        assert problems == [], f"seed {seed}: make simulate SEED={seed}"
        starts += started
    assert starts > 20, "the servers were not killed at all"


def test_much_happens_in_a_world() -> None:
    kinds: set[type] = set()
    lines = 0
    for seed in range(SEEDS.start, SEEDS.start + 20):
        world = run(seed)
        assert check(world.record) == []
        lines += len(world.record.history)
        kinds |= {type(fact) for fact in world.record.facts}
    assert lines > 400
    assert kinds == set(get_args(Fact))


def test_a_seed_is_one_history_on_every_hash_seed() -> None:
    histories = set()
    for hash_seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.run", "12"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        histories.add(done.stdout.split("history ")[1].split()[0])
    assert histories == {digest(run(12))}
