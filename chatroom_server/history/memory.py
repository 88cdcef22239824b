"""A log that keeps its lines in memory only, for tests and simulators."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import ACCOUNTS, Draft, Page, StoredRun


class MemoryLog:
    """A `Log` without a disk.

    Args:
        on_outcome: Called for each round, in order, never from inside `append`.
        later: Runs a function soon, such as a loop's `call_soon` or the queue of a simulator.
    """

    def __init__(
        self,
        on_outcome: Callable[[Stored | Refused], None],
        later: Callable[[Callable[[], None]], object],
        *,
        epoch: str = "memory",
    ) -> None:
        self.refusal = ""
        """While this is a word, drafts are refused with it."""
        self.projections: dict[str, bytes] = {}
        """What was flushed."""
        self.lines: dict[RoomId, list[bytes]] = {}
        self._epoch = Epoch(epoch)
        self._on_outcome = on_outcome
        self._later = later
        self._waiting: list[Draft] = []

    @property
    def epoch(self) -> Epoch:
        """The word that changes when the past was replaced."""
        return self._epoch

    @property
    def is_busy(self) -> bool:
        """Drafts are on their way to the disk."""
        return bool(self._waiting)

    def append(self, drafts: Sequence[Draft]) -> None:
        """Take lines to store; their outcome comes later."""
        if drafts and not self._waiting:
            self._later(self._store)
        self._waiting += drafts

    def last_id(self, room: RoomId) -> MessageId:
        """The number of the room's last stored line, 0 for none."""
        return MessageId(len(self.lines.get(room, ())))

    def rooms(self) -> Mapping[RoomId, MessageId]:
        """The last stored number of each room that has lines; the account log is no room."""
        return {room: MessageId(len(lines)) for room, lines in self.lines.items() if room != ACCOUNTS}

    async def page(
        self, room: RoomId, *, after: MessageId | None, before: MessageId | None, limit: int, max_bytes: int
    ) -> Page:
        """Read stored lines of a room, see `Log.page`."""
        lines = [] if room == ACCOUNTS else self.lines.get(room, [])
        if after is not None:
            start = max(after, 0)
            taken = _within(lines[start : start + max(limit, 0)], max_bytes)
        else:
            end = len(lines) if before is None else max(0, min(before - 1, len(lines)))
            taken = _within(lines[max(0, end - max(limit, 0)) : end][::-1], max_bytes)[::-1]
            start = end - len(taken)
        if not taken:
            return Page(MessageId(0), MessageId(0), [])
        return Page(MessageId(start + 1), MessageId(start + len(taken)), taken)

    async def flush(self, replaced: Mapping[str, bytes], appended: Mapping[str, bytes]) -> None:
        """Keep projections."""
        self.projections |= replaced
        for name, content in appended.items():
            self.projections[name] = self.projections.get(name, b"") + content

    async def drain(self) -> None:
        """Take no more drafts; those that were given have their outcome when this returns."""
        self.refusal, refusal = "stopping", self.refusal
        if self._waiting:
            self._store(refusal)

    async def close(self) -> None:
        """Nothing is held."""
        await self.drain()

    def _store(self, refusal: str | None = None) -> None:
        drafts, self._waiting = self._waiting, []
        reason = self.refusal if refusal is None else refusal
        if not drafts:
            return
        if reason:
            self._on_outcome(Refused(drafts, reason))
        else:
            runs = groupby(drafts, attrgetter("room"))
            self._on_outcome(Stored([self._keep(room, list(of_room)) for room, of_room in runs]))

    def _keep(self, room: RoomId, drafts: list[Draft]) -> StoredRun:
        lines = self.lines.setdefault(room, [])
        first = MessageId(len(lines) + 1)
        run = [b'{"id":%d,%b' % (number, draft.rest) for number, draft in enumerate(drafts, first)]
        lines += run
        return StoredRun(room, first, run, [draft.ref for draft in drafts])


def _within(lines: list[bytes], max_bytes: int) -> list[bytes]:
    """As many lines from the start as fit, one at least."""
    size = 0
    for index, line in enumerate(lines):
        size += len(line)
        if size > max_bytes and index:
            return lines[:index]
    return lines
