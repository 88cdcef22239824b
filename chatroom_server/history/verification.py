"""Checking a data folder: everything that a server would need of it is looked at, and nothing is changed.

Memory is bounded by what the log itself bounds (a segment of the journal, the projections), not by the length
of the history.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from chatroom.protocol.codec import decode_line
from chatroom.protocol.errors import RemoteProtocolError
from chatroom.protocol.frames import Line, LineKind
from chatroom_server.core.accounts import Accounts, AccountsError
from chatroom_server.core.devices import decode_record
from chatroom_server.core.hub import DEVICES_FILE, USERS_FILE
from chatroom_server.core.ports import ACCOUNTS
from chatroom_server.history import checkpoint, projections
from chatroom_server.history.checkpoint import Checkpoint
from chatroom_server.history.device_numbers import DeviceNumbers
from chatroom_server.history.errors import DamagedError
from chatroom_server.history.files import Files, opened
from chatroom_server.history.findings import Finding, Report
from chatroom_server.history.journal_check import JournalCheck, reason
from chatroom_server.history.opening import DAMAGED_FOLDER
from chatroom_server.history.records import Entry
from chatroom_server.history.room_check import RoomCheck

_EACH: Final = 20
"""So many findings of a kind are told of one file; of the others only how many they are."""


def _nothing(has_past: bool) -> Iterator[Report]:
    del has_past
    return iter(())


@dataclass(slots=True)
class Verification:
    """The check of one folder, to be run once. What blocks, blocks.

    Attributes:
        others: Looks at what lies there beside the log's own; is told whether anybody has ever been here.
        rooms, lines: What the rooms' files hold.
        waiting: Lines that only the journal holds.
        damages, notes: How many findings there were.
    """

    files: Files
    folder: Path
    others: Callable[[bool], Iterator[Report]] = _nothing
    rooms: int = 0
    lines: int = 0
    waiting: int = 0
    damages: int = 0
    notes: int = 0
    _lost: int = 0
    _has_past: bool = True
    _told: "Counter[tuple[Finding, str]]" = field(default_factory=Counter)

    def run(self) -> Iterator[Report]:
        """Yield what is found.

        Raises:
            NewerFormatError: The folder is of a newer version of the program.
        """
        for report in self._everything():
            damage = report.is_damage
            self.damages += damage
            self.notes += not damage
            self._told[report.kind, report.path] += 1
            if self._told[report.kind, report.path] <= _EACH:
                yield report
        for (kind, path), count in self._told.items():
            if count > _EACH:
                yield Report(Finding.MORE, path, args={"count": count - _EACH, "kind": str(kind)})

    def _everything(self) -> Iterator[Report]:
        yield from self._run()
        yield from self.others(self._has_past)

    def _run(self) -> Iterator[Report]:
        current = self._load()
        if isinstance(current, Report):
            yield current
            return
        yield from self._check_state(current)
        with DeviceNumbers() as numbers:
            yield from self._check_lines(current, numbers)

    def _load(self) -> Checkpoint | Report:
        try:
            return checkpoint.load(self.files, self.folder)
        except FileNotFoundError:
            return Report(Finding.CHECKPOINT_MISSING, checkpoint.NAME)
        except (DamagedError, OSError) as error:
            why = reason(error.__cause__ if isinstance(error.__cause__, Exception) else error)
            return Report(Finding.CHECKPOINT_UNREADABLE, checkpoint.NAME, args={"reason": why})

    def _check_state(self, current: Checkpoint) -> Iterator[Report]:
        if current.unsafe and current.unsafe != self.files.boot():
            yield Report(Finding.UNSAFE, checkpoint.NAME)
        if current.backup:
            yield Report(Finding.BACKUP, checkpoint.NAME)
        aside = self.files.names(self.folder / DAMAGED_FOLDER)
        if aside:
            yield Report(Finding.SET_ASIDE, DAMAGED_FOLDER, args={"count": len(aside)})

    def _check_lines(self, current: Checkpoint, numbers: DeviceNumbers) -> Iterator[Report]:
        def take(line: Line, path: str) -> None:
            self._lost += line.kind == LineKind.LOST
            numbers.add(line, path)

        def take_waiting(entry: Entry, path: str) -> Iterator[Report]:
            try:
                line = decode_line(entry.line)
            except RemoteProtocolError as error:
                args: dict[str, object] = {"reason": str(error)}
                yield Report(Finding.LINE_UNREADABLE, path, entry.offset, entry.id, args)
                return
            if line.room != entry.room:
                yield Report(Finding.LINE_ELSEWHERE, path, entry.offset, entry.id, {"room": line.room})
            take(line, path)

        check = RoomCheck(self.files, self.folder, take)
        for room, file in sorted(current.rooms.items()):
            yield from check.run(room, file)
            self.rooms, self.lines = self.rooms + 1, check.lines
        journal = JournalCheck(self.files, self.folder, current, check.segments_of, take_waiting)
        try:
            yield from journal.run()
        except OSError as error:
            yield Report(Finding.UNREADABLE, "journal", args={"reason": reason(error)})
        self.waiting = journal.waiting
        yield from numbers.twice()
        accounts = max(current.accounts, journal.lasts.get(ACCOUNTS, 0))
        self._has_past = bool(current.rooms or self.waiting or accounts)
        yield from self._check_projections(current, numbers, accounts)

    # --- projections --------------------------------------------------------------------------
    def _check_projections(
        self, current: Checkpoint, numbers: DeviceNumbers, accounts: int
    ) -> Iterator[Report]:
        for name, known in current.projections.items():
            notes: list[str] = []
            try:
                contents, places = projections.load(self.files, self.folder, {name: known}, notes)
            except DamagedError:
                there = {name, known.file} & set(self.files.names(self.folder))
                kind = Finding.PROJECTION_CHANGED if there else Finding.PROJECTION_MISSING
                yield Report(kind, name)
                continue
            except OSError as error:
                yield Report(Finding.UNREADABLE, name, args={"reason": reason(error)})
                continue
            content, place = contents[name], places[name]
            if place.checksum != known.checksum or place.size != known.size:
                yield Report(Finding.PROJECTION_CHANGED, name)
            elif notes:
                size = self._size(place.file) - place.size
                yield Report(Finding.PROJECTION_TAIL, place.file, place.size, args={"size": size})
            if name == USERS_FILE:
                yield from _check_users(content, accounts)
            elif name == DEVICES_FILE:
                yield from self._check_devices(content, numbers)

    def _size(self, name: str) -> int:
        with opened(self.files, self.folder / name) as fd:
            return self.files.size(fd)

    def _check_devices(self, content: bytes, numbers: DeviceNumbers) -> Iterator[Report]:
        for number, line in enumerate(content.splitlines(), 1):
            try:
                numbers.note(decode_record(line), number)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                args: dict[str, object] = {"reason": str(error)}
                yield Report(Finding.DEVICES_UNREADABLE, DEVICES_FILE, line=number, args=args)
        if not self._lost:  # what an earlier damage took is no news
            yield from numbers.ahead(DEVICES_FILE)


def _check_users(content: bytes, accounts: int) -> Iterator[Report]:
    try:
        found = Accounts.from_json(content).last
    except AccountsError as error:
        yield Report(Finding.USERS_UNREADABLE, USERS_FILE, args={"reason": str(error)})
        return
    if found > accounts:
        yield Report(Finding.USERS_AHEAD, USERS_FILE, args={"found": found, "last": accounts})
