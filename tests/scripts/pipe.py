"""A pipe, with both its ends in the hands of a test."""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass

from chatroom.scripts.output import Output


@dataclass
class Pipe:
    """Two descriptors."""

    reading: int
    writing: int

    @property
    def output(self) -> Output:
        return Output(self.writing)

    async def read(self) -> bytes:
        """What is there, or the next that comes."""
        async with asyncio.timeout(10):
            return await asyncio.to_thread(os.read, self.reading, 1 << 20)

    async def read_lines(self, count: int) -> list[bytes]:
        """So many lines, without their ends."""
        data = b""
        while data.count(b"\n") < count:
            data += await self.read()
        return data.splitlines()

    def hang_up(self) -> None:
        """Read no more."""
        os.close(self.reading)
        self.reading = -1

    def close(self) -> None:
        for end in (self.reading, self.writing):
            with suppress(OSError):
                os.close(end)
