"""What users are called: a nick belongs to the key that first took it, and to a guest while it stays."""

from collections.abc import Callable

from chatroom.common.names import NameProblem, check_nick, nick_key
from chatroom.protocol.auth import guest_id
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import Done, Failed, PresenceEvent, Rename
from chatroom.protocol.ids import UserId
from chatroom_server.core import presence
from chatroom_server.core.accounts import NickLine, User
from chatroom_server.core.effects import Happening
from chatroom_server.core.links import Link
from chatroom_server.core.state import HubState, failure

NickThen = Callable[[Failed | None], None]
"""What goes on when a nick is stored, or could not be."""


def choose_nick(state: HubState, wanted: str, user: UserId, rid: int = 0) -> str | Failed:
    """The nick as it will be kept, or why this user cannot have it."""
    try:
        nick = check_nick(wanted)
    except NameProblem as problem:
        return failure(ErrorCode.NICK_INVALID, {"reason": problem}, rid)
    if state.nick_owner(nick) not in (None, user):
        return failure(ErrorCode.NICK_TAKEN, {"nick": nick}, rid)
    return nick


def rename(state: HubState, link: Link, frame: Rename) -> None:
    """Take another nick."""
    user = link.online.user
    nick = choose_nick(state, frame.nick, user.id, frame.rid)
    if isinstance(nick, Failed):
        state.deliver(link, nick)
    elif nick == user.nick:
        state.deliver(link, Done(frame.rid))
    elif user.guest:
        take_as_guest(state, user, nick, link)
        state.deliver(link, Done(frame.rid))
    elif state.begin_request(link, frame.rid):
        _store_rename(state, link, frame.rid, user, nick)


def _store_rename(state: HubState, link: Link, rid: int, user: User, nick: str) -> None:
    def then(failed: Failed | None) -> None:
        state.end_request(link)
        state.deliver(link, failed or Done(rid))

    store_nick(state, user, nick, then, rid)


def store_nick(state: HubState, user: User, nick: str, then: NickThen, rid: int = 0) -> None:
    """Have a nick stored, tell the rooms, and then go on with None or with what went wrong."""
    key, was = nick_key(nick), user.nick
    state.claimed_nicks[key] = user.id

    def stored(changed: bool) -> None:
        state.claimed_nicks.pop(key, None)
        if changed:
            _tell(state, user, was)
        is_mine = state.accounts.owner(nick) == user.id
        then(None if is_mine else failure(ErrorCode.NICK_TAKEN, {"nick": nick}, rid))

    def otherwise(reason: str) -> None:
        state.claimed_nicks.pop(key, None)
        then(failure(ErrorCode.NOT_STORED, {"reason": reason}, rid))

    state.store([NickLine(user=user.id, nick=nick)], stored, otherwise)


def take_as_guest(state: HubState, user: User, nick: str, link: Link) -> None:
    """Give a guest another nick, under which it is recognised when it comes again from this address."""
    was = user.nick
    arrived = link.arrived
    state.sessions[user.id].known_as = guest_id(state.identity.guest_secret, arrived.host, arrived.port, nick)
    state.guest_nicks.pop(nick_key(was), None)
    state.guest_nicks[nick_key(nick)] = user.id
    user.nicks = [nick]
    _tell(state, user, was)


def _tell(state: HubState, user: User, was: str) -> None:
    session = state.sessions.get(user.id)
    if session is None:
        return
    session.starts.clear()
    state.report(Happening.RENAMED, user, detail=was)
    if session.shown:
        for room in user.rooms:
            presence.tell(state, room, PresenceEvent.RENAMED, [state.person(user, was)])
