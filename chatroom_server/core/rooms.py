"""Rooms: what makes one a member, what opens one on a link, and the conversations of two."""

from collections.abc import Callable, Iterable

from chatroom.common.names import NameProblem, check_room, nick_key
from chatroom.protocol.auth import direct_room
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import (
    Direct,
    Fetch,
    Join,
    Joined,
    Leave,
    LeftRoom,
    ListRooms,
    Open,
    People,
    PresenceEvent,
    Rooms,
    Who,
)
from chatroom.protocol.ids import MessageId, RoomId, UserId
from chatroom.protocol.limits import ROOMS_LISTED_MAX
from chatroom_server.core import limits, presence
from chatroom_server.core.accounts import MemberLine, Room, RoomLine, User
from chatroom_server.core.effects import FetchPage, Happening
from chatroom_server.core.links import Link
from chatroom_server.core.room_infos import infos_that_fit, room_info
from chatroom_server.core.state import Claim, HubState, room_id


# --- join, create ----------------------------------------------------------------------
def join(state: HubState, link: Link, frame: Join) -> None:
    """Become a member of a room, of a new one where that is asked for."""
    claim = state.creating.get(room_id(frame.room))
    if claim is not None:
        _wait_for(state, link, frame, claim)
    elif frame.create:
        _create(state, link, frame)
    else:
        _join_known(state, link, frame)


def _join_known(state: HubState, link: Link, frame: Join) -> None:
    room, user = state.find_room(frame.room), link.online.user
    if room is None:
        state.fail(link, ErrorCode.ROOM_UNKNOWN, frame.rid, room=frame.room)
    elif not may_read(user, room):
        state.fail(link, ErrorCode.ROOM_FORBIDDEN, frame.rid)
    elif room.id in user.rooms:
        answer_joined(state, link, frame.rid, room)
    elif _memberships(user, is_direct=room.direct is not None) >= limits.MEMBERSHIPS_MAX:
        state.fail(link, ErrorCode.TOO_MANY_ROOMS, frame.rid)
    elif user.guest:
        _admit_guest(state, user, room, asked_by=link)
        answer_joined(state, link, frame.rid, room)
    else:
        _store_join(state, link, frame.rid, user, room)


def _store_join(state: HubState, link: Link, rid: int, user: User, room: Room) -> None:
    key = user.id, room.id

    def then(changed: bool) -> None:
        state.returning.discard(key)
        state.end_request(link)
        if changed:
            _become_member(state, user, room, asked_by=link)
        if room.id in user.rooms:
            answer_joined(state, link, rid, room)

    def otherwise(reason: str) -> None:
        state.returning.discard(key)
        _not_stored(state, link, rid)(reason)

    if state.begin_request(link, rid):
        if room.direct is not None:
            state.returning.add(key)
        state.store([MemberLine(user=user.id, room=room.id)], then, otherwise)


def _create(state: HubState, link: Link, frame: Join) -> None:
    user = link.online.user
    try:
        name = check_room(frame.room)
    except NameProblem as problem:
        state.fail(link, ErrorCode.ROOM_INVALID, frame.rid, reason=problem)
        return
    if state.find_room(name) is not None:
        state.fail(link, ErrorCode.ROOM_EXISTS, frame.rid, room=name)
    elif user.guest:
        state.fail(link, ErrorCode.NOT_ALLOWED, frame.rid)
    elif _is_full(state, user, is_direct=False):
        state.fail(link, ErrorCode.TOO_MANY_ROOMS, frame.rid)
    elif state.begin_request(link, frame.rid):
        _store_room(state, link, frame.rid, RoomLine(room=room_id(name), name=name, user=user.id))


def _store_room(state: HubState, link: Link, rid: int, line: RoomLine) -> None:
    user = link.online.user
    claim = state.creating[line.room] = Claim(user.id, line.direct is not None, bool(line.guests))

    def then(_changed: bool) -> None:
        room = state.accounts.rooms[line.room]
        state.end_request(link)
        if not claim.is_direct:
            state.report(Happening.ROOM_CREATED, user, room.id, link)
        _admit_first(state, room, ids, asked_by=link)
        answer_joined(state, link, rid, room, created=True)
        _finish(state, line.room)

    def otherwise(reason: str) -> None:
        _not_stored(state, link, rid)(reason)
        _finish(state, line.room)

    ids = line.direct or (user.id,)
    members = [MemberLine(user=id_, room=line.room) for id_ in ids if id_ not in line.guests]
    state.store([line, *members], then, otherwise)


def _admit_first(state: HubState, room: Room, ids: Iterable[UserId], asked_by: Link) -> None:
    """Bring the first members into a new room; guests may have left meanwhile."""
    users = [user for id_ in ids if (user := state.find_user(id_)) is not None]
    for user in users:
        if user.guest:
            user.rooms[room.id] = None
        if (session := state.sessions.get(user.id)) is not None:
            presence.enter_people(state, session, room)
    for user in users:
        _become_member(state, user, room, asked_by)


def _finish(state: HubState, room: RoomId) -> None:
    for waiting in state.creating.pop(room).waiting:
        waiting()


def _wait_for(state: HubState, link: Link, frame: Join | Direct, claim: Claim) -> None:
    """Handle the request again when it is known whether the room exists."""

    def again() -> None:
        state.end_request(link)
        if link.is_closed:
            return
        if isinstance(frame, Join):
            join(state, link, frame)
        else:
            direct(state, link, frame)

    if state.begin_request(link, frame.rid):
        claim.waiting.append(again)


def _is_full(state: HubState, user: User, *, is_direct: bool) -> bool:
    """Whether the user, or the server, has as many rooms as may be, counting those being stored."""
    creators = [claim.creator for claim in state.creating.values() if claim.is_direct == is_direct]
    coming = creators.count(user.id)
    created = state.accounts.created.get((user.id, is_direct), 0) + coming
    if _memberships(user, is_direct=is_direct) + coming >= limits.MEMBERSHIPS_MAX:
        return True
    if is_direct:
        return created >= limits.DIRECTS_PER_USER_MAX
    total = state.accounts.named_rooms + len(creators)
    return created >= limits.ROOMS_PER_USER_MAX or total >= state.settings.max_rooms


def _memberships(user: User, *, is_direct: bool) -> int:
    return sum(room.startswith("=") == is_direct for room in user.rooms)


def _admit_guest(state: HubState, user: User, room: Room, asked_by: Link | None = None) -> None:
    """Make a guest a member, which is not stored."""
    user.rooms[room.id] = None
    if room.direct is not None and state.sessions[user.id].shown:  # the other was told that it had left
        presence.tell(state, room.id, PresenceEvent.BACK, [state.person(user)])
    _become_member(state, user, room, asked_by)


def _become_member(state: HubState, user: User, room: Room, asked_by: Link | None = None) -> None:
    """Tell everybody of a new member, and open the room on all links that show it."""
    session = state.sessions.get(user.id)
    if session is None:
        return
    presence.enter_people(state, session, room)
    if session.shown and room.direct is None:
        presence.tell_joined(state, session, room)
    for link in session.loud_links():
        if link is not asked_by:
            answer_joined(state, link, 0, room)


def answer_joined(state: HubState, link: Link, rid: int, room: Room, *, created: bool = False) -> None:
    """Open a room on a link and say so."""
    if link.is_closed:
        return
    state.open_room(link, room.id)
    people, more = presence.people_of(state, room)
    state.deliver(link, Joined(rid, room_info(state, room), people, more, created))


# --- leave ----------------------------------------------------------------------
def leave(state: HubState, link: Link, frame: Leave) -> None:
    """Give a room up; where one is no member, close it on this link."""
    user, room = link.online.user, state.find_room(frame.room)
    if room is not None and room.id in user.rooms:
        _leave_membership(state, link, frame.rid, user, room)
    elif room is not None and room.id in link.rooms:
        state.close_room(link, room.id)
        state.deliver(link, LeftRoom(frame.rid, room.id))
    else:
        state.fail(link, ErrorCode.NOT_MEMBER, frame.rid, room=frame.room)


def _leave_membership(state: HubState, link: Link, rid: int, user: User, room: Room) -> None:
    def then(changed: bool) -> None:
        state.end_request(link)
        _cease_member(state, link, rid, user, room, is_news=changed)

    if user.guest:
        del user.rooms[room.id]
        _cease_member(state, link, rid, user, room, is_news=True)
    elif state.begin_request(link, rid):
        line = MemberLine(user=user.id, room=room.id, member=False)
        state.store([line], then, _not_stored(state, link, rid))


def _cease_member(state: HubState, link: Link, rid: int, user: User, room: Room, *, is_news: bool) -> None:
    state.close_room(link, room.id)
    state.deliver(link, LeftRoom(rid, room.id))
    session = state.sessions.get(user.id)
    if session is None or not is_news:
        return
    for other in session.loud_links():
        if room.id in other.rooms:
            state.close_room(other, room.id)
            state.deliver(other, LeftRoom(0, room.id))
    presence.leave_people(state, session, room.id)
    if session.shown and room.direct is None:
        presence.tell(state, room.id, PresenceEvent.LEFT, [state.person(user)])
        state.report(Happening.DEPARTED, user, room.id)


# --- conversations of two ----------------------------------------------------------------------
def direct(state: HubState, link: Link, frame: Direct) -> None:
    """Open the conversation with somebody, who may be away; it begins to exist with its first use."""
    user = link.online.user
    other = state.find_user(UserId(frame.user)) if frame.user else _user_of(state, frame.nick)
    if other is None:
        state.fail(link, ErrorCode.USER_UNKNOWN, frame.rid, nick=frame.nick or frame.user)
        return
    if other is user:
        state.fail(link, ErrorCode.NOT_ALLOWED, frame.rid)
        return
    id_ = RoomId(direct_room(user.id, other.id))
    room, claim = state.accounts.rooms.get(id_), state.creating.get(id_)
    if claim is not None:
        _wait_for(state, link, frame, claim)
    elif room is not None:
        _join_known(state, link, Join(frame.rid, room.id))
    elif not _may_begin(state, user, other):
        state.fail(link, ErrorCode.TOO_MANY_ROOMS, frame.rid)
    elif state.begin_request(link, frame.rid):
        guests = {one.id: one.nick for one in (user, other) if one.guest}
        line = RoomLine(room=id_, user=user.id, direct=(user.id, other.id), guests=guests)
        _store_room(state, link, frame.rid, line)


def _may_begin(state: HubState, user: User, other: User) -> bool:
    if _is_full(state, user, is_direct=True):
        return False
    most = limits.GUEST_DIRECTS_PER_USER_MAX if user.guest else limits.MEMBERSHIPS_MAX
    if _memberships(other, is_direct=True) >= most:
        return False
    return not (user.guest or other.guest) or _has_place_for_guests(state)


def _has_place_for_guests(state: HubState) -> bool:
    """Whether one more conversation with a guest can be held, where need be in the place of dead ones."""
    accounts = state.accounts
    most = limits.GUEST_DIRECTS_MAX - sum(claim.has_guest for claim in state.creating.values())
    if accounts.guest_rooms >= most:
        coming = {room for _user, room in state.returning} | set(state.creating)
        accounts.drop_guest_rooms(
            lambda room: room.id in coming or any(id_ in state.sessions for id_ in room.guests)
        )
    return accounts.guest_rooms < most


def gone_guest(state: HubState, user: User, room: Room) -> str | None:
    """The nick of whom a user has a conversation with, where that is a guest who is not here any more."""
    gone = (nick for id_, nick in room.guests.items() if id_ != user.id and id_ not in state.sessions)
    return next(gone, None)


def bring_back(state: HubState, room: Room) -> None:
    """Make both users of a conversation members again: something is said to one who had left it."""
    for id_ in room.direct or ():
        user = state.find_user(id_)
        if user is None or room.id in user.rooms or (id_, room.id) in state.returning:
            continue
        if _memberships(user, is_direct=True) >= limits.MEMBERSHIPS_MAX:
            continue
        if user.guest:
            _admit_guest(state, user, room)
        else:
            _store_return(state, user, room)


def _store_return(state: HubState, user: User, room: Room) -> None:
    key = user.id, room.id
    state.returning.add(key)

    def then(changed: bool) -> None:
        state.returning.discard(key)
        if changed:
            _become_member(state, user, room)

    state.store([MemberLine(user=user.id, room=room.id)], then, lambda _reason: state.returning.discard(key))


def _user_of(state: HubState, nick: str) -> User | None:
    owner = state.accounts.owner(nick) or state.guest_nicks.get(nick_key(nick))
    return None if owner is None else state.find_user(owner)


# --- look ----------------------------------------------------------------------
def open_quietly(state: HubState, link: Link, frame: Open) -> None:
    """Get a room's lines on this link, without becoming a member."""
    room = _readable(state, link, frame.room, frame.rid)
    if room is None:
        return
    if room.id not in link.rooms and len(link.rooms) >= limits.OPEN_ROOMS_MAX:
        state.fail(link, ErrorCode.TOO_MANY_ROOMS, frame.rid)
        return
    answer_joined(state, link, frame.rid, room)


def who(state: HubState, link: Link, frame: Who) -> None:
    """Name the people of a room."""
    room = _readable(state, link, frame.room, frame.rid)
    if room is not None:
        people, more = presence.people_of(state, room)
        state.deliver(link, People(frame.rid, room.id, people, more))


def list_rooms(state: HubState, link: Link, frame: ListRooms) -> None:
    """Name the rooms that one may join, those with most members first."""
    rooms = [room for room in state.accounts.rooms.values() if room.direct is None]
    rooms.sort(key=lambda room: (-len(room.members), room.id))
    infos = infos_that_fit(state, rooms[:ROOMS_LISTED_MAX])
    state.deliver(link, Rooms(frame.rid, infos, len(rooms) - len(infos)))


def fetch(state: HubState, link: Link, frame: Fetch) -> None:
    """Have a page of history sent."""
    room = _readable(state, link, frame.room, frame.rid)
    if room is None or not state.begin_request(link, frame.rid):
        return
    after = None if frame.after is None else MessageId(frame.after)
    before = None if frame.before is None else MessageId(frame.before)
    state.effects.append(FetchPage(link.id, frame.rid, room.id, after, before, frame.limit))


def may_read(user: User, room: Room) -> bool:
    """Whether a room's lines are for this user: a conversation's are for its two."""
    return room.direct is None or user.id in room.direct


def _readable(state: HubState, link: Link, name: str, rid: int) -> Room | None:
    room = state.find_room(name)
    if room is None:
        state.fail(link, ErrorCode.ROOM_UNKNOWN, rid, room=name)
    elif not may_read(link.online.user, room):
        state.fail(link, ErrorCode.ROOM_FORBIDDEN, rid)
    else:
        return room
    return None


def _not_stored(state: HubState, link: Link, rid: int) -> Callable[[str], None]:
    def otherwise(reason: str) -> None:
        state.end_request(link)
        state.fail(link, ErrorCode.NOT_STORED, rid, reason=reason)

    return otherwise
