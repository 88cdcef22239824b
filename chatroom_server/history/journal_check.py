"""Checking the journal: its batches and lines, their numbers, and that the rooms' files hold the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.ports import ACCOUNTS
from chatroom_server.history import rooms
from chatroom_server.history.checkpoint import Checkpoint, RoomFile
from chatroom_server.history.files import Files
from chatroom_server.history.findings import Finding, Report
from chatroom_server.history.pages import Budget, read_forward
from chatroom_server.history.reading import JournalReader, OpenSegment, whole_end
from chatroom_server.history.records import Damage, Entry, Scan
from chatroom_server.history.rooms import Segment

_ALL = 1 << 62
_BESIDE = 1024
"""So many lines of a room are compared at once."""


@dataclass(slots=True)
class _Torn:
    """The end of a segment that is a torn tail unless batches follow in a later one."""

    segment: OpenSegment
    damage: Damage
    entries: list[Entry]


@dataclass(slots=True)
class JournalCheck:
    """Checks the journal of one folder, a segment at a time.

    Attributes:
        segments_of: The sealed segments of a room and the one that is written; told once for each segment.
        take: Told of each line that only the journal holds, and of its place.
        lasts: The number of each room's last line, once all was checked.
        waiting: Lines that only the journal holds.
    """

    files: Files
    folder: Path
    current: Checkpoint
    segments_of: Callable[[RoomFile], Sequence[Segment]]
    take: Callable[[Entry, str], Iterator[Report]]
    lasts: dict[RoomId, int] = field(default_factory=dict)
    waiting: int = 0
    _batch: int = 0
    _torn: list[_Torn] = field(default_factory=list)
    _ends: dict[int, int] = field(default_factory=dict)

    def run(self) -> Iterator[Report]:
        """Yield what is found."""
        with JournalReader(self.files, self.folder, self.current) as reader:
            start = reader.start
            if start.offset and not any(each.number == start.segment for each in reader.segments):
                yield Report(Finding.JOURNAL_MISSING, f"journal/{start.segment:010d}.journal")
            for segment in reader.segments:
                part = reader.scan(segment, segment.body)
                if segment.end > segment.size:
                    part.damages.append(Damage(segment.size, segment.end))
                yield from self._check_segment(segment, part)
        for torn in self._torn:
            yield _damaged(torn.segment, torn.damage, Finding.JOURNAL_TORN)
        yield from self._check_ends()

    # --- batches ------------------------------------------------------------------------------
    def _check_segment(self, segment: OpenSegment, part: Scan) -> Iterator[Report]:
        if part.batches:
            for torn in self._torn:
                yield _damaged(torn.segment, torn.damage, Finding.JOURNAL_DAMAGED)
                yield from self._check_lines(torn.segment, torn.entries)
            self._torn = []
            yield from self._check_batches(segment, part.batches)
        whole = whole_end(part)
        for damage in part.damages:
            if damage.start < whole:
                yield _damaged(segment, damage, Finding.JOURNAL_DAMAGED)
        self._ends[segment.number] = whole
        if whole < part.end:
            rest = [entry for entry in part.entries if entry.offset >= whole]
            self._torn.append(_Torn(segment, part.damages[-1], rest))
        yield from self._check_lines(segment, [entry for entry in part.entries if entry.offset < whole])

    def _check_batches(self, segment: OpenSegment, batches: Sequence[int]) -> Iterator[Report]:
        if not self._batch and segment.header is not None:
            self._batch = segment.header.batch - 1
        for number in batches:
            if self._batch and number != self._batch + 1:
                args: dict[str, object] = {"batch": number, "expected": self._batch + 1}
                yield Report(Finding.JOURNAL_GAP, _name(segment), args=args)
            self._batch = number

    def _check_ends(self) -> Iterator[Report]:
        """The checkpoint counts nothing that the journal does not hold."""
        start = min(self.current.filed, self.current.projected).segment
        for place in sorted({self.current.filed, self.current.projected}):
            end = self._ends.get(place.segment)
            if place.offset and (place.offset > end if end is not None else place.segment != start):
                yield Report(Finding.CHECKPOINT_AHEAD, f"journal/{place.segment:010d}.journal", place.offset)
        for room, file in self.current.rooms.items():
            found = self.lasts.get(room)
            if found is not None and found < file.last:
                args: dict[str, object] = {"room": room, "last": file.last, "found": found}
                yield Report(Finding.JOURNAL_BEHIND, "journal", args=args)

    # --- lines --------------------------------------------------------------------------------
    def _check_lines(self, segment: OpenSegment, entries: Sequence[Entry]) -> Iterator[Report]:
        filed: dict[RoomId, list[Entry]] = {}
        for entry in entries:
            yield from self._check_number(segment, entry)
            if entry.room == ACCOUNTS:
                continue
            file = self.current.rooms.get(entry.room)
            if file is not None and entry.id <= file.last:
                filed.setdefault(entry.room, []).append(entry)
            else:
                self.waiting += 1
                yield from self.take(entry, _name(segment))
        for room, lines in filed.items():
            for start in range(0, len(lines), _BESIDE):
                yield from self._compare(self.current.rooms[room], lines[start : start + _BESIDE])

    def _check_number(self, segment: OpenSegment, entry: Entry) -> Iterator[Report]:
        last = self.lasts.get(entry.room)
        if last is None:
            last = min(self._safe(entry), entry.id - 1)
        args: dict[str, object] = {"room": entry.room, "found": entry.id}
        if entry.id > last + 1:
            args["expected"] = last + 1
            yield Report(Finding.JOURNAL_HOLE, _name(segment), entry.offset, args=args)
        elif entry.id <= last:
            args["last"] = last
            yield Report(Finding.JOURNAL_TWICE, _name(segment), entry.offset, args=args)
        self.lasts[entry.room] = max(last, entry.id)

    def _safe(self, entry: Entry) -> int:
        """The last line of a room that is safe outside the journal."""
        if entry.room == ACCOUNTS:
            return self.current.accounts
        file = self.current.rooms.get(entry.room)
        return file.last if file else 0

    def _compare(self, file: RoomFile, entries: Sequence[Entry]) -> Iterator[Report]:
        first, last = entries[0].id, entries[-1].id
        place = f"{rooms.FOLDER}/{file.folder}"
        folder = self.folder / rooms.FOLDER / file.folder
        try:
            lines = read_forward(self.files, folder, self.segments_of(file), first, last, Budget(_ALL))
        except OSError as error:
            args: dict[str, object] = {"first": first, "last": last, "reason": reason(error)}
            yield Report(Finding.NOT_COMPARED, place, line=first, args=args)
            return
        held: Mapping[MessageId, bytes] = {MessageId(n): line for n, line in enumerate(lines, first)}
        for entry in entries:
            if held.get(entry.id, entry.line) != entry.line:
                yield Report(Finding.UNLIKE_JOURNAL, place, line=entry.id, args={"line": entry.id})


def reason(error: Exception) -> str:
    """What the disk said, without the path that stands in front of a report anyway."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _name(segment: OpenSegment) -> str:
    return f"journal/{segment.path.name}"


def _damaged(segment: OpenSegment, damage: Damage, kind: Finding) -> Report:
    return Report(kind, _name(segment), damage.start, args={"size": damage.end - damage.start})
