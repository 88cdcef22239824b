"""Opening a data folder: whose it is, what the last server left, and making that safe before it is used."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.core.ports import ACCOUNTS
from chatroom_server.history import checkpoint, journal, lock, projections, rooms
from chatroom_server.history.checkpoint import Checkpoint
from chatroom_server.history.errors import FolderError, ForeignFolderError, NotWritableError
from chatroom_server.history.files import Files, unlink_if_there, write_file
from chatroom_server.history.records import (
    Entry,
    Header,
    Position,
    encode_batch,
    encode_header,
    room_word,
    segment_salt,
)
from chatroom_server.history.recovery import Found, read_journal
from chatroom_server.history.settings import LogSettings

DAMAGED_FOLDER: Final = "damaged"
_BATCH_LINES: Final = 4096

Entropy = Callable[[int], bytes]
"""Gives so many random bytes."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the last server left.

    Attributes:
        projections: The contents of the files that were handed over at flushes, as of the checkpoint.
        lines: Everything stored after that, in order: what the projections lack.
        notes: Sentences about what had to be mended.
        created: The folder is new.
    """

    projections: dict[str, bytes]
    lines: list[tuple[RoomId, MessageId, bytes]]
    notes: list[str]
    created: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The folder's lock, and the process that stands in it; None for this one."""

    fd: int
    pid: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder that is ours and safe to use.

    Attributes:
        pending: For each room the lines that its files lack.
        accounts: The number of the account log's last line.
        next_place: Where the journal goes on, in a segment that does not exist.
    """

    lock: Held
    checkpoint: Checkpoint
    recovery: Recovery
    pending: dict[RoomId, list[bytes]]
    accounts: MessageId
    next_place: Position


def open_folder(
    folder: Path,
    files: Files,
    settings: LogSettings,
    *,
    durable: bool,
    note: str,
    entropy: Entropy = os.urandom,
    pid: int | None = None,
) -> Opened:
    """Make a data folder ready. Blocks.

    Args:
        durable: The log that is opened waits for the disk.
        note: What others may read in the folder's lock.
        entropy: Gives so many random bytes.
        pid: The process that has the folder from now on; this one where nothing is said.

    Raises:
        HistoryError: It cannot be used; the message says why and what to do.
    """
    try:
        created = _claim(folder, files, settings)
        held = Held(lock.take_lock(files, folder, note, pid=pid), pid)
    except OSError as error:
        raise _not_writable(folder, error) from error
    try:
        return _recover(folder, files, held, entropy, created=created, durable=durable)
    except OSError as error:
        files.close(held.fd)
        raise _not_writable(folder, error) from error
    except BaseException:
        files.close(held.fd)
        raise


def _not_writable(folder: Path, error: OSError) -> NotWritableError:
    place = f", {error.filename}" if error.filename and str(error.filename) != str(folder) else ""
    return NotWritableError(
        f"the data folder {folder} cannot be used ({error.strerror or error}{place}); mend that, or choose "
        "another folder with --data"
    )


def _claim(folder: Path, files: Files, settings: LogSettings) -> bool:
    """Make sure that the folder exists and is ours or nobody's; True for nobody's."""
    try:
        names = set(files.names(folder))
    except NotADirectoryError as error:
        raise FolderError(f"{folder} is no folder; choose another one with --data") from error
    if checkpoint.NAME in names:
        return False
    foreign = names - settings.own_names - {lock.NAME, f"{checkpoint.NAME}.tmp"}
    if foreign:
        raise ForeignFolderError(
            f"{folder} is no data folder of chatroom: it holds {min(foreign)!r}; choose an empty or a new "
            "one with --data"
        )
    files.make_folder(folder)
    files.sync_folder(folder.parent)
    return True


def _recover(
    folder: Path, files: Files, held: Held, entropy: Entropy, *, created: bool, durable: bool
) -> Opened:
    # Before the folder was ours, another server may have begun it, and have ended.
    created = created and checkpoint.NAME not in files.names(folder)
    if created:
        checkpoint.save(files, folder, _first_checkpoint(entropy))
    current = checkpoint.load(files, folder)
    journal_folder = folder / journal.FOLDER
    for name in (journal.FOLDER, rooms.FOLDER):
        files.make_folder(folder / name)
    _settle_staged(files, journal_folder, current)
    notes: list[str] = []
    contents, places = projections.load(files, folder, current.projections, notes)
    current = msgspec.structs.replace(current, projections=places)
    last_ids = {room: file.last for room, file in current.rooms.items()} | {ACCOUNTS: current.accounts}
    start = min(current.filed, current.projected)
    found = read_journal(files, journal_folder, start, current.salt, last_ids)
    notes += found.notes + _keep_aside(files, folder, found)
    after, next_place = _rewrite(files, journal_folder, current, found)
    after = msgspec.structs.replace(
        after,
        epoch=_epoch(current, files, found, entropy, notes),
        generation=current.generation + 1,
        unsafe="" if durable else (files.boot() or "unknown"),
        backup=False,
    )
    checkpoint.save(files, folder, after)
    _settle_staged(files, journal_folder, after)
    _drop_old(files, journal_folder, after)
    projections.sweep(files, folder, places)
    after = msgspec.structs.replace(after, projections=projections.settle(files, folder, places))
    lines = [(e.room, e.id, e.line) for e in found.entries if (e.segment, e.offset) >= current.projected[:2]]
    return Opened(
        lock=held,
        checkpoint=after,
        recovery=Recovery(contents, lines, notes, created),
        pending=_pending(found.entries, last_ids),
        accounts=MessageId(max([current.accounts, *(e.id for e in found.entries if e.room == ACCOUNTS)])),
        next_place=next_place,
    )


def _first_checkpoint(entropy: Entropy) -> Checkpoint:
    start = Position(1, 0, 1)
    return Checkpoint(_new_epoch(entropy), int.from_bytes(entropy(4)), start, start)


def _new_epoch(entropy: Entropy) -> Epoch:
    return Epoch(entropy(6).hex())


def _epoch(current: Checkpoint, files: Files, found: Found, entropy: Entropy, notes: list[str]) -> Epoch:
    """The log's epoch: a new one where something that was stored is lost, or may be, or in a backup.

    What was stored after a backup is lost in it. Each copy of one has a past of its own from here on.
    """
    if current.unsafe and current.unsafe != files.boot():
        notes.append("the machine stopped while the log ran without fsync: what was stored last may be lost")
    elif current.backup:
        notes.append("this data folder is a backup: clients will be told that the past was replaced")
    elif not found.corrupt:
        return current.epoch
    return _new_epoch(entropy)


def _settle_staged(files: Files, folder: Path, current: Checkpoint) -> None:
    """Put the segment that a recovery wrote into its place if the checkpoint names it, else away."""
    start = min(current.filed, current.projected).segment
    for name in files.names(folder):
        if name.endswith(".new"):
            if name == journal.staged_path(folder, start).name:
                files.replace(folder / name, journal.segment_path(folder, start))
            else:
                files.unlink(folder / name)
    files.sync_folder(folder)


def _drop_old(files: Files, folder: Path, current: Checkpoint) -> None:
    start = min(current.filed, current.projected).segment
    for segment in journal.list_segments(files, folder):
        if segment < start:
            unlink_if_there(files, journal.segment_path(folder, segment))


def _keep_aside(files: Files, folder: Path, found: Found) -> list[str]:
    notes = []
    for aside in found.asides:
        place = folder / DAMAGED_FOLDER / aside.name
        files.make_folder(place.parent)
        write_file(files, place, aside.data)
        files.sync_folder(place.parent)
        notes.append(f"{aside.sentence}; a copy of what could not be used is {place}")
    return notes


def _rewrite(files: Files, folder: Path, current: Checkpoint, found: Found) -> tuple[Checkpoint, Position]:
    """Write what was found to a new segment, durably: it may have been read from memory that no disk has.

    The segment counts from the moment when the checkpoint that is returned is on the disk.
    """
    segment, batch = found.next_segment, found.next_batch
    if not found.entries:
        place = Position(segment, 0, batch)
        return msgspec.structs.replace(current, filed=place, projected=place), place
    middle = max(current.filed, current.projected)[:2]
    first = [entry for entry in found.entries if (entry.segment, entry.offset) < middle]
    salt = segment_salt(current.salt, segment)
    content = bytearray(encode_header(Header(segment, batch), salt))
    start = Position(segment, len(content), batch)
    between = start
    for part in (first, found.entries[len(first) :]):
        between = Position(segment, len(content), batch)
        for chunk in _chunks(part):
            content += encode_batch(batch, [_payload(entry) for entry in chunk], salt)
            batch += 1
    write_file(files, journal.staged_path(folder, segment), bytes(content))
    files.sync_folder(folder)
    after = msgspec.structs.replace(
        current,
        filed=start if current.filed <= current.projected else between,
        projected=start if current.projected <= current.filed else between,
    )
    return after, Position(segment + 1, 0, batch)


def _payload(entry: Entry) -> bytes:
    return b"%b %b" % (room_word(entry.room), entry.line)


def _chunks(entries: list[Entry]) -> Iterator[list[Entry]]:
    for start in range(0, len(entries), _BATCH_LINES):
        yield entries[start : start + _BATCH_LINES]


def _pending(entries: list[Entry], last_ids: Mapping[RoomId, MessageId]) -> dict[RoomId, list[bytes]]:
    """What each room's files lack."""
    pending: dict[RoomId, list[bytes]] = {}
    for entry in entries:
        if entry.room != ACCOUNTS and entry.id > last_ids.get(entry.room, 0):
            pending.setdefault(entry.room, []).append(entry.line)
    return pending


def release(files: Files, opened: Opened) -> None:
    """Let go of the folder."""
    with contextlib.suppress(OSError):
        files.close(opened.lock.fd)
