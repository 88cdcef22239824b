"""A flush: room files, projections, then the checkpoint that names them, in the one order that is safe.

1. Each dirty room gets its lines in one write.
2. When few rooms are dirty, or nothing else is to do, or a segment of the journal could go, they are all made
   durable.
3. Projections are written durably beside the current ones.
4. The checkpoint is replaced. This is the instant at which the flush has happened.
5. Projections get their names; segments of the journal that nothing needs go.

An error leaves everything before it as it was, and the next flush tries again. One thread runs this.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.history import checkpoint, journal, projections
from chatroom_server.history.checkpoint import Checkpoint, RoomFile
from chatroom_server.history.files import Files, unlink_if_there
from chatroom_server.history.records import Position
from chatroom_server.history.rooms import RoomStore, ShortenedError, folder_name

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlushJob:
    """What a flush has to write.

    Attributes:
        lines: For each dirty room the lines that its file lacks.
        yielded: Behind the last line that the log has yielded.
        projected: Behind the last line that the projections reflect.
        accounts: The number of the account log's last line before `projected`.
        closing: Nothing is stored after this; every room is made durable, however many there are.
    """

    lines: Mapping[RoomId, list[bytes]]
    yielded: Position
    projected: Position
    accounts: MessageId
    replaced: Mapping[str, bytes]
    appended: Mapping[str, bytes]
    closing: bool = False


@dataclass(slots=True)
class FlushResult:
    """What came of it.

    Attributes:
        filed: How far the files of the rooms that were touched hold lines now.
        durable: How far those hold them for certain.
        written: Bytes of the lines that were put into files.
        projected: The projections are durable, and the checkpoint names them.
        error: What the disk said when it refused something.
    """

    filed: dict[RoomId, RoomFile] = field(default_factory=dict)
    durable: dict[RoomId, RoomFile] = field(default_factory=dict)
    written: int = 0
    projected: bool = False
    error: Exception | None = None


class Flusher:
    """Writes what the journal makes safe into its places.

    Args:
        folder: The data folder.
        current: The checkpoint that is on the disk.
        few_rooms: So many dirty rooms are made durable at every flush; more only when it is worth it.
        unsynced_bytes: So many bytes of lines that are in files and not durable are worth it, too.
    """

    def __init__(
        self,
        files: Files,
        folder: Path,
        store: RoomStore,
        current: Checkpoint,
        *,
        few_rooms: int,
        unsynced_bytes: int,
    ) -> None:
        self.checkpoint = current
        self._files = files
        self._folder = folder
        self._store = store
        self._few_rooms = few_rooms
        self._unsynced_max = unsynced_bytes
        self._unsynced_bytes = 0
        self._filed: dict[RoomId, RoomFile] = dict(current.rooms)
        self._durable: dict[RoomId, RoomFile] = dict(current.rooms)
        self._unsynced: set[RoomId] = set()
        self._refused: set[RoomId] = set()
        """Rooms whose segment must not be trusted behind what is durable."""
        self._mended: set[RoomId] = set()
        self._is_uncertain = False
        """The disk may hold a later checkpoint than `checkpoint`."""
        self._folders = {file.folder: room for room, file in current.rooms.items()}

    def run(self, job: FlushJob) -> FlushResult:
        """Do a flush; it does not raise what the disk refuses."""
        result = FlushResult()
        for room, lines in job.lines.items():
            self._append(room, lines, result)
        if job.closing or self._is_worth_syncing(job):
            for room in sorted(self._unsynced):
                self._sync(room, result)
        self._commit(job, result)
        return result

    def _append(self, room: RoomId, lines: list[bytes], result: FlushResult) -> None:
        try:
            file = self._usable(room)
            file = self._store.append(file, lines)
        except OSError as error:
            result.error = error
            if isinstance(error, ShortenedError):
                self._refuse(room, result)
        else:
            self._filed[room] = result.filed[room] = file
            self._unsynced.add(room)
            written = sum(map(len, lines))
            self._unsynced_bytes += written
            result.written += written

    def _usable(self, room: RoomId) -> RoomFile:
        """The room's file, made ready for lines."""
        file = self._filed.get(room) or RoomFile(self._new_folder(room))
        if room not in self._mended:
            self._store.mend(room, file)
            self._mended.add(room)
        if room in self._refused:
            file = self._store.restart(room, file)
            self._refused.discard(room)
            self._filed[room] = file
            if room in self._durable:
                self._durable[room] = file
        return file

    def _new_folder(self, room: RoomId) -> str:
        """A folder for a new room; a longer hash where two rooms would meet in one."""
        name = next(
            name
            for digits in range(8, 65, 8)
            if self._folders.get(name := folder_name(room, digits), room) == room
        )
        self._folders[name] = room
        return name

    def _is_worth_syncing(self, job: FlushJob) -> bool:
        return (
            not job.lines
            or len(self._unsynced) <= self._few_rooms
            or self._unsynced_bytes >= self._unsynced_max
            or job.yielded.segment > self.checkpoint.filed.segment
        )

    def _sync(self, room: RoomId, result: FlushResult) -> None:
        file, durable = self._filed[room], self._durable.get(room)
        try:
            file = self._store.sync(room, file, durable)
        except OSError as error:
            result.error = error
            self._refuse(room, result)
        else:
            self._durable[room] = result.durable[room] = file
            self._filed[room] = result.filed[room] = file
            self._unsynced.discard(room)

    def _refuse(self, room: RoomId, result: FlushResult) -> None:
        """Go back to what is durable; the next flush writes the rest to another file."""
        self._refused.add(room)
        file = self._durable.get(room) or RoomFile(self._filed[room].folder)
        self._filed[room] = result.filed[room] = file
        self._unsynced.discard(room)

    def _commit(self, job: FlushJob, result: FlushResult) -> None:
        before = self.checkpoint
        # A generation is used once, even when the disk refuses it: the disk may hold it nevertheless.
        generation = before.generation + 1
        self.checkpoint = msgspec.structs.replace(before, generation=generation)
        try:
            written = projections.write(
                self._files,
                self._folder,
                before.projections,
                generation,
                job.replaced,
                job.appended,
                in_place=not self._is_uncertain,
            )
            if written:
                self._files.sync_folder(self._folder)
            after = self._next_checkpoint(job, written, generation, complete=result.error is None)
            self._is_uncertain = True
            checkpoint.save(self._files, self._folder, after)
        except OSError as error:
            result.error = error
            return
        self._is_uncertain = False
        settled = projections.settle(self._files, self._folder, after.projections)
        self.checkpoint = msgspec.structs.replace(after, projections=settled)
        result.projected = True
        self._drop_segments()

    def _next_checkpoint(
        self, job: FlushJob, written: dict[str, checkpoint.Projection], generation: int, *, complete: bool
    ) -> Checkpoint:
        before = self.checkpoint
        all_filed = complete and not self._unsynced and not self._refused
        if all_filed:
            self._unsynced_bytes = 0
        return msgspec.structs.replace(
            before,
            filed=max(before.filed, job.yielded) if all_filed else before.filed,
            projected=max(before.projected, job.projected),
            accounts=job.accounts,
            generation=generation,
            rooms=dict(self._durable),
            projections=written,
            unsafe="" if job.closing else before.unsafe,
        )

    def _drop_segments(self) -> None:
        folder = self._folder / journal.FOLDER
        needed = min(self.checkpoint.filed, self.checkpoint.projected).segment
        try:
            for segment in journal.list_segments(self._files, folder):
                if segment < needed:
                    unlink_if_there(self._files, journal.segment_path(folder, segment))
        except OSError as error:
            _log.warning("old segments of the journal stay for now: %s", error)
