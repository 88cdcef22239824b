"""The sizes that an operator or a test may choose for the embedded log."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Sizes in bytes, unless the name says otherwise.

    Attributes:
        journal_segment: A longer segment of the journal gets no further batch.
        room_segment: A longer segment of a room is sealed.
        flush_due: Lines that wait for a flush, before the log asks for one.
        slow_at: Lines that wait for a flush, before those who send are slowed: more than what comes while one
            runs, and so few that not all of what is under way has to be refused.
        waiting_max: Lines that wait for a flush, before new ones are refused.
        unsynced_max: Lines in room files that are not durable, before they are made so.
        few_rooms: So many dirty rooms are made durable at every flush.
        read_threads: How many pages are read at once.
        own_names: What may lie in a data folder before the log is opened for the first time.
    """

    journal_segment: int = 8 * MIB
    room_segment: int = 4 * MIB
    flush_due: int = 16 * MIB
    slow_at: int = 28 * MIB
    waiting_max: int = 64 * MIB
    unsynced_max: int = 16 * MIB
    few_rooms: int = 16
    read_threads: int = 2
    own_names: frozenset[str] = frozenset(
        {"lost+found", ".DS_Store", "server.conf", "server.key", "server.log", "secret"}
    )
