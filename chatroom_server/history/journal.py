"""The journal: one file after another in which every line of all rooms is written first, a batch a round."""

import contextlib
import re
from pathlib import Path
from typing import Final

from chatroom_server.history.files import Files, Mode, write_at
from chatroom_server.history.records import Header, Position, encode_batch, encode_header, segment_salt

FOLDER: Final = "journal"
_NAME: Final = re.compile(r"([0-9]{10})\.journal")


def segment_path(folder: Path, segment: int) -> Path:
    """The file of a segment; `folder` is the journal's."""
    return folder / f"{segment:010d}.journal"


def staged_path(folder: Path, segment: int) -> Path:
    """Where a recovery writes a segment that is valid only when the checkpoint names it."""
    return folder / f"{segment:010d}.journal.new"


def list_segments(files: Files, folder: Path) -> list[int]:
    """The numbers of the segments that exist, ascending."""
    return sorted(int(found[1]) for name in files.names(folder) if (found := _NAME.fullmatch(name)))


class Journal:
    """The writing end. One thread uses it.

    What fsync has once refused may be lost although later calls succeed: the system takes the pages for
    clean. So after any error the segment ends where it was last known to be durable, and the round goes to a
    new segment, whose header makes void what lies behind that place.

    Args:
        folder: The journal's folder.
        start: Where the first batch goes: the start of a segment that does not exist yet.
        salt: The log's salt.
        segment_bytes: A segment that is longer gets no further batch.
        durable: False leaves it to the system when bytes reach the disk.
    """

    def __init__(
        self, files: Files, folder: Path, *, start: Position, salt: int, segment_bytes: int, durable: bool
    ) -> None:
        self.end = start
        """Behind the last batch that is durable."""
        self._files = files
        self._folder = folder
        self._salt = salt
        self._segment_bytes = segment_bytes
        self._durable = durable
        self._fd: int | None = None
        self._broken = False
        self._refused: list[Path] = []
        """Segments that hold nothing but what was refused, and that the disk did not let go of."""
        self._next_segment = start.segment

    def write(self, payloads: list[bytes]) -> Position:
        """Store a batch and return the place behind it.

        Raises:
            OSError: The disk took it neither here nor in a new segment. Nothing is stored, and the next call
            tries
                again.
        """
        if self._fd is not None and not self._broken:
            if self.end.offset < self._segment_bytes:
                with contextlib.suppress(OSError):
                    return self._append(self._fd, payloads)
                self._broken = True
            else:
                self._leave()
        return self._begin(payloads)

    def close(self) -> None:
        """Let go of the file; what was refused is taken away, if the disk lets us now."""
        if self._broken or self._refused:
            self._take_back()
            with contextlib.suppress(OSError):
                self._files.sync_folder(self._folder)
        self._leave()

    def _append(self, fd: int, payloads: list[bytes]) -> Position:
        batch = encode_batch(self.end.batch, payloads, segment_salt(self._salt, self.end.segment))
        write_at(self._files, fd, batch, self.end.offset)
        self._sync(fd)
        self.end = Position(self.end.segment, self.end.offset + len(batch), self.end.batch + 1)
        return self.end

    def _begin(self, payloads: list[bytes]) -> Position:
        segment = self._next_segment
        self._next_segment += 1
        try:
            fd, end = self._make(segment, payloads)
        except OSError:
            self._take_back()
            raise
        self._leave()
        self._fd, self._broken, self.end = fd, False, end
        self._refused.clear()  # the header of the new segment makes them void
        return end

    def _make(self, segment: int, payloads: list[bytes]) -> tuple[int, Position]:
        path = segment_path(self._folder, segment)
        fd = self._files.open(path, Mode.WRITE | Mode.NEW)
        try:
            return fd, self._fill(fd, segment, payloads)
        except OSError:
            self._refused.append(path)
            with contextlib.suppress(OSError):
                self._files.close(fd)
            raise

    def _fill(self, fd: int, segment: int, payloads: list[bytes]) -> Position:
        salt = segment_salt(self._salt, segment)
        cut = (self.end.segment, self.end.offset)
        header = encode_header(Header(segment, self.end.batch, cut), salt)
        content = header + encode_batch(self.end.batch, payloads, salt)
        write_at(self._files, fd, content, 0)
        self._sync(fd)
        self._files.sync_folder(self._folder)
        return Position(segment, len(content), self.end.batch + 1)

    def _take_back(self) -> None:
        """Take away what was refused, as far as the disk lets us, lest a recovery finds it."""
        with contextlib.suppress(OSError):
            while self._refused:
                with contextlib.suppress(FileNotFoundError):
                    self._files.unlink(self._refused[-1])
                self._refused.pop()
        if self._fd is not None:
            with contextlib.suppress(OSError):
                self._files.truncate(self._fd, self.end.offset)

    def _leave(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                self._files.close(self._fd)
            self._fd = None

    def _sync(self, fd: int) -> None:
        if self._durable:
            self._files.sync(fd)
