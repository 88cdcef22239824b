"""docs/protocol.md, section History (Gap): what a reader that stops reading costs, in counts."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from chatroom.protocol.frames import Fetch, Gap, Line, Page
from chatroom_server.shell import runner
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.link import Link
from chatroom_server.shell.server import Server
from chatroom_server.shell.tails import TAIL_BYTES_MAX, WRITE_MAX, Outlet, Sink, Tail
from tests.conformance.peer import GENERAL, WAIT_S, Peer, Person
from tests.conformance.server import port_of, running

READERS = 50
LONG = "x" * 60_000
RID = 9
FILL_MAX = 100
STAYS_FULL = 3
SMALL = 32 * 1024
LINE_MAX = len(LONG) + 1000
SEALED_MAX = WRITE_MAX + WRITE_MAX // 100
"""What TLS makes of a write: 22 bytes more for each 16 KiB (RFC 8446, section 5.2)."""


@pytest.fixture(autouse=True)
def _no_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes are counted: none may come from a timer."""
    monkeypatch.setattr(runner, "SWEEP_S", 3600.0)


@asynccontextmanager
async def room_of(server: Server, count: int, *, tls: bool) -> AsyncIterator[list[Peer]]:
    """So many members of one room, after everything about their coming has been written."""
    async with AsyncExitStack() as stack:
        peers: list[Peer] = []
        for number in range(count):
            peer = await stack.enter_async_context(await Peer.connect(port_of(server), tls=tls))
            await peer.log_in(Person(f"p{number}"))
            await peer.join()
            peers.append(peer)
        for peer in peers:
            await peer.page()
        yield peers


def link_of(server: Server, peer: Peer) -> Link:
    """The server's end of a peer's link."""
    port = peer.writer.get_extra_info("sockname")[1]
    return next(link for link in server.runner.links.values() if link.port == port)


async def block(server: Server, readers: list[Peer], others: list[Peer]) -> tuple[list[Link], int]:
    """Have readers stop, and talk until their sockets stay full; returns the number of the last line, too.

    Under TLS what reads the socket for asyncio takes half a megabyte before it stops.
    """
    links = [link_of(server, reader) for reader in readers]
    for reader, link in zip(readers, links, strict=True):
        reader.pause_reading()
        link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    last, full = server.status().messages, 0
    while full < STAYS_FULL:
        assert last < FILL_MAX
        last += 1
        await talk(others, last, last, LONG)
        full = full + 1 if all(link.blocked for link in links) else 0
    return links, last


async def talk(peers: list[Peer], first: int, last: int, body: str) -> None:
    """The first of them says a message at a time, which all of them hear."""
    for number in range(first, last + 1):
        peers[0].say(body)
        await asyncio.gather(*(peer.expect_line(number) for peer in peers))


def kept_bytes(links: list[Link]) -> int:
    """What the server keeps for links of one room: the tail, and what their sockets have not taken."""
    rests = {id(link._rest.obj): link._rest.nbytes for link in links if link._rest is not None}
    return links[0].rooms[0].size + sum(rests.values()) + sum(link.queued for link in links)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_blocked_reader_costs_the_others_no_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: bool
) -> None:
    """One write for each reader and message, whether one of them is blocked or not."""
    written = count_writes(monkeypatch)
    async with (
        running(tmp_path, BURST="0", RATE="0") as server,
        room_of(server, READERS, tls=tls) as peers,
    ):
        everybody = [link_of(server, peer) for peer in peers]
        others, before = everybody[:-1], server.status().writes
        written.clear()
        await talk(peers, 1, 20, "all of us read")
        assert written == dict.fromkeys(everybody, 20)
        assert server.status().writes - before == written.total()

        (link,), last = await block(server, peers[-1:], peers[:-1])
        before = server.status().writes
        written.clear()
        await talk(peers[:-1], last + 1, last + 20, "one of us does not")
        assert server.status().writes - before == written.total()
        assert written.pop(link, 0) <= 2  # a full socket may still find a little room
        assert written == dict.fromkeys(others, 20)
        assert link.blocked


def count_writes(monkeypatch: pytest.MonkeyPatch) -> Counter[Outlet]:
    """How often each link was written to, from here on."""
    written: Counter[Outlet] = Counter()
    write, spread = Link.write, Fanout._spread

    def counted(self: Link, data: bytes) -> None:
        written[self] += 1
        write(self, data)

    def counting(self: Fanout, tail: Tail, *, is_all: bool) -> None:
        sinks = {link: link.sink for link in tail.links if link.sink is not None}
        for link, sink in sinks.items():
            link.sink = Counting(written, link, sink)
        spread(self, tail, is_all=is_all)
        for link, sink in sinks.items():
            link.sink = None if link.sink is None else sink

    monkeypatch.setattr(Link, "write", counted)
    monkeypatch.setattr(Fanout, "_spread", counting)
    return written


@dataclass
class Counting:
    """A sink whose writes are counted."""

    written: Counter[Outlet]
    link: Outlet
    sink: Sink

    def send(self, data: bytes, /) -> int:
        self.written[self.link] += 1
        return self.sink.send(data)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_blocked_reader_is_kept_no_more_than_the_tail(tmp_path: Path, tls: bool) -> None:
    """However much is said: beside the tail, which the blocked ones share, each has one write at most."""
    async with (
        running(tmp_path, BURST="0", RATE="0") as server,
        room_of(server, 7, tls=tls) as peers,
    ):
        blocked, last = await block(server, peers[2:], peers[:2])
        bound, most = TAIL_BYTES_MAX + LINE_MAX + SEALED_MAX * len(blocked), 0
        for _ in range(3 * TAIL_BYTES_MAX // len(LONG)):
            last += 1
            await talk(peers[:2], last, last, LONG)
            assert kept_bytes(blocked) <= bound
            most = max(most, blocked[0].rooms[0].size)
        assert most > TAIL_BYTES_MAX // 2
        assert all(link.blocked for link in blocked)

        for peer in peers[2:]:
            await peer.cut()
        async with asyncio.timeout(WAIT_S):
            while server.status().links > 2:
                await peers[0].page(limit=1)
        await talk(peers[:2], last + 1, last + 1, "nobody is behind")
        assert link_of(server, peers[0]).rooms[0].size == 0


@pytest.mark.parametrize("tls", [False, True])
async def test_a_blocked_reader_catches_up_without_gap_or_duplicate(tmp_path: Path, tls: bool) -> None:
    """What the socket had taken, a gap, pages, and what is said meanwhile: each line once."""
    async with (
        running(tmp_path, BURST="0", RATE="0") as server,
        room_of(server, 3, tls=tls) as (ada, bob, slow),
    ):
        _links, last = await block(server, [slow], [ada, bob])
        await talk([ada, bob], last + 1, last + 3 * TAIL_BYTES_MAX // len(LONG), LONG)
        slow.resume_reading()
        for _ in range(20):
            last = ada.say("and this is said while it catches up")
        lines = await everything(slow, last)
        assert sorted(line.id for line in lines) == list(range(1, last + 1))
        assert all(line.n == line.id for line in lines)
        assert any(isinstance(frame, Gap) for frame in slow.seen)
        await ada.expect_line(last)


async def everything(peer: Peer, last: int) -> list[Line]:
    """All lines up to a number, in the order of arrival: a client that fetches what gaps leave out."""
    lines: list[Line] = []
    gaps: list[Gap] = []  # the first of them is being fetched
    taken = 0
    while len(lines) < last:
        if taken == len(peer.seen):
            await peer.read_some()
            assert not peer.is_closed
            continue
        frame, taken = peer.seen[taken], taken + 1
        if isinstance(frame, Line):
            lines.append(frame)
        elif isinstance(frame, Gap):
            gaps.append(frame)
            if len(gaps) == 1:
                peer.send(Fetch(rid=RID, room=GENERAL, after=frame.after))
        elif isinstance(frame, Page) and frame.rid == RID:
            page = [msgspec.json.decode(line, type=Line) for line in frame.lines]
            lines += [line for line in page if line.id <= gaps[0].last]
            after = page[-1].id
            if after >= gaps[0].last:
                del gaps[0]
                after = gaps[0].after if gaps else last
            if gaps:
                peer.send(Fetch(rid=RID, room=GENERAL, after=after))
    return lines
