"""Runs the cases, shows what they found, and writes it down.

python -m benchmarks.suite [CASE ...] [--repeat 3] [--seconds 2] [--check] [--out FILE] [--picture FILE]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

import chatroom
from benchmarks.load.wire import RefusedError
from benchmarks.options import Parser, number, whole
from benchmarks.suite import client, deliveries, history, links
from benchmarks.suite.ending import Ending
from benchmarks.suite.machine import machine
from benchmarks.suite.programs import BenchError
from benchmarks.suite.results import RESULTS, Report, try_path, write
from benchmarks.suite.run import Run
from benchmarks.suite.tables import draw, save_picture

_COULD_NOT: Final = 1
_MOST: Final = 1_000
"""Turns."""
_REASON_MAX: Final = 300
"""Characters of what went wrong, from its end, where a traceback says most."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that can be measured.

    Attributes:
        repeats: Whether it is done in each turn, or once.
        asked: Whether it is only done when it is named.
    """

    measure: Callable[[str, Run], None]
    says: str
    repeats: bool = True
    asked: bool = False


CASES: Final = {
    **{name: Case(deliveries.deliver, shape.title) for name, shape in deliveries.SHAPES.items()},
    "idle": Case(links.idle, f"memory and CPU of {links.IDLE_LINKS:,} idle links, also with TLS"),
    "knock": Case(links.knock, "connections a second, without a login"),
    "history": Case(history.history, "start with a million messages, and pages of them, warm and cold"),
    "paint": Case(client.paint, "the client's first frame beside a bare app's", repeats=False),
    "million": Case(client.million, "reading in a million messages with the full screen", repeats=False),
    "typing": Case(client.typing, "a key to its paint while a burst comes", repeats=False),
    "scroll": Case(client.scroll, "the message log alone", repeats=False),
    "crowd": Case(links.crowd, "10,000 links in one room, and a restart", repeats=False, asked=True),
}


def _options() -> argparse.Namespace:
    told = "\n".join(f"  {name:<10} {case.says}" for name, case in CASES.items())
    parser = Parser(
        prog="python -m benchmarks.suite",
        description="Measure chatroom.",
        epilog=f"cases (all but crowd where none is named):\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--repeat", type=whole(1, _MOST), default=3, help="turns")
    parser.add_argument("--seconds", type=number(0.1), default=2.0, help="of each talk")
    parser.add_argument("--check", action="store_true", help="each line at each member; verify each folder")
    parser.add_argument("--folder", type=Path, help="where the servers keep their data meanwhile")
    parser.add_argument("--out", type=Path, default=RESULTS / "last.json")
    parser.add_argument("--picture", type=Path, help="draw the tables into this SVG file")
    given = parser.parse_args()
    if unknown := [name for name in given.cases if name not in CASES]:
        parser.error(f"there is no case {unknown[0]}; there are {', '.join(CASES)}")
    _try_paths(parser, given.out, given.picture)
    return given


def _try_paths(parser: Parser, out: Path, picture: Path | None) -> None:
    """Nobody is to wait for a run that cannot be kept."""
    if picture and picture.resolve() == out.resolve():
        parser.error(f"--out and --picture both name {out}; give them files of their own")
    for option, path in (("--out", out), ("--picture", picture)):
        if path:
            try:
                try_path(path)
            except OSError as error:
                parser.error(f"{option}: {path} cannot be written ({error.strerror}); name another file")


def measure(names: list[str], run: Run, say: Callable[[str], None]) -> None:
    """Do the cases, in turns, so that a busy minute of the machine does not hit one case alone."""
    for turn in range(run.report.repeat):
        for name in names:
            case = CASES[name]
            if turn and not case.repeats:
                continue
            say(f"{turn + 1}/{run.report.repeat if case.repeats else 1} {name}: {case.says}")
            try:
                case.measure(name, run)
            except (BenchError, RefusedError, OSError, AssertionError, subprocess.SubprocessError) as error:
                reason = " ".join(str(error).split())[-_REASON_MAX:]
                run.add_faults(name, [f"could not be measured: {reason}"])


def _measured(given: argparse.Namespace, names: list[str], ending: Ending) -> Report:
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-", dir=given.folder) as root:
        try:
            folder = Path(root)
            report = Report(
                at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
                version=chatroom.__version__,
                machine=machine(folder),
                seconds=given.seconds,
                repeat=given.repeat,
            )
            measure(names, Run(report, folder, checks=given.check), progress.print)
        finally:
            ending.clean_up()
    return report


def _keep(report: Report, given: argparse.Namespace) -> bool:
    """Show the run, so that it is seen in any case, and write it; whether it could be written."""
    console = Console()
    console.print(draw(report, columns=console.width))
    try:
        write(report, given.out)
        if given.picture:
            save_picture(report, given.picture)
    except OSError as error:
        print(f"The run could not be written: {error}; the tables above are all of it.", file=sys.stderr)
        return False
    console.print(f"Written to {os.path.relpath(given.out)}.", soft_wrap=True, highlight=False)
    return True


def main() -> int:
    """Do what the command line says; returns the exit status."""
    given = _options()
    names = given.cases or [name for name, case in CASES.items() if not case.asked]
    ending = Ending()
    try:
        with ending:
            report = _measured(given, names, ending)
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            print("Stopped; nothing was written.", file=sys.stderr)
        return ending.status
    except OSError as error:
        print(f"The benchmarks could not be done: {error}", file=sys.stderr)
        return _COULD_NOT
    return 0 if _keep(report, given) and not report.faults else _COULD_NOT


if __name__ == "__main__":
    sys.exit(main())
