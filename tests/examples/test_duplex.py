"""Two machines that talk both ways at once."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.examples.programs import PATIENCE_S, Peer, Program

DUPLEX = "duplex/duplex.py"


@pytest.fixture
def taken() -> Iterator[str]:
    """A port where nobody listens, and nobody can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@contextlib.contextmanager
def both() -> Iterator[tuple[Program, Program]]:
    """The two machines."""
    with Program(DUPLEX, "--listen", "--port", "0") as one:
        _, port = one.listening()
        with Program(DUPLEX, "--port", str(port)) as two:
            one.wait_for("Connected")
            two.wait_for("Connected")
            yield one, two


@contextlib.contextmanager
def listening() -> Iterator[tuple[Program, Peer]]:
    """The machine that listens, and a raw socket for the other."""
    with Program(DUPLEX, "--listen", "--port", "0") as program, Peer(program.listening()) as peer:
        program.wait_for("Connected")
        yield program, peer


def test_both_send_and_receive() -> None:
    with both() as (one, two):
        two.say("ça va ?")
        assert one.wait_for("Received") == "Received: ça va ?"
        one.say("oui")
        one.say("et toi ?")
        assert two.wait_for("Received") == "Received: oui"
        assert two.wait_for("Received") == "Received: et toi ?"


def test_ctrl_d_ends_one_direction_then_the_other() -> None:
    with both() as (one, two):
        one.end_input()
        one.wait_for("Thread envoi ends: no more is sent")
        two.wait_for("Thread recep ends: no more comes")
        two.say("this way still works")
        assert one.wait_for("Received") == "Received: this way still works"
        two.end_input()
        assert one.wait() == 0
        assert two.wait() == 0
        assert one.lines[-1] == "Thread recep ends: no more comes"
        assert two.lines[-1] == "Thread envoi ends: no more is sent"


@pytest.mark.parametrize("listener", [True, False])
def test_ctrl_c_ends_it_while_it_waits_for_a_line(listener: bool) -> None:
    with both() as (one, two):
        ended, other = (one, two) if listener else (two, one)
        assert ended.interrupt() == 0
        other.wait_for("Thread recep ends: no more comes")
        other.end_input()
        assert other.wait() == 0


def test_ctrl_c_ends_it_when_it_has_ended_sending() -> None:
    with listening() as (program, peer):
        program.end_input()
        assert peer.rest() == ""
        program.wait_for("Thread envoi ends: no more is sent")
        assert program.interrupt() == 0


def test_ctrl_c_ends_it_while_it_waits_for_the_other() -> None:
    with Program(DUPLEX, "--listen", "--port", "0") as program:
        program.listening()
        assert program.interrupt() == 0


def test_lines_in_pieces_and_garbage() -> None:
    with listening() as (program, peer):
        peer.send(b"\xff\x1b[31m\x07\r\nbon")
        assert program.wait_for("Received") == "Received: \ufffd\\x1b[31m\\x07"
        peer.send("jour\nun\ndeux\n")
        assert program.wait_for("Received") == "Received: bonjour"
        assert program.wait_for("Received") == "Received: un"
        assert program.wait_for("Received") == "Received: deux"
        peer.send(b"x" * 5000 + b"\n")
        assert program.wait_for("Received") == f"Received: {'x' * 4096}"
        assert program.wait_for("Received") == f"Received: {'x' * 904}"
        peer.send("no newline")
        peer.close()
        assert program.wait_for("Received") == "Received: no newline"


def test_it_sends_whole_lines() -> None:
    with listening() as (program, peer):
        program.say("été")
        assert peer.line() == "été"
        assert program._process.stdin is not None
        program._process.stdin.write(b"\xff\n")  # typed on a terminal of another encoding
        program._process.stdin.flush()
        assert peer.line() == "?"


def test_a_reset_is_said() -> None:
    with listening() as (program, peer):
        peer.reset()
        program.wait_for("Thread recep ends: no more comes")
        program.say("hello?")
        program.say("hello?")
        program.wait_for("The other end has left, this line was not sent")
        assert program.wait() == 0


def test_there_is_only_one_other() -> None:
    with listening() as (program, peer):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(peer._socket.getpeername()[:2], PATIENCE_S)
        peer.send("still here\n")
        program.wait_for("still here")


def test_a_taken_port_is_said(taken: str) -> None:
    with Program(DUPLEX, "--listen", "--port", taken) as program:
        assert program.wait() == 1
        assert program.lines == [
            f"Cannot listen on 127.0.0.1:{taken} (Address already in use): choose another --host or --port."
        ]


def test_a_refused_connection_is_said(taken: str) -> None:
    with Program(DUPLEX, "--port", taken) as program:
        assert program.wait() == 1
        (line,) = program.lines
        assert line.startswith(f"Cannot connect to 127.0.0.1:{taken} (Connection refused): start the other")


@pytest.mark.parametrize("arguments", [["--listen"], []])
def test_a_host_that_cannot_be_is_said(arguments: list[str]) -> None:
    with Program(DUPLEX, "--host", "x" * 70, *arguments) as program:
        assert program.wait() == 1
        assert program.lines[-1].startswith("Cannot ")


def test_wrong_usage_is_said() -> None:
    with Program(DUPLEX, "--port", "70000") as program:
        assert program.wait() == 2
        assert "a port is a number from 0 to 65535" in program.lines[-1]
