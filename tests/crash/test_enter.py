"""The full-screen client is killed around Enter; CRASH_SEED= plays another one's plan again."""

import random
from pathlib import Path

import pytest

from tests.crash.enter import Trials
from tests.crash.run import print_now, seed_given


@pytest.mark.timeout(300)
def test_what_was_entered_is_sent_once_and_the_rest_is_a_draft(tmp_path: Path) -> None:
    seed = seed_given()
    print_now(f"seed {seed}")
    outcome = Trials(tmp_path / "world", random.Random(seed)).play(30)
    print_now("\n".join([str(outcome), *outcome.problems]))
    assert outcome.problems == []
    assert outcome.trials == 30
    assert outcome.cleared > 0
    assert outcome.drafts > 0
