"""What one has said and the server has not stored yet, on disk: it survives kill -9 and a power cut.

A message is named by (device, n). Its device belongs to this file on this machine: a home that was copied,
restored or is shared finds another word for itself here and takes a new device, so that two programs never
use one device's numbers. What waits keeps its old name, under which sending it twice is harmless.
"""

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatroom.client.errors import OutboxError
from chatroom.client.events import MessageState, OwnMessage
from chatroom.protocol.ids import DeviceId, RoomId

_DEVICE_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_MARK_LETTERS: Final = 16
"""How much of a scope's hash is in a key; keys of before that hold its first bytes, and stay as they are."""
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS devices(host TEXT PRIMARY KEY, dev TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS numbers(scope BLOB, dev TEXT, last INTEGER NOT NULL,
        PRIMARY KEY(scope, dev)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS messages(place INTEGER PRIMARY KEY AUTOINCREMENT, scope BLOB NOT NULL,
        key TEXT NOT NULL UNIQUE, room TEXT NOT NULL, dev TEXT NOT NULL, n INTEGER NOT NULL,
        body TEXT NOT NULL, kind TEXT NOT NULL, grid TEXT NOT NULL, failed INTEGER NOT NULL DEFAULT 0,
        reason TEXT NOT NULL DEFAULT '');
"""
_COLUMNS: Final = "key, room, dev, n, body, kind, grid, failed, reason"


@dataclass(frozen=True, slots=True)
class Draft:
    """Something to be said."""

    room: RoomId
    body: str
    kind: str = ""
    grid: str = ""


class Outbox:
    """The messages of one slot. Blocking; one thread uses it.

    A *scope* is the server's key, and says for guests that they are: a message never leaves for another one.

    Attributes:
        device: Under which device new messages go.
    """

    def __init__(self, path: Path, machine: str) -> None:
        """Open the file, or make it.

        Raises:
            OutboxError: It cannot be used.
        """
        self._path = path
        with self._reporting():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
            try:
                self._host = f"{machine}:{path.stat().st_ino}"
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._db.executescript(_SCHEMA)
                self.device = self._own_device()
            except BaseException:
                self._db.close()
                raise

    def add(self, scope: bytes, drafts: Sequence[Draft]) -> list[OwnMessage]:
        """Put messages on disk, all or none; they are there when this returns.

        Raises:
            OutboxError: They could not be written.
        """
        with self._transaction():
            first = self._last(scope, self.device) + 1
            self._raise_to(scope, self.device, first + len(drafts) - 1)
            mark = hashlib.sha256(scope).hexdigest()[:_MARK_LETTERS]
            messages = [
                OwnMessage(
                    f"{self.device}.{n}.{mark}",
                    draft.room,
                    self.device,
                    n,
                    draft.body,
                    draft.kind,
                    draft.grid,
                )
                for n, draft in enumerate(drafts, start=first)
            ]
            self._db.executemany(
                "INSERT INTO messages(scope, key, room, dev, n, body, kind, grid)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(scope, m.key, m.room, m.dev, m.n, m.body, m.kind, m.grid) for m in messages],
            )
        return messages

    def messages(self, scope: bytes) -> list[OwnMessage]:
        """What waits for a server, and what failed there, in the order it was said in."""
        with self._reporting():
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM messages WHERE scope = ? ORDER BY place", (scope,)
            )
            return [_message(row) for row in rows]

    def has_waiting(self, scope: bytes) -> bool:
        """Whether something waits to be sent to a server."""
        with self._reporting():
            query = "SELECT 1 FROM messages WHERE scope = ? AND NOT failed LIMIT 1"
            return self._db.execute(query, (scope,)).fetchone() is not None

    def remove(self, keys: Sequence[str]) -> None:
        """Let go of messages that are stored, or were thrown away."""
        with self._transaction():
            self._db.executemany("DELETE FROM messages WHERE key = ?", [(key,) for key in keys])

    def fail(self, key: str, reason: str) -> None:
        """Keep that the server refused a message for good."""
        with self._transaction():
            self._db.execute("UPDATE messages SET failed = 1, reason = ? WHERE key = ?", (reason, key))

    def renumber(self, scope: bytes, key: str) -> OwnMessage | None:
        """Give a message a new number of this slot's device, to wait again; None where it is gone."""
        with self._transaction():
            n = self._last(scope, self.device) + 1
            self._raise_to(scope, self.device, n)
            query = "UPDATE messages SET dev = ?, n = ?, failed = 0, reason = '' WHERE key = ?"
            self._db.execute(query, (self.device, n, key))
            row = self._db.execute(f"SELECT {_COLUMNS} FROM messages WHERE key = ?", (key,)).fetchone()
        return _message(row) if row else None

    def retire(self, device: DeviceId) -> None:
        """Use a device no more: its numbers are used up by somebody else."""
        if device == self.device:
            with self._transaction():
                self.device = self._new_device()

    def continue_after(self, scope: bytes, device: DeviceId, last: int) -> None:
        """Use no number up to the last one that the server knows of a device."""
        with self._reporting():
            known = self._last(scope, device)
        if known < last:
            with self._transaction():
                self._raise_to(scope, device, last)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _own_device(self) -> DeviceId:
        row = self._db.execute("SELECT dev FROM devices WHERE host = ?", (self._host,)).fetchone()
        return DeviceId(row[0]) if row else self._new_device()

    def _new_device(self) -> DeviceId:
        device = "".join(secrets.choice(_DEVICE_LETTERS) for _ in range(6))
        self._db.execute("INSERT OR REPLACE INTO devices(host, dev) VALUES (?, ?)", (self._host, device))
        return DeviceId(device)

    def _last(self, scope: bytes, device: DeviceId) -> int:
        query = "SELECT last FROM numbers WHERE scope = ? AND dev = ?"
        row = self._db.execute(query, (scope, device)).fetchone()
        return int(row[0]) if row else 0

    def _raise_to(self, scope: bytes, device: DeviceId, last: int) -> None:
        self._db.execute(
            "INSERT INTO numbers(scope, dev, last) VALUES (?, ?, ?) "
            "ON CONFLICT(scope, dev) DO UPDATE SET last = max(last, excluded.last)",
            (scope, device, last),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._reporting():
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
        except (sqlite3.Error, OSError, UnicodeEncodeError) as error:
            raise OutboxError(f"{self._path} cannot be used: {error}") from error


def _message(row: tuple[str, str, str, int, str, str, str, int, str]) -> OwnMessage:
    key, room, dev, n, body, kind, grid, failed, reason = row
    state = MessageState.FAILED if failed else MessageState.PENDING
    return OwnMessage(key, RoomId(room), DeviceId(dev), n, body, kind, grid, state, reason)
