"""Standard input and output as lines, on a terminal or a pipe."""

import sys
from collections import deque

import aioconsole

_KEPT_MAX = 10_000
"""Lines that `/hold` keeps; older ones are counted, and not shown."""


class Console:
    """Reads what is typed and prints what arrives.

    While `holding`, what arrives is kept until the next line has been typed.

    Args:
        ascii_only: The terminal cannot show anything else.
    """

    def __init__(self, *, ascii_only: bool) -> None:
        self.holding = False
        self.dropped = 0
        self._kept: deque[str] = deque()
        self._encoding = "ascii" if ascii_only else "utf-8"
        self._streams: (
            tuple[aioconsole.stream.StandardStreamReader, aioconsole.stream.StandardStreamWriter] | None
        )
        self._streams = None

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits there, who can answer a question."""
        return sys.stdin.isatty()

    async def open(self) -> None:
        """Take over standard input and output."""
        self._streams = await aioconsole.get_standard_streams()

    async def read_line(self) -> str | None:
        """The next line that is typed, without its end; None when there are no more."""
        assert self._streams is not None
        data = await self._streams[0].readline()
        return data.decode("utf-8", "replace").rstrip("\r\n") if data else None

    async def ask(self, question: str) -> str | None:
        """Print a question, and wait for its answer.

        Returns:
            The answer; None when nobody is there to give one.
        """
        if not self.is_interactive:
            return None
        await self._print(f"{question} ")
        return await self.read_line()

    async def show(self, line: str) -> None:
        """Print a line, now or after what is being typed."""
        if not self.holding:
            await self._print(f"{line}\n")
            return
        self._kept.append(line)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popleft()
            self.dropped += 1

    async def show_now(self, line: str) -> None:
        """Print a line even while holding."""
        await self._print(f"{line}\n")

    async def release(self) -> None:
        """Print what was kept."""
        kept, self._kept = list(self._kept), deque()
        for line in kept:
            await self._print(f"{line}\n")

    async def _print(self, text: str) -> None:
        assert self._streams is not None
        writer = self._streams[1]
        writer.write(text.encode(self._encoding, "replace"))
        await writer.drain()
