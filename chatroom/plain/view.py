"""What the line client knows of rooms: which ones, where one is, and how far each was shown."""

from dataclasses import dataclass, field

from chatroom.common.inert import one_line
from chatroom.common.names import room_key
from chatroom.protocol.frames import Line, Person, RoomInfo
from chatroom.protocol.ids import RoomId, UserId


@dataclass(slots=True)
class View:
    """Where one is.

    Attributes:
        me: One's id: it tells who the other one of two is.
        closed: Why nothing can be said in the current room; empty where it can.
        leaving: Rooms that one has asked to leave.
        shown: The newest line of each room that was printed.
        told: The newest line of each room that came live or was made up for.
    """

    me: UserId
    rooms: dict[RoomId, RoomInfo] = field(default_factory=dict)
    current: RoomId | None = None
    closed: str = ""
    leaving: set[RoomId] = field(default_factory=set)
    shown: dict[RoomId, int] = field(default_factory=dict)
    told: dict[RoomId, int] = field(default_factory=dict)

    def title(self, room: RoomId) -> str:
        """A room as people call it: `#general`, or `@bob` for a conversation with him."""
        info = self.rooms.get(room)
        if info is None:
            return f"#{one_line(room)}"
        other = self.other(info)
        return f"@{one_line(other.nick)}" if other is not None else f"#{one_line(info.name)}"

    def other(self, room: RoomInfo) -> Person | None:
        """Whom a direct conversation is with; None for other rooms."""
        people = [person for person in room.direct if person.user != self.me]
        return next(iter(people or room.direct), None)

    def room_named(self, name: str) -> RoomId | None:
        """The id of a room by its name; the current one for an empty name."""
        return RoomId(room_key(name)) if name else self.current

    def is_told(self, line: Line) -> bool:
        """Whether a line came before; from now on it has."""
        if line.id <= self.told.get(line.room, 0):
            return True
        self.told[line.room] = line.id
        return False

    def is_shown(self, line: Line) -> bool:
        """Whether a line was printed before; from now on it is."""
        if line.id <= self.shown.get(line.room, 0):
            return True
        self.shown[line.room] = line.id
        return False

    def forget_lines(self) -> None:
        """The server has another past: numbers mean other lines than before."""
        self.shown.clear()
        self.told.clear()
