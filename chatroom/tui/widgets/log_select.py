"""What a drag over the log selects: characters of messages, not cells of the screen.

An offset is (character of the text, position), so offsets sort as the text reads, and neither a new width nor
a message above changes what is selected.
"""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from chatroom.tui.widgets.log_view import LogView
from chatroom.tui.widgets.log_window import Place

_BEFORE: int = -1_000_000
"""A character that is before every text, also after the few that Textual adds within a segment."""


def pointed_strip(view: LogView, place: Place, strip: Strip) -> Strip:
    """A row with the offset of what is under each cell, for Textual to find where a drag begins and ends.

    Cells left of the text stand for where the row begins; so that they all do, each is a segment.
    """
    if place.row < 0 or place.position > view.timeline.end:
        return Strip([_at(strip.text, _BEFORE, place.position)], strip.cell_length)
    entry = view.entry(place.position)
    start, end = entry.body.spans[place.row]
    gutter = _gutter(view, place)
    text = entry.text[start:end]
    segments = [_at(" ", start, place.position) for _ in range(gutter)]
    segments.append(_at(text or " ", start, place.position))
    used = gutter + cell_len(text or " ")
    return Strip([*segments, Segment(" " * max(0, strip.cell_length - used))])


def selected_strip(view: LogView, place: Place, strip: Strip, selection: Selection, style: Style) -> Strip:
    """A row with what is selected of it shown so."""
    span = selection.get_span(place.position)
    if span is None or place.row < 0 or place.position > view.timeline.end:
        return strip
    entry = view.entry(place.position)
    start, end = entry.body.spans[place.row]
    low = max(start, span[0])
    high = end if span[1] < 0 else min(end, span[1])
    if low >= high:
        return strip
    left = _gutter(view, place) + cell_len(entry.text[start:low])
    right = left + cell_len(entry.text[low:high])
    before, chosen, behind = (
        strip.crop(0, left),
        strip.crop(left, right),
        strip.crop(right, strip.cell_length),
    )
    shown = Strip([Segment(text, (look or Style()) + style) for text, look, _ in chosen], right - left)
    return Strip.join([before, shown, behind])


def copied_text(view: LogView, selection: Selection, visible: tuple[int, int]) -> str:
    """What a selection copies: texts without wraps, times and nicks; what is not at hand is left out.

    Args:
        visible: The positions on the screen: all that is copied of a selection without ends.
    """
    first = selection.start.y if selection.start else visible[0]
    last = selection.end.y if selection.end else visible[1]
    parts = []
    for position in range(max(1, first), min(last, view.timeline.end) + 1):
        text = view.drawer.text(position)
        low, high = selection.get_span(position) or (0, -1)
        if text is not None:
            parts.append(text[max(0, low) : len(text) if high < 0 else high])
    return "\n".join(parts)


def _gutter(view: LogView, place: Place) -> int:
    """Cells left of the text."""
    if not view.entry(place.position).is_notice:
        return view.drawer.geometry.gutter
    return view.drawer.notice_indent


def _at(text: str, character: int, position: int) -> Segment:
    return Segment(text, Style.from_meta({"offset": (character, position)}))
