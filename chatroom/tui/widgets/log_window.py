"""Which rows are on the screen: exact near the reader, found by walking from the one that is held.

A *place* is (position, row): row 0 is the first of the position's body; what stands above the body (a day,
notices) has negative rows, so that it may come and go without moving the body.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """One row of the log."""

    position: int
    row: int


class Height(NamedTuple):
    """How many rows a position has above its body, and in it."""

    above: int
    body: int


@dataclass(frozen=True, slots=True)
class Window:
    """Walks over rows without knowing more heights than it passes.

    Attributes:
        height_of: The height of a position, 1 to `end`.
        end: The last position.
    """

    height_of: Callable[[int], Height]
    end: int

    @property
    def oldest(self) -> Place:
        """The very first row."""
        return Place(1, -self.height_of(1).above) if self.end else Place(1, 0)

    def clamp(self, place: Place) -> Place:
        """The nearest row that exists."""
        if place.position < 1:
            return self.oldest
        position = min(place.position, self.end)
        height = self.height_of(position)
        row = place.row if position == place.position else height.body
        return Place(position, max(-height.above, min(row, max(-height.above, height.body - 1))))

    def down(self, place: Place, count: int) -> list[Place]:
        """So many rows from a place downwards, itself the first; fewer at the end."""
        rows: list[Place] = []
        position, row = place
        while position <= self.end and len(rows) < count:
            height = self.height_of(position)
            until = min(height.body, row + count - len(rows))
            rows += [Place(position, at) for at in range(row, until)]
            position += 1
            if position <= self.end:
                row = -self.height_of(position).above
        return rows

    def up(self, place: Place, count: int) -> list[Place]:
        """So many rows before a place, the topmost first; fewer at the beginning."""
        rows: list[Place] = []
        position, below = place
        while position >= 1 and len(rows) < count:
            top = -self.height_of(position).above
            from_row = max(top, below - (count - len(rows)))
            rows += [Place(position, at) for at in range(below - 1, from_row - 1, -1)]
            position -= 1
            if position >= 1:
                below = self.height_of(position).body
        rows.reverse()
        return rows

    def bottom(self, count: int) -> list[Place]:
        """The last rows of all."""
        if not self.end:
            return []
        return self.up(Place(self.end, self.height_of(self.end).body), count)
