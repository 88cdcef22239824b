"""The stages of a message are told apart, and together they are the whole."""

import pytest

from benchmarks.bench_stages import ALL, REST, STAGES, main
from benchmarks.in_memory import Guests
from benchmarks.stopwatch import Stopwatch
from chatroom_server.core.inputs import LinkId


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The program, with these options."""
    monkeypatch.setattr("sys.argv", ["bench_stages", *words])
    return main()


def test_the_stages_are_named_and_sum_to_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [getattr(owner, name) for calls in STAGES.values() for owner, name in calls]
    assert run(monkeypatch, "--members", "3", "--senders", "2", "--window", "9", "--rounds", "4") == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert "3 members, 9 in flight" in title
    found = {name.strip(): float(taken) for name, taken in (row.rsplit(maxsplit=1) for row in rows)}
    assert list(found) == [*STAGES, REST, ALL]
    assert all(taken > 0 for taken in found.values())
    assert sum(found.values()) - found[ALL] == pytest.approx(found[ALL], abs=0.05)
    assert [getattr(owner, name) for calls in STAGES.values() for owner, name in calls] == before


@pytest.mark.parametrize(
    "words", [["--senders", "11"], ["--window", "3"], ["--members", "0"], ["--rounds", "many"]]
)
def test_wrong_usage_is_a_sentence(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err.splitlines()[-1]


def test_a_link_that_is_cut_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = Guests.talk

    async def cutting(guests: Guests, window: int, senders: int) -> float:
        guests.engine.runner.links[LinkId(2)].abort("a test")
        return await talk(guests, window, senders)

    monkeypatch.setattr(Guests, "talk", cutting)
    assert run(monkeypatch, "--members", "2", "--senders", "1", "--rounds", "1") == 1
    assert "cut a link" in capsys.readouterr().err


class Clock:
    """Goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_a_stage_has_the_time_of_its_own_calls_only() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def pass_time(seconds: float) -> None:
        clock.now += seconds

    inner = watch.timed("inner", pass_time)

    def around() -> str:
        pass_time(1.0)
        inner(10.0)
        pass_time(2.0)
        inner(20.0)
        return "done"

    assert watch.timed("outer", around)() == "done"
    assert watch.spent == {"outer": 3.0, "inner": 30.0}


def test_a_call_that_fails_is_timed_as_well() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def fail() -> None:
        clock.now += 5.0
        raise ValueError("no such luck")

    with pytest.raises(ValueError, match="luck"):
        watch.timed("failing", fail)()
    watch.timed("next", lambda: None)()
    assert watch.spent == {"failing": 5.0, "next": 0.0}
