"""Faults in how a server ends, and in what is found afterwards: torn tails, stops, backups put back.

With them the table of `planted` is whole.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from chatroom.client import following
from chatroom_server.core.inputs import Stored
from chatroom_server.history import backup, embedded, flusher, journal, opening, records
from chatroom_server.history.files import Mode, opened
from chatroom_server.shell import engine
from tests.simulation.planted import PLANTED, Patch, plant
from tests.simulation.world import Faults

__all__ = ["PLANTED"]


# --- torn tails ------------------------------------------------------------------------------------------
@plant("no backup was put back")
def _a_torn_tail_is_kept(patch: Patch) -> Faults:
    """What follows is written behind it, into the same file, where it looks as if the tail had been whole."""
    rewrite, begin = opening._rewrite, journal.Journal.__init__

    def keep(files: Any, folder: Path, current: Any, found: Any) -> Any:
        if not any(aside.name.endswith(".torn") for aside in found.asides):
            return rewrite(files, folder, current, found)
        last = max(journal.list_segments(files, folder))
        with opened(files, journal.segment_path(folder, last)) as fd:
            return current, records.Position(last, files.size(fd), found.next_batch)

    def init(self: journal.Journal, files: Any, folder: Path, *, start: Any, **rest: Any) -> None:
        begin(self, files, folder, start=start, **rest)
        if start.offset:
            self._fd = files.open(journal.segment_path(folder, start.segment), Mode.WRITE)
            self._next_segment += 1

    patch.setattr(opening, "_rewrite", keep)
    patch.setattr(journal.Journal, "__init__", init)
    return Faults()


# --- stops -----------------------------------------------------------------------------------------------
@plant("is not in the history")
def _what_waits_for_a_round_when_the_server_stops_is_taken_for_stored(patch: Patch) -> Faults:
    original = embedded.EmbeddedLog.drain

    async def drain(self: embedded.EmbeddedLog) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._on_outcome(Stored(self._numbered(waiting).runs))
        await original(self)

    patch.setattr(embedded.EmbeddedLog, "drain", drain)
    return Faults()


@plant("heard goodbye")
def _goodbye_is_said_before_the_last_round_is_back(patch: Patch) -> Faults:
    original = embedded.EmbeddedLog.drain

    async def drain(self: embedded.EmbeddedLog) -> None:
        if self._is_draining:  # the log is to be closed
            await original(self)
        self._is_draining = True

    patch.setattr(embedded.EmbeddedLog, "drain", drain)
    return Faults()


@plant("to some and")
def _the_last_flush_names_what_it_has_not_written(patch: Patch) -> Faults:
    """The server stops in a hurry: its checkpoint says that the rooms' files have everything."""
    stop, run = engine.Engine.stop, flusher.Flusher.run
    in_a_hurry: set[Any] = set()

    async def hurry(self: engine.Engine, back_in_s: float = 0.0) -> None:
        in_a_hurry.add(self.log._filing._flusher)
        await stop(self, back_in_s)

    def forget(self: flusher.Flusher, job: flusher.FlushJob) -> flusher.FlushResult:
        return run(self, replace(job, lines={}) if self in in_a_hurry else job)

    patch.setattr(engine.Engine, "stop", hurry)
    patch.setattr(flusher.Flusher, "run", forget)
    return Faults()


# --- backups ---------------------------------------------------------------------------------------------
@plant("to some and")
def _a_backup_that_is_put_back_keeps_its_epoch(patch: Patch) -> Faults:
    original = opening._epoch

    def epoch(current: Any, *rest: Any) -> Any:
        return current.epoch if current.backup else original(current, *rest)

    patch.setattr(opening, "_epoch", epoch)
    return Faults()


@plant(" is kept")
def _a_backup_leaves_out_what_only_the_journal_has(patch: Patch) -> Faults:
    patch.setattr(backup, "_whole_segments", lambda reader: [])
    return Faults()


@plant("from one past into another")
def _readers_go_on_in_another_past(patch: Patch) -> Faults:
    patch.setattr(following.Follower, "lose", lambda self, error: None)
    return Faults()
