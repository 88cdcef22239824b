"""Accepting: addresses, bursts, and a system that gives no more sockets."""

import asyncio
import errno
import socket

import pytest

from chatroom_server.shell import listener as module
from chatroom_server.shell.listener import Listener, ListenError, listen


class Door:
    """What was accepted and reported."""

    def __init__(self) -> None:
        self.sockets: list[tuple[socket.socket, tuple[str, int]]] = []
        self.reports: list[str] = []
        self.changed = asyncio.Event()

    def accept(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        self.sockets.append((sock, peer))
        self.changed.set()

    def report(self, text: str) -> None:
        self.reports.append(text)
        self.changed.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.sockets) < count:
                self.changed.clear()
                await self.changed.wait()


async def test_a_burst_is_accepted_ready_for_use() -> None:
    door, sockets = Door(), listen("127.0.0.1", 0)
    listener = Listener(asyncio.get_running_loop(), sockets, door.accept, door.report)
    (address,) = listener.addresses
    clients = [socket.create_connection(address) for _ in range(200)]
    await door.wait_for(200)
    assert {peer for _, peer in door.sockets} == {client.getsockname() for client in clients}
    for sock, _peer in door.sockets:
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        sock.close()
    for client in clients:
        client.close()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_newcomers_wait_while_the_system_gives_no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_S", 0.001)
    door, (listening,) = Door(), listen("127.0.0.1", 0)
    exhausted = _Exhausted(listening, failures=3)
    listener = Listener(asyncio.get_running_loop(), [exhausted], door.accept, door.report)
    with socket.create_connection(listener.addresses[0]):
        await door.wait_for(1)
    assert len(door.reports) == 1
    assert "ulimit -n" in door.reports[0]
    door.sockets[0][0].close()
    listener.close()


class _Exhausted(socket.socket):
    """A listening socket of a process that has too many files open, for a while."""

    def __init__(self, listening: socket.socket, failures: int) -> None:
        super().__init__(fileno=listening.detach())
        self.setblocking(False)
        self.failures = failures

    def accept(self) -> "tuple[socket.socket, object]":
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@pytest.mark.parametrize(
    ("host", "reason"), [("no.such.host.invalid", "unknown-host"), ("192.0.2.1", "not-here")]
)
def test_why_not_is_one_word(host: str, reason: str) -> None:
    with pytest.raises(ListenError) as caught:
        listen(host, 0)
    assert caught.value.reason == reason


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ListenError) as caught:
        listen("127.0.0.1", taken.getsockname()[1])
    assert caught.value.reason == "in-use"


def test_a_name_with_several_addresses_has_one_port() -> None:
    sockets = listen("localhost", 0)
    assert len({sock.getsockname()[1] for sock in sockets}) == 1
    for sock in sockets:
        sock.close()
