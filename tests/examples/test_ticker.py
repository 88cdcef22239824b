"""The ticker: a number a second to each client, and no work for those who left."""

import contextlib
import random
import socket
import time
from collections.abc import Iterator

import pytest

from tests.examples.programs import Peer, Program

SERVER = "ticker/ticker_server.py"
CLIENT = "ticker/ticker_client.py"


@contextlib.contextmanager
def ticker(*arguments: str) -> Iterator[tuple[Program, tuple[str, int]]]:
    """A server that ticks fast, and ends on Ctrl+C without a word on standard error."""
    with Program(SERVER, "--port", "0", "--every", "0.02", *arguments) as server:
        yield server, server.listening()
        assert server.interrupt() == 0
        assert not [line for line in server.lines if "rror" in line]


@contextlib.contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A server's socket of the test's own, for clients, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server, str(server.getsockname()[1])


def test_sends_a_random_number_a_line_until_the_client_leaves() -> None:
    with ticker("--seed", "7") as (server, address):
        expected = random.Random(7)
        with Peer(address) as client:
            got = [int(client.line()) for _ in range(5)]
        assert got == [expected.randint(1, 100) for _ in range(5)]
        server.wait_for("client 1 left")
        assert server.wait_for("work for client 1 ended") == "work for client 1 ended"


def test_waits_a_second_unless_told_otherwise() -> None:
    start = time.monotonic()
    with (
        Program(SERVER, "--port", "0", "--every", "0.3") as server,
        Peer(server.listening()) as client,
    ):
        client.line()
        client.line()
        assert time.monotonic() - start > 0.3
    with Program(SERVER, "--help") as helped:
        assert helped.wait() == 0
        assert any("between numbers (1)" in line for line in helped.lines)


def test_numbers_its_clients_by_order_of_connection() -> None:
    with ticker() as (server, address), contextlib.ExitStack() as clients:
        for number in (1, 2, 3):
            client = clients.enter_context(Peer(address))
            host, port = client.address
            line = server.wait_for(f"client {number} connected")
            assert line == f"client {number} connected from {host}:{port}"
            assert server.wait_for(f"client {number} <- ") == f"client {number} <- {client.line()}"


def test_the_journal_may_leave_the_numbers_out() -> None:
    with ticker("--quiet-numbers") as (server, address):
        with Peer(address) as client:
            for _ in range(5):
                client.line()
        server.wait_for("work for client 1 ended")
        assert not [line for line in server.lines if "<-" in line]


def test_work_ends_for_one_who_left_and_goes_on_for_the_others() -> None:
    with ticker() as (server, address), Peer(address) as first, Peer(address) as second:
        first.line()
        second.line()
        first.close()
        server.wait_for("work for client 1 ended")
        for _ in range(5):
            assert server.wait_for("<-").startswith("client 2 <- ")
            second.line()


def test_leaving_is_seen_at_once_not_at_the_next_number() -> None:
    with Program(SERVER, "--port", "0", "--every", "3600") as server:
        with Peer(server.listening()) as client:
            client.line()
        server.wait_for("work for client 1 ended")


def test_work_ends_for_one_who_crashed() -> None:
    with ticker() as (server, address), Peer(address) as other:
        other.line()
        crashing = Peer(address)
        crashing.line()
        crashing.reset()
        server.wait_for("client 2 left: the link broke")
        server.wait_for("work for client 2 ended")
        for _ in range(3):
            assert server.wait_for("<-").startswith("client 1 <- ")


def test_work_ends_for_a_client_that_was_killed() -> None:
    with ticker() as (server, address), Program(CLIENT, "--port", str(address[1])) as client:
        server.wait_for("client 1 <- ")
        client.kill()
        server.wait_for("client 1 left")
        server.wait_for("work for client 1 ended")


def test_work_ends_for_one_who_stopped_reading() -> None:
    with (
        Program(SERVER, "--port", "0", "--every", "1e-9", "--patience", "0.02", "--quiet-numbers") as server,
        socket.socket() as deaf,
    ):
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # as small as the system allows
        deaf.connect(server.listening())
        server.wait_for("client 1 left: it stopped reading")
        server.wait_for("work for client 1 ended")
        assert server.interrupt() == 0


def test_what_clients_send_is_thrown_away() -> None:
    with ticker() as (server, address), Peer(address) as client:
        client.send(b"\xff\x1b[2J\x00" * 100_000)
        for _ in range(3):
            assert 1 <= int(client.line()) <= 100
        server.wait_for("client 1 <- ")
        assert not [line for line in server.lines if "\x1b" in line or "\ufffd" in line]


def test_ctrl_c_ends_the_work_for_all() -> None:
    with (
        Program(SERVER, "--port", "0") as server,
        Peer(address := server.listening()) as first,
        Peer(address) as second,
    ):
        first.line()
        second.line()
        assert server.interrupt() == 0
        assert {"work for client 1 ended", "work for client 2 ended"} <= set(server.lines)
        first.rest()
        second.rest()


def test_the_client_prints_what_comes() -> None:
    with (
        ticker("--seed", "3") as (_, address),
        Program(CLIENT, "--port", str(address[1]), "--count", "4") as client,
    ):
        assert client.wait() == 0
        expected = random.Random(3)
        assert [int(line) for line in client.lines] == [expected.randint(1, 100) for _ in range(4)]


def test_the_client_ends_on_ctrl_c_and_with_the_server() -> None:
    with (
        Program(SERVER, "--port", "0", "--every", "0.02") as server,
        Program(CLIENT, "--port", (port := str(server.listening()[1]))) as client,
        Program(CLIENT, "--port", port) as another,
    ):
        client.wait_for("")  # a number: before that it may be in the midst of connecting
        another.wait_for("")
        assert client.interrupt() == 0
        assert server.interrupt() == 0
        another.wait_for("The server hung up.")
        assert another.wait() == 0


def test_the_client_trusts_no_server() -> None:
    with listener() as (own, port), Program(CLIENT, "--port", port) as client:
        link, _ = own.accept()
        with link:
            link.sendall(b"\x1b[2J\xff\n")
            assert client.wait_for("[2J") == "\\x1b[2J\ufffd"
            link.sendall(b"1" * 5000)
            assert "sent a line of more than 1024 bytes" in client.wait_for("sent")
            assert client.wait() == 1


def test_the_client_survives_a_server_that_crashed() -> None:
    with listener() as (own, port), Program(CLIENT, "--port", port) as client:
        link, _ = own.accept()
        link.sendall(b"42\n")
        client.wait_for("42")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.close()
        client.wait_for(f"The link to 127.0.0.1:{port} broke: connect again.")
        assert client.wait() == 1


def test_a_refused_connection_a_strange_host_and_a_taken_port_get_a_sentence() -> None:
    with listener() as (own, port):
        with Program(SERVER, "--port", port) as second:
            second.wait_for(f"Cannot listen on 127.0.0.1:{port} (Address already in use): ")
            assert second.wait() == 1
        own.close()
        with Program(CLIENT, "--port", port) as client:
            client.wait_for(f"Cannot reach 127.0.0.1:{port} (Connection refused): ")
            assert client.wait() == 1
            assert len(client.lines) == 1
    for program, word in ((SERVER, "listen on"), (CLIENT, "reach")):
        with Program(program, "--host", "a" * 70) as lost:
            assert lost.wait() == 1
            assert lost.lines[0].startswith(f"Cannot {word} aaa")
            assert len(lost.lines) == 1


@pytest.mark.parametrize(
    ("program", "wrong"),
    [
        (SERVER, ("--port", "65536")),
        (SERVER, ("--every", "0")),
        (SERVER, ("--every", "nan")),
        (SERVER, ("--seed", "x")),
        (CLIENT, ("--port", "0")),
        (CLIENT, ("--count", "0")),
    ],
)
def test_wrong_usage_exits_2(program: str, wrong: tuple[str, str]) -> None:
    with Program(program, *wrong) as used:
        used.wait_for(f"argument {wrong[0]}: {'a port is' if wrong[0] == '--port' else 'invalid'}")
        assert used.wait() == 2
