"""The files of the rooms: folders of JSON Lines, written at each flush, sealed every few megabytes."""

import contextlib
import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Final

import msgspec

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.history.checkpoint import RoomFile
from chatroom_server.history.files import (
    Files,
    Mode,
    opened,
    read_at,
    read_file,
    replace_file,
    unlink_if_there,
    write_at,
)

FOLDER: Final = "rooms"
INDEX: Final = "index.json"
_SLUG_MAX: Final = 40
_SEGMENT_NAME: Final = re.compile(r"([0-9]{10,})\.jsonl")


class ShortenedError(OSError):
    """A room's file lacks bytes that were durable."""


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of a room's index. Of the segment that is being written only the first two are known.

    Attributes:
        sha256: Of its bytes, hexadecimal; empty when it was damaged before it was sealed.
    """

    file: str
    first: MessageId
    last: MessageId = MessageId(0)
    size: int = 0
    sha256: str = ""


class Index(msgspec.Struct, frozen=True):
    """What `index.json` of a room says."""

    room: RoomId
    epoch: Epoch
    segments: list[Segment]


decode_index: Final = msgspec.json.Decoder(Index).decode
"""Made here: threads that use a type of msgspec for the first time at once can crash the program."""


def segment_name(first: MessageId) -> str:
    """The name of the segment that begins with a line."""
    return f"{first:010d}.jsonl"


def folder_name(room: RoomId, digits: int = 8) -> str:
    """A name for the room's folder: what people can read of the room's name, and a hash of it."""
    plain = unicodedata.normalize("NFKD", room).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_MAX].strip("-")
    return f"{slug or 'room'}-{hashlib.sha256(room.encode()).hexdigest()[:digits]}"


class RoomStore:
    """The files of all rooms. It keeps nothing in memory: the caller has the `RoomFile`s.

    Args:
        folder: `rooms` in the data folder.
        segment_bytes: A segment that is longer is sealed at the next sync.
    """

    def __init__(self, files: Files, folder: Path, *, epoch: Epoch, segment_bytes: int) -> None:
        self._files = files
        self._folder = folder
        self._epoch = epoch
        self._segment_bytes = segment_bytes

    def path(self, file: RoomFile) -> Path:
        """The segment that is being written."""
        return self._folder / file.folder / segment_name(file.first)

    def append(self, file: RoomFile, lines: list[bytes]) -> RoomFile:
        """Put lines behind a room's last one, in one write; they are not durable yet.

        What the segment holds behind `file.size` is not trusted, and cut.

        Raises:
            ShortenedError: Another program has cut the segment; `restart` leaves it behind.
            OSError: The disk refuses; `file` still holds.
        """
        self._files.make_folder(self._folder / file.folder)
        content = b"\n".join([*lines, b""])
        with opened(self._files, self.path(file), Mode.WRITE | Mode.CREATE) as fd:
            size = self._files.size(fd)
            if size < file.size:
                raise ShortenedError(f"{self.path(file)} is shorter than it was")
            if size > file.size:
                self._files.truncate(fd, file.size)
            write_at(self._files, fd, content, file.size)
        return msgspec.structs.replace(
            file, last=MessageId(file.last + len(lines)), size=file.size + len(content)
        )

    def sync(self, room: RoomId, file: RoomFile, durable: RoomFile | None) -> RoomFile:
        """Make a room's lines durable, and seal its segment when it is long enough.

        (Earlier flushes may have written the file and closed it: Linux tells the next descriptor what has
        gone wrong since.)

        Args:
            durable: How far the room was durable before; None when not even its folder is.

        Raises:
            OSError: Nothing behind what was durable before may be trusted again, see `restart`.
        """
        with opened(self._files, self.path(file), Mode.WRITE) as fd:
            self._files.sync(fd)
        if durable is None:
            self._write_index(room, file, [])
            self._files.sync_folder(self._folder)
        elif not durable.size:
            self._files.sync_folder(self.path(file).parent)
        return self.seal(room, file) if file.size >= self._segment_bytes else file

    def restart(self, room: RoomId, durable: RoomFile) -> RoomFile:
        """Leave a segment that refused to become durable, and begin another file behind what is safe.

        Raises:
            OSError: The disk refuses that, too; try again later.
        """
        if durable.size:
            return self.seal(room, durable)
        with contextlib.suppress(FileNotFoundError):
            self._files.unlink(self.path(durable))
        return durable

    def mend(self, room: RoomId, file: RoomFile) -> None:
        """Take away segments that were begun after the last checkpoint before a crash.

        Raises:
            OSError: The disk refuses.
        """
        folder = self._folder / file.folder
        later = [first for first in self._firsts(folder) if first > file.first]
        for first in later:
            self._files.unlink(folder / segment_name(first))
        if later:
            self._write_index(room, file, self.sealed(file))

    def seal(self, room: RoomId, file: RoomFile) -> RoomFile:
        """End the segment, which is durable, at `file.size`; the next line begins a new one."""
        if not file.size:
            return file
        with opened(self._files, self.path(file), Mode.WRITE) as fd:
            content = read_at(self._files, fd, file.size, 0)
        digest = hashlib.sha256(content).hexdigest() if len(content) == file.size else ""
        sealed = Segment(segment_name(file.first), file.first, file.last, file.size, digest)
        following = RoomFile(file.folder, MessageId(file.last + 1), file.last, 0)
        unlink_if_there(self._files, self.path(following))
        self._write_index(room, following, [*self.sealed(file), sealed])
        return following

    def sealed(self, file: RoomFile) -> list[Segment]:
        """The sealed segments of a room, oldest first.

        Raises:
            OSError: The disk does not give them.
        """
        folder = self._folder / file.folder
        with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            index = decode_index(read_file(self._files, folder / INDEX))
            segments = [each for each in index.segments if each.first < file.first]
            if is_complete(segments, file):
                return segments
        return self._listed(folder, file)

    def _firsts(self, folder: Path) -> list[MessageId]:
        found = (_SEGMENT_NAME.fullmatch(name) for name in self._files.names(folder))
        return sorted(MessageId(int(each[1])) for each in found if each)

    def named(self, file: RoomFile) -> list[Segment]:
        """The sealed segments by their names alone: without sizes and checksums."""
        firsts = [first for first in self._firsts(self._folder / file.folder) if first < file.first]
        following = [*firsts, file.first][1:]
        return [
            Segment(segment_name(first), first, MessageId(after - 1))
            for first, after in zip(firsts, following, strict=True)
        ]

    def _listed(self, folder: Path, file: RoomFile) -> list[Segment]:
        """The sealed segments by their names, where the index is no help."""
        segments = []
        for each in self.named(file):
            content = read_file(self._files, folder / each.file)
            digest = hashlib.sha256(content).hexdigest()
            segments.append(msgspec.structs.replace(each, size=len(content), sha256=digest))
        return segments

    def _write_index(self, room: RoomId, file: RoomFile, sealed: list[Segment]) -> None:
        active = Segment(segment_name(file.first), file.first)
        content = msgspec.json.encode(Index(room, self._epoch, [*sealed, active]))
        replace_file(self._files, self._folder / file.folder / INDEX, msgspec.json.format(content) + b"\n")


def is_complete(segments: list[Segment], file: RoomFile) -> bool:
    """Whether the segments hold every line before the one that is being written."""
    expected = 1
    for segment in segments:
        if segment.first != expected or segment.last < segment.first:
            return False
        expected = segment.last + 1
    return expected == file.first
