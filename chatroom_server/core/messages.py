"""Messages: at the door, on their way to the disk, and stored.

The line of a message is encoded once, here. What makes sending again harmless stands in `devices`.
"""

from typing import Final

import msgspec

from chatroom.common.grid import GridError
from chatroom.common.grid import decode as decode_grid
from chatroom.common.inert import inert, one_line
from chatroom.protocol.codec import decode_line
from chatroom.protocol.errors import ErrorCode, RemoteProtocolError
from chatroom.protocol.frames import Ack, Line, LineKind, Refusal, Send
from chatroom.protocol.ids import DeviceId, MessageId, RoomId
from chatroom.protocol.limits import GRID_MAX, IN_FLIGHT_MAX, MESSAGE_MAX, TOPIC_MAX
from chatroom_server.core import limits, rooms
from chatroom_server.core.accounts import Room, User
from chatroom_server.core.devices import Device, Pending, begin_hash, content_hash, text_hash
from chatroom_server.core.effects import BroadcastLines, DeliverLine
from chatroom_server.core.links import LineStart, Link, Session
from chatroom_server.core.ports import Draft, StoredRun
from chatroom_server.core.state import HubState, failure

_encode: Final = msgspec.json.Encoder().encode
_ACTION, _IMAGE, _TOPIC = LineKind.ACTION.value, LineKind.IMAGE.value, LineKind.TOPIC.value
_DELETE: Final = "\x7f"
"""The one control character that JSON does not escape."""
_STARTS_MAX: Final = 256
"""Starts of lines that are kept for one user, to be made again when they are more."""


class _NotAcceptedError(Exception):
    """The content cannot become a message."""

    def __init__(self, code: ErrorCode, **args: object) -> None:
        super().__init__(code)
        self.code = code
        self.args_by_name = args


# --- at the door ----------------------------------------------------------------------
def send(state: HubState, link: Link, frame: Send) -> None:
    """Take a message: have it stored, unless it is, or cannot be."""
    session, device = link.session, link.devices.get(frame.dev)
    room = state.accounts.rooms.get(frame.room)
    assert session is not None
    try:
        if device is None:
            raise _NotAcceptedError(ErrorCode.NOT_ALLOWED)
        start = session.starts.get((frame.room, frame.dev)) or _start(session, frame.room, frame.dev)
        if not frame.kind:  # nearly every message
            (body, encoded), grid = _text(frame.body), ""
            hash_ = text_hash(start.hash, body)
        else:
            body, grid = _content(frame)
            encoded, hash_ = _encode(body), content_hash(frame.room, frame.kind, body, grid)
        if frame.n <= device.highest:
            _answer_again(state, link, frame, device, hash_)
            return
        if device.trouble is not None and (reason := device.admit(frame.n, state.now)):
            raise _NotAcceptedError(ErrorCode.NOT_STORED, reason=reason)
        if room is None or not _may_send(link, session.user, room, frame.kind):
            raise _why_not(link, room, frame)
        if room.guests:
            _check_guest_is_here(state, session.user, room)
        if len(device.pending) >= IN_FLIGHT_MAX:
            raise _NotAcceptedError(ErrorCode.TOO_MANY_IN_FLIGHT)
        if frame.kind == _IMAGE:
            _check_grid(grid)  # last, as it takes milliseconds
    except _NotAcceptedError as problem:
        _refuse(state, link, frame, problem.code, problem.args_by_name)
        return
    if room.direct is not None:
        rooms.bring_back(state, room)
    topic = body if frame.kind == _TOPIC else None
    pending = Pending(device, frame.n, hash_, link.id, topic)
    device.put(pending)
    rest = _rest(state.at, start, frame, encoded, grid)
    state.append(Draft(room.id, rest, pending))


def _content(frame: Send) -> tuple[str, str]:
    """Body and grid as they will be stored; the grid is not checked yet."""
    kind = frame.kind
    if kind == _ACTION:
        return _text(frame.body)[0], ""
    _check_size(frame.body)
    if kind == _IMAGE:
        return one_line(frame.body), frame.grid
    if kind == _TOPIC:
        return _checked_topic(frame.body), ""
    raise _NotAcceptedError(ErrorCode.NOT_ALLOWED)


def _text(said: str) -> tuple[str, bytes]:
    """What somebody says, as it will be stored, and as JSON."""
    if len(said) * 4 > MESSAGE_MAX:
        _check_size(said)
    encoded = _encode(said) if said.isascii() else b""
    if len(encoded) == len(said) + 2 and _DELETE not in said:
        body = said  # nothing was escaped, so it holds no control characters
    else:
        body = inert(said)
        encoded = _encode(body)
    if not body or body.isspace():
        raise _NotAcceptedError(ErrorCode.MESSAGE_EMPTY)
    return body, encoded


def _check_size(body: str) -> None:
    size = len(body.encode())
    if size > MESSAGE_MAX:
        raise _NotAcceptedError(ErrorCode.MESSAGE_TOO_LONG, size=size, max=MESSAGE_MAX)


def _check_grid(grid: str) -> None:
    try:
        if len(grid) > GRID_MAX:
            raise GridError(f"it has {len(grid)} characters, at most {GRID_MAX} are allowed")
        decode_grid(grid)
    except GridError as error:
        raise _NotAcceptedError(ErrorCode.PICTURE_INVALID, reason=error) from error


def _checked_topic(body: str) -> str:
    topic = one_line(body)
    if len(topic.encode()) > TOPIC_MAX:
        raise _NotAcceptedError(ErrorCode.TOPIC_TOO_LONG, max=TOPIC_MAX)
    return topic


def _may_send(link: Link, user: User, room: Room, kind: str) -> bool:
    """Members may. A script of a known user may say something in any room, without becoming a member."""
    if room.direct is not None:
        return user.id in room.direct
    return room.id in user.rooms or (link.quiet and not user.guest and kind != _TOPIC)


def _why_not(link: Link, room: Room | None, frame: Send) -> _NotAcceptedError:
    if room is None:
        return _NotAcceptedError(ErrorCode.ROOM_UNKNOWN, room=frame.room)
    if not rooms.may_read(link.online.user, room):
        return _NotAcceptedError(ErrorCode.ROOM_FORBIDDEN)
    return _NotAcceptedError(ErrorCode.NOT_MEMBER, room=room.name)


def _check_guest_is_here(state: HubState, user: User, room: Room) -> None:
    nick = rooms.gone_guest(state, user, room)
    if nick is not None:
        raise _NotAcceptedError(ErrorCode.GUEST_GONE, nick=nick)


def _answer_again(state: HubState, link: Link, frame: Send, device: Device, hash_: int) -> None:
    """Answer a message whose number is not above all that came before."""
    pending, found = device.pending.get(frame.n), device.find(frame.n)
    if pending is not None and pending.hash == hash_:
        pending.link = link.id
    elif found is not None and found[0] == hash_:
        state.deliver(link, Ack(frame.dev, frame.n, frame.room, found[1]))
    elif pending is not None or found is not None:
        _refuse(state, link, frame, ErrorCode.NUMBER_CONFLICT, {"n": frame.n})
    elif 0 < frame.n <= device.passed:
        state.deliver(link, Ack(frame.dev, frame.n, frame.room))
    elif 0 < frame.n <= device.floor:  # nothing tells whether this was stored: better twice than never
        _refuse(state, link, frame, ErrorCode.NUMBER_CONFLICT, {"n": frame.n})
    else:
        _refuse(state, link, frame, ErrorCode.NUMBER_PASSED, {"n": frame.n})


def _refuse(state: HubState, link: Link, frame: Send, code: ErrorCode, args: dict[str, object]) -> None:
    state.deliver(link, _refusal(frame.dev, frame.n, code, args))


def _refusal(dev: str, n: int, code: ErrorCode, args: dict[str, object]) -> Refusal:
    failed = failure(code, args)
    return Refusal(dev, n, code, failed.text, failed.args)


# --- the line ----------------------------------------------------------------------
def _rest(at: int, start: LineStart, frame: Send, body: bytes, grid: str) -> bytes:
    """The line from `"at"` on; the body is JSON already."""
    if not frame.kind:
        return b'"at":%d,%b%d,"body":%b%b' % (at, start.prefix, frame.n, body, start.end)
    end = b',"grid":%b%b' % (_encode(grid), start.end) if grid else start.end
    return b'"at":%d,%b%d,"kind":%b,"body":%b%b' % (at, start.prefix, frame.n, _encode(frame.kind), body, end)


def _start(session: Session, room: RoomId, dev: DeviceId) -> LineStart:
    """Make it, and keep it."""
    user = session.user
    words = map(_encode, (room, user.id, user.nick, user.color, dev))
    prefix = b'"room":%b,"user":%b,"nick":%b,"color":%b,"dev":%b,"n":' % tuple(words)
    if len(session.starts) >= _STARTS_MAX:
        session.starts.clear()
    end = b',"guest":true}' if user.guest else b"}"
    start = session.starts[room, dev] = LineStart(prefix, end, begin_hash(room))
    return start


# --- outcomes ----------------------------------------------------------------------
def take_stored(state: HubState, run: StoredRun) -> None:
    """Lines of a room are on disk: show them to it, and to their authors."""
    room_id, number = run.room, run.first - 1
    last = MessageId(number + len(run.lines))
    room = state.accounts.rooms.get(room_id)
    if room is not None:
        room.last = last
    else:
        state.accounts.lost[room_id] = last
    state.effects.append(BroadcastLines(room_id, run.first, run.lines))
    for pending, line in zip(run.refs, run.lines, strict=True):
        number += 1
        if not isinstance(pending, Pending):
            take_foreign(state, line)
            continue
        device = pending.device
        device.pending.pop(pending.n, None)
        state.devices.remember(device, pending.n, pending.hash, number, state.at)
        if pending.topic is not None:
            state.accounts.set_topic(room_id, pending.topic)
        link = state.links.get(pending.link)
        if link is not None and room_id not in link.rooms and not link.is_closed:
            state.effects.append(DeliverLine(link.id, line))


def take_foreign(state: HubState, data: bytes) -> None:
    """Take in a stored line that this hub did not make, or made before it was restarted."""
    try:
        line: Line = decode_line(data)
    except RemoteProtocolError:
        return
    state.devices.note(line)
    if line.kind == _TOPIC:
        state.accounts.set_topic(line.room, line.body)


def take_refused(state: HubState, draft: Draft, reason: str) -> None:
    """The log could not store a message."""
    pending = draft.ref
    if not isinstance(pending, Pending):
        return
    pending.device.drop(pending)
    link = state.links.get(pending.link)
    if link is not None:
        if not link.arrived.foreign:  # people at those links say it again themselves, under a new number
            pending.device.wait_for(pending.n, reason, state.now + limits.REFUSED_HOLD_S)
        refusal = _refusal(pending.device.dev, pending.n, ErrorCode.NOT_STORED, {"reason": reason})
        state.deliver(link, refusal)
