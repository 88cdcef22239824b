"""A line client on paper: a console that a test types on and reads, at a fake server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chatroom.client.profile import Profile
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.common.texts import Texts
from chatroom.model.sentences import LineFormat
from chatroom.plain.client import PlainClient
from chatroom.plain.console import Console
from chatroom.testing import FakeServer
from tests.client.helpers import session_on


class Paper(Console):
    """Keeps what is printed, and gives what was typed."""

    def __init__(self, texts: Texts, *, piped: bytes | None = None) -> None:
        super().__init__(texts)
        self.lines: list[str] = []
        self.rings = 0
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._piped = piped
        self._printed = asyncio.Event()

    @property
    def is_interactive(self) -> bool:
        return self._piped is None

    def type(self, *lines: str | None) -> None:
        """Type lines; None is Ctrl+D."""
        for line in lines:
            self._typed.put_nowait(line)

    async def pieces(self) -> AsyncIterator[list[str]]:
        for line in (self._piped or b"").decode().splitlines():
            yield [line]

    async def closed(self) -> None:
        await asyncio.Event().wait()

    async def ring(self) -> None:
        self.rings += 1

    async def until(self, wanted: str | Callable[[list[str]], object]) -> str:
        """Wait until a text stands on the paper; returns the last line that has it."""
        async with asyncio.timeout(10):
            while not (
                any(wanted in line for line in self.lines) if isinstance(wanted, str) else wanted(self.lines)
            ):
                self._printed.clear()
                await self._printed.wait()
        return next((line for line in reversed(self.lines) if isinstance(wanted, str) and wanted in line), "")

    async def _read_line(self) -> str | None:
        return await self._typed.get()

    async def _print(self, data: bytes) -> None:
        self.lines += data.decode().splitlines()
        self._printed.set()


class Table:
    """One who sits at a line client; `code` is how it ended."""

    def __init__(self, paper: Paper, server: FakeServer, client: PlainClient) -> None:
        self.paper = paper
        self.server = server
        self.client = client
        self.code: int | None = None
        self._ended = asyncio.Event()

    async def run(self) -> None:
        self.code = await self.client.run()
        self._ended.set()

    async def ask(self, typed: str, answer: str) -> str:
        """Type a line, and wait for what it brings; what stands there already does not count."""
        before = len(self.paper.lines)
        self.paper.type(typed)
        await self.paper.until(lambda lines: any(answer in line for line in lines[before:]))
        return next(line for line in self.paper.lines[before:] if answer in line)

    async def end(self) -> int:
        """Wait until it has ended; returns the exit code."""
        async with asyncio.timeout(10):
            await self._ended.wait()
        assert self.code is not None
        return self.code


@asynccontextmanager
async def seated(
    server: FakeServer, profile: Profile, *, room: str = "", piped: bytes | None = None, **options: object
) -> AsyncIterator[Table]:
    """Somebody at a line client, from connecting on."""
    texts = Texts()
    paper = Paper(texts, piped=piped)
    form = LineFormat(texts, lambda _ms: "09:00", me=profile.user_id)
    arguments: dict[str, object] = {"timing": Timing(random=lambda: 0.0)}
    async with session_on(server, profile, **(arguments | options)) as session, Tasks("table") as tasks:
        client = PlainClient(session, paper, form, room=room, written=None)
        table = Table(paper, server, client)
        tasks.start(table.run(), name="run")
        yield table
