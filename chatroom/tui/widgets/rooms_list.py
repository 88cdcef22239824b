"""The rooms and conversations at the left, with what is unread in them."""

from typing import ClassVar

from chatroom.tui.widgets.rows import RowList

UNREAD_SHOWN_MAX = 999


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

    @property
    def looks(self) -> str:
        """What the names of the component classes begin with."""
        return "rooms-list"


def badge(unread: int, mentions: int) -> str:
    """`@2` where one is meant, else how much is unread: `134`, `999+`."""
    if mentions:
        return f"@{min(mentions, UNREAD_SHOWN_MAX)}"
    if unread > UNREAD_SHOWN_MAX:
        return f"{UNREAD_SHOWN_MAX}+"
    return str(unread) if unread else ""
