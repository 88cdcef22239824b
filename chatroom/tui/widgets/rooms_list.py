"""The rooms and conversations at the left, with what is unread in them."""

from collections.abc import Sequence
from typing import ClassVar, Final

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.model.rooms import RoomView
from chatroom.tui.widgets.rows import Row, RowList

UNREAD_SHOWN_MAX: Final = 999
CURRENT: Final = "▸"


class RoomsList(RowList):
    """Rooms, then conversations of two; the current one is marked."""

    DEFAULT_CSS = """
    RoomsList {
        & .rooms-list--heading { color: $text-muted; }
        & .rooms-list--current { color: $text-primary; text-style: bold; }
        & .rooms-list--unread { text-style: bold; }
        & .rooms-list--right { color: $text-muted; }
        & .rooms-list--mention { color: $text-error; text-style: bold; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rooms-list--row",
        "rooms-list--heading",
        "rooms-list--current",
        "rooms-list--unread",
        "rooms-list--right",
        "rooms-list--mention",
    }

    def __init__(self, texts: Texts, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._texts = texts

    @property
    def looks(self) -> str:
        """What the names of the component classes begin with."""
        return "rooms-list"

    def show(self, views: Sequence[RoomView]) -> None:
        """Show the rooms one is in."""
        _ = self._texts._
        rooms = [_row(view) for view in views if not view.direct]
        direct = [_row(view) for view in views if view.direct]
        rows = [Row("", _("ROOMS"), look="heading"), *rooms]
        self.rows = [*rows, Row("", _("DIRECT"), look="heading"), *direct] if direct else rows


def badge(unread: int, mentions: int) -> str:
    """`@2` where one is meant, else how much is unread: `134`, `999+`."""
    if mentions:
        return f"@{min(mentions, UNREAD_SHOWN_MAX)}"
    if unread > UNREAD_SHOWN_MAX:
        return f"{UNREAD_SHOWN_MAX}+"
    return str(unread) if unread else ""


def _row(view: RoomView) -> Row:
    name = one_line(view.name)
    return Row(
        key=view.id,
        text=name if view.direct else f"#{name}",
        right=badge(view.unread, view.mentions),
        look="current" if view.current else "unread" if view.unread else "row",
        right_look="mention" if view.mentions else "right",
        mark=CURRENT if view.current else " ",
    )
