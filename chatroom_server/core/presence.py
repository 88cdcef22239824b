"""Who is online, and what the rooms are told of it.

A user is *shown* from the first link that is not quiet until the last of them left: at once after a clean
end, ten seconds after a cut. So a short cut goes unsaid. After the server's start everybody returns at
once: the returns of half a second are told as a state (`here`), and all of them as one event per room
(`back`) later. Were each told by itself, a thousand members who return would cause a million frames.
"""

from collections.abc import Iterable

from chatroom.common.names import looks_like_address, nick_key
from chatroom.protocol.frames import Person, Presence, PresenceEvent
from chatroom.protocol.ids import RoomId, UserId
from chatroom.protocol.limits import PEOPLE_MAX
from chatroom_server.core import limits
from chatroom_server.core.accounts import Room, User
from chatroom_server.core.effects import Broadcast, Happening
from chatroom_server.core.links import Link, Session
from chatroom_server.core.state import HubState


def appear(state: HubState, session: Session, *, is_new: bool) -> None:
    """A link that is not quiet came online."""
    session.cut_at = None
    if session.shown:
        refresh_away(state, session)
        return
    session.shown, session.away = True, False
    session.is_returning &= not session.user.rooms
    for room in session.user.rooms:
        state.people.setdefault(room, {})[session.user.id] = session
        _tell_return(state, session, room)
    if not is_new:
        state.report(Happening.BACK, session.user)


def lose_link(state: HubState, session: Session, link: Link, *, clean: bool) -> None:
    """A link of this user is gone."""
    session.links.pop(link.id, None)
    if session.shown and not link.quiet:
        if any(session.loud_links()):
            refresh_away(state, session)
        elif clean or state.stopping:
            depart(state, session)
        else:
            _wait_for_return(state, session)
    forget(state, session)


def depart(state: HubState, session: Session) -> None:
    """The user is shown as online no more; a guest's memberships end."""
    user = session.user
    event = PresenceEvent.LEFT if user.guest else PresenceEvent.GONE
    session.shown, session.cut_at = False, None
    for room in list(user.rooms):
        leave_people(state, session, room)
        tell(state, room, event, [state.person(user)])
    if user.guest:
        user.rooms.clear()
    state.report(Happening.DEPARTED, user)


def forget(state: HubState, session: Session) -> None:
    """Let go of a session that has no link and is not shown."""
    user = session.user
    if session.links or session.shown or state.sessions.get(user.id) is not session:
        return
    del state.sessions[user.id]
    if user.guest:
        user.rooms.clear()
        state.guest_nicks.pop(nick_key(user.nick), None)
        _remember_guest(state, user, session.known_as or user.id)
    if len(state.buckets) > 2 * len(state.sessions):
        now, sessions = state.now, state.sessions
        state.buckets = {
            id_: bucket for id_, bucket in state.buckets.items() if id_ in sessions or not bucket.is_full(now)
        }


def _remember_guest(state: HubState, guest: User, id_: UserId) -> None:
    """Keep who left, to recognise it, unless its address is all that it was known by."""
    former = state.former_guests
    former.pop(guest.id, None)
    former.pop(id_, None)
    if not looks_like_address(guest.nick):
        former[id_] = None
    if len(former) > limits.GUESTS_REMEMBERED:
        del former[next(iter(former))]


def refresh_away(state: HubState, session: Session) -> None:
    """Tell the rooms when nobody sits at any link any more, or somebody does again."""
    away = all(link.away for link in session.loud_links())
    if away == session.away:
        return
    session.away = away
    event = PresenceEvent.AWAY if away else PresenceEvent.HERE
    if session.shown:
        for room in session.user.rooms:
            tell(state, room, event, [state.person(session.user)])


def enter_people(state: HubState, session: Session, room: Room) -> None:
    """A new member of a room, where shown as online, counts among its people."""
    if session.shown:
        state.people.setdefault(room.id, {})[session.user.id] = session


def tell_joined(state: HubState, session: Session, room: Room) -> None:
    """Tell a room that somebody came in, or, of a guest that had left, that it is back."""
    event = PresenceEvent.BACK if session.is_returning else PresenceEvent.JOINED
    session.is_returning = False
    tell(state, room.id, event, [state.person(session.user)])
    state.report(Happening.ARRIVED, session.user, room.id)


def leave_people(state: HubState, session: Session, room: RoomId) -> None:
    """Somebody counts among the room's people no more."""
    people = state.people.get(room)
    if people is not None:
        people.pop(session.user.id, None)
        if not people:
            del state.people[room]


def tell(state: HubState, room: RoomId, event: PresenceEvent, people: list[Person]) -> None:
    """Tell everybody who has the room open."""
    if not state.stopping:
        state.effects.append(Broadcast(room, Presence(room, event, people)))


def people_of(state: HubState, room: Room) -> tuple[list[Person], int]:
    """The people of a room, those online first, and how many are not named."""
    online = state.people.get(room.id, {})
    users = [session.user for session in online.values()]
    if len(users) < PEOPLE_MAX:
        members = (state.accounts.users[id_] for id_ in room.members if id_ not in online)
        users += [user for user, _place in zip(members, range(PEOPLE_MAX - len(users)), strict=False)]
    total = sum(session.user.guest for session in online.values()) + len(room.members)
    named = [state.person(user) for user in users[:PEOPLE_MAX]]
    return named, max(0, total - len(named))


def gather_returns(state: HubState) -> None:
    """From now on, for a while, tell returns together."""
    state.gathered = {}
    state.timers.add(state.now + limits.GATHER_RETURNS_S, lambda: _tell_gathered(state))


def _tell_return(state: HubState, session: Session, room: RoomId) -> None:
    person = state.person(session.user)
    if state.gathered is None:
        tell(state, room, PresenceEvent.BACK, [person])
    else:
        state.gathered.setdefault(room, {})[session.user.id] = None
        if not state.returned:
            state.timers.add(state.now + limits.TELL_RETURNS_S, lambda: _tell_returned(state))
        state.returned.setdefault(room, {})[session.user.id] = None


def _tell_returned(state: HubState) -> None:
    returned, state.returned = state.returned, {}
    for room, ids in returned.items():
        _tell_together(state, room, PresenceEvent.HERE, ids)


def _tell_gathered(state: HubState) -> None:
    gathered, state.gathered = state.gathered or {}, None
    for room, ids in gathered.items():
        _tell_together(state, room, PresenceEvent.BACK, ids)


def _tell_together(state: HubState, room: RoomId, event: PresenceEvent, ids: Iterable[UserId]) -> None:
    """Tell a room of those who are still online."""
    people = state.people.get(room, {})
    sessions = [people[id_] for id_ in ids if id_ in people]
    if event is PresenceEvent.HERE:
        sessions = [session for session in sessions if not session.away]
    for group in _groups([state.person(session.user) for session in sessions]):
        tell(state, room, event, group)


def _groups(people: list[Person]) -> Iterable[list[Person]]:
    return (people[at : at + PEOPLE_MAX] for at in range(0, len(people), PEOPLE_MAX))


def _wait_for_return(state: HubState, session: Session) -> None:
    cut_at = session.cut_at = state.now

    def give_up() -> None:
        if session.cut_at == cut_at:
            depart(state, session)
            forget(state, session)

    state.timers.add(state.now + limits.RETURN_WITHIN_S, give_up)
