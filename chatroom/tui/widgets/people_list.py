"""The people of the current room at the right, by where they are."""

from typing import ClassVar

from chatroom.protocol.frames import PersonState
from chatroom.tui.widgets.rows import RowList

GLYPHS = {PersonState.ONLINE: "●", PersonState.AWAY: "◌", PersonState.OFFLINE: "○"}
"""A sign for each state, so that it can be told without colours."""


class PeopleList(RowList):
    """People under a heading for each state, with its number."""

    DEFAULT_CSS = """
    PeopleList {
        & .people-list--heading { color: $text-muted; }
        & .people-list--away { color: $text-muted; }
        & .people-list--offline { color: $text-disabled; }
        & .people-list--right { color: $text-muted; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "people-list--row",
        "people-list--heading",
        "people-list--away",
        "people-list--offline",
        "people-list--right",
    }

    @property
    def looks(self) -> str:
        """What the names of the component classes begin with."""
        return "people-list"
