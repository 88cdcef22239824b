"""What a fake server knows: users, rooms, lines and numbers. No sockets."""

from dataclasses import dataclass, field

import msgspec

from chatroom.common.names import nick_key, room_key
from chatroom.protocol import auth
from chatroom.protocol.frames import Line, Person, PersonState, RoomInfo, Send
from chatroom.protocol.ids import RoomId, UserId

NOW_MS = 1_763_705_123_456
"""When everything happens, unless a test moves it."""


@dataclass(slots=True)
class FakeUser:
    """Somebody the server knows."""

    user: UserId
    nick: str
    color: str = "#e06c75"
    state: PersonState = PersonState.ONLINE

    def person(self) -> Person:
        """As others see this user."""
        return Person(self.user, self.nick, self.color, self.state)


@dataclass(slots=True)
class FakeRoom:
    """A room and its lines, encoded as they are stored."""

    id: RoomId
    name: str
    topic: str = ""
    lines: list[bytes] = field(default_factory=list)
    members: set[UserId] = field(default_factory=set)
    direct: list[UserId] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """The state of a fake server; a test may read and change all of it."""

    users: dict[UserId, FakeUser] = field(default_factory=dict)
    rooms: dict[RoomId, FakeRoom] = field(default_factory=dict)
    stored: dict[tuple[UserId, str, int], tuple[Send, int]] = field(default_factory=dict)
    epoch: str = "epoch1"
    at: int = NOW_MS

    def __post_init__(self) -> None:
        self.add_room("general")

    def add_room(self, name: str) -> FakeRoom:
        """The room with this name, made if need be."""
        return self.rooms.setdefault(RoomId(room_key(name)), FakeRoom(RoomId(room_key(name)), name))

    def add_user(self, nick: str) -> FakeUser:
        """Somebody who is nobody's client."""
        user = UserId(auth.user_id(nick.encode()))
        return self.users.setdefault(user, FakeUser(user, nick))

    def named(self, nick: str) -> FakeUser | None:
        """The user with this nick."""
        return next((u for u in self.users.values() if nick_key(u.nick) == nick_key(nick)), None)

    def direct(self, one: FakeUser, other: FakeUser) -> FakeRoom:
        """The conversation of two."""
        id_ = RoomId(auth.direct_room(one.user, other.user))
        room = self.rooms.setdefault(id_, FakeRoom(id_, "", direct=[one.user, other.user]))
        room.members |= {one.user, other.user}
        return room

    def info(self, room: FakeRoom) -> RoomInfo:
        """A room as lists show it."""
        people = [self.users[user].person() for user in room.direct]
        return RoomInfo(room.id, room.name, len(room.lines), len(room.members), room.topic, people)

    def people(self, room: FakeRoom) -> list[Person]:
        """The members of a room."""
        return [self.users[user].person() for user in sorted(room.members)]

    def last_number(self, user: UserId, dev: str) -> int:
        """The last number stored of a device."""
        return max((n for u, d, n in self.stored if (u, d) == (user, dev)), default=0)

    def store(self, author: FakeUser, sent: Send) -> bytes:
        """Give a message its line."""
        room = self.rooms[sent.room]
        line = Line(
            len(room.lines) + 1,
            self.at,
            sent.room,
            author.user,
            author.nick,
            author.color,
            sent.dev,
            sent.n,
            sent.kind,
            sent.body,
            sent.grid,
            target=sent.target,
        )
        encoded = msgspec.json.encode(line)
        room.lines.append(encoded)
        self.stored[author.user, sent.dev, sent.n] = (sent, line.id)
        if sent.kind == "topic":
            room.topic = sent.body
        return encoded
