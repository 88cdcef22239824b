"""Reading the journal of a data folder without changing anything, while a server may write to it.

The files are opened at once: what is removed or added later is not seen, and the length of each is the one
that it had then. One segment at a time is in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chatroom.protocol.ids import RoomId
from chatroom_server.history import journal
from chatroom_server.history.checkpoint import Checkpoint
from chatroom_server.history.files import Files, Mode, read_at
from chatroom_server.history.records import Entry, Header, Scan, decode_header, scan, segment_salt
from chatroom_server.history.recovery import valid_ends

_HEADER_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """A segment of the journal, as far as it is valid.

    Attributes:
        size: Its bytes when it was opened.
        body: Where its batches begin, 0 when the header is damaged.
        end: Where what is valid ends, which is behind `size` when bytes are missing.
    """

    number: int
    path: Path
    fd: int
    size: int
    header: Header | None
    body: int
    end: int


class JournalReader:
    """The segments that a checkpoint needs. A context manager.

    Args:
        folder: The data folder.

    Attributes:
        start: The place from which on the checkpoint needs the journal.
        segments: Ascending; those that a later one makes void are left out.

    Raises:
        OSError: The disk does not give them.
    """

    def __init__(self, files: Files, folder: Path, current: Checkpoint) -> None:
        self._files, self._folder = files, folder / journal.FOLDER
        self._salt = current.salt
        self._fds: list[int] = []
        self.start = min(current.filed, current.projected)
        self.segments: list[OpenSegment] = []
        try:
            self.segments = self._open_all()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        while self._fds:
            self._files.close(self._fds.pop())

    def begin(self, segment: OpenSegment) -> int:
        """Where the checkpoint needs a segment from."""
        is_first = segment.number == self.start.segment and self.start.offset
        return self.start.offset if is_first else segment.body

    def content(self, segment: OpenSegment) -> bytes:
        """The valid bytes of a segment."""
        return read_at(self._files, segment.fd, segment.end, 0)

    def scan(self, segment: OpenSegment, begin: int) -> Scan:
        """What a segment holds between a place and its valid end."""
        salt = segment_salt(self._salt, segment.number)
        return scan(self.content(segment), segment.number, begin, salt)

    def entries(self) -> Iterator[Entry]:
        """The lines behind the checkpoint, each number of a room once; none of a torn tail."""
        lasts: dict[RoomId, int] = {}
        for segment in self.segments:
            part = self.scan(segment, self.begin(segment))
            whole = whole_end(part) if segment is self.segments[-1] else part.end
            for entry in part.entries:
                if entry.offset < whole and entry.id > lasts.get(entry.room, 0):
                    lasts[entry.room] = entry.id
                    yield entry

    def _open_all(self) -> list[OpenSegment]:
        opened = [self._open(number, path) for number, path in self._paths()]
        ends = valid_ends([(each.number, each.size, each.header) for each in opened])
        return [replace(each, end=ends[each.number]) for each in opened if each.number in ends]

    def _open(self, number: int, path: Path) -> OpenSegment:
        fd = self._files.open(path, Mode.READ)
        self._fds.append(fd)
        size = self._files.size(fd)
        head = read_at(self._files, fd, min(size, _HEADER_MAX), 0)
        header, body = decode_header(head, segment_salt(self._salt, number)) or (None, 0)
        return OpenSegment(number, path, fd, size, header, body, size)

    def _paths(self) -> list[tuple[int, Path]]:
        """A segment that a recovery has written counts when the checkpoint begins with it."""
        start = self.start.segment
        found = [number for number in journal.list_segments(self._files, self._folder) if number >= start]
        paths = {number: journal.segment_path(self._folder, number) for number in found}
        staged = journal.staged_path(self._folder, start)
        if staged.name in self._files.names(self._folder):
            paths[start] = staged
        return sorted(paths.items())


def whole_end(part: Scan) -> int:
    """Where the whole batches of a segment end, if a torn tail follows them."""
    damages = part.damages
    return damages[-1].start if damages and damages[-1].end == part.end else part.end
