import io
import subprocess
import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chatroom.common.grid import NO_COLOR, Grid, plain_lines
from chatroom.media.ascii_art import draw
from chatroom.media.render import cells, rich_lines
from tests.media.pictures import LOGO

RED, BLUE = (255, 0, 0), (0, 0, 255)
GRID = Grid(6, 2, "ab c[/red] d", bytes([0, 0, NO_COLOR, 1, 1, 1] + [NO_COLOR] * 6), (RED, BLUE))


def test_rows_are_runs_of_one_color() -> None:
    assert list(cells(GRID)) == [[("ab", RED), (" ", None), ("c[/", BLUE)], [("red] d", None)]]


@given(st.lists(st.sampled_from([0, 1, NO_COLOR]), min_size=12, max_size=12))
def test_runs_add_up_to_the_rows_and_neighbours_differ(colors: list[int]) -> None:
    grid = Grid(6, 2, "abcdefghijkl", bytes(colors), (RED, BLUE))
    rows = list(cells(grid))
    assert ["".join(text for text, _ in row) for row in rows] == plain_lines(grid)
    assert all(one[1] != other[1] for row in rows for one, other in pairwise(row))


def printed(*, color: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="truecolor", width=80, _environ={})
    for line in rich_lines(GRID, color=color):
        console.print(line)
    return out.getvalue()


def test_rich_lines_have_the_colors_and_read_no_markup() -> None:
    assert printed(color=True) == "\x1b[38;2;255;0;0mab\x1b[0m \x1b[38;2;0;0;255mc[/\x1b[0m\nred] d\n"


def test_without_colors_there_is_only_text() -> None:
    assert printed(color=False) == "ab c[/\nred] d\n"
    assert [line.plain for line in rich_lines(GRID, color=False)] == ["ab c[/", "red] d"]


def test_the_logo_comes_through_whole() -> None:
    grid = draw(LOGO).grid
    lines = rich_lines(grid, color=True)
    assert [line.plain.rstrip() for line in lines] == plain_lines(grid)
    assert {line.cell_len for line in lines} == {grid.columns}


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = {"PIL", "ascii_magic", "rich", "textual", "asyncio", "msgspec", "logging"}
    script = f"import sys, chatroom.media; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"
