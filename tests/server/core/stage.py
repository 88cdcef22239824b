"""A small world around a hub: it plays the clock, the log, and people with real keys.

`Stage` gives the hub its inputs and carries out the effects as the shell would: tails, cursors, the disk.
What a link was sent stands in its `Actor.frames`, in the order of the wire. All of it goes through the bytes
and the state machine of a real connection, so a hub that says what has no place in the protocol fails here.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.protocol import Connection, Role, State, auth
from chatroom.protocol.codec import decode_line, encode
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    AnyFrame,
    Failed,
    Hello,
    Join,
    Joined,
    Line,
    Login,
    Presence,
    Send,
    ServerHello,
    Welcome,
)
from chatroom.protocol.ids import DeviceId, Epoch, MessageId, RoomId, UserId
from chatroom_server.core import limits
from chatroom_server.core.accounts import Accounts, AnyAccountLine, encode_rest
from chatroom_server.core.effects import (
    Append,
    Broadcast,
    BroadcastLines,
    Close,
    Deliver,
    DeliverLine,
    Effect,
    FetchPage,
    Hold,
    Report,
    Subscribe,
    Unsubscribe,
    WakeAt,
)
from chatroom_server.core.hub import DEVICES_FILE, USERS_FILE, Hub
from chatroom_server.core.inputs import (
    Arrived,
    Input,
    Left,
    LinkId,
    Received,
    Refused,
    Started,
    Stored,
    Woke,
)
from chatroom_server.core.ports import ACCOUNTS, Draft, StoredRun
from chatroom_server.core.settings import HubSettings, ServerIdentity

_F = TypeVar("_F")
_SERVER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
IDENTITY = ServerIdentity(
    public_key=_SERVER_KEY.public_key().public_bytes_raw(),
    sign=_SERVER_KEY.sign,
    guest_secret=b"guests",
    invitation_secret=b"invited",
)
GENERAL = RoomId("general")


class Key:
    """A user's key; the same name is the same key."""

    def __init__(self, name: str) -> None:
        seed = random.Random(name).randbytes(32)
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.user = auth.user_id(self.public)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)


@dataclass
class Actor:
    """One link, and who sits at it."""

    stage: "Stage"
    id: LinkId
    key: Key | None
    nonce: bytes
    frames: list[AnyFrame] = field(default_factory=list)
    closed: bool = False
    held_until: float = 0.0
    rid: int = 0
    dev: str = ""
    n: int = 0
    wire: Connection = field(default_factory=lambda: Connection(Role.SERVER, now=0))

    @property
    def user(self) -> UserId:
        return self.last(Welcome).user

    def give(self, frame: AnyFrame) -> None:
        """Have a frame arrive at the server."""
        for event in self.wire.feed(encode(frame), now=0):
            if isinstance(event, FrameReceived):
                self.stage.feed(Received(self.id, [event.frame]))
            else:
                self.closed = True
                self.leave()

    def hear(self, frame: AnyFrame, body: bytes | None = None) -> None:
        """Have a frame arrive at the client; `body` is that of a line as it was stored."""
        if body is None:
            self.wire.send(frame)
        self.frames.append(frame)

    def hello(self) -> ServerHello:
        self.give(Hello((1, 1), self.nonce, "stage"))
        return self.last(ServerHello)

    def login(
        self,
        nick: str = "",
        *,
        devices: Iterable[str] = (),
        quiet: bool = False,
        secret: bytes = b"",
        token: bytes = b"",
        spoil: bool = False,
    ) -> None:
        """Log in after the server's hello; as a guest without a key."""
        server = self.last(ServerHello)
        names = [DeviceId(name) for name in devices]
        key = signature = proof = b""
        if self.key is not None:
            key = self.key.public
            transcript = auth.login_transcript(
                server.version, self.nonce, server.nonce, server.key, nick, names
            )
            signature = self.key.sign(transcript + b"!" * spoil)
            if secret:
                proof = auth.invitation_proof(secret, self.nonce, server.nonce, key)
        self.give(Login(nick, key, signature, proof, names, quiet, token))

    def join(self, room: str, *, create: bool = False) -> int:
        self.rid += 1
        self.give(Join(self.rid, room, create))
        return self.rid

    def say(self, body: str, room: str = GENERAL, *, n: int = 0, kind: str = "", grid: str = "") -> int:
        """Send a message under the next number, or under `n`."""
        self.n = n or self.n + 1
        self.give(Send(RoomId(room), DeviceId(self.dev), self.n, body, kind, grid))
        return self.n

    def leave(self, *, clean: bool = False) -> None:
        """Hang up."""
        self.wire.close()
        self.stage.rooms_open[self.id].clear()
        self.stage.feed(Left(self.id, clean))

    # --- what it was sent ---------------------------------------------------------------------------
    def all(self, kind: type[_F]) -> list[_F]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    def last(self, kind: type[_F]) -> _F:
        return self.all(kind)[-1]

    def take(self) -> list[AnyFrame]:
        """What came since the last call."""
        frames, self.frames = self.frames, []
        return frames

    @property
    def error(self) -> str:
        """The code of the newest error."""
        return self.last(Failed).code

    def lines(self, room: str = GENERAL) -> list[Line]:
        return [line for line in self.all(Line) if line.room == room]

    def bodies(self, room: str = GENERAL) -> list[str]:
        return [line.body for line in self.lines(room)]

    def presence(self) -> list[tuple[str, list[str]]]:
        """What it was told of people: events and nicks."""
        return [(str(event.event), [person.nick for person in event.people]) for event in self.all(Presence)]


class Stage:
    """The hub's world, as it is some time after the server's start.

    Attributes:
        disk: Stored lines of each room, in order.
        journal: The same of all rooms, as recovery would read them.
        waiting: Drafts that are not stored yet; they are at once unless `slow`.
    """

    def __init__(self, settings: HubSettings | None = None, *, start: bool = True) -> None:
        self.settings = settings or HubSettings()
        self.epoch = Epoch("e1")
        self.now, self.at = 1000.0, 1_700_000_000_000
        self.slow = False
        self.disk: dict[RoomId, list[bytes]] = {}
        self.journal: list[tuple[RoomId, MessageId, bytes]] = []
        self.files: dict[str, bytes] = {}
        self.waiting: list[Draft] = []
        self.actors: dict[LinkId, Actor] = {}
        self.effects: list[Effect] = []
        self.wake_at: float | None = None
        self._links = 0
        self.rooms_open: dict[LinkId, set[RoomId]] = {}
        self.hub = Hub(IDENTITY, self.settings, self.epoch)
        if start:
            self.feed(Started())
            self.pass_time(limits.GATHER_RETURNS_S)

    # --- people ---------------------------------------------------------------------------------------
    def arrive(
        self,
        name: str | None = None,
        *,
        host: str = "127.0.0.1",
        local: bool = True,
        tls: bool = False,
        port: int = 0,
        foreign: bool = False,
    ) -> Actor:
        """Open a link, for the owner of a key or for nobody."""
        self._links += 1
        link = LinkId(self._links)
        chance = random.Random(self._links)
        actor = Actor(self, link, Key(name) if name else None, chance.randbytes(32))
        self.actors[link] = actor
        self.rooms_open[link] = set()
        seed = chance.randbytes(64)
        self.feed(Arrived(link, host, port or 4000 + self._links, seed, local, tls, foreign))
        return actor

    def enter(
        self, name: str, *rooms: str, nick: str | None = None, quiet: bool = False, dev: str = "d1"
    ) -> Actor:
        """Log somebody in, as a member of these rooms, ready to speak."""
        actor = self.arrive(name)
        actor.dev = dev
        actor.hello()
        actor.login(name if nick is None else nick, devices=[dev], quiet=quiet)
        actor.n = actor.last(Welcome).devices[dev]
        for room in rooms:
            actor.join(room)
            assert actor.last(Joined).room.id == room
        return actor

    # --- the world -------------------------------------------------------------------------------------
    def feed(self, input_: Input) -> list[Effect]:
        """Give the hub an input, carry out its effects, and, unless the disk is slow, store at once."""
        effects = self.hub.handle(input_, self.now, self.at)
        self.effects += effects
        for effect in effects:
            self._perform(effect)
        if self.waiting and not self.slow:
            self.store()
        return effects

    def store(self, count: int | None = None) -> None:
        """Let the disk finish the oldest drafts."""
        drafts = self.waiting[:count]
        del self.waiting[: len(drafts)]
        runs = groupby(drafts, attrgetter("room"))
        self.feed(Stored([self._write(room, list(of_room)) for room, of_room in runs]))

    def store_foreign(self, line: AnyAccountLine) -> None:
        """Let a line appear in the account log that this hub did not ask for."""
        self.feed(Stored([self._write(ACCOUNTS, [Draft(ACCOUNTS, encode_rest(self.at, line))])]))

    def refuse(self, reason: str = "disk-full") -> None:
        """Let the disk refuse all drafts."""
        drafts, self.waiting = self.waiting, []
        self.feed(Refused(drafts, reason))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, waking the hub when it asked for it."""
        until = self.now + seconds
        while self.wake_at is not None and self.wake_at <= until:
            self._set_time(self.wake_at)
            self.wake_at = None
            self.feed(Woke())
        self._set_time(until)

    def flush(self) -> None:
        """Write projections, as the log does."""
        projections = self.hub.take_projections()
        self.files |= projections.replaced
        for name, data in projections.appended.items():
            self.files[name] = self.files.get(name, b"") + data
        self.journal.clear()

    def restart(self) -> None:
        """Kill the server, and start it on what was flushed and what the journal holds."""
        accounts = Accounts.from_json(self.files.get(USERS_FILE, b""))
        self.hub = Hub(IDENTITY, self.settings, self.epoch, accounts, self.files.get(DEVICES_FILE, b""))
        lasts = {room: MessageId(len(lines)) for room, lines in self.disk.items() if room != "@"}
        self.hub.restore(self.journal, lasts)
        self.waiting.clear()
        self.actors.clear()
        self.rooms_open.clear()
        self.wake_at = None
        self.feed(Started())

    def reports(self) -> list[Report]:
        return [effect for effect in self.effects if isinstance(effect, Report)]

    def _set_time(self, now: float) -> None:
        self.at += round((now - self.now) * 1000)
        self.now = now

    def _write(self, room: RoomId, drafts: list[Draft]) -> StoredRun:
        lines = self.disk.setdefault(room, [])
        first = MessageId(len(lines) + 1)
        run = [b'{"id":%d,%b' % (number, draft.rest) for number, draft in enumerate(drafts, first)]
        lines += run
        self.journal += [(room, MessageId(number), line) for number, line in enumerate(run, first)]
        return StoredRun(room, first, run, [draft.ref for draft in drafts])

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Append(drafts):
                self.waiting += drafts
            case Deliver(link, frame):
                self.actors[link].hear(frame)
            case DeliverLine(link, line):
                self.actors[link].hear(decode_line(line), line)
            case BroadcastLines(room, _first, lines):
                for line in lines:
                    self._broadcast(room, decode_line(line), line)
            case Broadcast(room, frame):
                self._broadcast(room, frame)
            case Subscribe(link, room):
                assert room not in self.rooms_open[link]
                self.rooms_open[link].add(room)
            case Unsubscribe(link, room):
                self.rooms_open[link].remove(room)
            case Close(link):
                self.actors[link].closed = True
                self.actors[link].wire.close()
                self.rooms_open[link].clear()
            case Hold(link, until):
                self.actors[link].held_until = until
            case WakeAt(at):
                self.wake_at = at
            case FetchPage() | Report():
                pass

    def _broadcast(self, room: RoomId, frame: AnyFrame, line: bytes | None = None) -> None:
        for link, rooms in self.rooms_open.items():
            if room in rooms:
                assert self.actors[link].wire.state is State.ONLINE
                self.actors[link].hear(frame, line)
