"""Peers who say nothing are counted, and leave files for everything else."""

import asyncio
import resource
from contextlib import ExitStack
from pathlib import Path
from socket import socket, socketpair

import pytest

from chatroom.common.texts import Texts
from chatroom_server.config import load_settings
from chatroom_server.core.inputs import LinkId
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.newcomers import NEWCOMERS_PER_ADDRESS_MAX, SPARE_FILES, Newcomers, sockets_max
from chatroom_server.shell.running import open_runtime_folder
from chatroom_server.shell.server import Places, Server


def admit(newcomers: Newcomers, link: int, host: str, *, local: bool = False) -> bool:
    if has_place := newcomers.has_place(host, local=local):
        newcomers.enter(LinkId(link), host)
    return has_place


def test_one_address_has_its_share_and_this_machine_has_all() -> None:
    newcomers = Newcomers(100)
    assert [admit(newcomers, n, "192.0.2.7") for n in range(65)] == [True] * 64 + [False]
    assert [admit(newcomers, 100 + n, "127.0.0.1", local=True) for n in range(37)] == [True] * 36 + [False]
    newcomers.leave(LinkId(3))
    newcomers.leave(LinkId(3))
    assert admit(newcomers, 200, "192.0.2.7")
    assert not admit(newcomers, 201, "192.0.2.8")


def test_who_has_waited_longest_is_known() -> None:
    newcomers = Newcomers(3, 2)
    for link, host in enumerate(["192.0.2.7", "192.0.2.8", "192.0.2.8"]):
        assert admit(newcomers, link, host)
    assert newcomers.longest("192.0.2.8") == LinkId(0), "of all, when all places are taken"
    newcomers.leave(LinkId(0))
    assert newcomers.longest("192.0.2.8") == LinkId(1), "of its address, when that has its share"


@pytest.mark.parametrize(("files", "most"), [(1024, 768), (256, 128), (65536, 2660), (-1, 2660)])
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
