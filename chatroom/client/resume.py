"""How far each room was told to the reader of events, so that a cut, a gap or another past is seen."""

from chatroom.client.events import LinesMissed
from chatroom.protocol.frames import Line, RoomInfo
from chatroom.protocol.ids import Epoch, MessageId, RoomId


class Progress:
    """The newest line that was told, or named as missed, of each room that this link brings."""

    def __init__(self) -> None:
        self._newest: dict[RoomId, int] = {}
        self._epoch: Epoch | None = None

    def newest(self, room: RoomId) -> MessageId | None:
        """The newest known line of a room; None where its lines do not come."""
        newest = self._newest.get(room)
        return None if newest is None else MessageId(newest)

    def enter(self, epoch: Epoch, rooms: list[RoomInfo]) -> bool:
        """Note the server's epoch: its past is the one told from now on.

        Returns:
            Whether it is another one than was told before.
        """
        was, self._epoch = self._epoch, epoch
        shrunk = any(room.last < self._newest.get(room.id, 0) for room in rooms)
        if replaced := shrunk or (was is not None and was != epoch):
            self._newest.clear()
        return replaced

    def opened(self, room: RoomId, last: int) -> LinesMissed | None:
        """The room's lines come from here on; what was missed since they did so before."""
        was = self._newest.get(room)
        self._newest[room] = last
        if was is None or last <= was:
            return None
        return LinesMissed(room, MessageId(was), MessageId(last))

    def closed(self, room: RoomId) -> None:
        """The room's lines come no more."""
        self._newest.pop(room, None)

    def arrived(self, line: Line) -> tuple[bool, LinesMissed | None]:
        """Take in a live line.

        Returns:
            Whether it is new, and what is missing in front of it.
        """
        newest = self._newest.get(line.room)
        if newest is None:
            return True, None
        if line.id <= newest:
            return False, None
        self._newest[line.room] = line.id
        if line.id == newest + 1:
            return True, None
        return True, LinesMissed(line.room, MessageId(newest), MessageId(line.id - 1))
