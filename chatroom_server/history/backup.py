"""Copying a data folder, whether or not a server runs there, and durably.

The copy holds what was stored before it was begun. It is marked, so that whoever opens it gives it an epoch
of its own.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from chatroom.protocol.ids import Epoch
from chatroom_server.history import checkpoint, journal, rooms
from chatroom_server.history.checkpoint import Checkpoint, Projection, RoomFile
from chatroom_server.history.errors import CopyError
from chatroom_server.history.files import Files, Mode, opened, write_at
from chatroom_server.history.reading import JournalReader, OpenSegment, whole_end
from chatroom_server.history.rooms import RoomStore, segment_name
from chatroom_server.history.snapshot import snapshot

_CHUNK: Final = 1 << 20


@dataclass(slots=True)
class Backup:
    """One copy, to be made once. What blocks, blocks.

    Attributes:
        onto: A folder that is there and empty.
        is_live: A server may be writing: what it has not written to its end is nobody's yet, and left out.
        others: Names of files and folders beside the log's own that belong to the copy.
        size: Bytes that were copied.
    """

    files: Files
    folder: Path
    onto: Path
    is_live: bool
    others: Sequence[str] = ()
    size: int = 0

    def run(self) -> None:
        """Copy everything; when this returns it is durable.

        Raises:
            CopyError: Something cannot be read or written.
            HistoryError: The folder cannot be read.
            OSError: The disk does not give the folder.
        """
        with snapshot(self.files, self.folder) as taken:
            places = {name: self._add(name, content) for name, content in taken.projections.items()}
            self._copy_journal(taken.journal)
            current = taken.checkpoint
        self._make(self.onto / rooms.FOLDER)
        for file in current.rooms.values():
            self._copy_room(file)
        self._sync(self.onto / rooms.FOLDER)
        for name in self.others:
            self._copy_other(name)
        self._mark(current, places)

    def _mark(self, current: Checkpoint, places: dict[str, Projection]) -> None:
        # It has been written and synced here: what the machine forgets over there does not matter.
        unsafe = current.unsafe if current.unsafe != self.files.boot() else ""
        marked = msgspec.structs.replace(current, projections=places, unsafe=unsafe, backup=True)
        with _blaming(self.onto / checkpoint.NAME):
            checkpoint.save(self.files, self.onto, marked)

    # --- the parts ----------------------------------------------------------------------------
    def _add(self, name: str, content: bytes) -> Projection:
        self._write(self.onto / name, iter([content]))
        return Projection(name, len(content), crc32(content))

    def _copy_journal(self, reader: JournalReader) -> None:
        place = self.onto / journal.FOLDER
        self._make(place)
        segments = _whole_segments(reader) if self.is_live else reader.segments
        for segment in segments:
            path = journal.segment_path(place, segment.number)
            size = min(segment.size, segment.end)
            self._write(path, _chunks(self.files, segment.fd, size, segment.path))
        self._sync(place)

    def _copy_room(self, file: RoomFile) -> None:
        source, onto = (base / rooms.FOLDER / file.folder for base in (self.folder, self.onto))
        store = RoomStore(self.files, self.folder / rooms.FOLDER, epoch=Epoch(""), segment_bytes=0)
        self._make(onto)
        for segment in store.named(file):
            self._copy(source / segment.file, onto / segment.file)
        if file.size:
            name = segment_name(file.first)
            self._copy(source / name, onto / name, file.size)
        self._copy(source / rooms.INDEX, onto / rooms.INDEX)
        self._sync(onto)

    def _copy_other(self, name: str) -> None:
        source, onto = self.folder / name, self.onto / name
        if not source.is_dir():
            self._copy(source, onto)
            return
        self._make(onto)
        for path in sorted(source.iterdir()):
            if path.is_file() and path.suffix != ".new":
                self._copy(path, onto / path.name)
        self._sync(onto)

    # --- files --------------------------------------------------------------------------------
    def _copy(self, source: Path, onto: Path, size: int | None = None) -> None:
        """Copy a file, or its first bytes. What is missing is missing in the copy: a check tells of it."""
        with contextlib.ExitStack() as stack:
            try:
                fd = stack.enter_context(opened(self.files, source))
                there = self.files.size(fd)
            except FileNotFoundError:
                return
            except OSError as error:
                raise CopyError(source, error) from error
            wanted = there if size is None else min(size, there)
            self._write(onto, _chunks(self.files, fd, wanted, source))

    def _write(self, path: Path, chunks: Iterator[bytes]) -> None:
        with _blaming(path), opened(self.files, path, Mode.WRITE | Mode.NEW) as fd:
            size = 0
            for chunk in chunks:
                write_at(self.files, fd, chunk, size)
                size += len(chunk)
            self.files.sync(fd)
            self.size += size

    def _make(self, folder: Path) -> None:
        with _blaming(folder):
            self.files.make_folder(folder)

    def _sync(self, folder: Path) -> None:
        with _blaming(folder):
            self.files.sync_folder(folder)


def _whole_segments(reader: JournalReader) -> list[OpenSegment]:
    """The journal up to its last whole batch: what a server is writing ends somewhere behind it."""
    segments = list(reader.segments)
    while segments:
        last = segments[-1]
        begin = reader.begin(last)
        part = reader.scan(last, begin)
        if part.batches:
            return [*segments[:-1], replace(last, end=whole_end(part))]
        if last.number == reader.start.segment and begin:
            return [replace(last, end=begin)]
        segments.pop()
    return segments


def _chunks(files: Files, fd: int, size: int, path: Path) -> Iterator[bytes]:
    at = 0
    while at < size:
        try:
            chunk = files.read(fd, min(_CHUNK, size - at), at)
        except OSError as error:
            raise CopyError(path, error) from error
        if not chunk:
            return
        at += len(chunk)
        yield chunk


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Say which file an error of the disk was about."""
    try:
        yield
    except OSError as error:
        raise CopyError(path, error) from error
