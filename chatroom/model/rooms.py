"""The rooms one is in, in the order of the side bar, with what is unread in each."""

from dataclasses import dataclass
from typing import Final

from chatroom.common.names import room_key, shown_nick
from chatroom.model.mentions import is_meant
from chatroom.protocol.frames import Line, LineKind, Person, RoomInfo
from chatroom.protocol.ids import RoomId, UserId

AMENDMENTS: Final = frozenset({LineKind.EDIT, LineKind.DELETE, LineKind.REACT})
"""Kinds of lines that change another one: they are not unread by themselves."""

_REMEMBERED: Final = 1024
"""Lines behind the read marker of which a room knows what they are."""


@dataclass(frozen=True, slots=True)
class RoomView:
    """One room at one moment.

    Attributes:
        name: As people see it: for a conversation of two the other one's nick.
        direct: A conversation of two.
        last, read: The newest stored line, and the last one that was read.
        unread: Messages of others behind `read`; for lines that were never seen here, all count.
        mentions: How many of them mean oneself; in a conversation of two all do.
        current: The one on the screen.
    """

    id: RoomId
    name: str
    topic: str
    direct: bool
    last: int
    read: int
    unread: int
    mentions: int
    current: bool


class _Room:
    """What changes about a room."""

    def __init__(self, info: RoomInfo, read: int) -> None:
        self.info = info
        self.last = info.last
        self.read = min(read, info.last)
        self.not_counted: set[int] = set()
        self.meant: set[int] = set()

    def mark_read(self, line_id: int) -> None:
        self.read = max(self.read, min(line_id, self.last))
        self.not_counted = {at for at in self.not_counted if at > self.read}
        self.meant = {at for at in self.meant if at > self.read}

    def learn(self, ids: set[int], line_id: int) -> None:
        if len(ids) < _REMEMBERED:
            ids.add(line_id)

    @property
    def unread(self) -> int:
        return max(0, self.last - self.read - len(self.not_counted))


class Rooms:
    """Every room one is in; rooms first, conversations of two behind them, each in the order of opening."""

    def __init__(self, me: UserId, nick: str) -> None:
        self.me = me
        self.nick = nick
        self._rooms: dict[RoomId, _Room] = {}
        self._current: RoomId | None = None

    def __contains__(self, room: RoomId) -> bool:
        return room in self._rooms

    @property
    def current(self) -> RoomId | None:
        """The room on the screen."""
        return self._current

    @current.setter
    def current(self, room: RoomId | None) -> None:
        if room is None or room in self._rooms:
            self._current = room

    def open(self, info: RoomInfo, read: int | None = None) -> None:
        """One is in a room, or hears anew how it is.

        Args:
            read: The read marker that was kept; None leaves a known room's, and takes a new room as read.
        """
        known = self._rooms.get(info.id)
        if known is None:
            self._rooms[info.id] = _Room(info, info.last if read is None else read)
            return
        known.info = info
        known.last = max(known.last, info.last)
        if read is not None:
            known.mark_read(read)

    def close(self, room: RoomId) -> None:
        """One is not in a room any more; where it was on the screen, the one before it is now."""
        if room == self._current:
            order = self._order()
            at = order.index(room)
            self._current = next(iter(order[at - 1 : at] or order[at + 1 :]), None)
        self._rooms.pop(room, None)

    def arrived(self, line: Line) -> bool:
        """A stored line of a room, live or out of a page.

        Returns:
            Whether it is new and means oneself: the bell may ring.
        """
        room = self._rooms.get(line.room)
        if room is None or line.id <= room.read:
            return False
        new = line.id > room.last
        room.last = max(room.last, line.id)
        if new and line.kind == LineKind.TOPIC:
            room.info = _with_topic(room.info, line.body)
        if line.user == self.me or line.kind in AMENDMENTS:
            room.learn(room.not_counted, line.id)
            return False
        if not room.info.direct and not is_meant(line.body, self.nick):
            return False
        room.learn(room.meant, line.id)
        return new

    def extend_to(self, room: RoomId, last: int) -> None:
        """Lines came that were not seen here: all of them are unread."""
        if found := self._rooms.get(room):
            found.last = max(found.last, last)

    def reset(self, room: RoomId, last: int) -> None:
        """The log has another past, and ends there now."""
        if found := self._rooms.get(room):
            found.last = last
            found.read = min(found.read, last)
            found.not_counted.clear()
            found.meant.clear()

    def mark_read(self, room: RoomId, line_id: int) -> bool:
        """Everything up to a line was read; False when it was before."""
        found = self._rooms.get(room)
        if found is None or line_id <= found.read:
            return False
        found.mark_read(line_id)
        return True

    def view(self, room: RoomId) -> RoomView | None:
        """One room as it is now."""
        found = self._rooms.get(room)
        return self._view(room, found) if found else None

    def views(self) -> tuple[RoomView, ...]:
        """All rooms as they are now, in the order of the side bar."""
        return tuple(self._view(room, self._rooms[room]) for room in self._order())

    def by_name(self, name: str) -> RoomId | None:
        """The room, or the conversation, that people see under a name; a guest's may leave its `~` out."""
        views = {room_key(view.name): view.id for view in reversed(self.views())}
        key = room_key(name)
        found = views.get(key) or views.get(f"~{key}")
        return found or next((room for room in views.values() if room == key), None)

    def next(self, step: int = 1) -> RoomId | None:
        """The room so many steps below the current one, around the ends."""
        order = self._order()
        if not order:
            return None
        if self._current is None:
            return order[0]
        return order[(order.index(self._current) + step) % len(order)]

    def _order(self) -> list[RoomId]:
        rooms = [room for room, found in self._rooms.items() if not found.info.direct]
        return rooms + [room for room, found in self._rooms.items() if found.info.direct]

    def _view(self, room: RoomId, found: _Room) -> RoomView:
        info = found.info
        return RoomView(
            id=room,
            name=_name(info, self.me),
            topic=info.topic,
            direct=bool(info.direct),
            last=found.last,
            read=found.read,
            unread=found.unread,
            mentions=found.unread if info.direct else len(found.meant),
            current=room == self._current,
        )


def _name(info: RoomInfo, me: UserId) -> str:
    others = [person for person in info.direct if person.user != me]
    return shown_nick(others[0].nick, guest=others[0].guest) if others else info.name


def _with_topic(info: RoomInfo, topic: str) -> RoomInfo:
    people: list[Person] = list(info.direct)
    return RoomInfo(info.id, info.name, info.last, info.members, topic, people)
