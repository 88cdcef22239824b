"""Checking the files of a room: index, checksums, numbers, and that every line can be read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from chatroom.protocol.frames import Line, LineKind
from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.history import rooms
from chatroom_server.history.checkpoint import RoomFile
from chatroom_server.history.contents import Content
from chatroom_server.history.files import Files, opened, read_file
from chatroom_server.history.findings import Finding, Report
from chatroom_server.history.journal_check import reason
from chatroom_server.history.rooms import RoomStore, Segment, segment_name

_decode: Final = msgspec.json.Decoder(Line).decode
_NOT_READ: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(slots=True)
class RoomCheck:
    """Checks one room after the other; a chunk of a segment is in memory.

    Attributes:
        take: Told of each line that can be read, and of its file.
        lines: How many lines there were.
    """

    files: Files
    folder: Path
    """The data folder."""
    take: Callable[[Line, str], None]
    lines: int = 0

    def segments_of(self, file: RoomFile) -> list[Segment]:
        """The sealed segments of a room, and the one that is written."""
        active = Segment(segment_name(file.first), file.first, file.last, file.size)
        return [*self._store().sealed(file), *([active] if file.size else [])]

    def run(self, room: RoomId, file: RoomFile) -> Iterator[Report]:
        """Yield what is found."""
        place = f"{rooms.FOLDER}/{file.folder}"
        sealed = self._index(room, file)
        if sealed is None:
            yield Report(Finding.INDEX_UNREADABLE, f"{place}/{rooms.INDEX}")
            sealed = self._store().named(file)
            start = sealed[0].first if sealed else file.first
            if start != 1:
                lacking: dict[str, object] = {"first": 1, "last": start - 1}
                yield Report(Finding.SEGMENT_MISSING, f"{place}/{segment_name(MessageId(1))}", args=lacking)
        for segment in sealed:
            yield from self._check_segment(room, place, segment, is_sealed=True)
        if file.size:
            active = Segment(segment_name(file.first), file.first, file.last, file.size)
            yield from self._check_segment(room, place, active, is_sealed=False)

    def _index(self, room: RoomId, file: RoomFile) -> list[Segment] | None:
        try:
            content = read_file(self.files, self.folder / rooms.FOLDER / file.folder / rooms.INDEX)
            index = rooms.decode_index(content)
        except (OSError, *_NOT_READ):
            return None
        segments = [each for each in index.segments if each.first < file.first]
        return segments if index.room == room and rooms.is_complete(segments, file) else None

    def _store(self) -> RoomStore:
        return RoomStore(self.files, self.folder / rooms.FOLDER, epoch=Epoch(""), segment_bytes=0)

    def _check_segment(
        self, room: RoomId, place: str, segment: Segment, *, is_sealed: bool
    ) -> Iterator[Report]:
        name = f"{place}/{segment.file}"
        try:
            with opened(self.files, self.folder / name) as fd:
                size = self.files.size(fd)
                yield from _check_size(name, segment, size, is_sealed=is_sealed)
                wanted = min(size, segment.size) if segment.size else size
                content = Content(self.files, fd, wanted)
                yield from self._check_lines(room, name, segment, content)
        except FileNotFoundError:
            args: dict[str, object] = {"first": segment.first, "last": segment.last}
            yield Report(Finding.SEGMENT_MISSING, name, args=args)
        except OSError as error:
            yield Report(Finding.UNREADABLE, name, args={"reason": reason(error)})
        else:
            if is_sealed and segment.size and segment.sha256 and wanted == segment.size:
                if content.digest.hexdigest() != segment.sha256:
                    yield Report(Finding.SEGMENT_CHANGED, name)
            elif is_sealed and segment.size and not segment.sha256:
                yield Report(Finding.SEGMENT_ODD, name)

    def _check_lines(self, room: RoomId, name: str, segment: Segment, content: Content) -> Iterator[Report]:
        expected, lost, first_lost = int(segment.first), 0, 0
        for offset, data in content:
            try:
                line = _decode(data)
            except _NOT_READ as error:
                yield Report(Finding.LINE_UNREADABLE, name, offset, expected, {"reason": str(error)})
                expected += 1
                continue
            if line.id != expected or not data.startswith(b'{"id":%d,' % expected):
                args: dict[str, object] = {"found": line.id, "expected": expected}
                yield Report(Finding.LINE_NUMBER, name, offset, line.id, args)
            if line.room != room:
                yield Report(Finding.LINE_ELSEWHERE, name, offset, line.id, {"room": line.room})
            if line.kind == LineKind.LOST:
                lost, first_lost = lost + 1, first_lost or line.id
            expected = line.id + 1
            self.lines += 1
            self.take(line, name)
        if expected != segment.last + 1:
            args = {"found": expected - 1, "expected": segment.last}
            yield Report(Finding.LINES_WRONG_END, name, args=args)
        if lost:
            yield Report(Finding.LINE_LOST, name, line=first_lost, args={"count": lost})


def _check_size(name: str, segment: Segment, size: int, *, is_sealed: bool) -> Iterator[Report]:
    if not segment.size:
        return
    if size < segment.size:
        yield Report(Finding.SEGMENT_SHORT, name, size, args={"size": size, "expected": segment.size})
    elif size > segment.size and not is_sealed:
        yield Report(Finding.SEGMENT_LONG, name, segment.size, args={"size": size - segment.size})
