"""A short run of `tests.crash.run`; CRASH_SEED= plays another one's plan again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.facts import MEANT, SAID, SEEN, SHOWN, Facts, Reader, Story, body_of
from tests.crash.run import Plan, Run, print_now, report, seed_given
from tests.crash.verdict import Verdict, judge


async def test_what_was_seen_survives_kills_once_and_in_order(tmp_path: Path) -> None:
    seed = seed_given()
    print_now(f"seed {seed}")
    plan = Plan(kills=15, client_kills=10, cuts=30, messages=3000, clients=6, seed=seed, settle_s=60)
    run = Run(plan, tmp_path, print_now)
    verdict = await run.play()
    print_now(report(run, verdict, 0.0))
    assert verdict.problems == []
    assert (verdict.lost, verdict.duplicated, verdict.out_of_order) == (0, 0, 0)
    assert verdict.messages >= plan.messages
    assert verdict.lines_seen == verdict.messages * plan.clients
    assert run.proxy.cuts > 0
    assert run.client_kills == plan.client_kills
    assert len(run.server.starts_s) > 1


@pytest.fixture
def small_world(tmp_path: Path) -> Callable[..., Verdict]:
    """Judges a world in which ann says 1 to 3 in one room, with what a test makes of the history."""

    def judged(numbers: list[int], *, seen: list[int] | None = None) -> Verdict:
        folder = tmp_path / "data" / "rooms" / "lab-1"
        folder.mkdir(parents=True)
        lines = [
            {"id": at, "room": "lab", "user": "u", "body": body_of("ann", n)}
            for at, n in enumerate(numbers, 1)
        ]
        (folder / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        facts = Facts(tmp_path / "ann.facts")
        facts.write(MEANT, "lab", 1, 3)
        facts.write(SAID, "lab", 1, 3)
        for at, number in enumerate(numbers if seen is None else seen, 1):
            facts.write(SHOWN, body_of("ann", number), "stored", at)
            facts.write(SEEN, "lab", at, "u", body_of("ann", number))
        return judge(tmp_path / "data", {"ann": tmp_path / "ann.facts"})

    return judged


def test_a_faultless_world_has_no_problems(small_world: Callable[..., Verdict]) -> None:
    verdict = small_world([1, 2, 3])
    assert verdict == Verdict(messages=3, lines_seen=3)


def test_what_is_lost_doubled_or_turned_round_is_found(small_world: Callable[..., Verdict]) -> None:
    verdict = small_world([1, 3, 3], seen=[1, 2])
    assert (verdict.lost, verdict.duplicated, verdict.out_of_order) == (1, 1, 1)
    assert verdict.problems


def test_what_nobody_said_is_found(small_world: Callable[..., Verdict]) -> None:
    assert small_world([1, 2, 3, 4]).problems == [f"{body_of('ann', 4)!r} was never said"]


def test_a_fact_that_a_kill_cut_off_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "facts"
    Facts(path).write(SEEN, "lab", 1, "u", "one")
    with path.open("ab") as file:
        file.write(b'["seen","lab",2,')
    reader, story = Reader(path), Story()
    assert story.take(reader).seen["lab"] == 1
    Facts(path).write(SEEN, "lab", 2, "u", "two")
    assert story.take(reader).seen["lab"] == 2
    assert len(path.read_bytes().splitlines()) == 2
