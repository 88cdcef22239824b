"""`chatroom-server verify`: what an operator does with a data folder, whether or not a server runs."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom_server.history import FolderInUseError, HistoryError, OsFiles, checkpoint, journal, rooms
from chatroom_server.history.findings import SENTENCES, Report
from chatroom_server.history.lock import held_still
from chatroom_server.history.verification import Verification

SOUND, DAMAGED, REFUSED = 0, 1, 2


class ToolError(Exception):
    """The command could not be done; the text is one sentence for the operator.

    Attributes:
        status: The exit status.
    """

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


def run_tool(options: Namespace, texts: Texts) -> int:
    """Do what the command line asks. Blocks.

    Returns:
        The exit status.

    Raises:
        ToolError: It could not be done.
    """
    try:
        status = _TOOLS[options.command](options, texts)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOUND
    return status


def _verify(options: Namespace, texts: Texts) -> int:
    folder: Path = options.folder.expanduser()
    _check_is_ours(folder, texts)
    check = Verification(OsFiles(), folder)
    try:
        with held_still(folder):
            for report in check.run():
                sys.stdout.write(_json(report, texts) if options.json else _line(report, texts))
    except FolderInUseError as error:
        raise ToolError(_why_in_use(error, folder, texts), REFUSED) from error
    except HistoryError as error:
        raise ToolError(str(error), REFUSED) from error
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise _cannot_read(error, folder, texts) from error
    sys.stdout.write(_json_summary(check) if options.json else _summary(check, texts))
    return DAMAGED if check.damages else SOUND


def _check_is_ours(folder: Path, texts: Texts) -> None:
    """Refuse what is no data folder at all, rather than say that everything of one is missing."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise _cannot_read(error, folder, texts) from error
    if not names & {checkpoint.NAME, journal.FOLDER, rooms.FOLDER}:
        sentence = texts._("{folder} is no data folder of chatroom-server; name the one that --data names")
        raise ToolError(sentence.format(folder=folder), REFUSED)


def _cannot_read(error: OSError, folder: Path, texts: Texts) -> ToolError:
    sentence = texts._("the data folder {folder} cannot be read: {reason}")
    return ToolError(sentence.format(folder=folder, reason=error.strerror or error), REFUSED)


def _why_in_use(error: FolderInUseError, folder: Path, texts: Texts) -> str:
    sentence = texts._(
        "{folder} is used by a server that runs (process {pid}); stop it first, or check a backup of it"
    )
    return sentence.format(folder=folder, pid=error.pid or "?")


# --- how findings are told -------------------------------------------------------------------
def _line(report: Report, texts: Texts) -> str:
    word = texts._("damage") if report.is_damage else texts._("note")
    place = report.path
    if report.offset is not None:
        place += texts._(", byte {offset}").format(offset=report.offset)
    if report.line is not None:
        place += texts._(", line {line}").format(line=report.line)
    return f"{word}: {inert(place, newlines=False)}: {inert(_meaning(report, texts), newlines=False)}\n"


def _meaning(report: Report, texts: Texts) -> str:
    return texts._(SENTENCES[report.kind]).format(**report.args)


def _json(report: Report, texts: Texts) -> str:
    meaning = {"damage": report.is_damage, "meaning": _meaning(report, texts)}
    return _encode(msgspec.to_builtins(report) | meaning)


def _json_summary(check: Verification) -> str:
    counts = {name: getattr(check, name) for name in ("rooms", "lines", "waiting", "damages", "notes")}
    return _encode({"sound": not check.damages, **counts})


def _encode(fields: Mapping[str, object]) -> str:
    return msgspec.json.encode(fields).decode() + "\n"


def _summary(check: Verification, texts: Texts) -> str:
    if check.damages:
        verdict = texts.n(
            "Damage was found: {count} finding.", "Damage was found: {count} findings.", check.damages
        )
        verdict = verdict.format(count=check.damages)
    else:
        verdict = texts._("The folder is sound.")
    counts = texts._(
        "Rooms: {rooms}; lines in their files: {lines}; lines that wait in the journal: {waiting}."
    )
    return f"{verdict} {counts.format(rooms=check.rooms, lines=check.lines, waiting=check.waiting)}\n"


_TOOLS: Final[Mapping[str, Callable[[Namespace, Texts], int]]] = {"verify": _verify}
