"""Lines of a room in little memory: 256 to a chunk, packed, and only so many chunks at once."""

from array import array
from collections import OrderedDict
from typing import Final

CHUNK_LINES: Final = 256
RESIDENT_CHUNKS_MAX: Final = 64
RESIDENT_BYTES_MAX: Final = 32 * 1024 * 1024
"""Chunks full of pictures are large: fewer of them stay."""


class _Chunk:
    """256 slots: one buffer, and where in it each line lies. A length of 0 is a line that is not here."""

    __slots__ = ("count", "data", "lengths", "starts")

    def __init__(self) -> None:
        self.data = bytearray()
        self.starts = array("I", bytes(4 * CHUNK_LINES))
        self.lengths = array("I", bytes(4 * CHUNK_LINES))
        self.count = 0

    def put(self, slot: int, line: bytes) -> bool:
        if self.lengths[slot] or not line:
            return False
        self.starts[slot] = len(self.data)
        self.lengths[slot] = len(line)
        self.data += line
        self.count += 1
        return True

    def get(self, slot: int) -> bytes | None:
        length = self.lengths[slot]
        if not length:
            return None
        start = self.starts[slot]
        return bytes(self.data[start : start + length])

    def forget(self, slot: int) -> None:
        if self.lengths[slot]:
            self.lengths[slot] = 0
            self.count -= 1


class Chunks:
    """The lines that are at hand, by their id; the chunk that was used longest ago goes first.

    Nothing is kept for a line but its bytes and eight more: no object.
    """

    __slots__ = ("_bytes_max", "_chunks", "_resident_bytes", "_resident_max")

    def __init__(self, resident_max: int = RESIDENT_CHUNKS_MAX, bytes_max: int = RESIDENT_BYTES_MAX) -> None:
        self._resident_max = resident_max
        self._bytes_max = bytes_max
        self._chunks: OrderedDict[int, _Chunk] = OrderedDict()
        self._resident_bytes = 0

    @property
    def resident(self) -> int:
        """How many chunks are at hand."""
        return len(self._chunks)

    @property
    def resident_bytes(self) -> int:
        """How many bytes their lines take."""
        return self._resident_bytes

    def put(self, line_id: int, line: bytes) -> bool:
        """Keep a line; False when there is one under this id already, which stays."""
        number, slot = divmod(line_id - 1, CHUNK_LINES)
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = self._chunks[number] = _Chunk()
        else:
            self._chunks.move_to_end(number)
        if not chunk.put(slot, line):
            return False
        self._resident_bytes += len(line)
        self._evict()
        return True

    def get(self, line_id: int) -> bytes | None:
        """The bytes of a line, where it is at hand."""
        number, slot = divmod(line_id - 1, CHUNK_LINES)
        chunk = self._chunks.get(number)
        if chunk is None:
            return None
        self._chunks.move_to_end(number)
        return chunk.get(slot)

    def gaps(self, first: int, last: int) -> list[tuple[int, int]]:
        """What is not at hand of these ids, as (first, last) of each run; no run crosses a chunk."""
        found = []
        for number in range((first - 1) // CHUNK_LINES, (last - 1) // CHUNK_LINES + 1):
            base = number * CHUNK_LINES + 1
            low, high = max(first, base), min(last, base + CHUNK_LINES - 1)
            found += self._gaps_of_chunk(self._chunks.get(number), base, low, high)
        return found

    def forget(self, line_id: int) -> None:
        """Let go of one line."""
        number, slot = divmod(line_id - 1, CHUNK_LINES)
        if chunk := self._chunks.get(number):
            chunk.forget(slot)

    def forget_after(self, line_id: int) -> None:
        """Let go of all lines with a greater id."""
        for number in [number for number in self._chunks if number * CHUNK_LINES >= line_id]:
            self._resident_bytes -= len(self._chunks.pop(number).data)
        number, slot = divmod(line_id, CHUNK_LINES)
        if chunk := self._chunks.get(number):
            for behind in range(slot, CHUNK_LINES):
                chunk.forget(behind)

    def trim(self, resident_max: int) -> None:
        """Let go of all but so many chunks: for a room that nobody looks at."""
        while len(self._chunks) > max(1, resident_max):
            self._drop_oldest()

    def _evict(self) -> None:
        """Keep within the bounds, but never drop the chunk that was just used."""
        while len(self._chunks) > 1 and (
            len(self._chunks) > self._resident_max or self._resident_bytes > self._bytes_max
        ):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, chunk = self._chunks.popitem(last=False)
        self._resident_bytes -= len(chunk.data)

    @staticmethod
    def _gaps_of_chunk(chunk: _Chunk | None, base: int, low: int, high: int) -> list[tuple[int, int]]:
        if chunk is None:
            return [(low, high)]
        if chunk.count == CHUNK_LINES:
            return []
        gaps: list[tuple[int, int]] = []
        lengths = chunk.lengths
        start = 0
        for line_id in range(low, high + 1):
            if lengths[line_id - base]:
                if start:
                    gaps.append((start, line_id - 1))
                start = 0
            elif not start:
                start = line_id
        if start:
            gaps.append((start, high))
        return gaps
