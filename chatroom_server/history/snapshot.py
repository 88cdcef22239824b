"""A data folder as it was at one instant, for programs that only read; a server may go on writing to it.

What a checkpoint says holds until the next one is there: only then does the server remove what the old one
needed, and the files of the journal that are open here outlive that. Room files grow at their ends. So: read
the checkpoint, open what it needs, and begin again where the checkpoint has changed meanwhile.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatroom_server.history import checkpoint, projections
from chatroom_server.history.checkpoint import Checkpoint, Projection
from chatroom_server.history.errors import DamagedError, FolderError
from chatroom_server.history.files import Files
from chatroom_server.history.reading import JournalReader

_TRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a server would find that opened the folder at that instant.

    Attributes:
        journal: Open as long as the snapshot is.
        projections: Their contents.
        places: How a checkpoint names them.
    """

    checkpoint: Checkpoint
    journal: JournalReader
    projections: dict[str, bytes]
    places: dict[str, Projection]


@contextlib.contextmanager
def snapshot(files: Files, folder: Path) -> Iterator[Snapshot]:
    """Everything that was stored before this is in it.

    Raises:
        HistoryError: The folder cannot be read.
        OSError: The disk does not give it.
    """
    for _ in range(_TRIES):
        with contextlib.ExitStack() as opened:
            current = checkpoint.load(files, folder)
            try:
                journal = opened.enter_context(JournalReader(files, folder, current))
                contents, places = projections.load(files, folder, current.projections, [])
            except (FileNotFoundError, DamagedError):
                if checkpoint.load(files, folder) == current:
                    raise
                continue
            if checkpoint.load(files, folder) == current:
                yield Snapshot(current, journal, contents, places)
                return
    raise FolderError(f"the server writes to {folder} too often to be copied; try again")
