"""`chatroom-server verify`: says what is wrong with a data folder, one line a finding."""

import sqlite3
from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom_server.data_folders import ToolError, cannot_read, check_is_ours, no_temporary_space
from chatroom_server.history import FolderInUseError, HistoryError, OsFiles
from chatroom_server.history.findings import SENTENCES, Report
from chatroom_server.history.lock import held_still
from chatroom_server.history.verification import Verification
from chatroom_server.output import say
from chatroom_server.shell.identity import check_identity

SOUND: Final = 0
DAMAGED: Final = 1
REFUSED: Final = 2
"""Not 1, so that a script never takes it for damage."""


def verify(options: Namespace, texts: Texts) -> int:
    """Check the folder; returns the exit status. Blocks.

    Raises:
        ToolError: It cannot be checked.
    """
    folder: Path = options.folder.expanduser()
    check_is_ours(folder, texts, REFUSED)
    check = Verification(OsFiles(), folder, partial(check_identity, folder))
    try:
        with held_still(folder):
            for report in check.run():
                say(_json(report, texts) if options.json else finding_line(report, texts))
    except FolderInUseError as error:
        raise ToolError(_why_in_use(error, folder, texts), REFUSED) from error
    except HistoryError as error:
        raise ToolError(str(error), REFUSED) from error
    except sqlite3.Error as error:
        raise no_temporary_space(error, texts, REFUSED) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_read(error, folder, texts, REFUSED) from error
    say(_json_summary(check) if options.json else _summary(check, texts))
    return DAMAGED if check.damages else SOUND


def _why_in_use(error: FolderInUseError, folder: Path, texts: Texts) -> str:
    sentence = texts._(
        "{folder} is used by a server that runs (process {pid}); stop it first, or check a backup of it"
    )
    return sentence.format(folder=folder, pid=error.pid or "?")


# --- how findings are told -------------------------------------------------------------------
def finding_line(report: Report, texts: Texts) -> str:
    """A finding as people read it."""
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
