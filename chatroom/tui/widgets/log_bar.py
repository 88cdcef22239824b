"""The scrollbar of the log goes by messages: no heights are known but those on the screen."""

from dataclasses import dataclass

from chatroom.tui.widgets.log_window import Place


@dataclass(frozen=True, slots=True)
class BarScale:
    """Between messages and the positions of the scrollbar.

    Attributes:
        passed: How many messages can be scrolled past.
        span: What the bar counts for all of them; 0 where everything fits on the screen.
    """

    passed: int
    span: int

    def position_of(self, place: Place) -> int:
        """Where the bar stands with this place on the top row."""
        return min(self.span, round((place.position - 1) * self.span / max(1, self.passed)))

    def message_at(self, position: float) -> int:
        """The message that comes to the top row with the bar there."""
        return 1 + round(max(0.0, position) * self.passed / max(1, self.span))


def bar_scale(end: int, places: list[Place]) -> BarScale:
    """The scale for so many messages, of which these places are on a screen that they fill."""
    shown = places[-1].position - places[0].position + 1
    return BarScale(max(1, end - shown), max(1, end - 1))


NO_BAR = BarScale(0, 0)
"""Everything fits on the screen."""
