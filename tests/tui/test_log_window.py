"""Walking over rows, against a list of all of them."""

from hypothesis import given
from hypothesis import strategies as st

from chatroom.tui.widgets.log_geometry import geometry
from chatroom.tui.widgets.log_window import Height, Place, Window

heights = st.lists(st.builds(Height, st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=12)


def all_rows(heights: list[Height]) -> list[Place]:
    return [
        Place(position, row)
        for position, height in enumerate(heights, 1)
        for row in range(-height.above, height.body)
    ]


def window(heights: list[Height]) -> Window:
    return Window(lambda position: heights[position - 1], len(heights))


@given(heights=heights, data=st.data())
def test_walking_gives_the_neighbours(heights: list[Height], data: st.DataObject) -> None:
    rows = all_rows(heights)
    at = data.draw(st.integers(0, len(rows) - 1))
    count = data.draw(st.integers(0, 30))
    assert window(heights).down(rows[at], count) == rows[at : at + count]
    assert window(heights).up(rows[at], count) == rows[max(0, at - count) : at]
    assert window(heights).bottom(count) == rows[max(0, len(rows) - count) :]
    assert window(heights).oldest == rows[0]


@given(heights=heights, position=st.integers(-3, 20), row=st.integers(-100, 100))
def test_every_place_is_near_one_that_exists(heights: list[Height], position: int, row: int) -> None:
    assert window(heights).clamp(Place(position, row)) in all_rows(heights)


@given(heights=heights)
def test_rows_that_exist_stay(heights: list[Height]) -> None:
    for place in all_rows(heights):
        assert window(heights).clamp(place) == place


def test_walking_looks_only_at_what_it_passes() -> None:
    asked = []

    def height_of(position: int) -> Height:
        asked.append(position)
        return Height(0, 2)

    Window(height_of, 1_000_000).down(Place(500_000, 1), 10)
    Window(height_of, 1_000_000).up(Place(500_000, 1), 10)
    assert min(asked) >= 499_990
    assert max(asked) <= 500_010


@given(width=st.integers(1, 300))
def test_columns_fill_the_width(width: int) -> None:
    columns = geometry(width)
    assert columns.text >= 4
    if width >= 5:
        assert columns.gutter + columns.text == width
    assert columns.is_stacked == (width < 56)
    assert columns.is_stacked or columns.text >= 40
