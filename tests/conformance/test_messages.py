"""docs/protocol.md, sections Messages, Rooms, History and Presence, against the real server."""

import asyncio
from pathlib import Path

import pytest

from chatroom.protocol.frames import (
    Ack,
    Direct,
    Failed,
    Fetch,
    Gap,
    Join,
    Joined,
    Line,
    Login,
    Page,
    Presence,
    PresenceEvent,
    Refusal,
    Send,
    Welcome,
)
from chatroom.protocol.ids import RoomId
from chatroom_server.history.embedded import EmbeddedLog
from chatroom_server.history.files import OsFiles
from chatroom_server.shell.runner import BEHIND_HOLD_S
from tests.conformance.peer import DEVICE, GENERAL, Peer, Person
from tests.conformance.server import port_of, running

UNBOUNDED = {"BURST": "0", "RATE": "0"}


async def test_sending_again_is_harmless(tmp_path: Path) -> None:
    """Messages: (user, dev, n) names a message."""
    ada = Person("ada")
    async with running(tmp_path) as server:
        async with await Peer.connect(port_of(server)) as peer:
            await peer.log_in(ada)
            await peer.join()
            first = await peer.say_and_wait("once")
        async with await Peer.connect(port_of(server)) as peer:
            welcome = await peer.log_in(ada)
            assert welcome.devices == {DEVICE: first.n}
            peer.send(Send(room=GENERAL, dev=DEVICE, n=first.n, body="once"))
            ack = await peer.expect(Ack)
            assert (ack.n, ack.id) == (first.n, first.id)
            assert [line.body for line in await peer.page()] == ["once"]


async def test_numbers_of_one_round_are_remembered_whatever_rooms_they_went_to(tmp_path: Path) -> None:
    """Messages: what is stored is answered with an Ack, however often it is sent again."""
    ada, other = Person("ada"), RoomId("other")
    rooms = [GENERAL, other, GENERAL, GENERAL, other]
    sends = [Send(room=room, dev=DEVICE, n=n, body=f"m{n}") for n, room in enumerate(rooms, 1)]
    async with running(tmp_path) as server:
        async with await Peer.connect(port_of(server)) as peer:
            await peer.log_in(ada)
            await peer.join()
            peer.send(Join(rid=77, room=str(other), create=True))
            await peer.expect(Joined)
            for frame in sends:
                peer.send(frame)
            said = {line.n: line for line in [await peer.expect(Line) for _ in sends]}
        async with await Peer.connect(port_of(server)) as peer:
            await peer.log_in(ada)
            for frame in sends:
                peer.send(frame)
            answers = [await peer.expect(Ack) for _ in sends]
            assert not [frame for frame in peer.seen if isinstance(frame, Refusal)]
    assert answers == [Ack(DEVICE, n, room, said[n].id) for n, room in enumerate(rooms, 1)]


async def test_pages_hold_the_very_lines(tmp_path: Path) -> None:
    """History: after, before, neither; oldest first."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        await peer.join()
        said = [await peer.say_and_wait(f"message {number}") for number in range(1, 21)]
        assert await peer.page(limit=5) == said[15:]
        assert await peer.page(after=0, limit=3) == said[:3]
        assert await peer.page(before=11, limit=2) == said[8:10]
        assert await peer.page(after=20) == []


async def test_all_of_a_clients_requests_for_pages_are_answered(tmp_path: Path) -> None:
    """History: up to 16 requests may wait."""
    async with running(tmp_path, **UNBOUNDED) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        await peer.join()
        for number in range(200):
            peer.say(f"{number} " + "x" * 5000)
        await peer.expect_line(200)
        for rid in range(1, 17):
            peer.send(Fetch(rid=rid, room=GENERAL, after=0, limit=200))
        for rid in range(1, 17):
            page = await peer.expect(Page)
            assert (page.rid, len(page.lines)) == (rid, 51)


async def test_presence_of_others(tmp_path: Path) -> None:
    """Presence: joined, gone, back."""
    bob = Person("bob")
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as ada:
        await ada.log_in(Person("ada"))
        await ada.join()
        async with await Peer.connect(port_of(server)) as peer:
            await peer.log_in(bob)
            await peer.join()
            joined = await ada.expect(Presence)
            assert (joined.event, joined.people[0].nick) == (PresenceEvent.JOINED, "bob")
            await peer.leave()
        assert (await ada.expect(Presence)).event is PresenceEvent.GONE


@pytest.mark.parametrize("tls", [False, True])
async def test_a_slow_reader_is_told_the_gap_and_holds_up_nobody(tmp_path: Path, tls: bool) -> None:
    """History: Gap."""
    async with (
        running(tmp_path, **UNBOUNDED) as server,
        await Peer.connect(port_of(server), tls=tls) as slow,
        await Peer.connect(port_of(server)) as ada,
    ):
        await slow.log_in(Person("slow"))
        await slow.join()
        slow.pause_reading()
        await ada.log_in(Person("ada"))
        await ada.join()
        body = "x" * 60_000
        for number in range(1, 301):
            ada.say(body)
            if number % 10 == 0:
                await ada.expect_line(number)
        slow.resume_reading()
        gaps = await _read_through(slow, 300)
        first = gaps[0]
        lines = await slow.page(after=first.after, limit=3)
        assert [line.id for line in lines] == list(range(first.after + 1, min(first.after + 3, 300) + 1))
        await ada.say_and_wait("the end")
        await slow.expect_line(301)


async def _read_through(peer: Peer, last: int) -> list[Gap]:
    """Read up to a line, and check that lines and gaps together leave nothing out and tell nothing twice."""
    expected, at, gaps = 1, 0, list[Gap]()
    while expected <= last:
        if at == len(peer.seen):
            assert not peer.is_closed
            await peer.read_some()
            continue
        frame = peer.seen[at]
        at += 1
        if isinstance(frame, Line):
            assert frame.id == expected
            expected += 1
        elif isinstance(frame, Gap):
            assert frame.after == expected - 1
            expected = frame.last + 1
            gaps.append(frame)
    assert gaps
    return gaps


async def test_a_pipe_is_slow_and_never_lost(tmp_path: Path) -> None:
    """Messages: who sends too fast is read more slowly; nothing is dropped."""
    settings = {"BURST": "20", "RATE": "400"}
    async with running(tmp_path, **settings) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        await peer.join()
        for number in range(200):
            peer.say(str(number))
        await peer.expect_line(200)
        assert [line.body for line in peer.seen if isinstance(line, Line)] == [str(n) for n in range(200)]
        assert not [frame for frame in peer.seen if isinstance(frame, Failed)]


async def test_who_sends_while_the_disk_is_behind_is_slowed_and_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages: a server that cannot keep up reads more slowly."""
    monkeypatch.setattr(EmbeddedLog, "is_behind", True)
    async with running(tmp_path, **UNBOUNDED) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        await peer.join()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        peer.say("one")
        await peer.expect_line(1)
        peer.say("two")
        await peer.expect_line(2)
        assert loop.time() - begun > BEHIND_HOLD_S * 0.9


async def test_each_round_writes_once_to_each_link(tmp_path: Path) -> None:
    """Messages: cost grows with the bytes, not with messages times members."""
    async with running(tmp_path, **UNBOUNDED) as server:
        peers = [await Peer.connect(port_of(server)) for _ in range(5)]
        for number, peer in enumerate(peers):
            await peer.log_in(Person(f"p{number}"))
            await peer.join()
        await asyncio.gather(*(peer.page() for peer in peers))
        before = server.runner.fanout.writes
        for _ in range(100):
            peers[0].say("together")
        for peer in peers:
            await peer.expect_line(100)
        rounds = (server.runner.fanout.writes - before) / len(peers)
        assert rounds <= 10
        for peer in peers:
            await peer.cut()


async def test_ten_thousand_messages_are_few_writes_to_the_rooms_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """History: a room's file is written on a timer, never per message."""
    writes = 0
    write = OsFiles.write

    def counted(self: OsFiles, fd: int, data: bytes | memoryview, offset: int) -> int:
        nonlocal writes
        writes += bytes(data[:6]) == b'{"id":'  # what the room files hold, and nothing else
        return write(self, fd, data, offset)

    monkeypatch.setattr(OsFiles, "write", counted)
    async with (
        running(tmp_path, HISTORY_FLUSH_S="0.2", **UNBOUNDED) as server,
        await Peer.connect(port_of(server)) as peer,
    ):
        await peer.log_in(Person("ada"))
        await peer.join()
        for start in range(0, 10_000, 200):
            for number in range(start, start + 200):
                peer.say(f"message {number}")
            await peer.expect_line(start + 200)
    assert 0 < writes <= server.flushes + 2
    (history,) = (tmp_path / "server" / "rooms").glob("general-*/*.jsonl")
    assert len(history.read_bytes().splitlines()) == 10_000


async def test_a_direct_conversation_reaches_both(tmp_path: Path) -> None:
    """Rooms: Direct."""
    async with (
        running(tmp_path) as server,
        await Peer.connect(port_of(server)) as ada,
        await Peer.connect(port_of(server)) as bob,
    ):
        await ada.log_in(Person("ada"))
        await bob.log_in(Person("bob"))
        ada.send(Direct(rid=2, nick="bob"))
        opened = await ada.expect(Joined)
        room = RoomId(opened.room.id)
        assert (await bob.expect(Joined)).room.id == room
        await ada.say_and_wait("psst", room)
        assert (await bob.expect(Line)).body == "psst"


async def test_a_conversation_with_a_guest_ends_with_the_guest(tmp_path: Path) -> None:
    """Rooms: a guest is a member for as long as it stays; `guest-gone`."""
    async with running(tmp_path, GUESTS="yes") as server, await Peer.connect(port_of(server)) as ada:
        await ada.log_in(Person("ada"))
        async with await Peer.connect(port_of(server)) as gil:
            await gil.greet()
            gil.send(Login(nick="gil", devices=[DEVICE]))
            await gil.expect(Welcome)
            gil.send(Direct(rid=2, nick="ada"))
            room = RoomId((await gil.expect(Joined)).room.id)
            assert [person.guest for person in (await ada.expect(Joined)).room.direct] == [True, False]
            await gil.say_and_wait("psst", room)
            assert (await ada.expect(Line)).guest
            await ada.say_and_wait("yes?", room)
            await gil.leave()
        assert (await ada.expect(Presence)).event is PresenceEvent.LEFT
        ada.say("are you there?", room)
        refusal = await ada.expect(Refusal)
        assert (refusal.code, refusal.args) == ("guest-gone", {"nick": "gil"})
