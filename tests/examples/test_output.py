"""Programs whose output nobody reads any more, as behind `| head -1`, end quietly."""

import contextlib
import socket
import subprocess
import sys
import time

import pytest

from tests.examples.programs import EXAMPLES, PATIENCE_S

HOST = "127.0.0.1"
PAUSE_S = 0.05


def start(path: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def read_one_line(program: subprocess.Popen[bytes]) -> bytes:
    """What `head -1` reads before it goes."""
    assert program.stdout is not None
    line = program.stdout.readline()
    program.stdout.close()
    return line


def ended_quietly(program: subprocess.Popen[bytes]) -> None:
    try:
        _, errors = program.communicate(timeout=PATIENCE_S)
    finally:
        program.kill()
    assert (program.returncode, errors.decode()) == (0, "")


@pytest.mark.parametrize("path", ["sleep_and_print.py", "sleep_and_print_async.py"])
def test_a_program_that_prints_ends(path: str) -> None:
    program = start(f"asynchronous/{path}", "--pause", "0.01")
    assert read_one_line(program)
    ended_quietly(program)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("one_message/one_message_server.py", b"x"),
        ("one_answer/one_answer_server.py", b"GET / HTTP/1.0\r\n\r\n"),
        ("hello/hello_server_1.py", b"x\n"),
        ("hello/hello_server_3.py", b"/login it4\n"),
        ("echo/echo_server.py", b"x"),
        ("ticker/ticker_server.py", b""),
        ("maths/maths_server.py", b"moyenne\n1\n=\n"),
        ("stock/stock_server.py", b"1 1\n"),
        ("chat_steps/chat_server_ii_3.py", b"Hello\n"),
        ("chat_steps/chat_server_ii_6.py", b"Hello|it4\nsalut\n"),
    ],
)
def test_a_server_ends_when_it_has_something_to_print(path: str, sent: bytes) -> None:
    program = start(path, "--port", "0")
    port = int(read_one_line(program).rpartition(b":")[2])
    deadline = time.monotonic() + PATIENCE_S
    while program.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port)) as client:
            client.settimeout(PAUSE_S)
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    ended_quietly(program)


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("hello/hello_client_1.py", []),
        ("hello/hello_client_3.py", []),
        ("duplex/duplex.py", []),
        ("ticker/ticker_client.py", []),
        ("chat_steps/chat_client_ii_3.py", []),
        ("chat_steps/chat_client_ii_6.py", ["it4"]),
    ],
)
def test_a_client_ends_when_it_has_something_to_print(path: str, arguments: list[str]) -> None:
    with socket.create_server((HOST, 0)) as server:
        server.settimeout(PATIENCE_S)
        program = start(path, "--port", str(server.getsockname()[1]), *arguments)
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"1\n")
            assert read_one_line(program)
            deadline = time.monotonic() + PATIENCE_S
            while program.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    connection.sendall(b"2\n")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.wait(PAUSE_S)
            ended_quietly(program)
