"""Standard input and output as lines, on a terminal or a pipe."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from io import FileIO
from typing import Final

from aioconsole.stream import (
    NonFileStreamReader,
    NonFileStreamWriter,
    StandardStreamReader,
    StandardStreamWriter,
    create_standard_streams,
)

from chatroom.common.texts import Texts
from chatroom.scripts.input_lines import LineCutter
from chatroom.scripts.output import Output, OutputClosed

_KEPT_MAX: Final = 10_000
"""Lines that `/hold` keeps; older ones are counted, and not shown."""
_CHUNK: Final = 1 << 16
_BELL: Final = b"\a"


class Console:
    """Reads what is typed and prints what arrives.

    While `holding`, what arrives is kept until the next line has been typed. Everything that prints raises
    `OutputClosed` when nobody reads it any more.

    Args:
        ascii_only: The terminal cannot show anything else.
        has_bell: The terminal rings when it is told to.
    """

    def __init__(self, texts: Texts, *, ascii_only: bool = False, has_bell: bool = False) -> None:
        self.holding = False
        self._texts = texts
        self._kept: deque[str] = deque()
        self._dropped = 0
        self._encoding = "ascii" if ascii_only else "utf-8"
        self._has_bell = has_bell
        self._question: asyncio.Future[str | None] | None = None
        self._streams: (
            tuple[
                StandardStreamReader | NonFileStreamReader,
                StandardStreamWriter | NonFileStreamWriter,
                StandardStreamWriter | NonFileStreamWriter,
            ]
            | None
        ) = None

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits there, who can answer a question."""
        return sys.stdin is not None and sys.stdin.isatty()

    async def open(self) -> None:
        """Take over standard input and output."""
        # All three are kept: a writer that is collected closes what the reader hangs on.
        self._streams = await create_standard_streams(_bytes_in(), sys.stdout, sys.stderr)

    async def read_line(self) -> str | None:
        """The next line that is typed, without its end, and answers no question; None behind the last."""
        while True:
            line = await self._read_line()
            if self._question is None or self._question.done():
                return line
            self._question.set_result(line)

    async def pieces(self) -> AsyncIterator[list[str]]:
        """What comes through a pipe, line by line, as messages."""
        assert self._streams is not None
        cutter = LineCutter()
        while chunk := await self._streams[0].read(_CHUNK):
            yield cutter.feed(chunk)
        yield cutter.finish()

    async def ask(self, question: str) -> str | None:
        """Print a question, and wait for its answer, which is the next line that somebody reads.

        Returns:
            The answer; None when nobody is there to give one.
        """
        if not self.is_interactive:
            return None
        self._question = asyncio.get_running_loop().create_future()
        await self._print(f"{question} ".encode(self._encoding, "replace"))
        try:
            return await self._question
        finally:
            self._question = None

    async def show(self, line: str) -> None:
        """Print a line, now or after what is being typed."""
        if not self.holding:
            await self.show_now(line)
            return
        self._kept.append(line)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popleft()
            self._dropped += 1

    async def show_now(self, line: str) -> None:
        """Print a line even while holding."""
        await self._print(f"{line}\n".encode(self._encoding, "replace"))

    async def release(self) -> None:
        """Print what was kept."""
        kept, self._kept = list(self._kept), deque()
        dropped, self._dropped = self._dropped, 0
        if dropped:
            sentence = self._texts.n(
                "{count} older line was too much to keep.",
                "{count} older lines were too much to keep.",
                dropped,
            )
            await self.show_now(sentence.format(count=dropped))
        for line in kept:
            await self.show_now(line)

    async def closed(self) -> None:
        """Return when nobody reads the output any more; never, where it goes to a terminal."""
        if sys.stdout.isatty():
            await asyncio.Event().wait()
        await Output(sys.stdout.fileno()).closed()

    async def ring(self) -> None:
        """Ring the bell, where there is one."""
        if self._has_bell:
            await self._print(_BELL)

    async def _read_line(self) -> str | None:
        assert self._streams is not None
        data = await self._streams[0].readline()
        encoding = (sys.stdin.encoding if sys.stdin is not None else None) or "utf-8"
        return data.decode(encoding, "replace").rstrip("\r\n") if data else None

    async def _print(self, data: bytes) -> None:
        assert self._streams is not None
        writer = self._streams[1]
        if writer.is_closing():
            raise OutputClosed
        try:
            writer.write(data)
            await writer.drain()
        except (OSError, ValueError) as error:
            raise OutputClosed from error


def _bytes_in() -> FileIO:
    """Standard input without a buffer of its own: what is there is read, and nothing is waited for."""
    if sys.stdin is None:
        return open(os.devnull, "rb", buffering=0)  # noqa: PTH123  # a raw file, as below
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
