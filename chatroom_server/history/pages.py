"""Reading a page out of a room's files: a binary search over byte offsets, then the lines themselves.

Numbers of lines ascend without a hole, so a few small reads find any of them, however long the file is.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from chatroom.protocol.ids import MessageId
from chatroom_server.history.errors import ReadError
from chatroom_server.history.files import Files, opened, read_at
from chatroom_server.history.rooms import Segment

_NEAR: Final = 8 * 1024
"""Bytes: what lies so close together is read in one piece."""
_FIRST_CHUNK: Final = 16 * 1024
_ID_START: Final = b'{"id":'


class Budget:
    """What a page may still hold.

    Args:
        max_bytes: Bytes of lines; one line fits always.
    """

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._empty = True
        self.spent = False

    def takes(self, line: bytes) -> bool:
        """Whether the line still fits; it is counted then."""
        if self.spent or (len(line) > self._left and not self._empty):
            self.spent = True
            return False
        self._left -= len(line)
        self._empty = False
        return True


def read_forward(
    files: Files, folder: Path, segments: Sequence[Segment], first: int, last: int, budget: Budget
) -> list[bytes]:
    """The lines from `first` to at most `last`, as many as the budget takes, oldest first.

    Args:
        folder: The room's.
        segments: All of the room's segments that hold something, oldest first.

    Raises:
        OSError: The disk does not give them, or (ReadError) something else than what was written.
    """
    lines: list[bytes] = []
    for segment in segments:
        if segment.last >= first and segment.first <= last and not budget.spent:
            with _opened(files, folder, segment) as reader:
                begin = max(first, segment.first)
                _check_next(folder, first + len(lines), begin)
                reader.collect_forward(begin, min(last, segment.last), budget, lines)
    if not budget.spent:
        _check_next(folder, first + len(lines), last + 1)
    return lines


def read_backward(
    files: Files, folder: Path, segments: Sequence[Segment], first: int, last: int, budget: Budget
) -> list[bytes]:
    """The lines from `last` down to at least `first`, as many as the budget takes, oldest first.

    Raises:
        OSError: The disk does not give them, or (ReadError) something else than what was written.
    """
    lines: list[bytes] = []
    for segment in reversed(segments):
        if segment.last >= first and segment.first <= last and not budget.spent:
            with _opened(files, folder, segment) as reader:
                end = min(last, segment.last)
                _check_next(folder, last - len(lines), end)
                reader.collect_backward(max(first, segment.first), end, budget, lines)
    if not budget.spent:
        _check_next(folder, last - len(lines), first - 1)
    lines.reverse()
    return lines


def _check_next(folder: Path, number: int, found: int) -> None:
    """Where a segment is missing, lines of another one must not pass for its own."""
    if number != found:
        raise ReadError(f"{folder} lacks line {number}; put it back from a backup")


@contextlib.contextmanager
def _opened(files: Files, folder: Path, segment: Segment) -> Iterator["_Reader"]:
    path = folder / segment.file
    with opened(files, path) as fd:
        yield _Reader(files, fd, path, segment)


class _Reader:
    """One open segment."""

    def __init__(self, files: Files, fd: int, path: Path, segment: Segment) -> None:
        self._files = files
        self._fd = fd
        self._path = path
        self._segment = segment

    def collect_forward(self, first: int, last: int, budget: Budget, into: list[bytes]) -> None:
        """Add the lines from `first` to `last`, as long as the budget takes them."""
        offset, chunk, number = self._find(first), _FIRST_CHUNK, first
        held = b""  # the start of a line of which the end is not read yet
        while number <= last:
            data = self._read(offset, chunk)
            offset += len(data)
            *whole, held = (held + data).split(b"\n")
            for line in whole:
                if number > last or not budget.takes(self._checked(line, number)):
                    return
                into.append(line)
                number += 1
            chunk *= 2

    def collect_backward(self, first: int, last: int, budget: Budget, into: list[bytes]) -> None:
        """Add the lines from `last` down to `first`, newest first, as long as the budget takes them."""
        begin, chunk, number = self._find(last + 1), _FIRST_CHUNK, last
        held = b""  # the end of a line of which the start is not read yet
        while number >= first:
            size = min(chunk, begin)
            begin -= size
            held = self._read(begin, size) + held
            cut = held.find(b"\n") + 1 if begin else 0
            whole, held = held[cut:].split(b"\n"), held[:cut]
            for line in reversed(whole[:-1]):
                if number < first or not budget.takes(self._checked(line, number)):
                    return
                into.append(line)
                number -= 1
            chunk *= 2

    def _find(self, number: int) -> int:
        """The offset of a line; of the one behind the last it is the end."""
        segment = self._segment
        if number > segment.last:
            return segment.size
        low, low_number = 0, int(segment.first)
        high = ceiling = segment.size
        while ceiling - low > _NEAR:
            middle = (low + ceiling) // 2
            start = self._line_start(middle, high)
            if start is None:
                ceiling = middle
            elif (found := self._number_at(start)) <= number:
                low, low_number = start, found
            else:
                high, ceiling = start, middle
        return self._skip(low, number - low_number)

    def _line_start(self, offset: int, end: int) -> int | None:
        """Where the first line behind an offset begins, unless that is at `end`."""
        while offset < end:
            data = self._read(offset, min(_NEAR // 2, end - offset))
            found = data.find(b"\n")
            if found >= 0:
                start = offset + found + 1
                return start if start < end else None
            offset += len(data)
        return None

    def _number_at(self, offset: int) -> int:
        data = self._read(offset, min(32, self._segment.size - offset))
        try:
            if data.startswith(_ID_START):
                return int(data[len(_ID_START) : data.index(b",")])
        except ValueError:
            pass
        raise self._damaged(offset)

    def _skip(self, offset: int, lines: int) -> int:
        """The offset so many lines further on."""
        while lines:
            data = self._read(offset, _FIRST_CHUNK)
            count = data.count(b"\n")
            if count < lines:
                offset, lines = offset + len(data), lines - count
                continue
            at = -1
            for _ in range(lines):
                at = data.index(b"\n", at + 1)
            return offset + at + 1
        return offset

    def _read(self, offset: int, size: int) -> bytes:
        data = read_at(self._files, self._fd, min(size, self._segment.size - offset), offset)
        if not data:
            raise self._damaged(offset)
        return data

    def _checked(self, line: bytes, number: int) -> bytes:
        if not line.startswith(b'{"id":%d,' % number) or b"\0" in line:  # a hole, where a write was lost
            raise self._damaged(0, MessageId(number))
        return line

    def _damaged(self, offset: int, number: MessageId | None = None) -> ReadError:
        where = f"line {number}" if number is not None else f"byte {offset}"
        return ReadError(f"{self._path} is damaged at {where}; put it back from a backup")
