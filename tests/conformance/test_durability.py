"""docs/protocol.md, sections Messages and History: what was shown as stored is there after any end."""

import asyncio
import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatroom.protocol.frames import Goodbye, Line
from chatroom.protocol.ids import RoomId
from tests.conformance.peer import Peer, PeerClosedError, Person
from tests.conformance.server import ServerProcess, environment, port_of, running

TEA = RoomId("tea")


async def test_a_restart_keeps_users_rooms_and_messages(tmp_path: Path) -> None:
    """Handshake: back. Rooms. History."""
    ada = Person("ada")
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        first = await peer.log_in(ada)
        await peer.join("tea", create=True)
        said = await peer.say_and_wait("before", TEA)
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        again = await peer.log_in(ada)
        assert again.back
        assert (again.user, again.color, again.epoch) == (first.user, first.color, first.epoch)
        assert [(room.name, room.last) for room in again.rooms] == [("tea", 1)]
        assert await peer.page(room=TEA) == [said]
        assert (await peer.say_and_wait("after", TEA)).id == 2


async def test_what_was_on_its_way_when_the_server_stops_is_stored_or_unsaid(tmp_path: Path) -> None:
    """Liveness and ends: Goodbye."""
    ada = Person("ada")
    async with running(tmp_path) as server:
        peer = await Peer.connect(port_of(server))
        await peer.log_in(ada)
        await peer.join()
        for number in range(100):
            peer.say(str(number))
        await peer.expect(Line)
        reading = asyncio.gather(_read_all(peer))
    await reading
    shown = [frame.body for frame in peer.seen if isinstance(frame, Line)]
    assert isinstance(peer.seen[-1], Goodbye)
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(ada)
        kept = [line.body for line in await peer.page(limit=512)]
        assert kept[: len(shown)] == shown == [str(number) for number in range(len(shown))]


async def _read_all(peer: Peer) -> None:
    await peer.expect_end()
    await peer.cut()


async def test_kill_minus_nine_keeps_what_was_shown(tmp_path: Path) -> None:
    """Messages: no one is sent a line before it is on the server's disk."""
    ada = Person("ada")
    process = await asyncio.to_thread(ServerProcess, tmp_path)
    peer = await Peer.connect(process.port)
    await peer.log_in(ada)
    await peer.join()
    for number in range(200):
        peer.say(str(number))
    await peer.expect_line(50)
    await asyncio.to_thread(process.end, signal.SIGKILL)
    try:
        await peer.expect(Line, lambda line: False)
    except (PeerClosedError, OSError):
        await peer.cut()
    shown = [frame for frame in peer.seen if isinstance(frame, Line)]
    assert len(shown) >= 50
    again = await asyncio.to_thread(ServerProcess, tmp_path)
    async with await Peer.connect(again.port) as peer:
        assert (await peer.log_in(ada)).back
        assert (await peer.page(after=0, limit=512))[: len(shown)] == shown
    status, _errors = await asyncio.to_thread(again.end)
    assert status == 0


async def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    """One server at a time: ids are given in one place."""
    async with running(tmp_path):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "chatroom_server", "-p", "0"],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert "runs already" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="its standard error cannot be made small")
async def test_a_stopped_terminal_holds_up_no_end(tmp_path: Path) -> None:
    """Whoever reads the server's lines no more does not keep it from ending."""
    server = await asyncio.to_thread(ServerProcess, tmp_path, "--data", str(tmp_path / "data"))
    assert server.process.stderr is not None
    fcntl.fcntl(server.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
    ada = Person("ada")
    for _ in range(60):
        async with await Peer.connect(server.port) as peer:
            await peer.log_in(ada)
    server.process.terminate()
    assert await asyncio.to_thread(server.process.wait, 20) == 0
    server.process.stderr.close()
