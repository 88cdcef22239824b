"""The server that answers a single request."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.examples.programs import PATIENCE_S, Peer, Program

SERVER = "one_answer/one_answer_server.py"
REQUEST = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[tuple[Program, tuple[str, int]]]:
    with Program(SERVER, "--port", "0", *arguments) as program:
        yield program, program.listening()


def test_it_answers_one_request_and_ends() -> None:
    with server() as (program, address):
        with Peer(address) as peer:
            peer.send(REQUEST)
            assert peer.rest() == "Hello World!\n"
        assert program.wait() == 0
        fileno = program.lines[1].removeprefix("New client connected, its socket has fileno ")
        assert int(fileno) > 2
        assert program.lines[2:] == [
            "Request: GET / HTTP/1.1",
            "Request: Host: 127.0.0.1",
            "Request: ",
            "Answered",
        ]
        with pytest.raises(ConnectionRefusedError):
            Peer(address)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_gets_the_answer() -> None:
    with server() as (program, (host, port)):
        curl = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--http0.9", f"http://{host}:{port}"],
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert (curl.returncode, curl.stdout, curl.stderr) == (0, b"Hello World!\n", b"")
        assert program.wait() == 0


def test_it_waits_for_the_whole_request() -> None:
    with server() as (program, address), Peer(address) as peer:
        peer.send("GET / HT")
        program.wait_for("New client connected")
        peer.send("TP/1.0\r\n\r\n")
        assert peer.rest() == "Hello World!\n"
        peer.close()
        assert program.wait() == 0
        assert "Request: GET / HTTP/1.0" in program.lines


def test_it_answers_a_request_that_does_not_end() -> None:
    with server("--wait", "0.3") as (program, address), Peer(address) as peer:
        peer.send("hello")
        assert peer.rest() == "Hello World!\n"
        assert program.wait() == 0  # though this one does not hang up
        assert "Request: hello" in program.lines


def test_a_request_that_is_too_long_is_answered_without_a_reset() -> None:
    with server() as (program, address), Peer(address) as peer:
        peer.send(b"x" * 20_000_000)  # more than any buffer of the system: the server must read it all
        assert peer.rest() == "Hello World!\n"
        peer.close()
        assert program.wait() == 0
        shown = next(line for line in program.lines if line.startswith("Request: "))
        assert 8192 <= len(shown) < 8192 + 4096 + 20


def test_garbage_is_shown_harmlessly() -> None:
    with server() as (program, address), Peer(address) as peer:
        peer.send(b"\xff\x1b[31m\x07\n\n")
        assert peer.rest() == "Hello World!\n"
        peer.close()
        assert program.wait() == 0
        assert "Request: \ufffd\\x1b[31m\\x07" in program.lines


def test_who_asks_nothing_is_not_the_one() -> None:
    with server() as (program, address):
        with Peer(address) as silent:
            silent.close()
        program.wait_for("It sent no request")
        with Peer(address) as crashed:
            program.wait_for("New client connected")
            crashed.reset()
        program.wait_for("It sent no request")
        with Peer(address) as peer:
            peer.send(REQUEST)
            assert peer.rest() == "Hello World!\n"
        assert program.wait() == 0


def test_a_client_that_leaves_before_the_answer_does_no_harm() -> None:
    with server() as (program, address):
        with Peer(address) as peer:
            peer.send("GET /")
            program.wait_for("New client connected")
            peer.reset()
        # The system may still give its request, or nothing.
        nothing = "It sent no request" in program.wait_for("")
        assert (program.interrupt() if nothing else program.wait()) == 0


def test_several_at_once_do_no_harm() -> None:
    with server() as (program, address), Peer(address) as one, Peer(address) as two:
        two.send(REQUEST)
        one.send(REQUEST)
        assert one.rest() == "Hello World!\n"
        one.close()
        assert program.wait() == 0
        with contextlib.suppress(ConnectionError):
            assert two.rest() == ""  # a single request is answered


@pytest.mark.parametrize("connected", [False, True])
def test_ctrl_c_ends_it(connected: bool) -> None:
    with server() as (program, address), contextlib.ExitStack() as stack:
        if connected:
            stack.enter_context(Peer(address))
            program.wait_for("New client connected")
        assert program.interrupt() == 0


def test_a_taken_port_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with Program(SERVER, "--port", str(port)) as program:
            assert program.wait() == 1
            (line,) = program.lines
            assert line.startswith(f"Cannot listen on 127.0.0.1:{port} (Address already in use): choose")


def test_a_host_that_cannot_be_is_said() -> None:
    with Program(SERVER, "--host", "x" * 70) as program:
        assert program.wait() == 1
        assert program.lines[-1].startswith("Cannot listen on ")


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--wait", "-1"], ["--wait", "nan"]])
def test_wrong_usage_is_said(arguments: list[str]) -> None:
    with Program(SERVER, *arguments) as program:
        assert program.wait() == 2
        assert "error: argument" in program.lines[-1]
