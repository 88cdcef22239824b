"""What the hub knows of this moment, and the effects that its handlers make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from chatroom.common.inert import one_line
from chatroom.common.names import nick_key, room_key
from chatroom.protocol import State as LinkState
from chatroom.protocol.errors import ERRORS, ErrorCode
from chatroom.protocol.frames import AnyFrame, Failed, Person, PersonState
from chatroom.protocol.ids import Epoch, RoomId, UserId
from chatroom.protocol.limits import REQUESTS_MAX
from chatroom_server.core import limits
from chatroom_server.core.accounts import Accounts, AnyAccountLine, Room, User, encode_rest
from chatroom_server.core.devices import Devices
from chatroom_server.core.effects import (
    Append,
    Close,
    Deliver,
    Effect,
    Happening,
    Report,
    Subscribe,
    Unsubscribe,
)
from chatroom_server.core.inputs import LinkId
from chatroom_server.core.links import Link, Session
from chatroom_server.core.ports import ACCOUNTS, Draft
from chatroom_server.core.rates import Bucket
from chatroom_server.core.settings import HubSettings, ServerIdentity
from chatroom_server.core.timers import Timers


@dataclass(frozen=True, slots=True)
class Change:
    """What account lines bring about: the `ref` of the last of them.

    Attributes:
        then: Called when it is stored and applied, with whether it changed anything.
        otherwise: Called when the log refused it.
    """

    then: Callable[[bool], None]
    otherwise: Callable[[str], None]


@dataclass(slots=True)
class Claim:
    """A room that is being stored.

    Attributes:
        waiting: What waits for the outcome.
    """

    creator: UserId
    is_direct: bool
    has_guest: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)


_WORD_MAX: Final = 160
_NO_WORDS: Final[Mapping[str, object]] = MappingProxyType({})


class HubState:
    """The one mutable thing of the hub; handlers get it, change it, and put effects into `effects`.

    Attributes:
        now, at: Of the input at hand: monotonic seconds, and ms since 1970 (UTC).
        addresses: How many links there are from an address.
        handshakes: How many links have not logged in.
        greeting: Until when they may take, the first to be late first.
        is_watching: A timer waits for that one.
        sessions: Users who have a link, or are shown as online.
        guest_nicks: Nicks of the guests among them, by `nick_key`.
        former_guests: Guests who were here, in the order of their leaving; never one called by its address.
        people: Who of a room is shown as online, by room.
        entering: Users whose first account line is being stored, with the logins that wait for it.
        creating: Rooms that are being stored.
        returning: Users and conversations of two that they become members of again.
        claimed_nicks: Nicks that are being stored, by `nick_key`.
        gathered: Who came back to which room since the server's start; None when the gathering is over.
        returned: Those of them whom the rooms are not told of yet.
        buckets: What users may still send, those who left a moment ago too.
        address_buckets: What all foreign links of an address together may: who comes again is another guest.
        stopping: The server goes down.
    """

    def __init__(
        self, identity: ServerIdentity, settings: HubSettings, epoch: Epoch, accounts: Accounts
    ) -> None:
        self.identity = identity
        self.settings = settings
        self.epoch = epoch
        self.accounts = accounts
        self.devices = Devices()
        self.timers = Timers()
        self.effects: list[Effect] = []
        self.now = 0.0
        self.at = 0
        self.links: dict[LinkId, Link] = {}
        self.addresses: dict[str, int] = {}
        self.handshakes = 0
        self.greeting: dict[LinkId, float] = {}
        self.is_watching = False
        self.sessions: dict[UserId, Session] = {}
        self.guest_nicks: dict[str, UserId] = {}
        self.former_guests: dict[UserId, None] = {}
        self.people: dict[RoomId, dict[UserId, Session]] = {}
        self.entering: dict[UserId, list[Callable[[], None]]] = {}
        self.creating: dict[RoomId, Claim] = {}
        self.returning: set[tuple[UserId, RoomId]] = set()
        self.claimed_nicks: dict[str, UserId] = {}
        self.gathered: dict[RoomId, dict[UserId, None]] | None = None
        self.returned: dict[RoomId, dict[UserId, None]] = {}
        self.buckets: dict[UserId, Bucket] = {}
        self.address_buckets: dict[str, Bucket] = {}
        self.stopping = False

    # --- effects ---------------------------------------------------------------------------------
    def append(self, draft: Draft) -> None:
        """Give a line to the log: in the `Append` that was made just before, where nothing came between."""
        if self.effects and type(last := self.effects[-1]) is Append:
            last.drafts.append(draft)
        else:
            self.effects.append(Append([draft]))

    def deliver(self, link: Link, frame: AnyFrame) -> None:
        """Send a frame to a link, if it is still there."""
        if not link.is_closed:
            self.effects.append(Deliver(link.id, frame))

    def fail(self, link: Link, code: ErrorCode, rid: int = 0, **args: object) -> None:
        """Tell a link what went wrong; after a fatal error it is closed."""
        failed = failure(code, args, rid)
        self.deliver(link, failed)
        if failed.fatal:
            self.close(link)

    def close(self, link: Link) -> None:
        """Hang up, and hear nothing more of this link."""
        if not link.is_closed:
            self.effects.append(Close(link.id))
            self.move(link, LinkState.CLOSED)

    def move(self, link: Link, to: LinkState) -> None:
        """Move a link to another state; counts those that have not logged in."""
        self.handshakes += _is_handshake(to) - _is_handshake(link.state)
        link.state = to
        if to is LinkState.CLOSED:
            link.rooms.clear()

    def store(
        self,
        lines: Sequence[AnyAccountLine],
        then: Callable[[bool], None],
        otherwise: Callable[[str], None],
    ) -> None:
        """Give account lines to the log.

        Args:
            then: Called when the last of them is stored and applied, with whether it changed anything.
            otherwise: Called with a word when the log refused them.
        """
        *first, last = (encode_rest(self.at, line) for line in lines)
        drafts = [Draft(ACCOUNTS, rest) for rest in first]
        self.effects.append(Append([*drafts, Draft(ACCOUNTS, last, Change(then, otherwise))]))

    def report(
        self,
        happening: Happening,
        user: User,
        room: RoomId = RoomId(""),  # noqa: B008 - a NewType is no call
        link: Link | None = None,
        detail: str = "",
    ) -> None:
        """Tell the operator."""
        link_id = None if link is None else link.id
        self.effects.append(Report(happening, user.id, user.nick, room, link_id, detail))

    def open_room(self, link: Link, room: RoomId) -> None:
        """Let a link have the room's lines."""
        if room not in link.rooms and not link.is_closed:
            link.rooms.add(room)
            self.effects.append(Subscribe(link.id, room))

    def close_room(self, link: Link, room: RoomId) -> None:
        """Let a link have the room's lines no more."""
        if room in link.rooms:
            link.rooms.discard(room)
            self.effects.append(Unsubscribe(link.id, room))

    # --- requests that wait -------------------------------------------------------------------------
    def begin_request(self, link: Link, rid: int) -> bool:
        """Count a request that cannot be answered at once; False when too many wait already."""
        if link.requests >= REQUESTS_MAX:
            self.fail(link, ErrorCode.TOO_MANY_REQUESTS, rid)
            return False
        link.requests += 1
        return True

    def end_request(self, link: Link) -> None:
        """The request is answered."""
        link.requests = max(0, link.requests - 1)

    # --- who and what ---------------------------------------------------------------------------------
    def person(self, user: User, was: str = "") -> Person:
        """A user as others see them."""
        state = _person_state(self.sessions.get(user.id))
        return Person(user.id, user.nick, user.color, state, user.guest, was)

    def find_room(self, name: str) -> Room | None:
        """A room by its id, or by a name as people write it."""
        rooms = self.accounts.rooms
        return rooms.get(RoomId(name)) or rooms.get(room_id(name))

    def find_user(self, id_: UserId) -> User | None:
        """A user who has a key, or a guest who is here."""
        session = self.sessions.get(id_)
        return self.accounts.users.get(id_) if session is None else session.user

    def nick_owner(self, nick: str) -> UserId | None:
        """Whose a nick is, is about to be, or is as long as its guest stays."""
        key = nick_key(nick)
        return self.accounts.nicks.get(key) or self.claimed_nicks.get(key) or self.guest_nicks.get(key)

    def bucket(self, user: User) -> Bucket:
        """What a user may send; it does not fill up by leaving and coming back."""
        bucket = self.buckets.get(user.id)
        if bucket is None:
            share = limits.GUEST_SHARE if user.guest else 1.0
            burst, rate = self.settings.burst * share, self.settings.rate * share
            bucket = self.buckets[user.id] = Bucket(burst, rate, burst, self.now)
        return bucket

    def change_settings(self, settings: HubSettings) -> None:
        """Go by other settings. What users may send begins anew where its bounds are others."""
        before, self.settings = self.settings, settings
        if (before.burst, before.rate) != (settings.burst, settings.rate):
            self.buckets.clear()
            for session in self.sessions.values():
                session.bucket = self.bucket(session.user)

    def address_bucket(self, address: str) -> Bucket:
        """What all foreign links of an address may send: as much as one user."""
        bucket = self.address_buckets.get(address)
        if bucket is None:
            if len(self.address_buckets) > 2 * len(self.addresses):
                now, kept = self.now, self.address_buckets.items()
                self.address_buckets = {name: held for name, held in kept if not held.is_full(now)}
            burst, rate = float(self.settings.burst), float(self.settings.rate)
            bucket = self.address_buckets[address] = Bucket(
                burst, rate, burst, self.now, limits.FOREIGN_WAIT_MAX_S
            )
        return bucket


def failure(
    code: ErrorCode, args: Mapping[str, object] = _NO_WORDS, rid: int = 0, *, fatal: bool = False
) -> Failed:
    """The frame of an error, with its sentence, in which `args` stand: inert, and not too long for it."""
    words = {name: one_line(str(value))[:_WORD_MAX] for name, value in args.items()}
    row = ERRORS[code]
    return Failed(code, row.sentence.format(**words), rid, words, fatal or row.fatal)


def room_id(name: str) -> RoomId:
    """The id of a room with this name."""
    return RoomId(room_key(name.strip().removeprefix("#")))


def _is_handshake(state: LinkState) -> bool:
    return state is not LinkState.ONLINE and state is not LinkState.CLOSED


def _person_state(session: Session | None) -> PersonState:
    if session is None or not session.shown:
        return PersonState.OFFLINE
    return PersonState.AWAY if session.away else PersonState.ONLINE
