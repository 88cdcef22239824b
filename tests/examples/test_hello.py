"""The first servers and clients: one client, many clients, and a first chat."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.examples.programs import PATIENCE_S, Peer, Program

SERVERS = ["hello/hello_server_1.py", "hello/hello_server_2.py", "hello/hello_server_3.py"]
CLIENTS = ["hello/hello_client_1.py", "hello/hello_client_3.py"]


@pytest.fixture
def taken() -> Iterator[str]:
    """A port where nobody listens, and nobody can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@contextlib.contextmanager
def server(path: str) -> Iterator[tuple[Program, tuple[str, int]]]:
    with Program(path, "--port", "0") as program:
        yield program, program.listening()


@contextlib.contextmanager
def accepted(path: str, *arguments: str) -> Iterator[tuple[Program, socket.socket]]:
    """A client program, and the server's end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        with Program(path, "--port", str(listener.getsockname()[1]), *arguments) as program:
            connection, _ = listener.accept()
            connection.settimeout(PATIENCE_S)
            with connection:
                yield program, connection


def read(connection: socket.socket, wanted: int) -> bytes:
    received = b""
    while len(received) < wanted:
        chunk = connection.recv(wanted - len(received))
        assert chunk, received
        received += chunk
    return received


# --- all servers -------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", SERVERS)
def test_ctrl_c_ends_a_server_and_hangs_up(path: str) -> None:
    with server(path) as (program, address), Peer(address) as peer:
        program.wait_for("New client connected")
        assert program.interrupt() == 0
        assert peer.rest() == ""


@pytest.mark.parametrize("path", SERVERS)
def test_a_taken_port_is_said(path: str, taken: str) -> None:
    with Program(path, "--port", taken) as program:
        assert program.wait() == 1
        (line,) = program.lines
        assert line.startswith(f"Cannot listen on 127.0.0.1:{taken} (Address already in use): choose")


@pytest.mark.parametrize("path", [*SERVERS, *CLIENTS])
def test_wrong_usage_is_said(path: str) -> None:
    with Program(path, "--port", "70000") as program:
        assert program.wait() == 2
        assert "a port is a number from 0 to 65535" in program.lines[-1]


@pytest.mark.parametrize("path", SERVERS)
def test_garbage_and_resets_hurt_nobody(path: str) -> None:
    with server(path) as (program, address):
        with Peer(address) as bad:
            program.wait_for("New client connected")
            bad.send(b"\xff\x1b[31mred\x07\r\n" + b"x" * 100_000)
            assert program.wait_for("red").endswith("\ufffd\\x1b[31mred\\x07")
            program.wait_for("xxx")
            bad.reset()
        program.wait_for("disconnected")
        with Peer(address) as good:
            good.send("still here")
            program.wait_for("still here")
        assert program.interrupt() == 0


# --- step 1: one client ------------------------------------------------------------------------------
def test_server_1_prints_what_one_client_after_the_other_sends() -> None:
    with server("hello/hello_server_1.py") as (program, address), Peer(address) as second:
        second.close()
        program.wait_for("New client connected")
        program.wait_for("Client disconnected")
        with Peer(address) as first, Peer(address) as second:
            second.send("me too")  # it waits until the first has left
            program.wait_for("New client connected")
            first.send("hello world")
            assert program.wait_for("hello") == "hello world"
            first.send("un\ndeux\n")
            assert program.wait_for("un") == "un"
            assert program.wait_for("") == "deux"
            assert "me too" not in program.lines
            first.close()
            program.wait_for("Client disconnected")
            program.wait_for("New client connected")
            assert program.wait_for("too") == "me too"


@pytest.mark.parametrize("path", SERVERS)
def test_a_letter_in_two_pieces_is_one_letter(path: str) -> None:
    with server(path) as (program, address), Peer(address) as peer:
        peer.send(b"a\xc3")
        program.wait_for("a")
        peer.send(b"\xa9b")
        assert program.wait_for("b").endswith("éb")


def test_client_1_sends_hello_world_without_newlines() -> None:
    with accepted("hello/hello_client_1.py", "--every", "0.01") as (program, connection):
        assert read(connection, 33) == b"hello world" * 3
        program.wait_for("Sent hello world")
        assert program.interrupt() == 0


def test_client_1_sends_newlines_when_told() -> None:
    with accepted("hello/hello_client_1.py", "--every", "0.01", "--newline") as (_, connection):
        assert read(connection, 24) == b"hello world\n" * 2


def test_client_1_waits_a_second_unless_told() -> None:
    with accepted("hello/hello_client_1.py") as (_, connection):
        assert read(connection, 11) == b"hello world"
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(PATIENCE_S)
        assert read(connection, 11) == b"hello world"


def test_client_1_says_that_the_server_has_left() -> None:
    with accepted("hello/hello_client_1.py", "--every", "0.01") as (program, connection):
        connection.close()
        assert program.wait() == 1
        assert program.lines[-1].startswith("The server has closed the connection")


@pytest.mark.parametrize("every", ["-1", "nan", "soon"])
def test_client_1_takes_a_real_time(every: str) -> None:
    with Program("hello/hello_client_1.py", "--every", every) as program:
        assert program.wait() == 2


@pytest.mark.parametrize("path", CLIENTS)
def test_a_refused_connection_is_said(path: str, taken: str) -> None:
    with Program(path, "--port", taken) as program:
        assert program.wait() == 1
        (line,) = program.lines
        assert line.startswith(f"Cannot connect to 127.0.0.1:{taken} (Connection refused): start the server")


@pytest.mark.parametrize("path", [*SERVERS, *CLIENTS])
def test_a_host_that_cannot_be_is_said(path: str) -> None:
    with Program(path, "--host", "x" * 70) as program:
        assert program.wait() == 1
        (line,) = program.lines
        assert line.startswith("Cannot ")


# --- step 2: many clients ----------------------------------------------------------------------------
@pytest.mark.parametrize("path", SERVERS[1:])
def test_clients_keep_their_numbers(path: str) -> None:
    with server(path) as (program, address), Peer(address) as one:
        program.wait_for("New client connected: client 1")
        with Peer(address) as two:
            program.wait_for("New client connected: client 2")
            with Peer(address) as three:
                program.wait_for("New client connected: client 3")
                three.send("hello world")
                assert program.wait_for("world") == "client 3> hello world"
                one.send("un\r\ndeux\n")
                assert program.wait_for(">") == "client 1> un"
                assert program.wait_for(">") == "client 1> deux"
                two.close()
                assert program.wait_for("disconnected") == "client 2 disconnected"
                three.send("still three")
                assert program.wait_for(">") == "client 3> still three"
                with Peer(address):
                    program.wait_for("New client connected: client 4")


def test_client_1_and_server_2() -> None:
    with (
        server("hello/hello_server_2.py") as (program, address),
        Program("hello/hello_client_1.py", "--port", str(address[1]), "--every", "0.05") as client,
    ):
        assert program.wait_for("> ") == "client 1> hello world"
        assert client.interrupt() == 0
        program.wait_for("client 1 disconnected")


# --- step 3: a first chat ----------------------------------------------------------------------------
@contextlib.contextmanager
def chat(*nicks: str) -> Iterator[tuple[Program, list[Peer]]]:
    with server("hello/hello_server_3.py") as (program, address), contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(address)) for _ in nicks]
        for nick, peer in zip(nicks, peers, strict=True):
            peer.send(f"/login {nick}\n")
            assert peer.line() == f"You are logged in as {nick}."
        yield program, peers


def test_a_private_message_is_for_one() -> None:
    with chat("alice", "bob", "carol") as (program, (alice, bob, carol)):
        alice.send("/message bob ça va ?\n")
        assert bob.line() == "Private message from alice: ça va ?"
        program.wait_for("client 1> /message bob ça va ?")
        alice.send("/text tous\n")
        for peer in (alice, bob, carol):
            assert peer.line() == "alice: tous"  # and nothing before


def test_text_goes_to_all() -> None:
    with chat("alice", "bob") as (_, (alice, bob)):
        bob.send("/text nobody of that name\n")
        bob.send("/text alice et aux autres\n")  # the course's form
        bob.send("/text alice\n")
        for peer in (alice, bob):
            assert peer.line() == "bob: nobody of that name"
            assert peer.line() == "bob: et aux autres"
            assert peer.line() == "bob: alice"


def test_text_goes_to_clients_that_have_no_nick() -> None:
    with server("hello/hello_server_3.py") as (program, address), Peer(address) as one, Peer(address) as two:
        program.wait_for("client 2")
        two.send("/login two")  # no newline needed
        assert two.line() == "You are logged in as two."
        two.send("/text hello")
        assert one.line() == "two: hello"


def test_mistakes_get_one_sentence() -> None:
    with server("hello/hello_server_3.py") as (program, address), Peer(address) as peer:
        not_logged_in = "You are not logged in: use /login <nick> first."
        for said, answer in {
            "/text hello": not_logged_in,
            "/message bob": not_logged_in,
            "/login": "A nick is one word of at most 20 letters: /login <nick>.",
            "/login two words": "A nick is one word of at most 20 letters: /login <nick>.",
            f"/login {'x' * 21}": "A nick is one word of at most 20 letters: /login <nick>.",
            "/login alice": "You are logged in as alice.",
            "/message bob hello": "Nobody here is called bob.",
            "/message alice": "Say to whom, and what: /message <nick> <text>.",
            "/text": "Say what: /text <text>.",
            "/quit": "There is no command /quit: use /login, /message or /text.",
            "/login alice ": "You are logged in as alice.",
        }.items():
            peer.send(f"{said}\n")
            assert peer.line() == answer
        with Peer(address) as other:
            other.send("/login alice\n")
            assert other.line() == "The nick alice is taken: choose another."
            peer.send("/login bob\n")
            assert peer.line() == "You are logged in as bob."
            other.send("/login alice\n")
            assert other.line() == "You are logged in as alice."
        program.wait_for("client 2 disconnected")
        peer.send("/message alice hello\n")
        assert peer.line() == "Nobody here is called alice."


def test_a_line_that_is_no_command_goes_nowhere() -> None:
    with chat("alice", "bob") as (program, (alice, bob)):
        alice.send("hello world")
        program.wait_for("client 1> hello world")
        alice.send("/text end\n")
        assert alice.line() == "alice: end"
        assert bob.line() == "alice: end"


def test_no_user_can_command_the_terminal_of_another() -> None:
    with chat("alice", "bob") as (_, (alice, bob)):
        alice.send("/message bob \x1b[2J\x07\n")
        assert bob.line() == "Private message from alice: \\x1b[2J\\x07"


def test_a_client_that_reads_nothing_stops_nobody() -> None:
    with chat("sleeper", "alice") as (program, (sleeper, alice)):
        sleeper._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for number in range(200):  # 60 kB each: more than what the system keeps for it
            alice.send(f"/text {number} {'x' * 60_000}\n")
            alice.wait_for("x\n")
        program.wait_for("client 1 disconnected")
        alice.send("/message alice still here\n")
        alice.wait_for("still here")


def test_client_3_carries_lines_both_ways() -> None:
    with accepted("hello/hello_client_3.py") as (program, connection):
        program.wait_for("Connected to 127.0.0.1:")
        program.say("/login é")
        assert read(connection, len("/login é\n".encode())).decode() == "/login é\n"
        connection.sendall(b"a\x1b[31mb\nsecond\nthird")
        assert program.wait_for("b") == "a\\x1b[31mb"
        program.wait_for("second")
        program.end_input()
        assert connection.recv(1) == b""
        connection.sendall(b" and last\n")
        assert program.wait_for("last") == "third and last"
        connection.close()
        assert program.wait() == 0
        assert program.lines[-1] == "Disconnected"


def test_client_3_ends_on_ctrl_c() -> None:
    with accepted("hello/hello_client_3.py") as (program, connection):
        program.wait_for("Connected")
        assert program.interrupt() == 0
        assert connection.recv(1) == b""


def test_client_3_says_that_the_connection_is_lost() -> None:
    with accepted("hello/hello_client_3.py") as (program, connection):
        program.wait_for("Connected")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        assert program.wait() == 1
        assert program.lines[-1].startswith("The connection is lost")


def test_two_clients_3_chat() -> None:
    with server("hello/hello_server_3.py") as (program, address):
        port = ["--port", str(address[1])]
        with (
            Program("hello/hello_client_3.py", *port) as alice,
            Program("hello/hello_client_3.py", *port) as bob,
        ):
            alice.say("/login alice")
            alice.wait_for("You are logged in as alice.")
            bob.say("/login bob")
            bob.wait_for("You are logged in as bob.")
            alice.say("/message bob salut")
            assert bob.wait_for("Private") == "Private message from alice: salut"
            bob.say("/text bonjour")
            assert alice.wait_for("bob") == "bob: bonjour"
            bob.end_input()
            assert bob.wait() == 0
            assert program.interrupt() == 0
            assert alice.wait() == 0
