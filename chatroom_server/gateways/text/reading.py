"""Where a plain-text link stands in one room: every line once and in order, from the tail or from pages.

A link that opens a room is shown its last messages first. Until that page is there, and whenever the tail
was too fast for the link, lines that come are kept, a few; should they be more, another page fills the hole.
"""

from collections import deque
from typing import Final

from chatroom.protocol.frames import Line

KEPT_MAX: Final = 256
"""Lines that wait behind a page that is on its way."""


class Reading:
    """One room of one link.

    Attributes:
        shown: The number of the last line that was given out.
        is_asked: A page is on its way.
        opened_at: The number of the room's last line when the link came.
    """

    __slots__ = ("_has_hole", "_kept", "_last", "is_asked", "opened_at", "shown")

    def __init__(self, shown: int, last: int) -> None:
        self.shown = shown
        self.is_asked = False
        self.opened_at = last
        self._has_hole = shown < last
        self._last = last  # what is known to be stored, and will not come by the tail
        self._kept: deque[Line] = deque(maxlen=KEPT_MAX)

    @property
    def wants_page(self) -> bool:
        """A page of what is behind `shown` has to be asked for."""
        return self._has_hole and not self.is_asked

    def take(self, line: Line) -> list[Line]:
        """A line came from the tail: those that can be shown now."""
        if line.id <= self.shown:
            return []
        if self._has_hole or line.id > self.shown + 1:
            self._kept.append(line)
            self._has_hole = True
            return []
        self.shown = line.id
        return [line]

    def take_page(self, lines: list[Line], last: int) -> list[Line]:
        """The page came: what can be shown now.

        Args:
            last: The number of the room's newest line when it was read.
        """
        self.is_asked = False
        self._last = max(self._last, last)
        shown = [line for line in lines if line.id > self.shown]
        if shown:
            self.shown = shown[-1].id
        else:  # there is no more to be had: never ask for ever
            self.shown = max(self.shown, self._kept[0].id - 1 if self._kept else self._last)
        while self._kept and self._kept[0].id <= self.shown + 1:
            line = self._kept.popleft()
            if line.id > self.shown:
                shown.append(line)
                self.shown = line.id
        self._has_hole = bool(self._kept) or self.shown < self._last
        return shown

    def fall_behind(self, last: int) -> None:
        """The tail has lost the link, and the room has come to this number."""
        self._last = max(self._last, last)
        self._has_hole = self._has_hole or last > self.shown
