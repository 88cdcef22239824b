"""The table of what a client may ask: frame, the state it is legal in, the right it needs, who answers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeVar, cast

from msgspec import structs

from chatroom.protocol import State as LinkState
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import (
    AnyFrame,
    AskInvitation,
    Away,
    Bye,
    Direct,
    Fetch,
    Frame,
    Hello,
    Join,
    Leave,
    ListRooms,
    Login,
    Open,
    Rename,
    Send,
    Who,
)
from chatroom_server.core import logins, messages, nicks, presence, rooms
from chatroom_server.core.effects import Hold
from chatroom_server.core.links import Link
from chatroom_server.core.rates import message_cost
from chatroom_server.core.state import HubState

_F = TypeVar("_F", bound=Frame)
Handler = Callable[[HubState, Link, AnyFrame], None]


class Right(Enum):
    """Who may ask. What depends on the room (its members, the two of a conversation) its handler decides."""

    ANYBODY = auto()
    GUEST = auto()
    """Whoever has logged in."""
    USER = auto()
    """Who has a key."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is legal, and who answers.

    Attributes:
        states: Where the link has to stand.
        cost: Tokens that it takes of the user's (`rates`), by the work that it makes; a message costs by its
            length.
    """

    states: tuple[LinkState, ...]
    right: Right
    handler: Handler
    cost: int


def _away(state: HubState, link: Link, frame: Away) -> None:
    link.away = frame.away
    if not link.quiet:
        presence.refresh_away(state, link.online)


def _ask_invitation(state: HubState, link: Link, frame: AskInvitation) -> None:
    answer = state.settings.invitations(frame.room)
    state.deliver(link, structs.replace(answer, rid=frame.rid))


def _bye(state: HubState, link: Link, _frame: Bye) -> None:
    logins.log_out(state, link, clean=True)
    state.close(link)


def _row(
    frame: type[_F],
    states: tuple[LinkState, ...],
    right: Right,
    handler: Callable[[HubState, Link, _F], None],
    cost: int = 1,
) -> tuple[type[Frame], Row]:
    return frame, Row(states, right, cast("Handler", handler), cost)


_USER: Final = Right.USER
"""For what is done for each frame: in Python 3.11 `Right.USER` costs as much as a call."""
_OPENED, _GREETED = (LinkState.OPENED,), (LinkState.GREETED,)
_ONLINE = (LinkState.ONLINE,)
_ANY = tuple(state for state in LinkState if state is not LinkState.CLOSED)

HANDLERS: Final[dict[type, Row]] = dict(
    (
        _row(Hello, _OPENED, Right.ANYBODY, logins.greet),
        _row(Login, _GREETED, Right.ANYBODY, logins.log_in),
        _row(Bye, _ANY, Right.ANYBODY, _bye),
        _row(Send, _ONLINE, Right.GUEST, messages.send),
        _row(Join, _ONLINE, Right.GUEST, rooms.join, 5),
        _row(Leave, _ONLINE, Right.GUEST, rooms.leave),
        _row(Open, _ONLINE, Right.GUEST, rooms.open_quietly, 5),
        _row(Direct, _ONLINE, Right.GUEST, rooms.direct, 5),
        _row(Fetch, _ONLINE, Right.GUEST, rooms.fetch),
        _row(ListRooms, _ONLINE, Right.GUEST, rooms.list_rooms, 20),
        _row(Who, _ONLINE, Right.GUEST, rooms.who, 5),
        _row(Rename, _ONLINE, Right.GUEST, nicks.rename),
        _row(AskInvitation, _ONLINE, Right.USER, _ask_invitation),
        _row(Away, _ONLINE, Right.GUEST, _away),
    )
)


def receive(state: HubState, link: Link, frame: AnyFrame) -> None:
    """Answer a frame, or say why not."""
    row = HANDLERS.get(type(frame))
    if row is None or link.state not in row.states:
        state.fail(link, ErrorCode.OUT_OF_ORDER)  # which a link that is closed does not hear
        return
    session = link.session
    if session is not None:
        if session.bucket.rate:
            _charge(state, link, row, frame)
        if row.right is _USER and session.user.guest:
            state.fail(link, ErrorCode.NOT_ALLOWED, getattr(frame, "rid", 0))
            return
    row.handler(state, link, frame)


def _charge(state: HubState, link: Link, row: Row, frame: AnyFrame) -> None:
    """Take the frame's tokens; who is out of them is read more slowly."""
    cost = row.cost
    if isinstance(frame, Send):
        cost = message_cost(len(frame.body) + len(frame.grid), has_grid=bool(frame.grid))
    wait_s = link.online.bucket.take(cost, state.now)
    if link.arrived.foreign:
        wait_s = max(wait_s, state.address_bucket(link.address).take(cost, state.now))
    if wait_s:
        state.effects.append(Hold(link.id, state.now + wait_s))
