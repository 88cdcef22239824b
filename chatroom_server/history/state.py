"""What the event loop remembers of each room of the embedded log."""

from dataclasses import dataclass, field

from chatroom_server.history.checkpoint import RoomFile
from chatroom_server.history.rooms import Segment


@dataclass(slots=True)
class RoomState:
    """A room, from the journal's side and from that of its files.

    Attributes:
        word: Its name as the journal writes it, with the space behind.
        stored: The last number that was yielded.
        assigned: The last number that was given.
        filed: How far its files hold lines.
        tail: The lines behind what is durable in the files.
        durable: The number in front of the tail.
        sealed: The first line behind its sealed segments, and these, once somebody asked.
    """

    word: bytes
    stored: int = 0
    assigned: int = 0
    filed: RoomFile | None = None
    tail: list[bytes] = field(default_factory=list)
    durable: int = 0
    sealed: tuple[int, list[Segment]] = (1, [])

    def unfiled(self) -> list[bytes]:
        """The lines that its files lack."""
        return self.tail[self._count_filed() :]

    def is_unfiled(self) -> bool:
        """Whether there are such lines."""
        return len(self.tail) > self._count_filed()

    def _count_filed(self) -> int:
        """How many lines of the tail are in its files."""
        return (self.filed.last if self.filed else 0) - self.durable
