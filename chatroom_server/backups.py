"""`chatroom-server backup`: copies a data folder to a place of its own, whole or not at all.

What is damaged is copied as far as it is there, but never takes the name that a sound copy would have: a
script that keeps the newest folders must not take it for a backup.
"""

import contextlib
import errno
import os
import sqlite3
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom_server.data_folders import ToolError, cannot_read, check_is_ours, no_temporary_space
from chatroom_server.history import CopyError, FolderInUseError, HistoryError, OsFiles
from chatroom_server.history.backup import Backup
from chatroom_server.history.lock import held_still
from chatroom_server.history.verification import Verification
from chatroom_server.output import complain, say
from chatroom_server.shell import identity
from chatroom_server.staging import staging_folder, tidy_up
from chatroom_server.verifying import finding_line

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_OTHERS: Final = (identity.FOLDER, "server.conf")
_PER_MIB: Final = 1 << 20
_DAMAGED: Final = ".damaged"
"""Behind the name of a copy that is not sound."""
_NAMES_MAX: Final = 1000


def back_up(options: Namespace, texts: Texts) -> int:
    """Copy the folder; returns the exit status. Blocks.

    Raises:
        ToolError: Nothing was made.
    """
    folder, onto = options.folder.expanduser(), options.to.expanduser()
    check_is_ours(folder, texts, WRONG_USAGE)
    _check_is_free(folder, onto, texts)
    with contextlib.ExitStack() as stack:
        is_live = _is_live(folder, stack, texts)
        beside = stack.enter_context(_beside(onto, texts))
        backup = Backup(OsFiles(), folder, beside, is_live, _OTHERS)
        _run(backup, folder, texts)
        check = Verification(OsFiles(), beside, partial(identity.check_identity, beside))
        damages = _damages(check, texts)
        place = _put_in_place(beside, onto, is_sound=not damages, texts=texts)
    summary = _summary(place, onto, backup, check, texts)
    if damages:
        complain("".join([*damages, f"chatroom-server: {summary}"]))
        return FAILED
    say(summary)
    return DONE


def _check_is_free(folder: Path, onto: Path, texts: Texts) -> None:
    """The copy never takes the place of anything."""
    try:
        is_taken = onto.is_symlink() or (onto.exists() and (not onto.is_dir() or any(onto.iterdir())))
        is_inside = onto.resolve().is_relative_to(folder.resolve())
        has_parent = onto.absolute().parent.is_dir()
    except OSError as error:
        raise _cannot_write(onto, error.strerror or str(error), texts) from error
    if is_taken:
        sentence = texts._("{path} is there already and not empty; name a folder that is not there yet")
    elif is_inside:
        sentence = texts._("{path} lies in the folder that is to be copied; name another place")
    elif not has_parent:
        sentence = texts._("{path} cannot be made, as there is no folder {parent}; make that first")
    else:
        return
    raise ToolError(sentence.format(path=onto, parent=onto.absolute().parent), WRONG_USAGE)


def _is_live(folder: Path, stack: contextlib.ExitStack, texts: Texts) -> bool:
    """Whether a server has the folder open; if none has, none will before the copy is made."""
    try:
        stack.enter_context(held_still(folder))
    except FolderInUseError:
        return True
    except OSError as error:
        raise cannot_read(error, folder, texts, FAILED) from error
    return False


@contextlib.contextmanager
def _beside(onto: Path, texts: Texts) -> Iterator[Path]:
    """A new folder on the disk of the copy; it is gone at the end unless it was put in place."""
    parent = onto.absolute().parent
    tidy_up(parent)
    with contextlib.ExitStack() as stack:
        try:
            beside = stack.enter_context(staging_folder(parent, onto.name))
        except OSError as error:
            raise _cannot_write(parent, error.strerror or str(error), texts) from error
        yield beside


def _run(backup: Backup, folder: Path, texts: Texts) -> None:
    try:
        backup.run()
    except CopyError as error:
        if error.path.is_relative_to(backup.onto):
            raise _cannot_write(error.path.relative_to(backup.onto), error.reason, texts) from error
        sentence = texts._("{path} cannot be read ({reason}); nothing was copied")
        raise ToolError(sentence.format(path=error.path, reason=error.reason), FAILED) from error
    except HistoryError as error:
        raise ToolError(str(error), FAILED) from error
    except OSError as error:
        raise cannot_read(error, folder, texts, FAILED) from error


def _damages(check: Verification, texts: Texts) -> list[str]:
    """What is wrong with the copy; of one kind in one file only some are told, so that they are few."""
    try:
        return [finding_line(report, texts) for report in check.run() if report.is_damage]
    except sqlite3.Error as error:
        raise no_temporary_space(error, texts, FAILED) from error
    except OSError as error:
        raise cannot_read(error, check.folder, texts, FAILED) from error


def _put_in_place(beside: Path, onto: Path, *, is_sound: bool, texts: Texts) -> Path:
    """Give the copy its name; returns it."""
    files = OsFiles()
    try:
        files.sync_folder(beside)
        place = onto if is_sound else _free_beside(onto)
        beside.rename(place)  # fails where something has come to lie meanwhile
        files.sync_folder(onto.absolute().parent)
    except OSError as error:
        raise _cannot_write(onto, error.strerror or str(error), texts) from error
    return place


def _free_beside(onto: Path) -> Path:
    """A name for a copy that is not sound: `NAME.damaged`, `NAME.damaged.2` and so on."""
    names = (
        f"{onto.name}{_DAMAGED}" + (f".{number}" if number > 1 else "") for number in range(1, _NAMES_MAX)
    )
    places = (onto.absolute().with_name(name) for name in names)
    free = next((place for place in places if not os.path.lexists(place)), None)
    if free is None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return free


def _cannot_write(path: Path, reason: str, texts: Texts) -> ToolError:
    sentence = texts._("the backup cannot be written ({path}: {reason}); nothing of it is left")
    return ToolError(sentence.format(path=path, reason=reason), FAILED)


def _summary(place: Path, onto: Path, backup: Backup, check: Verification, texts: Texts) -> str:
    if check.damages:
        sentence = texts._(
            "{folder} is damaged, and so is the copy of what is there ({rooms} rooms, {lines} lines, {size} "
            "MiB): it lies in {path}, not in {wanted}. Keep the older backups."
        )
    else:
        sentence = texts._("{path} is the backup: {rooms} rooms, {lines} lines, {size} MiB.")
    said = sentence.format(
        folder=backup.folder,
        path=place,
        wanted=onto,
        rooms=check.rooms,
        lines=check.lines + check.waiting,
        size=f"{backup.size / _PER_MIB:.1f}",
    )
    return f"{inert(said, newlines=False)}\n"
