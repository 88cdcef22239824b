"""Half-open links (docs/protocol.md, "Liveness and ends"): both ends notice that nothing comes through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from chatroom.client.address import Address
from chatroom.client.events import Offline, Online
from chatroom.client.profile import Profile
from chatroom.client.session import Session, connect
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol.limits import DEAD_AFTER_S, PING_AFTER_S
from chatroom.testing.clock import Clock
from chatroom_server.shell.link import Phase
from chatroom_server.shell.runner import SWEEP_S
from tests.client.helpers import E, next_event, until
from tests.conformance.server import port_of, running

_NOTICED_WITHIN_S = 30.0


class Proxy:
    """Stands between a client and the server, and may swallow what they say without hanging up.

    Attributes:
        swallows: What comes now and later reaches nobody.
        up, down: Bytes that came from the client, and from the server.
    """

    def __init__(self, port: int, tasks: Tasks) -> None:
        self.swallows = False
        self.up = self.down = 0
        self._port, self._tasks = port, tasks

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        up = self._tasks.start(self._pump(reader, to_server, is_up=True), name="up")
        down = self._tasks.start(self._pump(from_server, writer, is_up=False), name="down")
        try:
            await asyncio.wait([up, down])
        finally:
            to_server.close()
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool) -> None:
        is_cut = False
        try:
            while chunk := await reader.read(65536):
                self.up += len(chunk) * is_up
                self.down += len(chunk) * (not is_up)
                is_cut = is_cut or self.swallows  # a link that swallowed once is not whole again
                if not is_cut:
                    writer.write(chunk)
        except OSError:
            return


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[tuple[Proxy, int]]:
    """A proxy in front of a port, and its own port."""
    async with Tasks("proxy") as tasks:
        proxy = Proxy(port, tasks)
        listening = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
        try:
            yield proxy, listening.sockets[0].getsockname()[1]
        finally:
            listening.close()


def client(home: Path, port: int, clock: Clock) -> AbstractAsyncContextManager[Session]:
    """A client that comes by a port, and whose time a test moves."""
    timing = Timing(now=clock.now, sleep=clock.sleep, random=lambda: 0.0)
    place, profile = Address("127.0.0.1", port), Profile.open(home)
    return connect(place, profile, trust=Trust.PIN_IF_LOCAL, texts=Texts(), nick="ann", timing=timing)


async def moved_until(clock: Clock, session: Session, kind: type[E]) -> E:
    """The next event of a kind, which comes within a minute of a time that goes on, second by second."""
    for _second in range(60):
        await clock.move(1)
        await session.wait_for_events(0.05)
        for event in session.events_nowait():
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__} came")


async def test_a_client_notices_that_nothing_comes_through(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        running(tmp_path / "server") as server,
        proxied(port_of(server)) as (proxy, port),
        client(tmp_path / "ann", port, clock) as session,
    ):
        await next_event(session, Online)
        for _ in range(3):  # as long as there are answers, silence is no end
            before = proxy.down
            await clock.move(PING_AFTER_S + 2)
            await until(lambda before=before: proxy.down > before)  # type: ignore[misc]
            await session.rooms()
        proxy.swallows = True
        before, began = proxy.up, clock.now()
        cut = await moved_until(clock, session, Offline)
        assert clock.now() - began < _NOTICED_WITHIN_S
        assert clock.now() - began >= DEAD_AFTER_S - 2
        assert cut.reason == "the server no longer answers"
        await until(lambda: proxy.up > before)
        proxy.swallows = False
        assert (await moved_until(clock, session, Online)).again


async def test_a_server_notices_that_nothing_comes_through(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "server") as server,
        proxied(port_of(server)) as (proxy, port),
        client(tmp_path / "ann", port, Clock()) as session,
    ):
        await next_event(session, Online)
        [link] = server.runner.links.values()
        proxy.swallows = True
        before, now = proxy.down, server.runner.loop.time()
        link.tick(now + PING_AFTER_S)
        await until(lambda: proxy.down > before)
        link.tick(now + DEAD_AFTER_S - 2)
        assert server.status().links == 1
        link.tick(now + DEAD_AFTER_S)
        assert link.phase is Phase.GONE
        assert server.status().links == 0
        assert DEAD_AFTER_S + SWEEP_S <= _NOTICED_WITHIN_S
