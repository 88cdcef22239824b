"""What the tools for data folders have in common: whose a folder is, and how a refusal is said."""

import sqlite3
from pathlib import Path

from chatroom.common.texts import Texts
from chatroom_server.history import checkpoint, journal, rooms


class ToolError(Exception):
    """The command could not be done; the text is one sentence for the operator.

    Attributes:
        status: The exit status.
    """

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def check_is_ours(folder: Path, texts: Texts, status: int) -> None:
    """Refuse what is no data folder at all, rather than say that everything of one is missing.

    Raises:
        ToolError: It is none, with this exit status.
    """
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise cannot_read(error, folder, texts, status) from error
    if not names & {checkpoint.NAME, journal.FOLDER, rooms.FOLDER}:
        sentence = texts._("{folder} is no data folder of chatroom-server; name the one that --data names")
        raise ToolError(sentence.format(folder=folder), status)


def cannot_read(error: OSError, folder: Path, texts: Texts, status: int) -> ToolError:
    """What to raise when the disk does not give a data folder, or a file of it."""
    file = _within(folder, error.filename)
    if file is None:
        sentence = texts._("the data folder {folder} cannot be read: {reason}")
    elif isinstance(error, FileNotFoundError):
        sentence = texts._("the data folder {folder} has no {file}; put the folder back from a backup")
    else:
        sentence = texts._("the data folder {folder} cannot be read: {file}: {reason}")
    return ToolError(sentence.format(folder=folder, file=file, reason=error.strerror or error), status)


def _within(folder: Path, path: object) -> Path | None:
    """Which file of the folder an error is about, where it says so."""
    if not isinstance(path, str | Path) or Path(path) == folder:
        return None
    return Path(path).relative_to(folder) if Path(path).is_relative_to(folder) else None


def no_temporary_space(error: sqlite3.Error, texts: Texts, status: int) -> ToolError:
    """What to raise when a check has no place for its notes."""
    sentence = texts._("the temporary folder cannot be used: {reason}; name another one with TMPDIR")
    return ToolError(sentence.format(reason=error), status)
