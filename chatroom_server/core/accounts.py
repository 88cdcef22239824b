"""Who is known, and who is in which room: a pure fold over the lines of the account log.

Nothing here changes but by lines that are stored. So a server that applies the newest lines over an older
`users.json` comes to the same accounts. Lines that a `users.json` has seen are known by their number.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from chatroom.common.names import nick_key
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.core import limits

FORMAT: Final = 1


class AccountsError(ValueError):
    """The text is no `users.json` that this version can read."""


class AccountLine(msgspec.Struct, frozen=True, tag_field="kind", omit_defaults=True):
    """What all lines of the account log have; `at` is when they came about (ms, UTC)."""

    id: int = 0
    at: int = 0


class UserLine(AccountLine, frozen=True, tag="user"):
    """A key was seen for the first time."""

    user: UserId = UserId("")
    key: bytes = b""
    nick: str = ""
    color: str = ""


class NickLine(AccountLine, frozen=True, tag="nick"):
    """A user took a nick."""

    user: UserId = UserId("")
    nick: str = ""


class RoomLine(AccountLine, frozen=True, tag="room"):
    """A room was created; with `direct`, the conversation of these two, with the nicks of the guests."""

    room: RoomId = RoomId("")
    name: str = ""
    user: UserId = UserId("")
    direct: tuple[UserId, UserId] | None = None
    guests: dict[UserId, str] = {}


class MemberLine(AccountLine, frozen=True, tag="member"):
    """A user became a member of a room, or is none any more."""

    user: UserId = UserId("")
    room: RoomId = RoomId("")
    member: bool = True


AnyAccountLine = UserLine | NickLine | RoomLine | MemberLine

_LINES: Final = msgspec.json.Decoder(AnyAccountLine)
_ENCODER: Final = msgspec.json.Encoder()


def encode_rest(at: int, line: AnyAccountLine) -> bytes:
    """A line of the account log without its number, from `"at"` on."""
    return b'"at":%d,%b' % (at, _ENCODER.encode(line)[1:])


@dataclass(slots=True, eq=False)
class User:
    """Somebody who has, or with `guest` has not, a key.

    Attributes:
        nicks: Those that are the user's own, the present one last.
        since: When the server first saw the user (ms, UTC).
        rooms: The rooms that the user is a member of, in the order of joining.
    """

    id: UserId
    key: bytes
    color: str
    since: int
    nicks: list[str]
    rooms: dict[RoomId, None] = field(default_factory=dict)
    guest: bool = False

    @property
    def nick(self) -> str:
        """The present one."""
        return self.nicks[-1]


@dataclass(slots=True, eq=False)
class Room:
    """A room, or the direct conversation of two.

    Attributes:
        name: As its creator wrote it.
        guests: The guests among the two of a conversation, as they were called when it began.
        last: The number of its newest stored line.
        members: Without guests, whose membership ends with them.
    """

    id: RoomId
    name: str
    creator: UserId
    since: int
    direct: tuple[UserId, UserId] | None = None
    guests: dict[UserId, str] = field(default_factory=dict)
    topic: str = ""
    members: dict[UserId, None] = field(default_factory=dict)
    last: int = 0


class Accounts:
    """All users and rooms.

    Attributes:
        users: By id.
        nicks: Whose a nick is, by `nick_key`.
        rooms: By id.
        named_rooms: How many rooms there are, direct conversations not counted.
        guest_rooms: How many conversations with a guest there are.
        lost: Rooms that the log has lines of and that are none here, with their last number.
        created: How many rooms, and how many direct conversations, a user has created.
        last: The number of the newest line that was applied.
        changed: Whether anything did since `to_json` was called last.
    """

    def __init__(self) -> None:
        self.users: dict[UserId, User] = {}
        self.nicks: dict[str, UserId] = {}
        self.rooms: dict[RoomId, Room] = {}
        self.created: dict[tuple[UserId, bool], int] = {}
        self.lost: dict[RoomId, int] = {}
        self.named_rooms = 0
        self.guest_rooms = 0
        self.last = 0
        self.changed = False
        self._written: dict[str, bytes] = {}

    def apply(self, line: bytes) -> bool:
        """Take in a stored line of the account log.

        Returns:
            Whether it changed anything: not when it was applied before, or is of a newer version's kind.
        """
        try:
            record = _LINES.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if record.id <= self.last:
            return False
        self.last = record.id
        self.changed = True
        return self._fold(record)

    def set_topic(self, room: RoomId, topic: str) -> None:
        """Take in a stored topic."""
        known = self.rooms.get(room)
        if known is not None and known.topic != topic:
            known.topic = topic
            self.changed = True
            self._written.pop(room, None)

    def note_last(self, id_: RoomId, last: int) -> None:
        """Take in the number of a room's newest stored line, for the time when it is a room if it is none."""
        room = self.rooms.get(id_)
        if room is not None:
            room.last = last
        else:
            self.lost[id_] = last

    def drop_guest_rooms(self, is_needed: Callable[[Room], bool]) -> None:
        """Let go of conversations with a guest that have no member with a key: nobody can come back to them.

        No line says so: a server that finds them again in older lines drops them again at its start.
        """
        rooms = [room for room in self.rooms.values() if room.guests and not room.members]
        for room in rooms:
            if is_needed(room):
                continue
            del self.rooms[room.id]
            self._written.pop(room.id, None)
            self._count(room, -1)
            self.changed = True
            if room.last:
                self.lost[room.id] = room.last

    def owner(self, nick: str) -> UserId | None:
        """Whose the nick is."""
        return self.nicks.get(nick_key(nick))

    def _fold(self, line: AnyAccountLine) -> bool:
        match line:
            case UserLine():
                return self._add_user(
                    User(line.user, line.key, line.color, line.at, [line.nick] if line.nick else [])
                )
            case NickLine():
                return self._take_nick(line.user, line.nick)
            case RoomLine():
                return self._add_room(
                    Room(line.room, line.name, line.user, line.at, line.direct, line.guests)
                )
            case MemberLine():
                return self._set_member(line.user, line.room, is_member=line.member)

    def _add_user(self, user: User) -> bool:
        keys = [nick_key(nick) for nick in user.nicks]
        if user.id in self.users or not keys or any(key in self.nicks for key in keys):
            return False
        self.users[user.id] = user
        self.nicks |= dict.fromkeys(keys, user.id)
        return True

    def _take_nick(self, id_: UserId, nick: str) -> bool:
        user = self.users.get(id_)
        key = nick_key(nick)
        if user is None or user.nick == nick or self.nicks.get(key, id_) != id_:
            return False
        self._written.pop(id_, None)
        user.nicks = [*(old for old in user.nicks if nick_key(old) != key), nick]
        self.nicks[key] = id_
        while len(user.nicks) > limits.NICKS_KEPT:
            del self.nicks[nick_key(user.nicks.pop(0))]
        return True

    def _add_room(self, room: Room) -> bool:
        if room.id in self.rooms:
            return False
        self.rooms[room.id] = room
        room.last = self.lost.pop(room.id, room.last)
        self._count(room, 1)
        return True

    def _count(self, room: Room, change: int) -> None:
        self.named_rooms += change * (room.direct is None)
        self.guest_rooms += change * bool(room.guests)
        owner = room.creator, room.direct is not None
        self.created[owner] = self.created.get(owner, 0) + change
        if not self.created[owner]:
            del self.created[owner]

    def _set_member(self, id_: UserId, room_id: RoomId, *, is_member: bool) -> bool:
        user, room = self.users.get(id_), self.rooms.get(room_id)
        if user is None or room is None or (room_id in user.rooms) == is_member:
            return False
        self._written.pop(id_, None)
        if is_member:
            user.rooms[room_id] = None
            room.members[id_] = None
        else:
            del user.rooms[room_id]
            del room.members[id_]
        return True

    def to_json(self) -> bytes:
        """`users.json`: one user and one room a line, for people to read and for `from_json`."""
        self.changed = False
        users = (self._written.get(user.id) or self._write_user(user) for user in self.users.values())
        rooms = (self._written.get(room.id) or self._write_room(room) for room in self.rooms.values())
        head = b'{"format":%d,"last":%d,\n' % (FORMAT, self.last)
        return b'%b"users":[%b],\n"rooms":[%b]}\n' % (head, _a_line_each(users), _a_line_each(rooms))

    def _write_user(self, user: User) -> bytes:
        """Make a user's line, and keep it: most have not changed when the file is written again."""
        stored = _StoredUser(user.id, user.key, user.nicks, user.color, user.since, list(user.rooms))
        line = self._written[user.id] = _ENCODER.encode(stored)
        return line

    def _write_room(self, room: Room) -> bytes:
        stored = _StoredRoom(
            room.id, room.name, room.creator, room.since, room.direct, room.topic, room.guests
        )
        line = self._written[room.id] = _ENCODER.encode(stored)
        return line

    @classmethod
    def from_json(cls, data: bytes) -> "Accounts":
        """Read what `to_json` wrote; nothing at all is a server without accounts.

        Raises:
            AccountsError: It is something else.
        """
        accounts = cls()
        if not data:
            return accounts
        try:
            stored = _decode_stored(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AccountsError(f"users.json cannot be read: {error}") from error
        if stored.format != FORMAT:
            raise AccountsError(
                f"users.json has format {stored.format}, and this version of chatroom-server reads {FORMAT}"
            )
        accounts._load(stored)
        return accounts

    def _load(self, stored: "_StoredAccounts") -> None:
        self.last = stored.last
        for room in stored.rooms:
            self._add_room(
                Room(room.room, room.name, room.creator, room.since, room.direct, room.guests, room.topic)
            )
        for user in stored.users:
            self._add_user(User(user.user, user.key, user.color, user.since, user.nicks))
            for room_id in user.rooms:
                self._set_member(user.user, room_id, is_member=True)


class _StoredUser(msgspec.Struct, frozen=True, omit_defaults=True):
    user: UserId
    key: bytes
    nicks: list[str]
    color: str
    since: int
    rooms: list[RoomId] = []


class _StoredRoom(msgspec.Struct, frozen=True, omit_defaults=True):
    room: RoomId
    name: str
    creator: UserId
    since: int
    direct: tuple[UserId, UserId] | None = None
    topic: str = ""
    guests: dict[UserId, str] = {}


class _StoredAccounts(msgspec.Struct, frozen=True):
    format: int
    last: int = 0
    users: list[_StoredUser] = []
    rooms: list[_StoredRoom] = []


_decode_stored: Final = msgspec.json.Decoder(_StoredAccounts).decode


def _a_line_each(records: Iterable[bytes]) -> bytes:
    return b"\n%b\n" % b",\n".join(records)
