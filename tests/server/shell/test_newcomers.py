"""Peers who say nothing are counted, and leave files for everything else."""

import asyncio
import resource
from contextlib import ExitStack
from pathlib import Path
from socket import socket, socketpair

import pytest

from chatroom.common.texts import Texts
from chatroom_server.config import load_settings
from chatroom_server.shell import newcomers as module
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.newcomers import NEWCOMERS_PER_ADDRESS_MAX, SPARE_FILES, Newcomers, sockets_max
from chatroom_server.shell.running import open_runtime_folder
from chatroom_server.shell.server import Places, Server


def test_one_address_has_its_share_and_this_machine_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEWCOMERS_MAX", 100)
    newcomers = Newcomers()
    assert [newcomers.admit("192.0.2.7", local=False) for _ in range(65)] == [True] * 64 + [False]
    assert [newcomers.admit("127.0.0.1", local=True) for _ in range(37)] == [True] * 36 + [False]
    newcomers.leave("192.0.2.7")
    assert newcomers.admit("192.0.2.7", local=False)
    assert not newcomers.admit("192.0.2.8", local=False)


@pytest.mark.parametrize(("files", "most"), [(1024, 768), (256, 128), (65536, 2148), (-1, 2148)])
def test_files_are_left_for_the_journal(monkeypatch: pytest.MonkeyPatch, files: int, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (files, files))
    assert SPARE_FILES == 256
    assert sockets_max(100) == most


async def test_a_silent_address_is_refused_until_it_leaves(tmp_path: Path) -> None:
    environ = {"CHATROOM_HOME": str(tmp_path)}
    logs = OperatorLog()
    server = Server(
        load_settings({"PORT": "0"}, environ), logs, Places(open_runtime_folder(environ), None), Texts()
    )
    await server.start()
    try:
        with ExitStack() as sockets:
            peers = [_connect(server, sockets) for _ in range(NEWCOMERS_PER_ADDRESS_MAX + 1)]
            assert len(server.runner.links) == NEWCOMERS_PER_ADDRESS_MAX
            assert peers[-1].recv(1) == b""
            for peer in peers:
                peer.close()
            await asyncio.wait_for(server.runner.all_gone.wait(), 10)
            _connect(server, sockets)
            assert len(server.runner.links) == 1
    finally:
        await server.close()
        await asyncio.to_thread(logs.close)


def _connect(server: Server, sockets: ExitStack) -> socket:
    ours, theirs = socketpair()
    ours.setblocking(False)
    theirs.settimeout(10)
    sockets.callback(theirs.close)
    server.runner.accept(ours, ("192.0.2.7", 5))
    return theirs
