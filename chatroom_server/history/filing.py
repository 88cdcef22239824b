"""What is stored and not yet in its place: lines without their room file, projections without their flush."""

import asyncio
import functools
import logging
from collections.abc import Mapping
from errno import EDQUOT, ENOSPC

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.history.flusher import Flusher, FlushJob, FlushResult
from chatroom_server.history.records import Position
from chatroom_server.history.state import RoomState
from chatroom_server.history.worker import StartJobs

_log = logging.getLogger(__name__)

DISK_FULL = "disk-full"
DISK_ERROR = "disk-error"


def reason_word(error: Exception | None) -> str:
    """The word by which people hear of what the disk refused."""
    is_full = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)
    return DISK_FULL if is_full else DISK_ERROR


class Filing:
    """Gathers what waits, and has it flushed, one flush after the other. On the event loop.

    Attributes:
        unfiled: Bytes of the lines that wait for their room files.
        trouble: Why the last flush failed, as a word; empty when it did not.
        yielded: Behind the last line that the log has yielded.

    Args:
        rooms: What the loop knows of each room; shared with the log.
        accounts: The number of the account log's last line that the projections reflect.
    """

    def __init__(
        self,
        flusher: Flusher,
        rooms: Mapping[RoomId, RoomState],
        *,
        yielded: Position,
        accounts: MessageId,
        loop: asyncio.AbstractEventLoop,
        start_jobs: StartJobs,
    ) -> None:
        self.yielded = yielded
        self.trouble = ""
        self._flusher = flusher
        self._rooms = rooms
        self._loop = loop
        self._thread = start_jobs("chatroom-flush", loop)
        self._projected = flusher.checkpoint.projected
        self._accounts = accounts
        self._replaced: dict[str, bytes] = {}
        self._appended: dict[str, bytes] = {}
        self._dirty: set[RoomId] = {room for room, state in rooms.items() if state.tail}
        self._running: asyncio.Future[None] | None = None
        self.unfiled = self._count()

    def add(self, room: RoomId, state: RoomState, lines: list[bytes]) -> None:
        """Take lines of a room that are stored, in their order."""
        state.tail += lines
        self.unfiled += sum(map(len, lines))
        self._dirty.add(room)

    def hand_over(
        self, replaced: Mapping[str, bytes], appended: Mapping[str, bytes], accounts: MessageId
    ) -> None:
        """Take projections that reflect everything up to `yielded`."""
        for name, content in replaced.items():
            self._replaced[name] = content
            self._appended.pop(name, None)
        for name, content in appended.items():
            self._appended[name] = self._appended.get(name, b"") + content
        self._projected = self.yielded
        self._accounts = accounts

    async def flush(self, *, closing: bool = False) -> None:
        """Write what waits. A flush that nobody waits for any more comes to its end, too."""
        while self._running is not None:
            await asyncio.shield(self._running)
        job = self._next_job(closing=closing)
        if job is not None:
            self._running = self._loop.create_future()
            self._thread.submit(functools.partial(self._run, job), functools.partial(self._end, job))
            await asyncio.shield(self._running)

    def stop(self) -> None:
        """End the thread; waits for it."""
        self._thread.stop()

    def _next_job(self, *, closing: bool) -> FlushJob | None:
        lines = {room: lines for room in sorted(self._dirty) if (lines := self._rooms[room].unfiled())}
        current = self._flusher.checkpoint
        is_moved = self.yielded > current.filed or self._projected > current.projected
        if not (is_moved or lines or self._replaced or self._appended or closing):
            return None
        replaced, self._replaced = self._replaced, {}
        appended, self._appended = self._appended, {}
        return FlushJob(lines, self.yielded, self._projected, self._accounts, replaced, appended, closing)

    def _run(self, job: FlushJob) -> FlushResult:
        """On the flush thread."""
        try:
            return self._flusher.run(job)
        except Exception as error:  # noqa: BLE001 - whatever it is, the flush gets its end
            _log.exception("a flush failed in a way that nobody thought of")
            return FlushResult(error=error)

    def _end(self, job: FlushJob, result: FlushResult) -> None:
        running, self._running = self._running, None
        self._take(result)
        if not result.projected:
            self._keep(job.replaced, job.appended)
        self._report(result)
        if running is not None:
            running.set_result(None)

    def _take(self, result: FlushResult) -> None:
        for room, file in result.filed.items():
            self._rooms[room].filed = file
        for room, file in result.durable.items():
            state = self._rooms[room]
            del state.tail[: file.last - state.durable]
            state.durable = file.last
        self._dirty = {room for room in self._dirty | result.filed.keys() if self._rooms[room].is_unfiled()}
        # Counting again takes as long as there are lines, and is needed only where files went back.
        self.unfiled = self.unfiled - result.written if result.error is None else self._count()

    def _count(self) -> int:
        return sum(len(line) for room in self._dirty for line in self._rooms[room].unfiled())

    def _keep(self, replaced: Mapping[str, bytes], appended: Mapping[str, bytes]) -> None:
        """Put back what was not written, under what came since."""
        later = self._appended
        self._appended = {
            name: content + later.pop(name, b"")
            for name, content in appended.items()
            if name not in self._replaced
        } | later
        self._replaced = {**replaced, **self._replaced}

    def _report(self, result: FlushResult) -> None:
        if result.error is not None:
            if not self.trouble:
                _log.error("a flush of the history failed and is tried again: %s", result.error)
            self.trouble = reason_word(result.error)
        elif self.trouble:
            _log.warning("flushes of the history work again")
            self.trouble = ""
