"""What a profile keeps of one server: drafts, how far one has read, rooms and their recent lines.

All of it can be lost without harm but the drafts; the server has the rest.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from chatroom.client.errors import ProfileError
from chatroom.protocol.frames import RoomInfo
from chatroom.protocol.ids import Epoch, MessageId, RoomId

LINES_MAX: Final = 2_000
"""Lines that are kept of a room."""
BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes that the file may hold; the room that takes most gives way."""
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS drafts(room TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS markers(room TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS lines(room TEXT NOT NULL, id INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY(room, id));
"""
_EPOCH, _ROOMS, _WINDOW = "epoch", "rooms", "window."
_decode_rooms: Final = msgspec.json.Decoder(list[RoomInfo]).decode

KeptLine = tuple[RoomId, MessageId, bytes]
"""A room, a line's id, and its JSON as the server stores it."""


class Store:
    """One file. Its methods block, and may be called from any thread; each is whole or not done."""

    def __init__(self, path: Path, *, lines_max: int = LINES_MAX, bytes_max: int = BYTES_MAX) -> None:
        """Open the file, or make it.

        Raises:
            ProfileError: It cannot be used.
        """
        self._path = path
        self._lock = threading.Lock()
        self._lines_max = lines_max
        self._bytes_max = bytes_max
        with self._reporting():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)

    # --- drafts and markers -----------------------------------------------------------------------
    def drafts(self) -> dict[RoomId, str]:
        """What was typed and not sent, by room."""
        return {RoomId(room): text for room, text in self._read("SELECT room, text FROM drafts")}

    def draft(self, room: RoomId) -> str:
        """What was typed and not sent in a room."""
        return self.drafts().get(room, "")

    def save_draft(self, room: RoomId, text: str) -> None:
        """Keep what is typed; an empty text is no draft."""
        if text:
            clean = text.encode("utf-8", "replace").decode()
            self._write("INSERT OR REPLACE INTO drafts VALUES (?, ?)", [(room, clean)])
        else:
            self._write("DELETE FROM drafts WHERE room = ?", [(room,)])

    def markers(self) -> dict[RoomId, MessageId]:
        """How far one has read, by room."""
        return {RoomId(room): MessageId(id_) for room, id_ in self._read("SELECT room, id FROM markers")}

    def save_marker(self, room: RoomId, read: MessageId) -> None:
        """Keep how far one has read; it only moves on."""
        query = "INSERT INTO markers VALUES (?, ?) ON CONFLICT(room) DO UPDATE SET id = max(id, excluded.id)"
        self._write(query, [(room, read)])

    # --- rooms and lines --------------------------------------------------------------------------
    def rooms(self) -> list[RoomInfo]:
        """The rooms that one was in last."""
        try:
            return _decode_rooms(self._fact(_ROOMS) or b"[]")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return []

    def save_rooms(self, rooms: Iterable[RoomInfo]) -> None:
        """Keep the rooms that one is in."""
        self._save_fact(_ROOMS, msgspec.json.encode(list(rooms)))

    def newest_lines(self, room: RoomId, limit: int = LINES_MAX) -> list[bytes]:
        """The newest lines that are kept of a room, oldest first, without a hole between them."""
        rows = self._read("SELECT id, body FROM lines WHERE room = ? ORDER BY id DESC LIMIT ?", room, limit)
        run: list[bytes] = [body for at, (id_, body) in enumerate(rows) if id_ == rows[0][0] - at]
        return run[::-1]

    def keep_lines(self, lines: Iterable[KeptLine]) -> None:
        """Keep lines; of each room the newest stay."""
        rows = list(lines)
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO lines VALUES (?, ?, ?)", rows)
            for room in {row[0] for row in rows}:
                newest = self._db.execute("SELECT max(id) FROM lines WHERE room = ?", (room,)).fetchone()[0]
                old = (room, newest - self._lines_max)
                self._db.execute("DELETE FROM lines WHERE room = ? AND id <= ?", old)
            self._shrink()

    def is_replaced(self, epoch: Epoch) -> bool:
        """Whether what is kept is of another past of the server."""
        return self._fact(_EPOCH) not in (None, epoch.encode())

    def enter_epoch(self, epoch: Epoch) -> None:
        """Note the server's epoch; what was kept of another past is gone."""
        if self._fact(_EPOCH) == epoch.encode():
            return
        with self._transaction():
            self._db.execute("DELETE FROM lines")
            self._db.execute("DELETE FROM markers")
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_EPOCH, epoch.encode()))

    def forget_lines(self) -> None:
        """Forget all lines and how far they were read: the server has another past."""
        with self._transaction():
            self._db.execute("DELETE FROM lines")
            self._db.execute("DELETE FROM markers")

    # --- the window ---------------------------------------------------------------------------------
    def window(self, name: str) -> str:
        """Something that a window wanted to remember, or empty."""
        return (self._fact(_WINDOW + name) or b"").decode("utf-8", "replace")

    def save_window(self, name: str, value: str) -> None:
        """Remember something for a window: its open panes, its room."""
        self._save_fact(_WINDOW + name, value.encode("utf-8", "replace"))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # --- inside -------------------------------------------------------------------------------------
    def _shrink(self) -> None:
        """Let go of the older half of the largest room until the file holds what it may."""
        while self._size() > self._bytes_max:
            row = self._db.execute(
                "SELECT room, min(id), max(id) FROM lines GROUP BY room ORDER BY sum(length(body)) DESC"
            ).fetchone()
            if row is None:
                return
            room, first, last = row
            self._db.execute("DELETE FROM lines WHERE room = ? AND id <= ?", (room, (first + last) // 2))

    def _size(self) -> int:
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _fact(self, name: str) -> bytes | None:
        rows = self._read("SELECT value FROM facts WHERE name = ?", name)
        return bytes(rows[0][0]) if rows else None

    def _save_fact(self, name: str, value: bytes) -> None:
        self._write("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(name, value)])

    def _read(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock, self._reporting():
            return self._db.execute(query, values).fetchall()

    def _write(self, query: str, rows: list[tuple[object, ...]]) -> None:
        with self._transaction():
            self._db.executemany(query, rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._reporting():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ProfileError(f"{self._path} cannot be used: {error}") from error
