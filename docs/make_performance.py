"""Writes the figures of docs/performance.md from a committed run: python docs/make_performance.py."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks/ is no part of what is installed

from benchmarks.suite.results import NAIVE, QUIET, Figure, Report, Row, merged, read, rows
from benchmarks.suite.tables import EXPLAINED, TALK_HEAD, conditions, figure_cell, save_picture, talk_cells

DOCUMENT = Path(__file__).with_name("performance.md")
PICTURE = Path(__file__).with_name("performance.svg")
_NONE = (
    "No run of a quiet machine is committed yet; `make bench OUT=benchmarks/results/quiet.json` makes one."
)


def figures(report: Report | None) -> str:
    """What stands between the marks of the page."""
    if report is None:
        return _NONE
    parts = [conditions(report)]
    if report.talks:
        parts += ["### Messages brought to members", f"![The tables]({PICTURE.name})"]
        parts += [_talks(rows(report.talks)), EXPLAINED]
    if report.figures:
        parts += ["### Everything else", _figures(merged(report.figures))]
    parts += report.notes + [f"**Wrong:** {fault}" for fault in report.faults]
    return "\n\n".join(parts)


def fill(text: str, report: Report | None) -> str:
    """The page with these figures in their place."""
    filled = f"<!-- figures -->\n{figures(report)}\n<!-- /figures -->"
    return re.sub(r"<!-- figures -->\n.*?<!-- /figures -->", lambda _: filled, text, flags=re.DOTALL)


def committed() -> Report | None:
    """The run that the page shows, if there is one."""
    return read(QUIET) if QUIET.exists() else None


def _talks(found: list[Row]) -> str:
    return _table(TALK_HEAD, [talk_cells(row, found) for row in found])


def _figures(found: list[Figure]) -> str:
    naive = {(each.case, each.what): each for each in found if each.server == NAIVE}
    lines = []
    for each in found:
        if each.server == NAIVE:
            continue
        other = naive.get((each.case, each.what))
        beside = f"{figure_cell(other)} {other.unit}" if other is not None else ""
        lines.append([each.case, each.what, f"{figure_cell(each)} {each.unit}", beside])
    return _table(("case", "what", "chatroom", "naive server"), lines)


def _table(head: tuple[str, ...], lines: list[list[str]]) -> str:
    all_lines = [list(head), ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in all_lines)


def main() -> int:
    """Fill the page in, and draw its picture."""
    report = committed()
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8"), report), encoding="utf-8")
    if report is not None:
        save_picture(report, PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
