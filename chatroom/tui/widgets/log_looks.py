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

_MADE_LEGIBLE: Final = ("time", "notice", "day", "new", "pending", "failed", "link", "hole")


@dataclass(slots=True)
class Looks:
    """Styles by the names of `LOOKS`, and the colours of nicks on this background."""

    base: Style
    background: RGB
    styles: dict[str, Style]
    _nicks: dict[str, Style] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name in _MADE_LEGIBLE:
            self.styles[name] = self._legible(self.styles[name])

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
            style = self._legible(style + Style(color=Color.from_rgb(*rgb)))
        self._nicks[color] = style
        return style

    def _legible(self, style: Style) -> Style:
        """Move the lightness of a style's colour until it reads well; its hue stays."""
        if style.color is None or style.color.triplet is None:
            return style
        red, green, blue = legible(style.color.triplet, self.background)
        return style + Style(color=Color.from_rgb(red, green, blue))
