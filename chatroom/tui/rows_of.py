"""Makes the rows of the side lists out of the model."""

from collections.abc import Callable

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.model.members import MembersView
from chatroom.model.rooms import RoomView
from chatroom.protocol.frames import Person, PersonState
from chatroom.tui.widgets.people_list import GLYPHS
from chatroom.tui.widgets.rooms_list import badge
from chatroom.tui.widgets.rows import Row

CURRENT = "▸"


def room_rows(views: tuple[RoomView, ...], texts: Texts) -> list[Row]:
    """Rooms under one heading, conversations of two under another."""
    _ = texts._
    rooms = [_room_row(view) for view in views if not view.direct]
    direct = [_room_row(view) for view in views if view.direct]
    rows = [Row("", _("ROOMS"), look="heading"), *rooms]
    return [*rows, Row("", _("DIRECT"), look="heading"), *direct] if direct else rows


def _room_row(view: RoomView) -> Row:
    name = one_line(view.name)
    return Row(
        key=view.id,
        text=name if view.direct else f"#{name}",
        right=badge(view.unread, view.mentions),
        look="current" if view.current else "unread" if view.unread else "row",
        right_look="mention" if view.mentions else "right",
        mark=CURRENT if view.current else " ",
    )


def people_rows(view: MembersView, color: Callable[[str], str], texts: Texts) -> list[Row]:
    """People under a heading for each state.

    Args:
        color: Makes a person's colour legible here.
    """
    _ = texts._
    headings = {
        PersonState.ONLINE: _("ONLINE — {count}"),
        PersonState.AWAY: _("AWAY — {count}"),
        PersonState.OFFLINE: _("OFFLINE — {count}"),
    }
    rows: list[Row] = []
    for state, people in view.groups:
        if people:
            rows.append(Row("", headings[state].format(count=len(people)), look="heading"))
            rows += [_person_row(person, color) for person in people]
    if view.more:
        more = texts.n("and {count} more", "and {count} more", view.more)
        rows.append(Row("", more.format(count=view.more), look="heading"))
    return rows


def _person_row(person: Person, color: Callable[[str], str]) -> Row:
    looks = {PersonState.ONLINE: "row", PersonState.AWAY: "away", PersonState.OFFLINE: "offline"}
    is_here = person.state is PersonState.ONLINE
    return Row(
        key=person.user,
        text=f" {one_line(person.nick)}",
        look=looks[person.state],
        mark=GLYPHS[person.state],
        mark_color=color(person.color) if is_here else "",
    )
