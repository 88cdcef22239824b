"""A timeline through one drawer: entries that were drawn lately, and every row of the log by its place."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from textual.strip import Strip

from chatroom.model.timeline import Timeline
from chatroom.tui.widgets.log_body import row_at
from chatroom.tui.widgets.log_entry import Drawer, Entry
from chatroom.tui.widgets.log_window import Height, Place, Window

ENTRIES_MAX: Final = 256
STRIPS_MAX: Final = 1024
"""Every strip brings seven caches: a large number of them is what garbage collection has to look through."""


TOP: Final = -(1 << 30)
"""An offset above every row that stands over a body."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is held on the top row.

    Attributes:
        offset: A character of the body, or below 0 a row above it.
    """

    position: int
    offset: int


class LogView:
    """Gives heights and rows of a timeline; what is not on the screen is not wrapped.

    Behind the timeline's end there is one position without a body, for the notices that stand there.
    """

    def __init__(self, drawer: Drawer) -> None:
        self.drawer = drawer
        self.timeline: Timeline = drawer.timeline
        self._entries: OrderedDict[int | str, Entry] = OrderedDict()
        self._strips: dict[tuple[int, int, bool, Entry], Strip] = {}
        self._above: dict[int, list[Strip]] = {}
        self._above_version = -1
        self._generation = self.timeline.generation

    # --- places ----------------------------------------------------------------------------------
    def window(self) -> Window:
        """To walk over the rows as they are now."""
        self._notice_changes()
        return Window(self.height, self.timeline.end + 1)

    def screen(self, anchor: Anchor | None, height: int) -> tuple[Anchor | None, list[Place]]:
        """The rows of a screen, from the anchor; without one, or too near the end, the last rows.

        Returns:
            The anchor, None where the log follows from now on; and the places, top first.
        """
        window = self.window()
        if anchor is not None:
            top = window.clamp(self.place(min(anchor.position, window.end), anchor.offset))
            places = window.down(top, height + 1)
            if len(places) > height:
                return anchor, places[:height]
        return None, window.bottom(height)

    def height(self, position: int) -> Height:
        """How many rows a position has."""
        above = len(self._rows_above(position))
        return Height(above, 0 if position > self.timeline.end else len(self.entry(position).body.spans))

    def place(self, position: int, offset: int) -> Place:
        """The row that an anchor means: below 0 rows above the body, else what `offset_of` gave."""
        if offset < 0 or position > self.timeline.end:
            return Place(position, min(offset, 0))
        return Place(position, row_at(self.entry(position).body, offset))

    def offset_of(self, place: Place) -> int:
        """What names a row in every width."""
        if place.row < 0 or place.position > self.timeline.end:
            return place.row
        return self.entry(place.position).body.offsets[place.row]

    # --- entries and rows ------------------------------------------------------------------------
    def entry(self, position: int) -> Entry:
        """What stands at a position, made when it is needed and kept for a while."""
        unsent = self.timeline.unsent_at(position)
        key = unsent.key if unsent else position
        entry = self._entries.get(key)
        if entry is not None and entry.source is unsent and not entry.is_hole:
            self._entries.move_to_end(key)
            return entry
        if entry is not None and entry.is_hole and self.timeline.data(position) is None:
            return entry
        entry = self._entries[key] = self.drawer.entry(position)
        self._entries.move_to_end(key)
        if len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)
        return entry

    def strip(self, place: Place) -> Strip:
        """One row as it is drawn."""
        position, row = place
        if row < 0 or position > self.timeline.end:
            above = self._rows_above(position)
            return above[len(above) + row]
        entry = self.entry(position)
        continued = row == 0 and self._is_continued(position, entry)
        key = (position, row, continued, entry)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= STRIPS_MAX:
                self._strips.clear()
            strip = self._strips[key] = self.drawer.body_row(entry, row, continued)
        return strip

    def _is_continued(self, position: int, entry: Entry) -> bool:
        if position <= 1 or not entry.author or self._is_parted(position):
            return False
        before = self.entry(position - 1)
        return not self._begins_day(before, entry) and entry.continues(before)

    # --- above the body --------------------------------------------------------------------------
    def _rows_above(self, position: int) -> list[Strip]:
        rows = self._above.get(position)
        if rows is None:
            if len(self._above) >= STRIPS_MAX:
                self._above.clear()
            rows = self._above[position] = self._make_above(position)
        return rows

    def _make_above(self, position: int) -> list[Strip]:
        timeline, drawer, words = self.timeline, self.drawer, self.drawer.words
        rows: list[Strip] = []
        if position <= timeline.last + 1:
            for notice in timeline.notices_after(position - 1):
                if text := words.notice(notice):
                    rows += drawer.notice(notice.at, text)
        if position > timeline.end:
            return rows
        entry = self.entry(position)
        if entry.at and (position == 1 or self._begins_day(self.entry(position - 1), entry)):
            rows.append(drawer.rule(words.day_of(entry.at), "day", "─"))
        if self._begins_new(position):
            rows.append(drawer.rule(words.texts._("new messages"), "new", "━"))
        if drawer.geometry.is_stacked and entry.author and not self._is_continued(position, entry):
            rows.append(drawer.header(entry))
        return rows

    def _begins_day(self, before: Entry, entry: Entry) -> bool:
        day = self.drawer.words.day_of
        return bool(before.at and entry.at) and day(before.at) != day(entry.at)

    def _begins_new(self, position: int) -> bool:
        return self.timeline.new_after == position - 1 and position <= self.timeline.last

    def _is_parted(self, position: int) -> bool:
        """Whether something stands between a position and the one before."""
        if self._begins_new(position):
            return True
        return position <= self.timeline.last + 1 and bool(self.timeline.notices_after(position - 1))

    def _notice_changes(self) -> None:
        """Let go of what the timeline has changed."""
        if self._above_version == self.timeline.version:
            return
        self._above_version = self.timeline.version
        self._above.clear()
        if self._generation != self.timeline.generation:
            self._generation = self.timeline.generation
            self._entries.clear()
            self._strips.clear()
