"""Driving an embedded log in tests: opening, talking, dying, and looking at what is left."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import Draft
from chatroom_server.history import EmbeddedLog, Files, LogSettings, Recovery, open_log

GENERAL = RoomId("general")
SMALL = LogSettings(journal_segment=2000, room_segment=1000, few_rooms=2)
"""Sizes at which everything happens with a few dozen lines."""


def draft(text: str, room: str = "general", ref: object = None) -> Draft:
    """A draft of a line that says something."""
    return Draft(RoomId(room), b'"at":1,"room":"%b","body":"%b"}' % (room.encode(), text.encode()), ref)


class StoredLine(NamedTuple):
    """A line that a log said is stored."""

    room: RoomId
    id: MessageId
    line: bytes


class Rig:
    """A log and what it said."""

    def __init__(self) -> None:
        self.outcomes: list[Stored | Refused] = []
        self.due = 0
        self.log: EmbeddedLog
        self.recovery: Recovery
        self._given = 0
        self._answered = 0
        self._changed = asyncio.Event()

    @classmethod
    async def open(
        cls, folder: Path, files: Files | None = None, settings: LogSettings = SMALL, *, fsync: bool = True
    ) -> "Rig":
        """Open a data folder."""
        rig = cls()
        rig.log, rig.recovery = await open_log(
            folder,
            on_outcome=rig._hear,
            on_flush_due=rig._hear_due,
            files=files,
            fsync=fsync,
            settings=settings,
        )
        return rig

    def _hear(self, outcome: Stored | Refused) -> None:
        self.outcomes.append(outcome)
        if isinstance(outcome, Stored):
            self._answered += sum(len(run.lines) for run in outcome.runs)
        else:
            self._answered += len(outcome.drafts)
        self._changed.set()

    def _hear_due(self) -> None:
        self.due += 1

    def give(self, drafts: Sequence[Draft]) -> None:
        """Append without waiting."""
        self._given += len(drafts)
        self.log.append(drafts)

    async def say(self, *texts: str, room: str = "general") -> None:
        """Append lines and wait for their outcome."""
        self.give([draft(text, room) for text in texts])
        await self.answered()

    async def answered(self) -> None:
        """Wait until everything that was given has its outcome."""
        while self._answered < self._given:
            self._changed.clear()
            await self._changed.wait()

    def stored(self) -> list[StoredLine]:
        """Every line that the log said is stored."""
        return [
            StoredLine(run.room, MessageId(number), line)
            for outcome in self.outcomes
            if isinstance(outcome, Stored)
            for run in outcome.runs
            for number, line in enumerate(run.lines, run.first)
        ]

    def refused(self) -> list[Refused]:
        """Every refusal."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Refused)]

    async def all_lines(self, room: str = "general") -> list[bytes]:
        """A room's whole history, page by page."""
        lines: list[bytes] = []
        while True:
            page = await self.log.page(
                RoomId(room), after=MessageId(len(lines)), before=None, limit=100, max_bytes=1 << 20
            )
            if not page.lines:
                return lines
            lines += page.lines

    async def die(self) -> None:
        """Stop as if killed: nothing more is written. Only the threads are ended."""
        if self.log._is_closed:
            return
        self.log._is_closed = True
        await asyncio.to_thread(self.log._let_go)
