"""The echo server and its client."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.examples.programs import PATIENCE_S, Peer, Program

SERVER = "echo/echo_server.py"
CLIENT = "echo/echo_client.py"


@pytest.fixture
def taken() -> Iterator[str]:
    """A port where nobody listens, and nobody can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@contextlib.contextmanager
def server() -> Iterator[tuple[Program, tuple[str, int]]]:
    with Program(SERVER, "--port", "0") as program:
        yield program, program.listening()


@contextlib.contextmanager
def accepted(*arguments: str) -> Iterator[tuple[Program, socket.socket]]:
    """A client program, and the server's end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        with Program(CLIENT, "--port", str(listener.getsockname()[1]), *arguments) as program:
            connection, _ = listener.accept()
            connection.settimeout(PATIENCE_S)
            with connection:
                yield program, connection


def test_a_string_there_and_back_and_what_both_sides_say() -> None:
    with server() as (program, (host, port)), Program(CLIENT, "Ça va ?", "--port", str(port)) as client:
        assert client.wait() == 0
        assert client.lines == [
            f"Opening a connection to {host}:{port}",
            f"Connected to {host}:{port}",
            "Sent: Ça va ?",
            "Received: Ça va ?",
            "Disconnected",
        ]
        _, _, name = program.wait_for("Client connected: 127.0.0.1:").partition(": ")
        assert program.wait_for("Message") == f"Message from {name}: Ça va ?"
        assert program.wait_for("disconnected") == f"Client disconnected: {name}"


def test_the_client_says_hello_unless_told() -> None:
    with accepted() as (client, connection):
        assert connection.recv(100) == b"Hello"
        connection.sendall(b"Hel")
        connection.sendall(b"\x1b[2")  # five bytes are its answer, whatever they are
        assert client.wait() == 0
        assert "Received: Hel\\x1b[" in client.lines


def test_a_long_message_comes_back_whole() -> None:
    message = "é" * 50_000
    with server() as (_, (_, port)), Program(CLIENT, message, "--port", str(port)) as client:
        assert client.wait() == 0
        assert f"Received: {message}" in client.lines


def test_the_server_serves_several_at_once() -> None:
    with server() as (program, address), Peer(address) as one, Peer(address) as two:
        two.send("two")
        two.wait_for("two")
        one.send("one")
        one.wait_for("one")
        two.send("two again\n")
        assert two.line() == "two again"
        program.wait_for("two again\\n")


def test_garbage_and_resets_hurt_nobody() -> None:
    with server() as (program, address), Peer(address) as good:
        with Peer(address) as bad:
            bad.send(b"\xff\x1b[31m")
            assert program.wait_for("Message").endswith(": \ufffd\\x1b[31m")
            bad.send(b"x" * 1_000_000)
            bad.reset()
        program.wait_for("Client disconnected")
        good.send("still here\n")
        assert good.line() == "still here"
        assert program.interrupt() == 0


def test_a_client_that_reads_nothing_stops_nobody_and_no_end() -> None:
    with server() as (program, address), Peer(address) as sleeper, Peer(address) as good:
        sleeper._socket.settimeout(0.2)
        with pytest.raises(TimeoutError):  # the server reads no more than it can send back
            sleeper.send(b"x" * 100_000_000)
        good.send("still here\n")
        assert good.line() == "still here"
        assert program.interrupt() == 0


def test_ctrl_c_ends_the_server_and_hangs_up() -> None:
    with server() as (program, address), Peer(address) as peer:
        peer.send("a")
        peer.wait_for("a")
        assert program.interrupt() == 0
        assert peer.rest() == ""


def test_ctrl_c_ends_the_client() -> None:
    with accepted() as (client, connection):
        client.wait_for("Sent: Hello")
        assert client.interrupt() == 0
        assert client.lines[-1] == "Disconnected"
        assert connection.recv(100) == b"Hello"


def test_a_taken_port_is_said(taken: str) -> None:
    with Program(SERVER, "--port", taken) as program:
        assert program.wait() == 1
        assert program.lines == [
            f"Cannot listen on 127.0.0.1:{taken} (another program has it): choose another --host or --port."
        ]


def test_a_refused_connection_is_said(taken: str) -> None:
    with Program(CLIENT, "--port", taken) as program:
        assert program.wait() == 1
        assert len(program.lines) == 2
        assert program.lines[1].startswith(
            f"Cannot connect to 127.0.0.1:{taken} (nobody listens there): start"
        )


@pytest.mark.parametrize("path", [SERVER, CLIENT])
def test_a_host_that_cannot_be_is_said(path: str) -> None:
    with Program(path, "--host", "x" * 70) as program:
        assert program.wait() == 1
        assert program.lines[-1].startswith("Cannot ")


@pytest.mark.parametrize("path", [SERVER, CLIENT])
def test_wrong_usage_is_said(path: str) -> None:
    with Program(path, "--port", "70000") as program:
        assert program.wait() == 2
        assert "a port is a number from 0 to 65535" in program.lines[-1]


def test_a_server_that_answers_nothing_is_said() -> None:
    with accepted("--wait", "0.5") as (client, _):
        assert client.wait() == 1
        assert any(line.startswith("The message did not come back in time") for line in client.lines)


def test_a_lost_connection_is_said() -> None:
    with accepted() as (client, connection):
        assert connection.recv(100) == b"Hello"
        connection.sendall(b"Hel")
        connection.close()
        assert client.wait() == 1
        assert any(line.startswith("The connection was lost") for line in client.lines)
