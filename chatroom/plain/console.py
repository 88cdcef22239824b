"""Standard input and output as lines, on a terminal or a pipe."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Collection
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


class _Question:
    """A question that was printed, and waits for one of its answers."""

    def __init__(self, sentence: str, answers: Collection[str]) -> None:
        self.sentence = sentence
        self.answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._answers = answers

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered it yet."""
        return not self.answer.done()

    def take(self, line: str | None) -> bool:
        """Be answered, if a line does that, or if there will be no other."""
        answer = None if line is None else line.strip().casefold()
        if is_answer := answer is None or answer in self._answers:
            self.answer.set_result(answer)
        return is_answer


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
        self._question: _Question | None = None
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
            if self._question is None or not self._question.is_open:
                return line
            if not self._question.take(line):
                await self._print_question(self._question)
                return line

    async def pieces(self) -> AsyncIterator[list[str]]:
        """What comes through a pipe, line by line, as messages."""
        assert self._streams is not None
        cutter = LineCutter()
        while chunk := await self._streams[0].read(_CHUNK):
            yield cutter.feed(chunk)
        yield cutter.finish()

    async def ask(self, question: str, answers: Collection[str]) -> str | None:
        """Print a question, and wait for one of its answers, in whatever case.

        A line that is none, perhaps begun before the question was there, is read as any other; then the
        question is asked again.

        Returns:
            The answer; None when nobody is there to give one.
        """
        if not self.is_interactive:
            return None
        self._question = asked = _Question(question, answers)
        await self._print_question(asked)
        try:
            return await asked.answer
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

    async def _print_question(self, asked: "_Question") -> None:
        await self._print(f"{asked.sentence} ".encode(self._encoding, "replace"))

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
