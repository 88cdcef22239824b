"""The server that receives one message, and its client."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.examples.programs import PATIENCE_S, Peer, Program

SERVER = "one_message/one_message_server.py"
CLIENT = "one_message/one_message_client.py"


@pytest.fixture
def taken() -> Iterator[str]:
    """A port where nobody listens, and nobody can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[tuple[Program, tuple[str, int]]]:
    with Program(SERVER, "--port", "0", *arguments) as program:
        yield program, program.listening()


def test_a_message_as_bytes_and_as_text() -> None:
    with server() as (program, (_, port)), Program(CLIENT, "Ça va ?", "--port", str(port)) as client:
        assert client.wait() == 0
        assert client.lines == ["Sent 8 bytes"]
        assert program.wait() == 0
        assert program.lines[2:] == [r"As bytes: b'\xc3\x87a va ?'", "As text: Ça va ?"]


def test_the_client_sends_the_bytes_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        with Program(CLIENT, "été", "--port", str(listener.getsockname()[1])) as client:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream:
                assert stream.read() == "été".encode()
            assert client.wait() == 0


def test_a_message_in_pieces_is_one() -> None:
    with server() as (program, address), Peer(address) as peer:
        peer.send(b"\xc3")
        peer.send(b"\xa9" + b"x" * 10_000)
        peer.close()
        assert program.wait() == 0
        assert program.lines[-1] == f"As text: é{'x' * 10_000}"


def test_a_message_ends_with_a_silence() -> None:
    with server("--wait", "0.3") as (program, address), Peer(address) as peer:
        peer.send("hello")
        assert program.wait() == 0
        assert program.lines[2:] == ["As bytes: b'hello'", "As text: hello"]


def test_a_message_is_bounded() -> None:
    with server() as (program, address), Peer(address) as peer:
        with contextlib.suppress(ConnectionError):
            peer.send(b"x" * 1_000_000)
        assert program.wait() == 0
        assert program.lines[-1] == f"As text: {'x' * 65_536}"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"\xff\x1b[31m", "As text: this is no UTF-8 (invalid start byte at byte 0)"),
        (b"ab\x1b[31m\r\n", "As text: ab\\x1b[31m\\r\\n"),
    ],
)
def test_garbage_is_shown_harmlessly(message: bytes, text: str) -> None:
    with server() as (program, address), Peer(address) as peer:
        peer.send(message)
        peer.close()
        assert program.wait() == 0
        assert program.lines[2:] == [f"As bytes: {message!r}", text]


def test_who_sends_nothing_is_not_the_one() -> None:
    with server() as (program, address):
        with Peer(address) as silent:
            silent.close()
        with Peer(address) as crashed:
            crashed.reset()
        with Peer(address) as peer:
            peer.send("hello")
        assert program.wait() == 0
        assert program.lines[-1] == "As text: hello"


def test_the_first_of_several_counts() -> None:
    with server() as (program, address), Peer(address) as one, Peer(address) as two:
        two.send("two")
        one.send("one")
        one.close()
        assert program.wait() == 0
        assert program.lines[-1] == "As text: one"


def test_ctrl_c_ends_it_while_it_waits_for_a_client() -> None:
    with server() as (program, _):
        assert program.interrupt() == 0


def test_ctrl_c_ends_it_while_it_waits_for_a_message() -> None:
    with server() as (program, address), Peer(address) as peer:
        program.wait_for("New client connected")
        assert program.interrupt() == 0
        with contextlib.suppress(ConnectionError):
            assert peer.rest() == ""


def test_a_taken_port_is_said(taken: str) -> None:
    with Program(SERVER, "--port", taken) as program:
        assert program.wait() == 1
        assert program.lines == [
            f"Cannot listen on 127.0.0.1:{taken} (Address already in use): choose another --host or --port."
        ]


def test_a_refused_connection_is_said(taken: str) -> None:
    with Program(CLIENT, "hello", "--port", taken) as program:
        assert program.wait() == 1
        (line,) = program.lines
        assert line.startswith(f"Cannot connect to 127.0.0.1:{taken} (Connection refused): start the server")


@pytest.mark.parametrize("arguments", [[SERVER], [CLIENT, "hello"]])
def test_a_host_that_cannot_be_is_said(arguments: list[str]) -> None:
    with Program(*arguments, "--host", "x" * 70) as program:
        assert program.wait() == 1
        assert program.lines[-1].startswith("Cannot ")


@pytest.mark.parametrize(
    "arguments",
    [[CLIENT], [CLIENT, "hello", "--port", "70000"], [SERVER, "--port", "-1"], [SERVER, "--wait", "0"]],
)
def test_wrong_usage_is_said(arguments: list[str]) -> None:
    with Program(*arguments) as program:
        assert program.wait() == 2
        assert "error: " in program.lines[-1]
