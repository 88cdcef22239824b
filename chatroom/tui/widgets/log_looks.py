"""The styles of the message log for one theme, worked out once."""

from dataclasses import dataclass, field
from typing import Final

from rich.color import Color
from rich.style import Style

from chatroom.common.colors import RGB, legible, parse_color

_NICKS_MAX: Final = 512

LOOKS: Final = (
    "time",
    "rule",
    "notice",
    "day",
    "new",
    "mention",
    "mention-bar",
    "meant",
    "pending",
    "failed",
    "link",
    "hole",
    "picture",
    "pill",
)
"""The component classes of the log, without its name."""


@dataclass(slots=True)
class Looks:
    """Styles by the names of `LOOKS`, and the colours of nicks on this background."""

    base: Style
    background: RGB
    styles: dict[str, Style]
    _nicks: dict[str, Style] = field(default_factory=dict)

    @property
    def fill(self) -> Style:
        """The background of a message that means oneself."""
        return Style(bgcolor=self.styles["mention"].bgcolor)

    def __getitem__(self, name: str) -> Style:
        return self.styles[name]

    def nick(self, color: str) -> Style:
        """The style of a nick whose user has this colour (`#rrggbb`), moved until it is legible."""
        known = self._nicks.get(color)
        if known is not None:
            return known
        if len(self._nicks) >= _NICKS_MAX:
            self._nicks.clear()
        style = self.base + Style(bold=True)
        if rgb := parse_color(color):
            style += Style(color=Color.from_rgb(*legible(rgb, self.background)))
        self._nicks[color] = style
        return style
