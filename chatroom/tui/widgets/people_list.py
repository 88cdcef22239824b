"""The people of the current room at the right, by where they are."""

from typing import ClassVar, Final

from textual.color import Color

from chatroom.common.colors import legible, parse_color
from chatroom.common.names import shown_nick
from chatroom.common.texts import Texts
from chatroom.model.members import MembersView
from chatroom.protocol.frames import Person, PersonState
from chatroom.tui.widgets.rows import Row, RowList

GLYPHS: Final = {PersonState.ONLINE: "●", PersonState.AWAY: "◌", PersonState.OFFLINE: "○"}
"""A sign for each state, so that it can be told without colours."""

_LOOKS: Final = {PersonState.ONLINE: "row", PersonState.AWAY: "away", PersonState.OFFLINE: "offline"}


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

    def __init__(self, texts: Texts, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._texts = texts

    @property
    def looks(self) -> str:
        """What the names of the component classes begin with."""
        return "people-list"

    def show(self, view: MembersView) -> None:
        """Show the people of a room."""
        _ = self._texts._
        headings = {
            PersonState.ONLINE: _("ONLINE — {count}"),
            PersonState.AWAY: _("AWAY — {count}"),
            PersonState.OFFLINE: _("OFFLINE — {count}"),
        }
        rows: list[Row] = []
        for state, people in view.groups:
            if people:
                rows.append(Row("", headings[state].format(count=len(people)), look="heading"))
                rows += [self._row(person) for person in people]
        if view.more:
            more = self._texts.n("and {count} more", "and {count} more", view.more)
            rows.append(Row("", more.format(count=view.more), look="heading"))
        self.rows = rows

    def _row(self, person: Person) -> Row:
        is_here = person.state is PersonState.ONLINE
        return Row(
            key=person.user,
            text=f" {shown_nick(person.nick, guest=person.guest)}",
            look=_LOOKS[person.state],
            mark=GLYPHS[person.state],
            mark_color=self._legible(person.color) if is_here else "",
        )

    def _legible(self, color: str) -> str:
        parsed = parse_color(color)
        return Color(*legible(parsed, self.background_colors[1].rgb)).hex if parsed else ""
