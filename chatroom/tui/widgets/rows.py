"""A list of one-line rows on the line API, that can be clicked and never takes the focus."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. All texts are inert already.

    Attributes:
        key: What a click on it means; empty for a heading.
        text: Shown from the left, cut with `…` where it is too long.
        right: Shown at the right end, never cut.
        look: The component class of the row, without the widget's name.
        right_look: That of the right end.
        mark, mark_color: A sign before the text, in a colour of its own (`#rrggbb`) where it has one.
    """

    key: str
    text: str
    right: str = ""
    look: str = "row"
    right_look: str = "right"
    mark: str = " "
    mark_color: str = ""


class RowList(ScrollView, can_focus=False):
    """Draws rows; a subclass names its looks as component classes."""

    class Chosen(Message):
        """A row was clicked."""

        def __init__(self, widget: "RowList", key: str) -> None:
            super().__init__()
            self.widget = widget
            self.key = key

        @property
        def control(self) -> "RowList":
            """The list that was clicked."""
            return self.widget

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()

    @property
    def rows(self) -> Sequence[Row]:
        """What is shown."""
        return self._rows

    @rows.setter
    def rows(self, rows: Sequence[Row]) -> None:
        if rows == self._rows:
            return
        self._rows = rows
        self.virtual_size = Size(0, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.size.width
        at = y + self.scroll_offset.y
        base = self.rich_style
        if at >= len(self._rows):
            return Strip.blank(width, base)
        return Strip(self._segments(self._rows[at], width, base), width)

    def _segments(self, row: Row, width: int, base: Style) -> list[Segment]:
        look = base + self._look(row.look)
        mark = base + (Style(color=row.mark_color) if row.mark_color else self._look(row.look))
        right = f" {row.right} " if row.right else ""
        room = max(0, width - cell_len(row.mark) - cell_len(right))
        segments = [
            Segment(row.mark, mark),
            Segment(fitted(row.text, room), look),
            Segment(right, base + self._look(row.right_look)),
        ]
        return list(Segment.adjust_line_length(segments, width, base))

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"{self.looks}--{name}", partial=True)

    @property
    def looks(self) -> str:
        """What the names of the component classes begin with."""
        return "row-list"

    def on_click(self, event: events.Click) -> None:
        """Tell which row was clicked."""
        at = event.y + self.scroll_offset.y
        if 0 <= at < len(self._rows) and self._rows[at].key:
            event.stop()
            self.post_message(self.Chosen(self, self._rows[at].key))


def fitted(text: str, cells: int) -> str:
    """Make a text exactly so many cells wide, cutting it with `…` where it is too long."""
    if cell_len(text) <= cells:
        return set_cell_size(text, cells)
    return set_cell_size(text, cells - 1) + "…" if cells > 0 else ""
