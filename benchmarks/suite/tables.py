"""Draws a run: tables with bars for a terminal, and the same as a picture."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from msgspec import UNSET
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.suite.results import (
    NAIVE,
    ROUGH_CPU_S,
    Figure,
    Report,
    Row,
    merged,
    multiple,
    rows,
    turns,
    yardstick,
)

BAR: Final = 24
PICTURE_COLUMNS: Final = 144
BUSY: Final = 0.9
"""A generator that is busier than that may be what was measured."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int = BAR) -> str:
    """So much of a bar, to an eighth of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def number(value: float) -> str:
    """With as many digits as tell something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def times(value: float | None) -> str:
    """A multiple; nothing where there is none."""
    return "" if value is None else f"{number(value)} x"


def talk_cells(row: Row, others: list[Row]) -> list[str]:
    """What a row says, in the order of its head."""
    naive = yardstick(row, others)
    rough = row.is_rough or (naive is not None and naive.is_rough)
    return [
        row.title,
        row.server,
        number(row.per_second),
        _marked(number(row.per_cpu_second), rough=row.is_rough) if row.per_cpu_second else "?",
        _marked(times(multiple(row, others)), rough=rough),
        number(row.p50_ms),
        number(row.p99_ms),
        number(row.bytes_per_delivery),
        str(row.lost),
        f"{row.generator_share:.0%}" + (" !" if row.generator_share > BUSY else ""),
        f"{row.others_share:.0%}",
    ]


def _marked(text: str, *, rough: bool) -> str:
    return f"~{text}" if text and rough else text


def figure_cell(figure: Figure) -> str:
    """Its value, marked if it is rough."""
    return _marked(number(figure.value), rough=figure.is_rough)


ROUGH: Final = f"~: rough, from less than {ROUGH_CPU_S} s of CPU time, which is counted in steps of 10 ms"
_COLUMNS: Final = {
    "rooms x members": "",
    "server": "",
    "a second": "a second: deliveries",
    "a CPU second": f"a CPU second: deliveries for each second of the server's CPU ({ROUGH})",
    "by naive": "by naive: how many times as many for that as the naive server",
    "p50 ms": "p50: half of them took no longer",
    "p99 ms": "p99: 99 of 100 took no longer",
    "bytes": "bytes: of one delivery",
    "lost": "lost: deliveries that did not come",
    "generator": f"generator: how busy it was (100%: a core; !: above {BUSY:.0%}: perhaps it was measured)",
    "others": "others: how busy all other programs were",
}
"""What each column of talks is about; nothing where its head says it."""
TALK_HEAD: Final = tuple(_COLUMNS)
_ALWAYS: Final = ("rooms x members", "server", "a CPU second", "lost", "others")
_IF_THERE_IS_ROOM: Final = ("generator", "by naive", "p99 ms", "a second", "p50 ms", "bytes")
"""The most important one first."""
_TITLE_MIN: Final = 11
"""Cells of a title, which goes on in the next line."""
_BETWEEN: Final = 2
"""Cells between two columns."""


def explain(names: Sequence[str]) -> str:
    """What these columns are about."""
    return "; ".join(_COLUMNS[name] for name in names if _COLUMNS[name]) + "."


EXPLAINED: Final = explain(TALK_HEAD)


def draw(report: Report, *, columns: int = PICTURE_COLUMNS) -> RenderableType:
    """All of a run that is there; less of each talk where there is little room."""
    parts: list[RenderableType] = []
    if report.talks:
        parts.append(_talks(rows(report.talks), columns))
    if report.figures:
        parts.append(_figures(merged(report.figures)))
    parts.append(Text(conditions(report), style="dim"))
    parts += [Text(f"Note: {note}") for note in report.notes]
    parts += [Text(f"Wrong: {fault}", style="bold red") for fault in report.faults]
    return Group(*parts)


def conditions(report: Report) -> str:
    """Where and how it was measured, in one paragraph."""
    machine = report.machine
    return (
        f"{report.at} UTC, chatroom {report.version}, Python {machine.python}, {machine.cores} cores of "
        f"{machine.processor}, {machine.system}, {machine.disk} ({number(machine.sync_ms)} ms for a durable "
        f"write), load average {machine.load:.2f} at the start; {_how_often(report)}."
    )


def _how_often(report: Report) -> str:
    """Turns as they were: some cases are done once, and one that failed may have fewer."""
    done = turns(report)
    parts = []
    if report.talks:
        parts.append(f"{number(report.seconds)} s of each talk")
    elif any(figure.cpu_s is not UNSET for figure in report.figures):
        parts.append(f"{number(report.seconds)} s of each measurement of CPU time")
    for count in sorted(set(done.values()), reverse=True):
        cases = [case for case, turns_done in done.items() if turns_done == count]
        which = "" if len(cases) == len(done) else f": {', '.join(cases)}"
        parts.append(("once" if count == 1 else f"medians of {count} turns") + which)
    return "; ".join(parts) or "nothing was measured"


def _talks(found: list[Row], columns: int) -> Table:
    lines = [dict(zip(TALK_HEAD, talk_cells(row, found), strict=True)) for row in found]
    shown, room = _choose(lines, columns)
    has_bars = room >= BAR + _BETWEEN
    table = _table("Messages brought to members", explain(shown))
    for name in shown:
        table.add_column(
            name, justify="left" if name in TALK_HEAD[:2] else "right", no_wrap=name != TALK_HEAD[0]
        )
    if has_bars:
        table.add_column("a CPU second", min_width=BAR)
    most = max(row.per_cpu_second for row in found) or 1.0
    for row, line in zip(found, lines, strict=True):
        length = Text(bar(row.per_cpu_second / most), style="yellow" if row.server == NAIVE else "green")
        table.add_row(*(line[name] for name in shown), *([length] if has_bars else []))
    return table


def _choose(lines: list[dict[str, str]], columns: int) -> tuple[list[str], int]:
    """The columns that there is room for, and how much room they leave."""

    def width(name: str) -> int:
        if name == TALK_HEAD[0]:
            return _TITLE_MIN + _BETWEEN
        return max(len(name), *(len(line[name]) for line in lines)) + _BETWEEN

    chosen = set(_ALWAYS)
    room = columns - sum(map(width, _ALWAYS))
    for name in _IF_THERE_IS_ROOM:
        if width(name) <= room:
            chosen.add(name)
            room -= width(name)
    return [name for name in TALK_HEAD if name in chosen], room


def _table(title: str, caption: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, _BETWEEN - 1, 0, 0),
        show_edge=False,
    )


def _figures(found: list[Figure]) -> Table:
    table = _table("Everything else", f"{ROUGH}." if any(figure.is_rough for figure in found) else "")
    for name in ("case", "what", "server"):
        table.add_column(name)
    table.add_column("value", justify="right")
    table.add_column("unit")
    for figure in found:
        table.add_row(figure.case, figure.what, figure.server, figure_cell(figure), figure.unit)
    return table


def save_picture(report: Report, path: Path) -> None:
    """Draw it into an SVG file."""
    console = Console(record=True, width=PICTURE_COLUMNS, file=StringIO(), color_system="truecolor")
    console.print(draw(report))
    console.save_svg(str(path), title="make bench")
