"""Cuts what plain-text clients send into lines, also what first clients send: bytes without any line end."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatroom_server.gateways.text.settings import LINE_MAX, SILENCE_S

_TELNET: Final = re.compile(rb"\xff\xfa.*?\xff\xf0|\xff[\xfb-\xfe].?|\xff[\xf0-\xf9]|\xff\xff?", re.DOTALL)
"""Commands of telnet (RFC 854); 0xFF stands nowhere in UTF-8."""


_START: Final = 16


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """Stands for a line that was over the limit, and is thrown away.

    Attributes:
        start: What it began with: a few characters.
    """

    start: str


class LineReader:
    """Bytes in, lines out, each as text without its end. Times are monotonic seconds.

    A line ends at LF, with or without a CR before it. On a link that has never sent an LF, what has arrived
    is a line after `SILENCE_S`, or when the peer sends nothing more. No line is longer than `LINE_MAX`: what
    belongs to a longer one is thrown away.

    Args:
        is_unfinished: Told how a line begins: silence does not end it.
    """

    __slots__ = (
        "_has_lines",
        "_heard",
        "_is_over",
        "_is_skipping",
        "_is_unfinished",
        "_rest",
        "_searched",
        "_start",
    )

    def __init__(self, is_unfinished: Callable[[bytes], bool] = lambda _start: False) -> None:
        self._is_unfinished = is_unfinished
        self._rest = bytearray()
        self._start = b""
        self._searched = 0
        self._heard = 0.0
        self._has_lines = False
        self._is_skipping = False
        self._is_over = False

    @property
    def pending(self) -> int:
        """Bytes that wait to be taken."""
        return len(self._rest)

    @property
    def has_rest(self) -> bool:
        """Something is not taken yet, be it only the end of a line that is too long."""
        return bool(self._rest) or self._is_skipping

    @property
    def has_line(self) -> bool:
        """`next` makes something of what is there, whatever the time."""
        if self._end() >= 0 or len(self._rest) > LINE_MAX + 1:
            return True
        return self._is_over and self.has_rest

    @property
    def is_over(self) -> bool:
        """The peer sends nothing more, and all is taken."""
        return self._is_over and not self.has_rest

    @property
    def due(self) -> float | None:
        """When what is there counts as a line, if nothing more comes."""
        if self._has_lines or self._is_over or not self.has_rest:
            return None
        return None if self._is_unfinished(bytes(self._rest)) else self._heard + SILENCE_S

    def feed(self, chunk: bytes, now: float) -> None:
        """Take bytes as they were read."""
        self._rest += chunk
        self._heard = now

    def finish(self) -> None:
        """The peer sends nothing more: what is left is a line."""
        self._is_over = True

    def next(self, now: float) -> str | LineTooLong | None:
        """The next line, if there is a whole one."""
        end = self._end()
        if end >= 0:
            self._has_lines = True
            return self._take(end, end + 1)
        if self.has_rest and (self._is_over or self._is_silent(now)):
            return self._take(len(self._rest), len(self._rest))
        if len(self._rest) > LINE_MAX + 1:  # a CR may stand at its end
            self._skip()
        return None

    def take_rest(self) -> list[str]:
        """All that was not taken, as lines; empty ones are left out."""
        lines = [_decoded(line.removesuffix(b"\r")) for line in bytes(self._rest).split(b"\n")]
        self._drop(len(self._rest))
        self._is_skipping = False
        return [line for line in lines if line.strip()]

    def _end(self) -> int:
        """Where the next LF stands, -1 for nowhere; no byte is looked at twice."""
        end = self._rest.find(b"\n", self._searched)
        self._searched = end if end >= 0 else len(self._rest)
        return end

    def _is_silent(self, now: float) -> bool:
        due = self.due
        return due is not None and now >= due

    def _take(self, end: int, behind: int) -> str | LineTooLong:
        data = bytes(self._rest[:end])
        self._drop(behind)
        if self._is_skipping or len(data.removesuffix(b"\r")) > LINE_MAX:
            start = self._start if self._is_skipping else data[:_START]
            self._is_skipping = False
            return LineTooLong(_decoded(start))
        return _decoded(data.removesuffix(b"\r"))

    def _skip(self) -> None:
        """Throw away what is there of a line that is too long, and what will come of it."""
        if not self._is_skipping:
            self._is_skipping, self._start = True, bytes(self._rest[:_START])
        self._drop(len(self._rest))

    def _drop(self, count: int) -> None:
        del self._rest[:count]
        self._searched = 0


def _decoded(line: bytes) -> str:
    if b"\xff" in line:
        line = _TELNET.sub(b"", line)
    return line.decode("utf-8", "replace").replace("\0", "")
