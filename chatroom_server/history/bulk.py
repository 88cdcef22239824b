"""Putting a whole room into a data folder at once, without the journal: for imports and benchmarks."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.history import checkpoint
from chatroom_server.history import rooms as room_files
from chatroom_server.history.checkpoint import RoomFile
from chatroom_server.history.errors import FolderError
from chatroom_server.history.files import Files, Mode, OsFiles, opened, write_at
from chatroom_server.history.opening import Opened, open_folder, release
from chatroom_server.history.rooms import RoomStore, folder_name
from chatroom_server.history.settings import LogSettings


def import_room(
    folder: Path,
    room: RoomId,
    rests: Iterable[bytes],
    *,
    files: Files | None = None,
    settings: LogSettings | None = None,
) -> MessageId:
    """Fill a room that has no lines yet. Blocks; no server may have the folder open.

    The room counts from the moment when all of it is on the disk.

    Args:
        rests: The lines without their numbers, as in a `Draft`.

    Returns:
        The number of the last line.

    Raises:
        HistoryError: The folder cannot be used, or the room has lines.
        OSError: The disk refuses.
    """
    files = files or OsFiles()
    settings = settings or LogSettings()
    ready = open_folder(folder, files, settings, durable=True, note="")
    try:
        if room in ready.checkpoint.rooms or room in ready.pending:
            raise FolderError(
                f"the room {room!r} in {folder} has lines already; import it under another name"
            )
        file = _fill(files, folder, ready, room, rests, settings)
        current = msgspec.structs.replace(
            ready.checkpoint,
            rooms=ready.checkpoint.rooms | {room: file},
            generation=ready.checkpoint.generation + 1,
        )
        checkpoint.save(files, folder, current)
    finally:
        release(files, ready)
    return file.last


def _fill(
    files: Files, folder: Path, ready: Opened, room: RoomId, rests: Iterable[bytes], settings: LogSettings
) -> RoomFile:
    place = folder / room_files.FOLDER
    store = RoomStore(files, place, epoch=ready.checkpoint.epoch, segment_bytes=settings.room_segment)
    taken = {file.folder for file in ready.checkpoint.rooms.values()}
    names = (folder_name(room, digits) for digits in range(8, 65, 8))
    file = RoomFile(next(name for name in names if name not in taken))
    durable: RoomFile | None = None
    files.make_folder(place / file.folder)
    store.mend(room, file)
    for count, content in _segments(rests, settings.room_segment):
        with opened(files, store.path(file), Mode.WRITE | Mode.CREATE) as fd:
            files.truncate(fd, 0)
            write_at(files, fd, content, 0)
        last = MessageId(file.last + count)
        file = msgspec.structs.replace(file, last=last, size=len(content))
        file = durable = store.sync(room, file, durable)
    return file


def _segments(rests: Iterable[bytes], segment_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Numbered lines, and how many they are, a segment at a time."""
    content: list[bytes] = []
    size = 0
    for number, rest in enumerate(rests, 1):
        line = b'{"id":%d,%b\n' % (number, rest)
        content.append(line)
        size += len(line)
        if size >= segment_bytes:
            yield len(content), b"".join(content)
            content, size = [], 0
    if content:
        yield len(content), b"".join(content)
