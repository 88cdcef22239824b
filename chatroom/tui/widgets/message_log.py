"""The messages of a room on the line API: a screen of rows over a history without end.

The log either follows the newest message, or holds an anchor: the message, and the character in it, that is
on the top row. Everything on the screen is filled from there, so nothing that is fetched, evicted or appended
elsewhere can move what somebody reads. The scrollbar goes by ids: heights are only known on the screen.
"""

from typing import ClassVar, Final
from weakref import WeakKeyDictionary

from rich.cells import cell_len
from rich.segment import Segment
from textual import events, on
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp
from textual.selection import Selection
from textual.strip import Strip

from chatroom.model.timeline import Timeline
from chatroom.protocol.ids import RoomId
from chatroom.tui.widgets.log_bar import NO_BAR, BarScale, bar_scale
from chatroom.tui.widgets.log_entry import Drawer, cut
from chatroom.tui.widgets.log_geometry import geometry
from chatroom.tui.widgets.log_looks import LOOKS, Looks
from chatroom.tui.widgets.log_select import copied_text, pointed_strip, selected_strip
from chatroom.tui.widgets.log_view import TOP, Anchor, LogView
from chatroom.tui.widgets.log_window import Place
from chatroom.tui.widgets.log_words import LogWords

_WHEEL_ROWS: Final = 3
_PAGE_OVERLAP: Final = 2


class MessageLog(ScrollView, can_focus=False):
    """Shows a timeline. Set `timeline`, and call `refresh_lines()` when it has changed."""

    DEFAULT_CSS = """
    MessageLog {
        overflow-y: scroll;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & .message-log--time, & .message-log--rule, & .message-log--notice, & .message-log--day,
        & .message-log--pending, & .message-log--hole { color: $text-muted; }
        & .message-log--pending, & .message-log--hole { text-style: dim; }
        & .message-log--new { color: $error; }
        & .message-log--mention { background: $warning 25%; }
        & .message-log--mention-bar { color: $warning; }
        & .message-log--meant { text-style: bold; }
        & .message-log--failed { color: $error; }
        & .message-log--link { color: $primary; text-style: underline; }
        & .message-log--pill { color: $text; background: $primary; text-style: bold; }
        &:light .message-log--picture { color: #d8d8d8; background: #16181c; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"message-log--{look}" for look in LOOKS}

    class LinesWanted(Message):
        """Lines that the reader is near to are not at hand.

        Fetch them, `timeline.fill()`, and `refresh_lines()`; or `timeline.failed()`.
        """

        def __init__(self, room: RoomId, first: int, last: int) -> None:
            super().__init__()
            self.room = room
            self.first = first
            self.last = last

    class ReachedBottom(Message):
        """The reader came to the newest message, and follows from now on."""

        def __init__(self, room: RoomId) -> None:
            super().__init__()
            self.room = room

    class ReadUpTo(Message):
        """A newer stored line than before is on the screen."""

        def __init__(self, room: RoomId, id: int) -> None:  # noqa: A002  # the line's id
            super().__init__()
            self.room = room
            self.id = id

    def __init__(self, words: LogWords, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._words = words
        self._timeline: Timeline | None = None
        self._view: LogView | None = None
        self._anchor: Anchor | None = None
        self._anchors: WeakKeyDictionary[Timeline, Anchor] = WeakKeyDictionary()
        self._places: list[Place] = []
        self._strips: list[Strip] = []
        self._read_up_to = 0
        self._seen = 0
        self._rows_owed = 0.0
        self._is_painting = False
        self._laid_out_version = -1

    # --- what is shown ---------------------------------------------------------------------------
    @property
    def timeline(self) -> Timeline | None:
        """The room on the screen."""
        return self._timeline

    @timeline.setter
    def timeline(self, timeline: Timeline | None) -> None:
        if timeline is self._timeline:
            self.refresh_lines()
            return
        if self._timeline is not None and self._anchor is not None:
            self._anchors[self._timeline] = self._anchor
        self._timeline = timeline
        self._anchor = self._anchors.pop(timeline, None) if timeline is not None else None
        self._read_up_to = 0
        self._seen = timeline.last if timeline is not None else 0
        self._redraw()

    @property
    def words(self) -> LogWords:
        """Who reads, and in which language and zone."""
        return self._words

    @words.setter
    def words(self, words: LogWords) -> None:
        self._words = words
        self._redraw()

    @property
    def is_following(self) -> bool:
        """Whether new messages move the log."""
        return self._anchor is None

    @property
    def new_below(self) -> int:
        """How many stored lines came since the reader left the bottom."""
        if self._timeline is None or self.is_following:
            return 0
        return max(0, self._timeline.last - self._seen)

    # --- what parents call -----------------------------------------------------------------------
    def refresh_lines(self, y_start: int = 0, line_count: int = 0) -> None:
        """The timeline has changed: draw what that changes on the screen, and nothing else."""
        del y_start, line_count
        self._lay_out()

    def scroll_to_newest(self) -> None:
        """Follow the newest message."""
        self._hold(None)

    def scroll_to_oldest(self) -> None:
        """Go to the very first message."""
        self._hold(Anchor(1, TOP))

    def show_line(self, line_id: int) -> None:
        """Put a line on the top row."""
        self._hold(Anchor(line_id, TOP))

    def page_up(self) -> None:
        """Go a screen back."""
        self.scroll_rows(-max(1, self._area.height - _PAGE_OVERLAP))

    def page_down(self) -> None:
        """Go a screen on."""
        self.scroll_rows(max(1, self._area.height - _PAGE_OVERLAP))

    def scroll_rows(self, rows: int) -> None:
        """Move by so many rows, down where it is positive."""
        view = self._view
        if view is None or not self._places or (rows > 0 and self.is_following):
            return
        window = view.window()
        top = window.clamp(self._places[0])
        passed = window.down(top, rows + 1) if rows > 0 else window.up(top, -rows)
        if passed:
            place = passed[-1] if rows > 0 else passed[0]
            self._hold(Anchor(place.position, view.offset_of(place)))

    # --- laying out ------------------------------------------------------------------------------
    def _hold(self, anchor: Anchor | None) -> None:
        was_following = self.is_following
        if was_following and self._timeline is not None:
            self._seen = self._timeline.last
        self._anchor = anchor
        self._lay_out()
        if self.is_following and not was_following and self._timeline is not None:
            self.post_message(self.ReachedBottom(self._timeline.room))

    def _redraw(self) -> None:
        """Width, theme, language or room are others: nothing that was drawn can stay."""
        self._view = None
        self._lay_out()

    def _lay_out(self) -> None:
        if not self.is_attached or not self._area:
            return
        timeline = self._timeline
        strips: list[Strip] = []
        if timeline is None:
            self._places = []
        else:
            if self._view is None:
                self._view = LogView(self._drawer(timeline))
            self._laid_out_version = timeline.version
            self._anchor, self._places = self._view.screen(self._anchor, self._area.height)
            strips = [self._view.strip(place) for place in self._places]
        blank = [Strip.blank(self._area.width, self.rich_style)] * (self._area.height - len(strips))
        strips = self._with_pill(blank + strips)
        self._show(strips)
        if timeline is not None and self._view is not None:
            self._move_scrollbar(timeline)
            self._tell(timeline, self._view)

    @property
    def _area(self) -> Size:
        """What is left beside the scrollbar."""
        return self.scrollable_content_region.size

    def _show(self, strips: list[Strip]) -> None:
        """Repaint the rows that are others than before."""
        before, self._strips = self._strips, strips
        if len(before) != len(strips):
            self.refresh()
            return
        changed = [y for y, strip in enumerate(strips) if strip is not before[y] and strip != before[y]]
        if changed:
            self.refresh(Region(0, changed[0], self._area.width, changed[-1] - changed[0] + 1))

    def _drawer(self, timeline: Timeline) -> Drawer:
        return Drawer(timeline, geometry(self._area.width), self._looks(), self._words)

    def _looks(self) -> Looks:
        _, background = self.background_colors
        component = self.get_component_rich_style
        styles = {look: component(f"message-log--{look}") for look in LOOKS}
        return Looks(self.rich_style, background.rgb, styles)

    def _with_pill(self, strips: list[Strip]) -> list[Strip]:
        """Say over the last row how much is new below."""
        if not self.new_below or not strips:
            return strips
        label = cut(f" {self._words.new_below(self.new_below)} ", max(0, self._area.width - 1))
        pill = Segment(label, self.get_component_rich_style("message-log--pill"))
        left = max(0, self._area.width - cell_len(label) - 1)
        return [
            *strips[:-1],
            Strip.join([strips[-1].crop(0, left), Strip([pill, Segment(" ", self.rich_style)])]),
        ]

    # --- telling ---------------------------------------------------------------------------------
    def _tell(self, timeline: Timeline, view: LogView) -> None:
        """Ask for what is missing near the screen, and say what was seen."""
        if not self._places:
            return
        first, last = self._places[0].position, self._places[-1].position
        for gap in timeline.missing(first - self._area.height, last + self._area.height):
            self.post_message(self.LinesWanted(timeline.room, *gap))
        if self._places[-1].row < 0:
            last -= 1
        newest = min(last, timeline.last)
        if newest > self._read_up_to and not view.entry(newest).is_hole:
            self._read_up_to = newest
            self.post_message(self.ReadUpTo(timeline.room, newest))
        if self.is_following:
            self._seen = timeline.last

    # --- the scrollbar: by position --------------------------------------------------------------
    def _move_scrollbar(self, timeline: Timeline) -> None:
        """Show where the first visible message is among all; without a new layout of the screen."""
        scale = self._bar_scale(timeline)
        at = scale.span if self.is_following else scale.position_of(self._places[0])
        height = scale.span + self._area.height
        self.set_reactive(MessageLog.virtual_size, Size(0, height))
        self.set_reactive(MessageLog.scroll_y, at)
        self.set_reactive(MessageLog.scroll_target_y, at)
        if self.show_vertical_scrollbar:
            bar = self.vertical_scrollbar
            bar.window_virtual_size, bar.window_size, bar.position = height, self._area.height, at

    def _bar_scale(self, timeline: Timeline) -> BarScale:
        if not self._places or (self.is_following and len(self._places) < self._area.height):
            return NO_BAR
        return bar_scale(timeline.end, self._places)

    @on(ScrollTo)
    def _dragged(self, message: ScrollTo) -> None:
        """The scrollbar was dragged."""
        message.stop()
        message.prevent_default()
        if message.y is not None:
            self._go_to(message.y)

    def _go_to(self, at: float) -> None:
        if self._timeline is None:
            return
        scale = self._bar_scale(self._timeline)
        if at >= scale.span:
            self.scroll_to_newest()
        else:
            self._hold(Anchor(scale.message_at(at), TOP))

    @on(ScrollUp)
    @on(ScrollDown)
    def _clicked_beside(self, message: ScrollUp | ScrollDown) -> None:
        """The scrollbar was clicked above or below its handle."""
        message.stop()
        message.prevent_default()
        (self.page_up if isinstance(message, ScrollUp) else self.page_down)()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Textual scrolls by itself while something is selected: by rows."""
        self._rows_owed += new_value - old_value
        rows = int(self._rows_owed)
        self._rows_owed -= rows
        if rows:
            self.scroll_rows(rows)

    # --- events ----------------------------------------------------------------------------------
    def on_mount(self) -> None:
        """Draw what was set before."""
        self._redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew, around the message on the top row."""
        del event
        self._redraw()

    def notify_style_update(self) -> None:
        """Another theme, perhaps; the component classes learn it a little later."""
        super().notify_style_update()
        if self.is_attached:
            self.call_later(self._check_looks)

    def _check_looks(self) -> None:
        """Draw in the colours of another theme."""
        if self._view is not None and self._looks() != self._view.drawer.looks:
            self._redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel goes back."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(-_WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel goes on."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(_WHEEL_ROWS)

    def on_click(self, event: events.Click) -> None:
        """The pill leads to the newest message."""
        width = cell_len(self._words.new_below(self.new_below)) + 3
        if self.new_below and event.y == self._area.height - 1 and event.x >= self._area.width - width:
            event.stop()
            self.scroll_to_newest()

    # --- drawing and selecting -------------------------------------------------------------------
    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint rows; unlike `render_line` alone, which Textual asks for what the mouse points at."""
        self._is_painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._is_painting = False

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        selection = self.text_selection
        if selection is not None or not self._is_painting:
            self._catch_up()
        if not 0 <= y < len(self._strips):
            return Strip.blank(self._area.width, self.rich_style)
        strip, place = self._strips[y], self._place_at(y)
        if place is None or self._view is None:
            return strip
        if not self._is_painting:
            return pointed_strip(self._view, place, strip)
        if selection is None:
            return strip
        style = self.screen.get_component_rich_style("screen--selection")
        return selected_strip(self._view, place, strip, selection, style)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that a drag selected, without wraps, times and nicks."""
        if self._view is None or not self._places:
            return None
        visible = self._places[0].position, self._places[-1].position
        return copied_text(self._view, selection, visible), "\n"

    def _catch_up(self) -> None:
        """Lay out anew where the timeline has changed and nobody has said so yet: places may be gone."""
        if self._timeline is not None and self._timeline.version != self._laid_out_version:
            self._lay_out()

    def _place_at(self, y: int) -> Place | None:
        at = y - (len(self._strips) - len(self._places))
        return self._places[at] if 0 <= at < len(self._places) else None
