"""The plain-text port of a real server: whom it takes, and whom it lets go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from socket import create_connection, socket, socketpair

import pytest

from chatroom.common.texts import Texts
from chatroom_server.config import load_settings
from chatroom_server.gateways.text import TextSettings
from chatroom_server.shell import text_door
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.running import open_runtime_folder
from chatroom_server.shell.server import Places, Server

PLACES = 3


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(text_door, "TEXT_NEWCOMERS_MAX", PLACES)
    environ = {"CHATROOM_HOME": str(tmp_path)}
    logs = OperatorLog()
    settings = load_settings({"PORT": "0", "TEXT_PORT": "0"}, environ)
    server = Server(settings, logs, Places(open_runtime_folder(environ), None), Texts())
    await server.start()
    yield server
    await server.close()
    await asyncio.to_thread(logs.close)


async def knock(server: Server, sockets: ExitStack, text: str = "") -> socket:
    """A client of the door; whether it is taken shows when it is answered."""
    peer = await asyncio.to_thread(create_connection, server.text_addresses[0], 10)
    sockets.callback(peer.close)
    peer.sendall(text.encode())
    return peer


async def read(peer: socket) -> bytes:
    return await asyncio.to_thread(peer.recv, 1000)


async def test_when_all_places_are_taken_the_one_that_was_silent_longest_is_let_go(server: Server) -> None:
    with ExitStack() as sockets:
        inside = await knock(server, sockets, "Hello|zoé\n")
        assert "zoé a rejoint" in (await read(inside)).decode()
        silent = [await knock(server, sockets) for _ in range(PLACES + 1)]
        assert await read(silent[0]) == b""
        silent[1].sendall(b"Hello|it4\n")
        assert b"it4 a rejoint" in await read(silent[1])
        assert b"it4 a rejoint" in await read(inside)


async def test_a_peer_that_is_gone_before_it_is_looked_at_takes_no_place(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    logs = OperatorLog()
    monkeypatch.setattr(logs, "note", notes.append)
    settings = TextSettings(Texts(), lambda _at: "12:34")
    door = text_door.TextDoor(asyncio.get_running_loop(), [], server.runner, logs, settings)

    class Gone(socket):
        def getsockname(self) -> object:
            raise OSError("it has gone")

    with ExitStack() as sockets:
        for _peer in range(2 * PLACES):
            ours, theirs = socketpair()
            ours.setblocking(False)
            sockets.callback(theirs.close)
            gone = Gone(fileno=ours.detach())
            door.accept(gone, ("192.0.2.7", 5))
            assert gone.fileno() == -1
        assert not server.runner.links
        ours, theirs = socketpair()
        ours.setblocking(False)
        sockets.callback(theirs.close)
        door.accept(ours, ("192.0.2.7", 5))
        assert len(server.runner.links) == 1
        assert notes == ["New client connected"]
    await asyncio.to_thread(logs.close)
