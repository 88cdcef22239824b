"""The maths server: an action, numbers, and the answer at `=`."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.examples.programs import Peer, Program

SERVER = "maths/maths_server.py"
CLIENT = "maths/maths_client.py"


@contextlib.contextmanager
def maths() -> Iterator[tuple[Program, tuple[str, int]]]:
    """A server that ends on Ctrl+C."""
    with Program(SERVER, "--port", "0") as server:
        yield server, server.listening()
        assert server.interrupt() == 0


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where one server listens for all tests that only ask."""
    with maths() as (_, where):
        yield where


@contextlib.contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A server's socket of the test's own, for clients, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server, str(server.getsockname()[1])


def ask(address: tuple[str, int], text: str) -> list[str]:
    """All answers to these lines."""
    with Peer(address) as client:
        client.send(text)
        client._socket.shutdown(socket.SHUT_WR)
        return client.rest().splitlines()


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("somme", "somme = 12"),
        ("moyenne", "moyenne = 4"),
        ("écart-type", "écart-type = 1.87082869338697"),
        ("min", "min = 1.5"),
        ("max", "max = 6"),
        ("sum", "sum = 12"),
        ("mean", "mean = 4"),
        ("stdev", "stdev = 1.87082869338697"),
        ("SOMME", "somme = 12"),
        ("ECART-TYPE", "écart-type = 1.87082869338697"),
        ("e\u0301cart-type", "écart-type = 1.87082869338697"),
        ("  Moyenne ", "moyenne = 4"),
    ],
)
def test_an_action_and_numbers_give_an_answer(address: tuple[str, int], action: str, answer: str) -> None:
    assert ask(address, f"{action}\n1,5\n4.5 6\n=\n") == [answer]


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ("somme\n0.1\n0,2\n=\n", "somme = 0.3"),
        ("somme\n1 2 3 =\n", "somme = 6"),
        ("somme\r\n-1\r\n,5 +2. 1e3\r\n=\r\n", "somme = 1001.5"),
        ("min\n-0\n=\n", "min = 0"),
        ("moyenne\n1 2\n=\n", "moyenne = 1.5"),
        ("stdev\n7\n=\n", "stdev = 0"),
        ("somme\n" + "999999999 \n" * 1000 + "=\n", "somme = 999999999000"),
        ("\n\nmax\n\n3\n\n=\n", "max = 3"),
    ],
)
def test_numbers_may_look_like_this(address: tuple[str, int], lines: str, answer: str) -> None:
    assert ask(address, lines) == [answer]


def test_the_answer_comes_at_the_equals_sign_and_another_action_may_follow(address: tuple[str, int]) -> None:
    with Peer(address) as client:
        client.send("somme\n1 2\n")
        client.send("oops\n")  # the first thing that is answered: nothing came for the lines before
        assert client.line() == "error: 'oops' is not a number."
        client.send("3\n=\n")
        assert client.line() == "somme = 6"
        client.send("max\n1\n5\n=\n")
        assert client.line() == "max = 5"


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        (
            "produit\n",
            "error: 'produit' is no action; choose one of somme, moyenne, écart-type, min, max, sum,",
        ),
        ("=\n", "error: '=' is no action"),
        ("somme\n1 x 2\n=\n", "error: 'x' is not a number."),
        ("somme\n=\n", "error: somme needs at least one number; choose an action again."),
        ("somme\nnan\n", "error: 'nan' is not a number."),
        ("somme\n-inf\n", "error: '-inf' is not a number."),
        ("somme\n1,2,3\n", "error: '1,2,3' is not a number."),
        ("somme\n1_000\n", "error: '1_000' is not a number."),
        ("somme\n\u0663\n", "error: '\u0663' is not a number."),
        ("somme\n1e999\n", "error: '1e999' is too large: numbers go from -1e+12 to 1e+12."),
        ("somme\n" + "9" * 4000 + "\n", "error: '" + "9" * 39 + "…' is too large"),
        ("somme\n" + "1 " * 1001 + "\n", "error: 1000 numbers are the most that a calculation takes."),
        ("somme\n" + "1\n" * 1001, "error: 1000 numbers are the most that a calculation takes."),
        ("x" * 300_000 + "\n", "error: a line has at most 4096 bytes."),
        ("\x1b[2J\n", "error: '\\x1b[2J' is no action"),
    ],
)
def test_what_is_wrong_gets_a_sentence_and_the_link_stays(
    address: tuple[str, int], wrong: str, answer: str
) -> None:
    with Peer(address) as client:
        client.send(wrong)
        assert client.line().startswith(answer)
        client.send("=\nsomme\n20 22\n=\n")  # the first one ends what may still be calculated
        client.wait_for("\nsomme = 42\n")


def test_of_a_line_with_an_error_nothing_counts(address: tuple[str, int]) -> None:
    assert ask(address, "somme\n1\n2 x =\n4\n=\n") == ["error: 'x' is not a number.", "somme = 5"]


def test_several_clients_calculate_at_once(address: tuple[str, int]) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Peer(address)) for _ in range(10)]
        for number, client in enumerate(clients):
            client.send(f"somme\n{number}\n")
        for client in reversed(clients):
            client.send("100\n=\n")
        assert [client.line() for client in clients] == [f"somme = {100 + number}" for number in range(10)]


def test_garbage_and_crashes_hurt_nobody() -> None:
    with maths() as (server, address), Peer(address) as witness:
        witness.send("somme\n1\n")
        with Peer(address) as garbage:
            garbage.send(b"\xff\xfe\x00\x1b[2J\n")
            assert garbage.line().startswith("error: '\ufffd\ufffd\\x00\\x1b[2J' is no action")
        with Peer(address) as crashing:
            crashing.send("somme\n1\n")
            server.wait_for("client 3 -> 1")
            crashing.reset()
            server.wait_for("client 3 left: the link broke")
        with Peer(address) as unfinished:
            unfinished.send("somme")  # no line end
        server.wait_for("client 4 left")
        witness.send("2\n=\n")
        assert witness.line() == "somme = 3"
        assert server.wait_for("client 1 <-") == "client 1 <- somme = 3"
        assert not [line for line in server.lines if "\x1b" in line]


def test_ctrl_c_sends_the_clients_away() -> None:
    with Program(SERVER, "--port", "0") as server, Peer(server.listening()) as client:
        client.send("somme\n1\n")
        server.wait_for("client 1 -> 1")
        assert server.interrupt() == 0
        assert client.rest() == ""


def test_the_client_sends_what_is_typed_and_prints_the_answers(address: tuple[str, int]) -> None:
    with Program(CLIENT, "--port", str(address[1])) as client:
        for line in ("moyenne", "1 2", "3,5", "x", "="):
            client.say(line)
        client.wait_for("error: 'x' is not a number.")
        client.wait_for("moyenne = 2.16666666666667")
        client.say("écart-type")
        client.say("1 3 =")
        client.wait_for("écart-type = 1")
        client.end_input()
        client.wait_for("The link is closed.")
        assert client.wait() == 0


def test_the_client_ends_on_ctrl_c_and_with_the_server() -> None:
    with (
        Program(SERVER, "--port", "0") as server,
        Program(CLIENT, "--port", (port := str(server.listening()[1]))) as client,
    ):
        client.wait_for("Connected to ")
        assert client.interrupt() == 0
        server.wait_for("client 1 left")
        with Program(CLIENT, "--port", port) as another:
            another.wait_for("Connected to ")
            server.wait_for("client 2 connected")
            assert server.interrupt() == 0
            another.wait_for("The link is closed.")
            assert another.wait() == 0


def test_the_client_trusts_no_server_and_survives_its_crash() -> None:
    with listener() as (own, port), Program(CLIENT, "--port", port) as client:
        link, _ = own.accept()
        link.sendall(b"\x1b[2J\xff\n" + b"1" * 5000 + b"\n")
        assert client.wait_for("[2J") == "\\x1b[2J\ufffd"
        client.wait_for("1" * 904)
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


@pytest.mark.parametrize(("program", "port"), [(SERVER, "65536"), (CLIENT, "0"), (CLIENT, "x")])
def test_wrong_usage_exits_2(program: str, port: str) -> None:
    with Program(program, "--port", port) as used:
        used.wait_for("argument --port: a port is a number")
        assert used.wait() == 2
