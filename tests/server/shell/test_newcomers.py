"""Peers who say nothing are counted, and leave files for everything else."""

import asyncio
import io
import resource
from collections.abc import Callable
from contextlib import ExitStack
from functools import partialmethod
from pathlib import Path
from socket import socket, socketpair

import pytest

from chatroom.common.texts import Texts
from chatroom_server.config import load_settings
from chatroom_server.core.inputs import LinkId
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.newcomers import (
    NEWCOMERS_PER_ADDRESS_MAX,
    SPARE_FILES,
    STAYS_S,
    Newcomers,
    sockets_max,
)
from chatroom_server.shell.running import open_runtime_folder
from chatroom_server.shell.server import Places, Server


def admit(newcomers: Newcomers, link: int, host: str, *, local: bool = False, now: float = 0.0) -> bool:
    if has_place := newcomers.has_place(host, local=local):
        newcomers.enter(LinkId(link), host, now)
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
    assert newcomers.to_replace("192.0.2.8", 9.0) == LinkId(0), "of all, when all places are taken"
    newcomers.leave(LinkId(0))
    assert newcomers.to_replace("192.0.2.8", 9.0) == LinkId(1), "of its address, when that has its share"
    assert newcomers.to_replace("192.0.2.9", 9.0) is None, "nobody has to, as there is a place"


def test_who_has_just_come_keeps_its_place() -> None:
    newcomers = Newcomers(2)
    assert admit(newcomers, 1, "192.0.2.7", now=5.0)
    assert admit(newcomers, 2, "192.0.2.7", now=5.1)
    assert newcomers.to_replace("192.0.2.8", 5.0 + STAYS_S - 0.01) is None
    assert newcomers.to_replace("192.0.2.8", 5.0 + STAYS_S) == LinkId(1)


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


async def test_who_speaks_comes_in_although_many_say_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the operator hears of those who were turned away before."""
    environ = {"CHATROOM_HOME": str(tmp_path)}
    console = io.StringIO()
    logs = OperatorLog(console=console)
    server = Server(
        load_settings({"PORT": "0"}, environ), logs, Places(open_runtime_folder(environ), None), Texts()
    )
    await server.start()
    try:
        with ExitStack() as sockets:
            for _ in range(NEWCOMERS_PER_ADDRESS_MAX):
                _connect(server, sockets)
            assert _connect(server, sockets).recv(1) == b""
            monkeypatch.setattr(Newcomers, "to_replace", partialmethod(_later, Newcomers.to_replace))
            comes = _connect(server, sockets)
            comes.sendall(bytes([0x16, 3, 1]))
            assert len(server.runner.links) == NEWCOMERS_PER_ADDRESS_MAX
            assert list(server.runner.links)[-1] == NEWCOMERS_PER_ADDRESS_MAX + 1
            server.runner._tick()
    finally:
        await server.close()
        await asyncio.to_thread(logs.close)
    assert "connections turned away: 1" in console.getvalue()


def _later(self: Newcomers, original: Callable[..., LinkId | None], host: str, now: float) -> LinkId | None:
    return original(self, host, now + STAYS_S)


def _connect(server: Server, sockets: ExitStack) -> socket:
    ours, theirs = socketpair()
    ours.setblocking(False)
    theirs.settimeout(10)
    sockets.callback(theirs.close)
    server.runner.accept(ours, ("192.0.2.7", 5))
    return theirs
