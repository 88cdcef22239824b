"""The embedded log: a journal, the files of the rooms, and the projections of the server."""

from chatroom_server.history.embedded import EmbeddedLog, open_log
from chatroom_server.history.errors import (
    CopyError,
    DamagedError,
    FolderError,
    FolderInUseError,
    ForeignFolderError,
    HistoryError,
    NewerFormatError,
    NotWritableError,
    ReadError,
)
from chatroom_server.history.files import Files, OsFiles
from chatroom_server.history.lock import LockNote, read_lock
from chatroom_server.history.memory import MemoryLog
from chatroom_server.history.opening import Recovery
from chatroom_server.history.settings import LogSettings

__all__ = [
    "CopyError",
    "DamagedError",
    "EmbeddedLog",
    "Files",
    "FolderError",
    "FolderInUseError",
    "ForeignFolderError",
    "HistoryError",
    "LockNote",
    "LogSettings",
    "MemoryLog",
    "NewerFormatError",
    "NotWritableError",
    "OsFiles",
    "ReadError",
    "Recovery",
    "open_log",
    "read_lock",
]
