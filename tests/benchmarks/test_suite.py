"""A run is summed up, drawn and kept as it was; what is wrong, and what is not allowed, is said."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks.load.talk import Outcome
from benchmarks.make_room import make_room
from benchmarks.suite import results, tables
from benchmarks.suite.__main__ import CASES, Case, main, measure
from benchmarks.suite.links import CROWD, crowd_links
from benchmarks.suite.programs import BenchError, make_server, verify
from benchmarks.suite.results import CHATROOM, NAIVE, Figure, Machine, Report, Talk
from benchmarks.suite.run import Run
from chatroom.protocol.ids import RoomId
from chatroom_server.shell.identity import load_identity

OUTCOME = Outcome(
    seconds=2.0,
    messages=100,
    deliveries=10_000,
    lost=0,
    server_cpu_s=0.5,
    generator_share=0.25,
    others_share=0.1,
    p50_ms=1.0,
    p99_ms=2.0,
    worst_ms=3.0,
    bytes_per_delivery=250.0,
    checked=False,
    faults=[],
)
MACHINE = Machine("Linux 6", "some processor", 2, "3.11.7", "ext4", 0.5, 0.1)


def report() -> Report:
    """One with a bit of everything; the middle of three turns is the first."""
    turns = [OUTCOME, replace(OUTCOME, server_cpu_s=0.25), replace(OUTCOME, server_cpu_s=1.0)]
    talks = [Talk("room10", "1 x 10", CHATROOM, outcome) for outcome in turns]
    talks.append(Talk("room10", "1 x 10", NAIVE, replace(OUTCOME, server_cpu_s=5.0)))
    figures = [Figure("idle", "memory", value, "KB") for value in (3.0, 1.0, 2.0)]
    figures.append(Figure("idle", "memory", 6.0, "KB", NAIVE))
    return Report("2026-01-01 00:00", "0.1.0", MACHINE, 2.0, 3, talks, figures)


def test_turns_become_medians_and_multiples() -> None:
    rows = results.rows(report().talks)
    assert [(row.server, row.per_cpu_second) for row in rows] == [(CHATROOM, 20_000), (NAIVE, 2_000)]
    assert results.multiple(rows[0], rows) == 10
    assert results.multiple(rows[1], rows) is None
    assert [(each.server, each.value) for each in results.merged(report().figures)] == [
        (CHATROOM, 2.0),
        (NAIVE, 6.0),
    ]


def test_cpu_that_is_too_little_to_see_is_no_multiple() -> None:
    nothing = Talk("room10", "1 x 10", CHATROOM, replace(OUTCOME, server_cpu_s=0.0))
    rows = results.rows([nothing, Talk("room10", "1 x 10", NAIVE, replace(OUTCOME, server_cpu_s=0.0))])
    assert results.multiple(rows[0], rows) is None
    assert "?" in tables.talk_cells(rows[0], rows)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    results.write(report(), tmp_path / "new" / "run.json")
    assert results.read(tmp_path / "new" / "run.json") == report()


def test_another_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"at": 3}')
    with pytest.raises(msgspec.ValidationError):
        results.read(tmp_path / "run.json")


def drawn(found: Report, columns: int) -> str:
    """The text of a run."""
    console = Console(width=columns, record=True, file=StringIO())
    console.print(tables.draw(found, columns=columns))
    return console.export_text()


@pytest.mark.parametrize("columns", [60, 80, 100, 120, tables.PICTURE_COLUMNS])
def test_a_run_is_drawn_at_any_width(columns: int) -> None:
    text = drawn(report(), columns)
    assert "20,000" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= columns


@pytest.mark.parametrize("columns", [60, 80, tables.PICTURE_COLUMNS])
def test_what_was_lost_and_what_else_was_done_are_always_shown(columns: int) -> None:
    talk = Talk("room10", "1 x 10", CHATROOM, replace(OUTCOME, lost=73, others_share=0.87))
    text = drawn(Report("2026-01-01 00:00", "0.1.0", MACHINE, 2.0, 1, [talk]), columns)
    assert "73" in text
    assert "87%" in text


def test_a_caption_is_about_the_columns_that_are_shown() -> None:
    narrow, wide = (drawn(report(), columns) for columns in (60, tables.PICTURE_COLUMNS))
    assert ("bytes" in narrow, "bytes:" in narrow) == (False, False)
    assert wide.count("bytes") == 2
    assert all(wide.count(name.removesuffix(" ms")) >= 2 for name in tables.TALK_HEAD[2:])


def test_figures_from_little_cpu_time_are_marked() -> None:
    little, enough = replace(OUTCOME, server_cpu_s=0.19), replace(OUTCOME, server_cpu_s=0.2)
    talks = [Talk("room10", "1 x 10", CHATROOM, enough), Talk("room10", "1 x 10", NAIVE, little)]
    ours, naive = results.rows(talks)
    assert tables.talk_cells(ours, [ours, naive])[3:5] == ["50,000", "~0.95 x"]
    assert tables.talk_cells(naive, [ours, naive])[3:5] == ["~52,632", ""]
    figures = [Figure("idle", "CPU", 7, "ms", CHATROOM, cpu_s) for cpu_s in (0.1, 0.15, 2.0)]
    text = drawn(Report("2026-01-01 00:00", "0.1.0", MACHINE, 2.0, 3, [], figures), 80)
    assert "~7.00" in text
    assert tables.ROUGH[:20] in text
    assert "~" not in drawn(Report("2026-01-01 00:00", "0.1.0", MACHINE, 2.0, 1, [], figures[2:]), 80)


def test_the_conditions_say_how_often_each_case_was_done() -> None:
    found = report()
    found.figures.append(Figure("crowd", "all come in", 1.0, "s"))
    assert tables.conditions(found).endswith(
        "; 2.00 s of each talk; medians of 3 turns: room10, idle; once: crowd."
    )
    found.talks, found.figures = [], found.figures[-1:]
    assert tables.conditions(found).endswith(" at the start; once.")


def test_a_figure_is_written_as_before_where_no_cpu_time_belongs_to_it() -> None:
    assert b"cpu_s" not in msgspec.json.encode(Figure("idle", "memory", 1.0, "KB"))


def test_a_run_without_anything_is_drawn() -> None:
    empty = Report("2026-01-01 00:00", "0.1.0", MACHINE, 2.0, 3)
    Console(quiet=True).print(tables.draw(empty))


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    tables.save_picture(report(), tmp_path / "run.svg")
    assert "<svg" in (tmp_path / "run.svg").read_text(encoding="utf-8")


def test_a_folder_that_is_damaged_is_found(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    make_room(server.data, RoomId("general"), messages=50)
    load_identity(server.data)
    assert verify(server) == []
    history = next((server.data / "rooms").rglob("*.jsonl"))
    history.write_bytes(history.read_bytes().replace(b'"n":3,', b'"n":4,', 1))
    assert verify(server)


def test_a_whole_run_is_measured_checked_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "run.json", tmp_path / "run.svg"
    words = ["room10", "--check", "--repeat", "1", "--seconds", "0.1", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["suite", *words, "--picture", str(picture), "--folder", str(tmp_path)])
    assert main() == 0
    assert "Messages brought to members" in capsys.readouterr().out
    found = results.read(out)
    assert [(talk.server, talk.outcome.checked) for talk in found.talks] == [(CHATROOM, True), (NAIVE, True)]
    assert all(talk.outcome.deliveries > 0 and talk.outcome.bytes_per_delivery > 50 for talk in found.talks)
    assert picture.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "run.svg"}


@pytest.mark.parametrize(("share", "shown"), [(0, ""), (-1, ""), (0.5, "████"), (1, "█" * 8), (9, "█" * 8)])
def test_a_bar_is_as_long_as_its_share(share: float, shown: str) -> None:
    assert tables.bar(share, 8) == shown


def test_a_busy_generator_is_marked() -> None:
    row = results.rows([Talk("room10", "1 x 10", CHATROOM, replace(OUTCOME, generator_share=0.95))])[0]
    assert "95% !" in tables.talk_cells(row, [row])


def test_what_was_lost_is_a_fault(tmp_path: Path) -> None:
    run = Run(report(), tmp_path, checks=False)
    run.add_talk(Talk("room10", "1 x 10", CHATROOM, replace(OUTCOME, lost=3)))
    assert run.report.faults == ["room10 (chatroom): 3 deliveries were lost"]


@pytest.mark.parametrize(
    ("hard", "links"),
    [
        (resource.RLIM_INFINITY, CROWD),
        (1_000_000, CROWD),
        (4096, 4096 - 2048 - 512 - 256),
        (2817, 0),
        (1024, 0),
    ],
)
def test_a_crowd_is_as_large_as_open_files_allow(hard: int, links: int) -> None:
    assert crowd_links(CROWD, hard) == links


@pytest.mark.parametrize("words", [["nonsense"], ["--repeat", "0"], ["--seconds", "nan"]])
def test_wrong_usage_is_a_sentence(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["suite", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words[-1] in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--picture"])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "run.json"), option, str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["suite", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert f"{option}: {tmp_path} cannot be written (Is a directory)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_trying_a_path_changes_nothing(tmp_path: Path) -> None:
    results.try_path(tmp_path / "new.json")
    (tmp_path / "old.json").write_text("kept")
    results.try_path(tmp_path / "old.json")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"]


def test_a_run_that_can_no_longer_be_written_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill_disk(_report: Report, _path: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setitem(
        CASES, "idle", Case(lambda _case, run: run.add(Figure("idle", "seen", 1, "s")), "one")
    )
    monkeypatch.setattr("benchmarks.suite.__main__.write", fill_disk)
    monkeypatch.setattr("sys.argv", ["suite", "idle", "--out", str(tmp_path / "run.json")])
    assert main() == 1
    told = capsys.readouterr()
    assert "seen" in told.out
    assert "no space left" in told.err


@pytest.fixture
def heeded_signals() -> Iterator[None]:
    """What is started here heeds signals, also where these tests run in the background."""
    ignored = [
        each
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(each) is signal.SIG_IGN
    ]
    for each in ignored:
        signal.signal(each, signal.SIG_DFL)
    yield
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)


def children(pid: int) -> list[int]:
    """Those of a process."""
    found = (path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(word) for words in found for word in words.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for children")
@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    words = ["room10", "--seconds", "60", "--folder", str(tmp_path), "--out", str(tmp_path / "run.json")]
    command = [sys.executable, "-m", "benchmarks.suite", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, process_group=0) as suite:
        until = time.monotonic() + 60
        while len(started := children(suite.pid)) < 2:
            assert time.monotonic() < until
            assert suite.poll() is None
        for _ in range(2):  # the second one comes while the first is dealt with
            os.killpg(suite.pid, number)
        assert suite.stderr is not None
        assert suite.stderr.read().endswith(b"\nStopped; nothing was written.\n")
    assert suite.returncode == 128 + number
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)
    assert list(tmp_path.iterdir()) == []


def test_cases_are_done_in_turns_and_what_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fail(case: str, _run: Run) -> None:
        done.append(case)
        raise BenchError("no such luck")

    monkeypatch.setitem(CASES, "idle", Case(lambda case, _run: done.append(case), "first"))
    monkeypatch.setitem(CASES, "crowd", Case(fail, "second", repeats=False))
    run = Run(Report("2026-01-01 00:00", "0.1.0", MACHINE, 2.0, 2), tmp_path, checks=False)
    measure(["crowd", "idle"], run, lambda _sentence: None)
    assert done == ["crowd", "idle", "idle"]
    assert run.report.faults == ["crowd: could not be measured: no such luck"]
