"""The lines of a segment of a room, read from its start in chunks."""

import hashlib
from collections.abc import Iterator
from typing import Final

from chatroom.protocol.limits import FRAME_LINE_MAX
from chatroom_server.history.files import Files, read_at

_CHUNK: Final = 1 << 20


class Content:
    """The lines of a segment with their offsets, read in chunks.

    Attributes:
        digest: Of all bytes, when all were read.
    """

    def __init__(self, files: Files, fd: int, size: int) -> None:
        self._files, self._fd, self._size = files, fd, size
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        held, start = b"", 0
        for read in range(0, self._size, _CHUNK):
            chunk = read_at(self._files, self._fd, min(_CHUNK, self._size - read), read)
            self.digest.update(chunk)
            *whole, held = (held + chunk).split(b"\n")
            for line in whole:
                yield start, line
                start += len(line) + 1
            if len(held) > 2 * FRAME_LINE_MAX:  # no line of ours: look at its pieces, and do not grow
                yield start, held
                start, held = start + len(held), b""
        if held:
            yield start, held
