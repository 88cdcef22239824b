"""What a room keeps for its links, and what fan-out knows of a link.

A room's *tail* holds the frames that were put into it and are still to be brought to somebody. A link that
is behind has a *cursor* in it.
"""

from abc import ABC, abstractmethod
from typing import Final, NamedTuple, Protocol

from chatroom.protocol.ids import RoomId

KIB: Final = 1024
WRITE_MAX: Final = 256 * KIB
"""Bytes of rooms in one write; what is longer comes in pieces, so that little waits beside the tails."""
TAIL_BYTES_MAX: Final = 1024 * KIB
"""Bytes that a room keeps for those who are behind."""


class Cursor(NamedTuple):
    """Where a link that is behind stands in a room.

    Attributes:
        position: Of the first frame that it has not been sent.
        after: The number of the last line in front of it.
    """

    position: int
    after: int


class Sink(Protocol):
    """A socket, as far as a round uses it."""

    def send(self, data: bytes, /) -> int:
        """Take bytes, and say how many; raises `OSError` when none are taken."""


class Outlet(ABC):
    """The part of a link that fan-out knows.

    Attributes:
        queue: Frames for this link alone, and what a round adds to them.
        queued: Their bytes.
        blocked: Its socket is full: nothing may be written.
        rooms: The tails of its rooms.
        behind: Where it stands in rooms that it has not been sent all of; None for nowhere.
        sink: Where a round may put bytes by itself; None where `write` has to be asked, or nothing may be
            written. Of what the sink does not take, `not_taken` hears.
    """

    __slots__ = ("behind", "blocked", "queue", "queued", "rooms", "sink")

    def __init__(self) -> None:
        self.queue: list[bytes] = []
        self.queued = 0
        self.blocked = False
        self.rooms: list[Tail] = []
        self.behind: dict[Tail, Cursor] | None = None
        self.sink: Sink | None = None

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Give bytes to the socket; sets `blocked` when it does not take them all. Never raises."""

    @abstractmethod
    def not_taken(self, data: bytes, sent: int, error: OSError | None = None) -> None:
        """The sink took so many of these bytes only. Never raises."""

    def broke(self) -> None:
        """A write raised all the same: write no more."""
        self.blocked = True


class Tail:
    """The newest frames of one room; a frame's position counts all that were ever put into it.

    Attributes:
        links: Those that have the room open.
        lagging: How many of them are behind.
        base: Position of the first frame that is kept.
        fresh: Position of the first frame that no round has seen.
        size: Bytes in the tail.
        kept: Bytes that were left in it by the last round.
        last_id: The number of the newest line.
    """

    __slots__ = (
        "_frames",
        "_ids",
        "_pieces",
        "base",
        "fresh",
        "kept",
        "lagging",
        "last_id",
        "links",
        "room",
        "size",
    )

    def __init__(self, room: RoomId, last_id: int) -> None:
        self.room = room
        self.links: dict[Outlet, None] = {}
        self.lagging = 0
        self.base = 0
        self.fresh = 0
        self.size = 0
        self.kept = 0
        self.last_id = last_id
        self._frames: list[bytes] = []
        self._ids: list[int] = []  # the number of the last line in front of each frame
        self._pieces: dict[int, tuple[bytes, int]] = {}

    @property
    def end(self) -> int:
        """The position behind the last frame."""
        return self.base + len(self._frames)

    def put(self, frame: bytes) -> None:
        """Add a frame that is no line."""
        self._frames.append(frame)
        self._ids.append(self.last_id)
        self.size += len(frame)
        self._pieces.clear()

    def put_lines(self, frames: list[bytes], first_id: int) -> None:
        """Add the frames of lines with consecutive numbers."""
        self._frames += frames
        self._ids += range(first_id - 1, first_id - 1 + len(frames))
        self.size += sum(map(len, frames))
        self._pieces.clear()
        self.last_id = first_id + len(frames) - 1

    def cursor(self, position: int) -> Cursor:
        """The cursor of a link that has been sent everything in front of a position that is kept."""
        index = position - self.base
        return Cursor(position, self._ids[index] if index < len(self._ids) else self.last_id)

    def piece(self, position: int) -> tuple[bytes, int]:
        """Frames from a position on, at most `WRITE_MAX` bytes or one frame, and the position behind them."""
        found = self._pieces.get(position)
        if found is None:
            found = self._pieces[position] = self._cut(position)
        return found

    def advance(self) -> None:
        """A round has seen all frames; what nobody is behind with, or too much of it, is let go."""
        self.fresh = self.base + len(self._frames)
        self._pieces.clear()
        if not self.lagging:
            self.base, self.size = self.fresh, 0
            self._frames.clear()
            self._ids.clear()
        elif self.size > TAIL_BYTES_MAX:
            self._trim(TAIL_BYTES_MAX // 2)

    def forget(self) -> None:
        """Let go of all frames that a round has seen."""
        if self._frames:
            self._drop(self.fresh - self.base)

    def _trim(self, allowed: int) -> None:
        size, count = self.size, 0
        while size > allowed:
            size -= len(self._frames[count])
            count += 1
        self._drop(count)

    def _drop(self, count: int) -> None:
        self.size -= sum(map(len, self._frames[:count]))
        del self._frames[:count], self._ids[:count]
        self.base += count

    def _cut(self, position: int) -> tuple[bytes, int]:
        start = end = position - self.base
        if not start and self.size <= WRITE_MAX:  # nearly always
            return b"".join(self._frames), self.base + len(self._frames)
        room = WRITE_MAX
        while end < len(self._frames) and (room >= len(self._frames[end]) or end == start):
            room -= len(self._frames[end])
            end += 1
        pieces = self._frames[start:end]
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), self.base + end
