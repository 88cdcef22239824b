"""What runs behind the doors of a server: opens its log, runs its hub, flushes, and ends in the right order.

An engine listens nowhere and knows no signals: whoever owns it hands it connections (`runner.accept`) and
tells it to stop. The wall clock, chance, the process's number, the disk and the log's threads come in through
`Seams`; all else that is not decided here is the event loop's: the clock of its timers, and its executor.
"""

import asyncio
import contextlib
import os
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatroom_server.core.accounts import Accounts
from chatroom_server.core.hub import DEVICES_FILE, USERS_FILE, Counts, Hub
from chatroom_server.core.inputs import Input, Started, Stopping
from chatroom_server.core.settings import HubSettings, ServerIdentity
from chatroom_server.history.embedded import EmbeddedLog, open_log
from chatroom_server.history.files import Files, OsFiles
from chatroom_server.history.opening import Recovery
from chatroom_server.history.settings import LogSettings
from chatroom_server.history.worker import StartJobs, Worker
from chatroom_server.shell.identity import Identity
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.runner import Runner
from chatroom_server.shell.tasks import Tasks

HEAR_S: Final = 2.0
"""How long an engine that stops goes on hearing what has come already, as fast as the limits allow."""
DELIVER_S: Final = 3.0
"""How long an engine that stops waits for clients to take what it has for them."""


@dataclass(frozen=True, slots=True)
class Seams:
    """What lies under an engine.

    Attributes:
        wall_ns: Nanoseconds since 1970, UTC.
        entropy: Gives so many random bytes.
        pause: Does nothing for so many seconds: how the event loop pauses (`pace`).
        pid: The process that stands in the data folder's lock; this one where nothing is said.
        files: The disk.
        start_jobs: Makes what does blocking work for the log.
    """

    wall_ns: Callable[[], int] = time.time_ns
    entropy: Callable[[int], bytes] = os.urandom
    pause: Callable[[float], None] = time.sleep
    pid: int | None = None
    files: Files = field(default_factory=OsFiles)
    start_jobs: StartJobs = Worker


class Engine:
    """One run of a server: first `open`, then `prepare`, `begin`, and at the end `stop`.

    Attributes:
        flushes: How often the rooms' files were written since the start.
        tasks: Those of this run; `stop` ends them.
        log: There from `open` on.

    Args:
        flush_s: Seconds between two flushes.
    """

    def __init__(self, loop: AbstractEventLoop, logs: OperatorLog, seams: Seams, *, flush_s: float) -> None:
        self._loop, self._logs, self._seams = loop, logs, seams
        self._flush_s = flush_s
        self._flush_asked = asyncio.Event()
        self.tasks = Tasks(self._report_crash)
        self.flushes = 0
        self.log: EmbeddedLog
        self._recovery: Recovery
        self._hub: Hub
        self._runner: Runner | None = None

    @property
    def runner(self) -> Runner:
        """Takes connections; there from `prepare` on."""
        assert self._runner is not None
        return self._runner

    def counts(self) -> Counts:
        """How much of everything the hub has."""
        return self._hub.counts()

    # --- starting --------------------------------------------------------------------------------
    async def open(
        self, folder: Path, *, fsync: bool = True, settings: LogSettings | None = None, note: str = ""
    ) -> None:
        """Open the data folder, and tell the operator what had to be mended.

        Raises:
            HistoryError: It cannot be used.
        """
        self.log, self._recovery = await open_log(
            folder,
            on_outcome=self._take_outcome,
            on_flush_due=self._flush_asked.set,
            files=self._seams.files,
            fsync=fsync,
            settings=settings,
            note=note,
            entropy=self._seams.entropy,
            pid=self._seams.pid,
            start_jobs=self._seams.start_jobs,
        )
        for sentence in self._recovery.notes:
            self._logs.problem(sentence)

    def prepare(
        self,
        identity: Identity,
        settings: HubSettings,
        *,
        is_local: Callable[[str], bool],
        max_links: int,
    ) -> None:
        """Make the hub of what the folder holds, and what runs it.

        Raises:
            AccountsError: The users in the folder cannot be read.
        """
        recovery, log = self._recovery, self.log
        self._hub = Hub(
            ServerIdentity(
                identity.public_key,
                identity.sign,
                identity.guest_secret,
                identity.invitation_secret.encode(),
            ),
            settings,
            log.epoch,
            Accounts.from_json(recovery.projections.get(USERS_FILE, b"")),
            recovery.projections.get(DEVICES_FILE, b""),
        )
        self._hub.restore(recovery.lines, log.rooms())
        self._runner = Runner(
            self._loop,
            self._hub,
            log,
            identity,
            self._logs,
            self.tasks,
            is_local=is_local,
            is_behind=lambda: log.is_behind,
            max_links=max_links,
            wall_ns=self._seams.wall_ns,
            entropy=self._seams.entropy,
            pause=self._seams.pause,
        )

    async def begin(self) -> None:
        """Be ready for connections: the default room is there before anybody comes."""
        self.runner.feed(Started())
        await self.log.settle()
        self.tasks.start(self._flush_regularly(), name="flush")

    async def abandon(self) -> None:
        """Let go of everything, whatever was begun after `open`."""
        if self._runner is not None:
            self._runner.stop_timers()
        await self.tasks.close()
        await self.log.close()

    # --- running ---------------------------------------------------------------------------------
    def flush_every(self, seconds: float) -> None:
        """Have another time between two flushes from now on."""
        if seconds != self._flush_s:
            self._flush_s = seconds
            self._flush_asked.set()  # what waits the time from before may wait for long

    async def flush(self) -> None:
        """Write the rooms' files and the projections."""
        projections = self._hub.take_projections()
        await self.log.flush(projections.replaced, projections.appended)
        self.flushes += 1

    def _take_outcome(self, outcome: Input) -> None:
        self.runner.take_outcome(outcome)

    async def _flush_regularly(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._flush_asked.wait(), self._flush_s)
            self._flush_asked.clear()
            await self.flush()

    def _report_crash(self, name: str, error: BaseException) -> None:
        self._logs.problem(f"{name} crashed: {error!r}")

    # --- the end ---------------------------------------------------------------------------------
    async def stop(self, back_in_s: float = 0.0) -> None:
        """End: what was said is stored, delivered as far as clients take it, and flushed.

        No connection may be accepted from here on.

        Args:
            back_in_s: When clients are told that the server is back; 0: that it stops.
        """
        await self.runner.stop_reading(HEAR_S)
        await self.log.drain()
        self.runner.fanout.run_round()
        self.runner.feed(Stopping(back_in_s))
        await self._wait_for_links()
        self.runner.stop_timers()
        await self.tasks.close()
        await self.flush()
        await self.log.close()

    async def _wait_for_links(self) -> None:
        """Wait until clients have hung up, as they do when told goodbye, but not for ever."""
        try:
            await asyncio.wait_for(self.runner.all_gone.wait(), DELIVER_S)
        except TimeoutError:
            self.runner.abort_all()
