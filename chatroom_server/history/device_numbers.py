"""Which device said what under which number, of a whole history: more than fits into memory.

The table is a temporary file of SQLite, which it removes by itself.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from types import TracebackType
from typing import Final, Self

from chatroom.protocol.frames import Line
from chatroom_server.core.devices import DeviceRecord
from chatroom_server.history.findings import Finding, Report

_ROWS: Final = 20_000
_SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -16000;
CREATE TABLE line (device INTEGER, n INTEGER, place INTEGER, said INTEGER);
CREATE TABLE known (device INTEGER, last INTEGER, user TEXT, dev TEXT, place INTEGER);
"""
_INSERT: Final = "INSERT INTO line VALUES (?, ?, ?, ?)"
_TWICE: Final = """
SELECT min(place), max(place), min(said) <> max(said) FROM line GROUP BY device, n HAVING count(*) > 1
"""
_ID_BITS: Final = 36
"""Of a place; in front of them stand the number of the file, and whether a guest speaks."""
_ID: Final = (1 << _ID_BITS) - 1
_AHEAD: Final = """
SELECT known.user, known.dev, max(known.last), ifnull(stored.last, 0), known.place FROM known
LEFT JOIN (SELECT device, max(n) AS last FROM line GROUP BY device) AS stored USING (device)
GROUP BY device HAVING max(known.last) > ifnull(stored.last, 0) ORDER BY known.place
"""


class DeviceNumbers:
    """Gathers lines, then says what is wrong with their numbers. A context manager."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.executescript(_SCHEMA)
        self._table.execute("BEGIN")
        self._rows: list[tuple[int, int, int, int]] = []
        self._places: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._table.close()

    def add(self, line: Line, path: str) -> None:
        """Take a line of a file in the data folder."""
        if not line.dev or not line.n:
            return
        if not self._places or self._places[-1] != (path, line.room):
            self._places.append((path, line.room))
        place = (len(self._places) - 1 << 1 | line.guest) << _ID_BITS | line.id & _ID
        said = hash((line.kind, line.body, line.grid))
        self._rows.append((_device(line.user, line.dev), line.n, place, said))
        if len(self._rows) >= _ROWS:
            self._store()

    def note(self, record: DeviceRecord, number: int) -> None:
        """Take what `devices.jsonl` says in a line."""
        row = (_device(record.user, record.dev), record.last, record.user, record.dev, number)
        self._table.execute("INSERT INTO known VALUES (?, ?, ?, ?, ?)", row)

    def twice(self) -> Iterator[Report]:
        """Messages that are stored twice, and numbers that stand for two."""
        self._store()
        for old, new, differs in self._table.execute(_TWICE):
            yield self._report(old, new, differs=bool(differs))

    def ahead(self, path: str) -> Iterator[Report]:
        """Devices of which `devices.jsonl` knows more than the rooms hold."""
        self._store()
        for user, dev, found, last, number in self._table.execute(_AHEAD):
            args = {"user": user, "device": dev, "found": found, "last": last}
            yield Report(Finding.DEVICES_AHEAD, path, line=number, args=args)

    def _store(self) -> None:
        self._table.executemany(_INSERT, self._rows)
        self._rows.clear()

    def _report(self, old: int, new: int, *, differs: bool) -> Report:
        kind = Finding.NUMBER_CONFLICT if differs else Finding.STORED_TWICE
        if old >> _ID_BITS & new >> _ID_BITS & 1:
            kind = Finding.GUEST_AGAIN
        _path, room = self._places[old >> _ID_BITS + 1]
        path, _room = self._places[new >> _ID_BITS + 1]
        number, other = new & _ID, old & _ID
        return Report(kind, path, line=number, args={"line": number, "other": other, "room": room})


@lru_cache(65536)
def _device(user: str, dev: str) -> int:
    """64 bits that tell devices apart."""
    return int.from_bytes(blake2b(f"{user}\0{dev}".encode(), digest_size=8).digest(), "big", signed=True)
