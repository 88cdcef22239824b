"""A whole room, oldest line first, while a server may write to it: from its files, then from the journal."""

from collections.abc import Iterator
from pathlib import Path

from chatroom.protocol.ids import Epoch, RoomId
from chatroom_server.core.accounts import Accounts
from chatroom_server.core.hub import USERS_FILE
from chatroom_server.core.ports import ACCOUNTS
from chatroom_server.history import rooms
from chatroom_server.history.contents import Content
from chatroom_server.history.files import Files, Mode
from chatroom_server.history.rooms import RoomStore, Segment, segment_name
from chatroom_server.history.snapshot import Snapshot


def known_rooms(taken: Snapshot) -> dict[RoomId, str]:
    """The rooms that there are, and those that merely have lines; each with its name.

    Raises:
        AccountsError: The users cannot be read.
    """
    accounts = Accounts.from_json(taken.projections.get(USERS_FILE, b""))
    found = {room: str(room) for room in taken.checkpoint.rooms}
    for entry in taken.journal.entries():
        if entry.room == ACCOUNTS:
            accounts.apply(entry.line)
        else:
            found.setdefault(entry.room, str(entry.room))
    return found | {room.id: room.name for room in accounts.rooms.values()}


def all_lines(files: Files, folder: Path, taken: Snapshot, room: RoomId) -> Iterator[bytes]:
    """Everything that a room holds, in constant memory; a segment that is missing is left out.

    Raises:
        OSError: The disk does not give it.
    """
    file = taken.checkpoint.rooms.get(room)
    if file is not None:
        place = folder / rooms.FOLDER
        store = RoomStore(files, place, epoch=Epoch(""), segment_bytes=0)
        active = Segment(segment_name(file.first), file.first, file.last, file.size)
        for segment in [*store.sealed(file), *([active] if file.size else [])]:
            yield from _lines_of(files, place / file.folder / segment.file, segment.size)
    last = file.last if file is not None else 0
    for entry in taken.journal.entries():
        if entry.room == room and entry.id > last:
            yield entry.line


def _lines_of(files: Files, path: Path, size: int) -> Iterator[bytes]:
    try:
        fd = files.open(path, Mode.READ)
    except FileNotFoundError:
        return
    try:
        for _offset, line in Content(files, fd, min(files.size(fd), size)):
            yield line
    finally:
        files.close(fd)
