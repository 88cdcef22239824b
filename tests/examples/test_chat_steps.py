"""The chat in five steps: what each adds, and that none falls over a rude client."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.examples.programs import Peer, Program

ALL = ("ii_2", "ii_3", "ii_4", "ii_5", "ii_6")
CHATS = ALL[1:]
WITH_NICKS = ("ii_5", "ii_6")


def run_server(step: str) -> Program:
    return Program(f"chat_steps/chat_server_{step}.py", "--port", "0")


def run_client(step: str, port: int, *arguments: str) -> Program:
    return Program(f"chat_steps/chat_client_{step}.py", "--port", str(port), *arguments)


@contextmanager
def entered(address: tuple[str, int], nick: str) -> Iterator[Peer]:
    """A raw client whose arrival everybody was told of."""
    with Peer(address) as peer:
        peer.send(f"Hello|{nick}\n")
        assert peer.line() == f"Annonce : {nick} a rejoint la chatroom"
        yield peer


@contextmanager
def entered_anyhow(address: tuple[str, int]) -> Iterator[Peer]:
    """A raw client without a nick, known to the server."""
    with Peer(address) as peer:
        peer.send("Hello\n")
        peer.wait_for(f"Hello 127.0.0.1:{peer.address[1]}\n")
        yield peer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


# --- II.2 ----------------------------------------------------------------------------------------
def test_ii_2_hello_is_answered_with_the_clients_address() -> None:
    with run_server("ii_2") as server, run_client("ii_2", server.listening()[1]) as client:
        assert client.wait() == 0
        where = server.wait_for("Message received from ").removesuffix(" : Hello").split()[-1]
        assert where.startswith("127.0.0.1:")
        assert client.lines == [f"Hello {where}"]
        assert server.interrupt() == 0


@pytest.mark.parametrize("step", ["ii_2", "ii_3", "ii_4"])
def test_ii_2_a_hello_without_a_line_end_is_answered(step: str) -> None:
    with run_server(step) as server, Peer(server.listening()) as peer:
        peer.send("Hello")
        host, port = peer.address
        assert peer.line() == f"Hello {host}:{port}"
        assert server.wait_for("Message").endswith(f"Message received from {host}:{port} : Hello")


def test_ii_2_the_client_says_so_when_nothing_is_answered() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        run_client("ii_2", silent.getsockname()[1]) as client,
    ):
        silent.accept()[0].close()
        assert client.wait() == 1
        assert "did not answer" in client.lines[-1]


# --- II.3 ----------------------------------------------------------------------------------------
def test_ii_3_the_client_types_and_listens_at_the_same_time() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        run_client("ii_3", server.getsockname()[1]) as client,
    ):
        link = server.accept()[0]
        with link:
            link.sendall("unasked é\n".encode())  # nothing was typed yet
            client.wait_for("unasked é")
            client.say("one")
            assert link.recv(100) == b"one\n"
            client.say("deux é")
            assert link.recv(100).decode() == "deux é\n"
            link.sendall(b"\x1b[2Jsafe\xff\n")
            assert client.wait_for("safe") == "\\x1b[2Jsafe\N{REPLACEMENT CHARACTER}"
        client.wait_for("Connection closed.")


def test_ii_3_each_line_is_printed_and_the_first_hello_answered() -> None:
    with run_server("ii_3") as server, run_client("ii_3", server.listening()[1]) as client:
        client.say("Hello")
        where = client.wait_for("Hello 127.0.0.1:").removeprefix("Hello ")
        client.say("Hello")
        client.say("ça va ?")
        assert server.wait_for("ça va") == f"Message received from {where} : ça va ?"
        client.end_input()
        assert client.wait() == 0
        assert client.lines == [f"Hello {where}", "Connection closed."]
        assert server.interrupt() == 0
        assert server.lines.count(f"Message received from {where} : Hello") == 2


@pytest.mark.parametrize("step", ["ii_3", "ii_6"])
def test_ii_3_a_line_in_pieces_is_one_and_lines_in_one_packet_are_two(step: str) -> None:
    with run_server(step) as server, Peer(server.listening()) as peer:
        peer.send("Hello\none\ntw")
        server.wait_for(" : one")
        with pytest.raises(AssertionError):  # the link ends its lines, so silence ends none
            server.wait_for("tw", patience_s=0.3)
        peer.send("o\r\n")
        assert server.wait_for("tw").endswith(" : two")


# --- II.4 ----------------------------------------------------------------------------------------
def test_ii_4_all_others_get_what_one_says() -> None:
    with run_server("ii_4") as server:
        address = server.listening()
        with run_client("ii_4", address[1]) as client, Peer(address) as one, Peer(address) as two:
            for peer in (one, two):
                peer.send("Hello\n")
                peer.wait_for(f"Hello 127.0.0.1:{peer.address[1]}\n")
            client.say("salut")
            where = server.wait_for(": salut").removesuffix(" : salut").split()[-1]
            one.wait_for(f"{where} a dit : salut\n")
            two.wait_for(f"{where} a dit : salut\n")
            one.send("moi aussi\n")
            client.wait_for(f"127.0.0.1:{one.address[1]} a dit : moi aussi")
            two.wait_for(f"127.0.0.1:{one.address[1]} a dit : moi aussi\n")
            two.send("fin\n")
            assert one.wait_for("fin\n").count("moi aussi") == 0  # not to oneself
            client.end_input()
            assert client.wait() == 0
            assert not any("salut" in line for line in client.lines)


# --- II.5 ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", WITH_NICKS)
def test_ii_5_nicks_are_announced_and_stand_before_what_is_said(step: str) -> None:
    with run_server(step) as server:
        address = server.listening()
        with entered(address, "it4") as it4, run_client(step, address[1], "Zoé") as zoe:
            zoe.wait_for("Annonce : Zoé a rejoint la chatroom")
            assert it4.line() == "Annonce : Zoé a rejoint la chatroom"
            zoe.say("bonjour")
            assert it4.line() == "Zoé a dit : bonjour"
            it4.send("salut\n")
            zoe.wait_for("it4 a dit : salut")
            assert zoe.interrupt() == 0
            assert not any("bonjour" in line for line in zoe.lines)
        assert server.interrupt() == 0


@pytest.mark.parametrize("step", WITH_NICKS)
def test_ii_5_the_client_asks_for_a_nick(step: str) -> None:
    with run_server(step) as server, run_client(step, server.listening()[1]) as client:
        client.say("")
        client.say(" it4 ")
        assert client.wait_for("Annonce").endswith("Annonce : it4 a rejoint la chatroom")
        assert server.wait_for("Hello|").endswith(" : Hello|it4")
        client.end_input()
        assert client.wait() == 0
    with run_client(step, 1) as nobody:
        nobody.end_input()
        assert nobody.wait() == 0


@pytest.mark.parametrize("step", WITH_NICKS)
def test_ii_5_a_first_client_that_ends_no_line_is_understood(step: str) -> None:
    with run_server(step) as server:
        address = server.listening()
        with entered(address, "zoe") as zoe, Peer(address) as it4, Peer(address) as other:
            it4.send("Hello|it4")
            assert it4.line() == zoe.line() == "Annonce : it4 a rejoint la chatroom"
            it4.send("sans fin")
            assert zoe.line() == "it4 a dit : sans fin"
            other.send("Hello")
            host, port = other.address
            assert other.line() == f"Hello {host}:{port}"
            assert zoe.line() == f"Annonce : {host}:{port} a rejoint la chatroom"


@pytest.mark.parametrize("step", WITH_NICKS)
def test_ii_5_who_does_not_say_hello_is_nobody(step: str) -> None:
    with run_server(step) as server:
        address = server.listening()
        with entered(address, "zoe") as zoe, Peer(address) as nobody:
            nobody.send("GET / HTTP/1.1\n")
            assert nobody.line() == "Say Hello|<nick> first."
            nobody.send(f"Hello|{'x' * 500}\n")
            assert zoe.line() == f"Annonce : {'x' * 40} a rejoint la chatroom"


# --- II.6 ----------------------------------------------------------------------------------------
def test_ii_6_leaving_and_vanishing_are_announced() -> None:
    with run_server("ii_6") as server:
        address = server.listening()
        with entered(address, "zoe") as zoe, run_client("ii_6", address[1], "it4") as it4:
            assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
            it4.end_input()
            assert it4.wait() == 0
            assert not any("Le serveur est parti" in line for line in it4.lines)
            assert zoe.line() == "Annonce : it4 a quitté la chatroom"
            for nick, part in (("Ana", Peer.reset), ("Bob", Peer.close)):
                with entered(address, nick) as peer:
                    assert zoe.line() == f"Annonce : {nick} a rejoint la chatroom"
                    part(peer)
                    assert zoe.line() == f"Annonce : {nick} a quitté la chatroom"
            with run_client("ii_6", address[1], "Eva") as eva:
                assert zoe.line() == "Annonce : Eva a rejoint la chatroom"
                eva.kill()
                assert zoe.line() == "Annonce : Eva a quitté la chatroom"


@pytest.mark.parametrize("end", [Program.interrupt, Program.kill])
def test_ii_6_the_client_ends_when_the_server_goes(end: Callable[[Program], object]) -> None:
    with run_server("ii_6") as server, run_client("ii_6", server.listening()[1], "it4") as it4:
        it4.wait_for("Annonce : it4 a rejoint")
        end(server)
        assert it4.wait() == 0  # though it waits for input
        assert it4.lines[-1] == "Le serveur est parti, à bientôt."


def test_ii_6_the_end_of_the_server_is_no_leaving_of_the_clients() -> None:
    with run_server("ii_6") as server:
        address = server.listening()
        with entered(address, "it4") as it4, entered(address, "zoe"):
            assert it4.line() == "Annonce : zoe a rejoint la chatroom"
            assert server.interrupt() == 0
            assert it4.rest() == ""


def test_ii_6_clients_that_vanish_in_the_middle_of_a_broadcast_hurt_nobody() -> None:
    with run_server("ii_6") as server:
        address = server.listening()
        with entered(address, "it4") as it4, entered(address, "zoe") as zoe:
            for number in range(20):
                with entered(address, f"n{number}") as gone:
                    it4.send(f"{number}\n" * 50)
                    gone.reset()
            it4.send("fin\n")
            said = zoe.wait_for("it4 a dit : fin\n")
            assert all(said.count(f"it4 a dit : {number}\n") == 50 for number in range(20))
            for number in range(20):
                text = f"Annonce : n{number} a quitté la chatroom\n"
                assert text in said or zoe.wait_for(text)
        assert server.interrupt() == 0


def test_ii_6_a_client_that_does_not_read_holds_nobody_up() -> None:
    with run_server("ii_6") as server:
        address = server.listening()
        with (
            entered_anyhow(address) as talker,
            entered_anyhow(address) as lazy,
            entered_anyhow(address) as zoe,
        ):
            port = lazy.address[1]
            lazy._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line = "x" * 4000 + "\n"
            for number in range(30):  # 7 MB: more than its buffers hold
                talker.send(line * 60 + f"round {number}\n")
                zoe.wait_for(f"a dit : round {number}\n")
            talker.send("fin\n")
            zoe.wait_for("a dit : fin\n")
            talker.wait_for(f"Annonce : 127.0.0.1:{port} a quitté la chatroom\n")


# --- all of them ---------------------------------------------------------------------------------
@pytest.mark.parametrize("step", ALL)
def test_a_server_survives_rude_clients_and_ends_on_ctrl_c(step: str) -> None:
    with run_server(step) as server:
        address = server.listening()
        with Peer(address) as peer:
            peer.send(b"Hello|\x1b]0;title\x07\xff\xfe\x00\n\x1b[31mred\n")
            line = server.wait_for("title")
            assert "\\x1b]0;title\\x07\N{REPLACEMENT CHARACTER}" in line
            assert line.isprintable()
        with Peer(address) as peer:
            peer.reset()
        with Peer(address) as peer:
            peer.send("Hello\n")
            peer.reset()
        with Peer(address) as one, Peer(address) as two:
            for peer in (one, two):
                peer.send("Hello")
                server.wait_for(f"{peer.address[1]} : Hello")
                peer.wait_for(f"Hello 127.0.0.1:{peer.address[1]}\n")
            assert server.interrupt() == 0  # with clients


@pytest.mark.parametrize("step", ["ii_3", "ii_6"])
def test_a_line_without_end_is_cut(step: str) -> None:
    with run_server(step) as server, Peer(server.listening()) as peer:
        peer.send("Hello\n" + "x" * 50_000 + "\nfin\n")
        server.wait_for(" : fin")
        cut = [line for line in server.lines if "xxx" in line]
        assert sum(line.count("x") for line in cut) == 50_000
        assert max(len(line) for line in cut) < 6_000


@pytest.mark.parametrize("step", CHATS)
def test_ctrl_c_ends_a_client(step: str) -> None:
    nick = ["it4"] if step in WITH_NICKS else []
    with run_server(step) as server, run_client(step, server.listening()[1], *nick) as client:
        client.say("Hello")
        server.wait_for(" : Hello")
        assert client.interrupt() == 0
        assert server.interrupt() == 0


@pytest.mark.parametrize("step", ALL)
def test_what_cannot_be_gets_a_sentence(step: str) -> None:
    nick = ["it4"] if step in WITH_NICKS else []
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        in_use = str(taken.getsockname()[1])
        programs = [
            (run_client(step, port, *nick), 1, f"Cannot connect to 127.0.0.1:{port} "),
            (run_client(step, port, "--host", "no..name", *nick), 1, f"Cannot connect to no..name:{port} "),
            (Program(f"chat_steps/chat_server_{step}.py", "--port", in_use), 1, f"on 127.0.0.1:{in_use} "),
            (Program(f"chat_steps/chat_server_{step}.py", "--port", "70000"), 2, "from 0 to 65535"),
        ]
        for program, code, sentence in programs:  # they run at the same time
            with program:
                assert program.wait() == code
                assert sentence in program.lines[-1]


def test_clients_of_all_steps_meet_at_the_last_server() -> None:
    with run_server("ii_6") as server:
        port = server.listening()[1]
        with run_client("ii_3", port) as old, run_client("ii_5", port, "it4") as it4:
            it4.wait_for("Annonce : it4 a rejoint la chatroom")
            old.say("Hello")
            where = old.wait_for("Hello ").removeprefix("Hello ")
            it4.wait_for(f"Annonce : {where} a rejoint la chatroom")
            old.say("coucou")
            it4.wait_for(f"{where} a dit : coucou")
            with run_client("ii_2", port) as first:
                assert first.wait() == 0
                assert first.lines[-1].startswith("Hello 127.0.0.1:")
