"""How the columns of the message log are shared out for a width."""

from dataclasses import dataclass
from typing import Final

TIME_CELLS: Final = 7
"""`[hh:mm]`"""
_NICK_MIN: Final = 5
_NICK_MAX: Final = 12
_TEXT_MIN: Final = 40
_TEXT_LEAST: Final = 4


@dataclass(frozen=True, slots=True)
class Geometry:
    """Cells of each column.

    Attributes:
        width: Of all of it.
        nick: Of the nick's column; 0 where the nick stands above the text.
        gutter: Of everything left of the text.
        text: What is left for the text.
    """

    width: int
    nick: int
    gutter: int
    text: int

    @property
    def is_stacked(self) -> bool:
        """Whether the nick stands above the text."""
        return self.nick == 0


def geometry(width: int) -> Geometry:
    """Share out a width: the nick stands beside the text as long as 40 cells are left for that."""
    around = TIME_CELLS + len(" ") + len(" │ ")
    nick = min(_NICK_MAX, width - around - _TEXT_MIN)
    if nick < _NICK_MIN:
        return Geometry(width, 0, 1, max(_TEXT_LEAST, width - 1))
    return Geometry(width, nick, around + nick, width - around - nick)
