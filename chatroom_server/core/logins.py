"""How a link comes in: hello, login, welcome.

A key that is new is stored before it is welcomed, and so is a new nick. While that is on its way to the disk
the link stands in ENTERING, and other logins with the same key wait for the same line.
"""

import ipaddress
from collections.abc import Callable
from itertools import takewhile

from msgspec import structs

from chatroom.common.colors import draw_color
from chatroom.common.names import looks_like_address, nick_key
from chatroom.protocol import State as LinkState
from chatroom.protocol.auth import is_invited, is_signed, login_transcript, server_transcript, user_id
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import Failed, Hello, Login, ServerHello, Welcome
from chatroom.protocol.ids import RoomId, UserId
from chatroom.protocol.limits import VERSION_MAX, VERSION_MIN
from chatroom_server.core import limits, presence
from chatroom_server.core.accounts import User, UserLine
from chatroom_server.core.effects import Happening, Hold, Report
from chatroom_server.core.guests import address_nick, guest_token, make_guest, new_guest, read_token
from chatroom_server.core.inputs import Arrived
from chatroom_server.core.links import Link, Session
from chatroom_server.core.nicks import choose_nick, store_nick, take_as_guest
from chatroom_server.core.room_infos import own_infos
from chatroom_server.core.state import HubState, failure, room_id


# --- arriving ----------------------------------------------------------------------
def arrive(state: HubState, arrived: Arrived) -> None:
    """A link opened: take it in, or send it away."""
    address = _site(arrived.host)
    link = Link(arrived.link, arrived, address=address)
    problem = _why_not(state, arrived, address)
    state.links[link.id] = link
    state.addresses[address] = state.addresses.get(address, 0) + 1
    state.handshakes += 1
    if problem is not None:
        state.fail(link, problem)
        return
    state.greeting[link.id] = state.now + limits.HANDSHAKE_TIMEOUT_S
    if len(state.greeting) == 1:
        _watch(state)


def _site(host: str) -> str:
    """What counts as one address: of IPv6 the first half, since everybody has all of the second."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    return str(address.ipv4_mapped or ipaddress.IPv6Address(int(address) >> 64 << 64))


def _why_not(state: HubState, arrived: Arrived, address: str) -> ErrorCode | None:
    settings = state.settings
    if not (arrived.local or arrived.tls or arrived.foreign):
        return ErrorCode.TLS_REQUIRED
    if len(state.links) >= settings.max_links or state.handshakes >= limits.HANDSHAKES_MAX:
        return ErrorCode.SERVER_FULL
    if not arrived.local and state.addresses.get(address, 0) >= settings.max_links_per_address:
        return ErrorCode.ADDRESS_FULL
    return None


def _watch(state: HubState) -> None:
    """Look again when the time of the first that has not logged in is over: one timer for all of them."""
    first = next(iter(state.greeting.values()))
    if not state.is_watching:
        state.is_watching = True
        state.timers.add(first, lambda: _time_out(state))


def _time_out(state: HubState) -> None:
    state.is_watching = False
    late = list(takewhile(lambda id_: state.greeting[id_] <= state.now, state.greeting))
    for id_ in late:
        del state.greeting[id_]
        state.fail(state.links[id_], ErrorCode.HANDSHAKE_SLOW)
    if state.greeting:
        _watch(state)


def greet(state: HubState, link: Link, frame: Hello) -> None:
    """Answer a hello: who the server is, and its challenge."""
    lowest, highest = frame.versions
    version = min(highest, VERSION_MAX)
    if version < max(lowest, VERSION_MIN):
        state.fail(link, ErrorCode.VERSION, min=VERSION_MIN, max=VERSION_MAX)
        return
    identity, nonce = state.identity, link.arrived.seed[:32]
    link.version, link.client_nonce = version, frame.nonce
    signature = identity.sign(server_transcript(version, frame.nonce, nonce))
    guests = state.settings.guests or link.arrived.foreign
    state.move(link, LinkState.GREETED)
    state.deliver(link, ServerHello(version, nonce, identity.public_key, signature, guests))


# --- logging in ----------------------------------------------------------------------
def log_in(state: HubState, link: Link, frame: Login) -> None:
    """Check who comes in."""
    state.move(link, LinkState.ENTERING)
    if link.arrived.foreign and not _may_come(state, link):
        return
    if not frame.key:
        _log_in_guest(state, link, frame)
        return
    if link.arrived.foreign:
        _refuse(state, link, failure(ErrorCode.NOT_ALLOWED))
        return
    id_ = user_id(frame.key)
    problem = _check_key(state, link, frame, id_)
    if problem is not None:
        _refuse(state, link, failure(problem))
    else:
        _log_in_user(state, link, frame, id_)


def _may_come(state: HubState, link: Link) -> bool:
    """Whether the address may send another guest: one that sent too many waits, and then gets no more in."""
    bucket = state.address_bucket(link.address)
    if bucket.take(0, state.now) > limits.FOREIGN_DEBT_MAX_S:  # who is refused costs the others nothing
        state.fail(link, ErrorCode.ADDRESS_FULL)
        return False
    if wait_s := bucket.take(limits.FOREIGN_LOGIN_COST, state.now):
        state.effects.append(Hold(link.id, state.now + wait_s))
    return True


def _log_in_user(state: HubState, link: Link, frame: Login, id_: UserId) -> None:
    user, waiting = state.accounts.users.get(id_), state.entering.get(id_)
    if link.is_closed:
        return
    if waiting is not None:
        waiting.append(lambda: _log_in_user(state, link, frame, id_))
    elif user is None:
        _meet(state, link, frame, id_)
    elif frame.nick and frame.nick != user.nick:
        _come_renamed(state, link, frame, user)
    else:
        _enter(state, link, frame, user)


def _check_key(state: HubState, link: Link, frame: Login, id_: UserId) -> ErrorCode | None:
    identity = state.identity
    nonces = link.client_nonce, link.arrived.seed[:32]
    transcript = login_transcript(link.version, *nonces, identity.public_key, frame.nick, frame.devices)
    if not is_signed(frame.key, frame.signature, transcript):
        return ErrorCode.BAD_SIGNATURE
    if id_ in state.accounts.users or link.arrived.local or state.settings.open:
        return None
    if not frame.proof or identity.invitation_secret is None:
        return ErrorCode.INVITATION_NEEDED
    if not is_invited(frame.proof, identity.invitation_secret, *nonces, frame.key):
        return ErrorCode.INVITATION_WRONG
    return None


def _meet(state: HubState, link: Link, frame: Login, id_: UserId) -> None:
    """A new key: have it stored with its first nick, then let it in."""
    if not frame.nick:
        _refuse(state, link, failure(ErrorCode.NICK_NEEDED))
        return
    if len(state.accounts.users) + len(state.entering) >= state.settings.max_users:
        _refuse(state, link, failure(ErrorCode.SERVER_FULL))
        return
    nick = choose_nick(state, frame.nick, id_)
    if isinstance(nick, Failed):
        _refuse(state, link, nick)
        return
    color = draw_color(int.from_bytes(link.arrived.seed[32:], "big"))
    waiting: list[Callable[[], None]] = []
    state.entering[id_] = waiting
    state.claimed_nicks[nick_key(nick)] = id_

    def then(_changed: bool) -> None:
        finish()
        user = state.accounts.users.get(id_)
        if user is None:  # another node's line was first
            _refuse(state, link, failure(ErrorCode.NICK_TAKEN, {"nick": nick}))
        else:
            _enter(state, link, frame, user, is_new=True)
        for other in waiting:
            other()

    def otherwise(reason: str) -> None:
        finish()
        _refuse(state, link, failure(ErrorCode.NOT_STORED, {"reason": reason}))
        for other in waiting:
            other()

    def finish() -> None:
        del state.entering[id_]
        state.claimed_nicks.pop(nick_key(nick), None)

    state.store([UserLine(user=id_, key=frame.key, nick=nick, color=color)], then, otherwise)


def _come_renamed(state: HubState, link: Link, frame: Login, user: User) -> None:
    nick = choose_nick(state, frame.nick, user.id)
    if isinstance(nick, Failed):
        _refuse(state, link, nick)
        return

    def then(failed: Failed | None) -> None:
        if failed is not None:
            _refuse(state, link, failed)
        else:
            _enter(state, link, frame, user)

    store_nick(state, user, nick, then)


def _log_in_guest(state: HubState, link: Link, frame: Login) -> None:
    secret, arrived = state.identity.guest_secret, link.arrived
    if not (state.settings.guests or arrived.foreign):
        _refuse(state, link, failure(ErrorCode.NO_GUESTS))
        return
    known = read_token(secret, frame.token) if frame.token else None
    session = None if known is None else state.sessions.get(known)
    if session is not None and frame.nick in ("", session.user.nick):
        _enter(state, link, frame, session.user, is_new=looks_like_address(session.user.nick))
    elif frame.nick:
        _log_in_named(state, link, frame, known)
    elif arrived.foreign:
        guest = new_guest(
            secret, arrived.host, arrived.port, address_nick(arrived.host, arrived.port), state.at
        )
        _enter_as_guest(state, link, frame, guest, is_new=True)
    else:
        _refuse(state, link, failure(ErrorCode.NICK_NEEDED))


def _log_in_named(state: HubState, link: Link, frame: Login, known: UserId | None) -> None:
    """Let a guest in under the nick it wants: the one of its token, or the one that its address makes it."""
    arrived = link.arrived
    guest = new_guest(state.identity.guest_secret, arrived.host, arrived.port, frame.nick, state.at)
    if known is not None:
        guest = make_guest(known, frame.nick, state.at)
    nick = choose_nick(state, frame.nick, guest.id)
    if isinstance(nick, Failed):
        _refuse(state, link, nick)
        return
    guest.nicks = [nick]
    is_new = known is None and guest.id not in state.former_guests and guest.id not in state.sessions
    _enter_as_guest(state, link, frame, guest, is_new=is_new)


def _enter_as_guest(state: HubState, link: Link, frame: Login, guest: User, *, is_new: bool) -> None:
    """Let a guest in, where it is here already as the one that it is, under its newest nick."""
    session = state.sessions.get(guest.id)
    if session is not None:
        if session.user.nick != guest.nick:
            take_as_guest(state, session.user, guest.nick, link)
        _enter(state, link, frame, session.user, is_new=is_new)
        return
    _enter(state, link, frame, guest, is_new=is_new)
    if link.session is not None:
        link.session.is_returning = not is_new


def _refuse(state: HubState, link: Link, failed: Failed) -> None:
    """The link may try another login, unless what went wrong ends it."""
    if link.is_closed:
        return
    link.tries += 1
    if link.tries >= limits.LOGIN_TRIES_MAX:
        failed = structs.replace(failed, fatal=True)
    state.move(link, LinkState.GREETED)
    state.deliver(link, failed)
    detail = f"{link.arrived.host}: {failed.text}"
    state.effects.append(Report(Happening.REFUSED, UserId(""), "", RoomId(""), link.id, detail))
    if failed.fatal:
        state.close(link)


# --- coming in ----------------------------------------------------------------------
def _enter(state: HubState, link: Link, frame: Login, user: User, *, is_new: bool = False) -> None:
    """Let a link in that may: open its rooms, then welcome it.

    The rooms are opened first. So a link's place in each room's tail is behind the line that the welcome
    names as the last one, and in front of all later ones: nothing is missed, and nothing comes twice.
    """
    if link.is_closed:
        return
    devices = state.devices.claim(user.id, frame.devices, guest=user.guest, at=state.at)
    if devices is None:
        _refuse(state, link, failure(ErrorCode.TOO_MANY_DEVICES))
        return
    link.devices = {device.dev: device for device in devices}
    state.greeting.pop(link.id, None)
    link.arrived, link.client_nonce = structs.replace(link.arrived, seed=b""), b""  # of no use any more
    link.quiet = frame.quiet
    session = _join_session(state, link, user)
    state.move(link, LinkState.ONLINE)
    state.report(Happening.LOGGED_IN, user, link=link, detail=link.arrived.host)
    if not link.quiet:
        presence.appear(state, session, is_new=is_new)
        for room in user.rooms:
            state.open_room(link, room)
    state.deliver(link, _welcome(state, link, session, is_new=is_new))


def log_out(state: HubState, link: Link, *, clean: bool) -> None:
    """The link's user has it no more."""
    session, link.session = link.session, None
    for device in link.devices.values():
        state.devices.release(device)
    link.devices = {}
    if session is not None:
        presence.lose_link(state, session, link, clean=clean)


def leave(state: HubState, link: Link, *, clean: bool) -> None:
    """A link is gone."""
    log_out(state, link, clean=clean)
    state.move(link, LinkState.CLOSED)
    del state.links[link.id]
    state.greeting.pop(link.id, None)
    state.addresses[link.address] -= 1
    if not state.addresses[link.address]:
        del state.addresses[link.address]


def _join_session(state: HubState, link: Link, user: User) -> Session:
    session = state.sessions.get(user.id)
    if session is None:
        session = state.sessions[user.id] = Session(user, state.bucket(user))
        if user.guest:
            state.guest_nicks[nick_key(user.nick)] = user.id
    session.links[link.id] = link
    link.session = session
    return session


def _welcome(state: HubState, link: Link, session: Session, *, is_new: bool) -> Welcome:
    user = session.user
    return Welcome(
        user=user.id,
        nick=user.nick,
        color=user.color,
        epoch=state.epoch,
        back=not is_new,
        guest=user.guest,
        token=guest_token(state.identity.guest_secret, user.id) if user.guest else b"",
        devices={name: device.last for name, device in link.devices.items()},
        rooms=own_infos(state, user),
        default_room=room_id(state.settings.default_room),
        links=len(session.links),
        at=state.at,
    )
