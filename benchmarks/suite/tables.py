"""Draws a run: tables with bars for a terminal, and the same as a picture."""

from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.suite.results import NAIVE, Figure, Report, Row, merged, multiple, rows

BAR: Final = 24
PICTURE_COLUMNS: Final = 144
EXPLAINED: Final = (
    "Deliveries a second, and for each second of the server's CPU; by naive: how many times as many for that "
    "as the naive server; bytes of one delivery; how busy the generator and all others were (100 %: a core)."
)
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
    return [
        row.title,
        row.server,
        number(row.per_second),
        number(row.per_cpu_second) if row.per_cpu_second else "?",
        times(multiple(row, others)),
        number(row.p50_ms),
        number(row.p99_ms),
        number(row.bytes_per_delivery),
        str(row.lost),
        f"{row.generator_share:.0%}" + (" !" if row.generator_share > BUSY else ""),
        f"{row.others_share:.0%}",
    ]


TALK_HEAD: Final = (
    "rooms x members",
    "server",
    "a second",
    "a CPU second",
    "by naive",
    "p50 ms",
    "p99 ms",
    "bytes",
    "lost",
    "generator",
    "others",
)
_NARROW: Final = (0, 1, 3, 4, 6)
"""The columns for where there is little room."""


def draw(report: Report, *, columns: int = PICTURE_COLUMNS) -> RenderableType:
    """All of a run that is there; less of each talk where there is little room."""
    parts: list[RenderableType] = []
    if report.talks:
        parts.append(_talks(rows(report.talks), narrow=columns < PICTURE_COLUMNS))
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
        f"write), load average {machine.load:.2f} at the start; turns: {report.repeat}, of "
        f"{number(report.seconds)} s; medians."
    )


def _talks(found: list[Row], *, narrow: bool) -> Table:
    table = Table(
        title="Messages brought to members", title_justify="left", caption=EXPLAINED, caption_justify="left"
    )
    places = _NARROW if narrow else range(len(TALK_HEAD))
    for place in places:
        table.add_column(TALK_HEAD[place], justify="left" if place < 2 else "right", no_wrap=place > 0)
    if not narrow:
        table.add_column("a CPU second", min_width=BAR)
    most = max(row.per_cpu_second for row in found) or 1.0
    for row in found:
        cells = talk_cells(row, found)
        length = Text(bar(row.per_cpu_second / most), style="yellow" if row.server == NAIVE else "green")
        table.add_row(*(cells[place] for place in places), *(() if narrow else (length,)))
    return table


def _figures(found: list[Figure]) -> Table:
    table = Table(title="Everything else", title_justify="left")
    for name in ("case", "what", "server"):
        table.add_column(name)
    table.add_column("value", justify="right")
    table.add_column("unit")
    for figure in found:
        table.add_row(figure.case, figure.what, figure.server, number(figure.value), figure.unit)
    return table


def save_picture(report: Report, path: Path) -> None:
    """Draw it into an SVG file."""
    console = Console(record=True, width=PICTURE_COLUMNS, file=StringIO(), color_system="truecolor")
    console.print(draw(report))
    console.save_svg(str(path), title="make bench")
