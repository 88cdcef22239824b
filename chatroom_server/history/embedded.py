"""The embedded log: all rooms of one server in one journal, with their files written behind.

Lines gather while the last round is on its way to the disk. A round is one batch of the journal: one write
and one fsync on a thread, for all rooms together. Only when that has returned are its lines *stored*: the
callback hears of them, pages hold them. Their room files follow at the next flush; until they are durable
there, the lines stay in memory.

Everything here runs on the event loop; what blocks is a job of one of three threads (journal, flush, pages).
"""

import asyncio
import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import ACCOUNTS, Draft, Page, StoredRun
from chatroom_server.history import journal, lock, rooms
from chatroom_server.history.files import Files, OsFiles
from chatroom_server.history.filing import Filing, reason_word
from chatroom_server.history.flusher import Flusher
from chatroom_server.history.journal import Journal
from chatroom_server.history.opening import Entropy, Opened, Recovery, open_folder, release
from chatroom_server.history.pager import Pager
from chatroom_server.history.pages import Budget
from chatroom_server.history.records import Position, room_word
from chatroom_server.history.rooms import RoomStore
from chatroom_server.history.settings import LogSettings
from chatroom_server.history.state import RoomState
from chatroom_server.history.worker import StartJobs, Worker

_log = logging.getLogger(__name__)

Outcome = Stored | Refused
STOPPING = "stopping"
BEHIND = "disk-slow"
_room_of: Final = attrgetter("room")
_LARGE: Final = 8
"""Lines of a round that shows that many speak at once."""
_TURNS_MAX: Final = 16
"""Turns of the loop that a round waits at most for those who speak without a pause."""


@dataclass(slots=True)
class _Round:
    """What is on its way to the disk, and what became of it."""

    drafts: list[Draft]
    runs: list[StoredRun]
    payloads: list[bytes]
    end: Position | None = None
    error: Exception | None = None


async def open_log(
    folder: Path,
    *,
    on_outcome: Callable[[Outcome], None],
    on_flush_due: Callable[[], None] | None = None,
    files: Files | None = None,
    fsync: bool = True,
    settings: LogSettings | None = None,
    note: str = "",
    entropy: Entropy = os.urandom,
    pid: int | None = None,
    start_jobs: StartJobs = Worker,
) -> tuple["EmbeddedLog", Recovery]:
    """Open a data folder, making it where there is none. What blocks runs on a thread.

    Args:
        on_outcome: Called on the event loop for each round, in order.
        on_flush_due: Called on the event loop when so much waits that a flush should come now.
        files: The disk.
        fsync: False leaves it to the system when the journal's bytes reach the disk: a power cut may then
            lose what was said to be stored.
        note: What others may read in the folder's lock, such as the path of the control socket.
        entropy: Gives so many random bytes.
        pid: The process that stands in that lock; this one where nothing is said.
        start_jobs: Makes what does blocking work.

    Raises:
        HistoryError: The folder cannot be used; the message says why and what to do.
    """
    files = files or OsFiles()
    settings = settings or LogSettings()
    opened = await asyncio.to_thread(
        open_folder, folder, files, settings, durable=fsync, note=note, entropy=entropy, pid=pid
    )
    log = EmbeddedLog(
        folder,
        opened,
        on_outcome,
        on_flush_due,
        files=files,
        fsync=fsync,
        settings=settings,
        start_jobs=start_jobs,
    )
    return log, opened.recovery


class EmbeddedLog:
    """The `Log` of one server. Made by `open_log`."""

    def __init__(
        self,
        folder: Path,
        opened: Opened,
        on_outcome: Callable[[Outcome], None],
        on_flush_due: Callable[[], None] | None,
        *,
        files: Files,
        fsync: bool,
        settings: LogSettings,
        start_jobs: StartJobs,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._files = files
        self._folder = folder
        self._opened = opened
        self._settings = settings
        self._on_outcome = on_outcome
        self._on_flush_due = on_flush_due
        self._epoch = opened.checkpoint.epoch
        self._rooms = _known_rooms(opened)
        self._journal = Journal(
            files,
            folder / journal.FOLDER,
            start=opened.next_place,
            salt=opened.checkpoint.salt,
            segment_bytes=settings.journal_segment,
            durable=fsync,
        )
        self._store = RoomStore(
            files, folder / rooms.FOLDER, epoch=self._epoch, segment_bytes=settings.room_segment
        )
        self._filing = Filing(
            Flusher(
                files,
                folder,
                self._store,
                opened.checkpoint,
                few_rooms=settings.few_rooms,
                unsynced_bytes=settings.unsynced_max,
            ),
            self._rooms,
            yielded=opened.next_place,
            accounts=opened.checkpoint.accounts,
            loop=loop,
            start_jobs=start_jobs,
        )
        self._writer = start_jobs("chatroom-journal", loop)
        self._pager = Pager(files, folder / rooms.FOLDER, self._store, threads=settings.read_threads)
        self._waiting: list[Draft] = []
        self._round: _Round | None = None
        self._last_size = 0
        self._is_begun = False
        self._is_draining = False
        self._is_closed = False
        self._idle: list[asyncio.Future[None]] = []
        self._refusal = ""

    @property
    def epoch(self) -> Epoch:
        """The word that changes when the past was replaced."""
        return self._epoch

    @property
    def is_busy(self) -> bool:
        """Drafts are on their way to the disk."""
        return self._round is not None or bool(self._waiting)

    @property
    def flush_due(self) -> bool:
        """So much waits in memory that a flush should come now."""
        return self._filing.unfiled >= self._settings.flush_due

    @property
    def is_behind(self) -> bool:
        """So much waits that those who send should be slower: the disk does not follow."""
        return self._filing.unfiled >= self._settings.slow_at

    def last_id(self, room: RoomId) -> MessageId:
        """The number of the room's last stored line, 0 for none."""
        state = self._rooms.get(room)
        return MessageId(state.stored if state else 0)

    def rooms(self) -> Mapping[RoomId, MessageId]:
        """The last stored number of each room that has lines; the account log is no room."""
        return {
            room: MessageId(state.stored)
            for room, state in self._rooms.items()
            if state.stored and room != ACCOUNTS
        }

    def set_note(self, note: str) -> None:
        """Change what others may read in the folder's lock."""
        lock.write_note(self._files, self._opened.lock.fd, note, pid=self._opened.lock.pid)

    # --- storing ------------------------------------------------------------------------------

    def append(self, drafts: Sequence[Draft]) -> None:
        """Take lines to store; never blocks. Outcomes come through the callback given at opening."""
        if not drafts:
            return
        if self._is_draining:
            self._loop.call_soon(self._on_outcome, Refused(list(drafts), STOPPING))
            return
        self._waiting += drafts
        self._begin_soon()

    def _begin_soon(self) -> None:
        """Begin a round when all of this turn of the loop has been given, unless one is on its way.

        Where the last one was large, whom it answers is about to speak again: then a round begins when a
        turn brings nothing more.
        """
        if not self._is_begun and self._round is None:
            self._is_begun = True
            self._loop.call_soon(self._begin_when_quiet if self._last_size >= _LARGE else self._begin)

    def _begin_when_quiet(self, seen: int = 0, turns: int = _TURNS_MAX) -> None:
        if turns and len(self._waiting) > seen:
            self._loop.call_soon(self._begin_when_quiet, len(self._waiting), turns - 1)
        else:
            self._begin()

    def _begin(self) -> None:
        self._is_begun = False
        drafts, self._waiting = self._waiting, []
        if self._filing.unfiled >= self._settings.waiting_max:
            self._refuse(drafts, self._filing.trouble or BEHIND)
            self._wake_idle()
            return
        self._round = self._numbered(drafts)
        self._last_size = len(drafts)
        self._writer.submit(functools.partial(self._write, self._round), self._end)

    def _numbered(self, drafts: list[Draft]) -> _Round:
        """Give numbers. Only one round is on its way, so those of a refused one are free again."""
        runs: list[StoredRun] = []
        payloads: list[bytes] = []
        for room, of_room in groupby(drafts, _room_of):
            state = self._rooms.get(room) or self._new_room(room)
            run = StoredRun(room, MessageId(state.assigned + 1), [], [])
            runs.append(run)
            for draft in of_room:
                state.assigned += 1
                line = b'{"id":%d,%b' % (state.assigned, draft.rest)
                run.lines.append(line)
                run.refs.append(draft.ref)
                payloads.append(state.word + line)
        return _Round(drafts, runs, payloads)

    def _new_room(self, room: RoomId) -> RoomState:
        state = self._rooms[room] = RoomState(room_word(room) + b" ")
        return state

    def _write(self, this: _Round) -> _Round:
        """On the journal's thread."""
        try:
            this.end = self._journal.write(this.payloads)
        except Exception as error:  # noqa: BLE001 - whatever it is, the round gets its outcome
            this.error = error
        return this

    def _end(self, this: _Round) -> None:
        self._round = None
        if this.end is not None:
            self._store_lines(this.runs, this.end)
        else:
            for room in {draft.room for draft in this.drafts}:
                state = self._rooms[room]
                state.assigned = state.stored
            waiting, self._waiting = self._waiting, []
            self._refuse(this.drafts + waiting, self._reason(this.error))
        if self._waiting:
            self._begin_soon()
        else:
            self._wake_idle()

    def _store_lines(self, runs: list[StoredRun], end: Position) -> None:
        was_due = self.flush_due
        for run in runs:
            state = self._rooms[run.room]
            state.stored += len(run.lines)
            if run.room != ACCOUNTS:
                self._filing.add(run.room, state, run.lines)
        self._filing.yielded = end
        if self._refusal:
            _log.warning("the journal can be written again: new messages are stored")
            self._refusal = ""
        self._call(functools.partial(self._on_outcome, Stored(runs)))
        if self.flush_due and not was_due and self._on_flush_due:
            self._call(self._on_flush_due)

    def _refuse(self, drafts: list[Draft], reason: str) -> None:
        self._call(functools.partial(self._on_outcome, Refused(drafts, reason)))

    def _call(self, callback: Callable[[], None]) -> None:
        """Whatever a callback of others raises, this log goes on."""
        try:
            callback()
        except Exception:  # noqa: BLE001 - theirs, not ours
            _log.exception("what listens to the log failed")

    def _reason(self, error: Exception | None) -> str:
        reason = reason_word(error)
        if reason != self._refusal:
            _log.error(
                "new messages are refused: the journal in %s cannot be written (%s)", self._folder, error
            )
        self._refusal = reason
        return reason

    def _wake_idle(self) -> None:
        for waiter in self._idle:
            if not waiter.done():
                waiter.set_result(None)
        self._idle.clear()

    # --- pages --------------------------------------------------------------------------------

    async def page(
        self, room: RoomId, *, after: MessageId | None, before: MessageId | None, limit: int, max_bytes: int
    ) -> Page:
        """Read stored lines of a room, see `Log.page`.

        Raises:
            OSError: The disk does not give them.
        """
        state = self._rooms.get(room)
        if state is None or room == ACCOUNTS:
            return Page(MessageId(0), MessageId(0), [])
        return await self._pager.page(state, after, before, limit, Budget(max_bytes))

    # --- flushing -----------------------------------------------------------------------------

    async def flush(self, replaced: Mapping[str, bytes], appended: Mapping[str, bytes]) -> None:
        """Write projections and room files, see `Log.flush`."""
        self._filing.hand_over(replaced, appended, self.last_id(ACCOUNTS))
        await self._filing.flush()

    # --- the end ------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Take no more drafts, and wait for the outcome of those that were given."""
        self._is_draining = True
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is on its way to the disk."""
        if self._round is not None or self._is_begun:
            waiter = self._loop.create_future()
            self._idle.append(waiter)
            await waiter

    async def close(self) -> None:
        """Drain, write what waits, and let go of the files and of the folder."""
        await self.drain()
        if self._is_closed:
            return
        self._is_closed = True
        await self._filing.flush(closing=True)
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        self._writer.stop()
        self._filing.stop()
        self._pager.stop()
        self._journal.close()
        release(self._files, self._opened)


def _known_rooms(opened: Opened) -> dict[RoomId, RoomState]:
    known = {
        room: RoomState(room_word(room) + b" ", file.last, file.last, file, [], file.last, (1, []))
        for room, file in opened.checkpoint.rooms.items()
    }
    for room, lines in opened.pending.items():
        state = known.setdefault(room, RoomState(room_word(room) + b" "))
        state.tail = lines
        state.stored = state.assigned = state.durable + len(lines)
    if opened.accounts:
        known[ACCOUNTS] = RoomState(room_word(ACCOUNTS) + b" ", opened.accounts, opened.accounts)
    return known
