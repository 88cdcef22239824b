"""The system is asked to notice peers that vanished, whatever it calls that."""

import socket

import pytest

from chatroom_server.shell.keepalive import is_unreachable, keep_alive


def idle_s(option: int) -> int:
    with socket.socket() as sock:
        keep_alive(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        return sock.getsockopt(socket.IPPROTO_TCP, option)


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system names it otherwise")
def test_an_idle_peer_is_asked_after_10_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    option = socket.TCP_KEEPIDLE
    assert idle_s(option) == 10
    monkeypatch.delattr(socket, "TCP_KEEPIDLE")
    assert idle_s(option) > 10
    monkeypatch.setattr(socket, "TCP_KEEPALIVE", option, raising=False)  # as on macOS
    assert idle_s(option) == 10


def test_a_socket_that_is_gone_harms_nobody() -> None:
    sock = socket.socket()
    sock.close()
    keep_alive(sock)
    assert not is_unreachable(sock)
