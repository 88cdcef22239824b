"""What can be wrong with the data folder; each message says what, where, and what to do.

HistoryError
├── FolderError               this folder cannot be used as it is
│   ├── NotWritableError      its rights or its disk forbid writing
│   ├── ForeignFolderError    it holds somebody else's files
│   ├── NewerFormatError      a newer version of this program wrote it
│   └── FolderInUseError      another server has it open
├── CopyError                 a file cannot be copied
├── DamagedError              a file that has no second copy cannot be read
└── ReadError                 a page of a room's history cannot be read
"""

from pathlib import Path


class HistoryError(Exception):
    """Root of everything this package raises."""


class FolderError(HistoryError):
    """This data folder cannot be used as it is."""


class NotWritableError(FolderError):
    """The folder's rights or its disk forbid writing."""


class ForeignFolderError(FolderError):
    """The folder holds files that are not ours."""


class NewerFormatError(FolderError):
    """A newer version of this program wrote the folder."""


class FolderInUseError(FolderError):
    """Another server has the folder open.

    Attributes:
        pid: Its process, 0 when it did not say.
        note: What it left for others to know, such as the path of its control socket.
    """

    def __init__(self, folder: Path, pid: int, note: str) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"the data folder {folder} is used by a server that runs already ({who}); "
            "stop it first, or choose another folder with --data"
        )
        self.pid = pid
        self.note = note


class CopyError(HistoryError):
    """A file cannot be copied.

    Attributes:
        path: What could not be read or written.
        reason: What the disk said.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path} cannot be copied ({error.strerror or error})")
        self.path = path
        self.reason = error.strerror or str(error)


class DamagedError(HistoryError):
    """A file that has no second copy cannot be read."""


class ReadError(HistoryError, OSError):
    """A page of a room's history cannot be read."""
