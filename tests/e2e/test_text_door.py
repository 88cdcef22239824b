"""The plain-text door over real sockets: netcat, browsers and a class's own clients at a real server."""

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.terminal import PATIENCE_S, server_command
from tests.e2e.test_full_screen import in_general
from tests.e2e.world import Person, Server, environment
from tests.examples.programs import Peer, Program

MakePerson = Callable[..., Person]
CLOCK = r"\[\d\d:\d\d\]"
HOST = "127.0.0.1"


class Caller(Peer):
    """Somebody at the plain-text door.

    Args:
        port: The local port to come from; 0 for any.
    """

    def __init__(self, server: Server, port: int = 0) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(PATIENCE_S)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, port))
        self._socket.connect((HOST, server.text_port))
        self.received = b""
        self.name = f"{HOST}:{self.address[1]}"

    def end_input(self) -> None:
        """Send nothing more, and go on reading, as `nc -N` does."""
        self._socket.shutdown(socket.SHUT_WR)


@contextmanager
def caller(server: Server, nick: str = "", port: int = 0) -> Iterator[Caller]:
    """Somebody who is in the room: by a nick, or without one by the address."""
    with Caller(server, port) as peer:
        if nick:
            peer.send(f"Hello|{nick}\n")
            peer.wait_for(f"Annonce : {nick} a rejoint la chatroom\n")
        else:
            peer.send("Hello\n/text here\n")
            peer.wait_for(f"{peer.name}: here\n")
        yield peer


def wait_until(holds: Callable[[], object], what: Callable[[], object]) -> None:
    """Wait until something holds; it is looked at every few milliseconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.01)


def wait_for_console(server: Server, line: str) -> None:
    """Wait for a whole line of the console, without its time."""
    wait_until(lambda: line in console(server), server.console)


def console(server: Server) -> list[str]:
    """The console's lines, without their times."""
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in server.console().splitlines()]


def server_log(server: Server) -> list[str]:
    """The lines of server.log, without their times."""
    text = (server.data / "log" / "server.log").read_text(encoding="utf-8")
    return [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line) for line in text.splitlines()]


def asked(server: Server, *lines: str) -> str:
    """What somebody reads who sends these lines and leaves."""
    with Caller(server) as peer:
        peer.send("".join(f"{line}\n" for line in lines))
        peer.end_input()
        return peer.rest()


def start(folder: Path, *lines: str, options: tuple[str, ...] = ()) -> Server:
    """A server with a plain-text door and these settings."""
    folder.mkdir(exist_ok=True)
    settings = ["HISTORY_FLUSH_S=0.2", "TEXT_PORT=0", "LANG=en", *lines]
    (folder / "server.conf").write_text("\n".join(settings) + "\n")
    return Server(folder, "--config", str(folder / "server.conf"), "-v", *options).start()


@contextmanager
def running(folder: Path, *lines: str) -> Iterator[Server]:
    """The same, ended with the block."""
    server = start(folder, *lines)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with a plain-text door, without limits on how fast one may send."""
    with running(tmp_path / "server", "BURST=0", "RATE=0") as server:
        yield server


# --- connections, and what the logs show ---------------------------------------------------------------
def test_clients_are_numbered_in_the_order_they_came_and_their_lines_are_logged(server: Server) -> None:
    server.stop()
    server.log.unlink()
    server.start()  # numbers begin at 1 again
    with Caller(server) as first, Caller(server) as second:
        wait_until(lambda: console(server).count("New client connected") == 2, server.console)
        second.send("Hello|zoé\n")
        second.wait_for("Annonce : zoé a rejoint la chatroom\n")
        first.send("Hello\nsalut à tous\n")
        assert second.line() == f"Annonce : {first.name} a rejoint la chatroom"
        assert second.line() == f"{first.name} a dit : salut à tous"
        second.send("ça va ?\n")
        wait_for_console(server, "client 2> ça va ?")
    expected = [
        "client 2> Hello|zoé",
        "client 1> Hello",
        "client 1> salut à tous",
        "client 2> ça va ?",
    ]
    assert server.stop() == 0
    assert [line for line in console(server) if line.startswith("client ")] == expected
    assert [line for line in server_log(server) if line.startswith("client ")][-4:] == expected
    assert "New client connected" in server_log(server)


def test_conversation_can_be_kept_out_of_the_log(tmp_path: Path) -> None:
    with running(tmp_path / "server", "LOG_CONVERSATION=no") as server:
        with caller(server) as peer:
            peer.send("un secret\n")
            wait_for_console(server, f"Message received from {peer.name} : un secret")
        assert server.stop() == 0
        log = server_log(server)
    assert "New client connected" in log
    assert not [line for line in log if line.startswith(("client ", "Message received")) or "secret" in line]


@pytest.mark.parametrize(
    "command",
    [
        "/message zoé a secret",
        "/MESSAGE  zoé  a secret",
        " /message nobody a secret",
        "/message zoé a secret\r",
        "/mesage zoé a secret",
        "/msg secret",
    ],
)
def test_what_is_said_to_one_alone_stands_in_no_log(server: Server, command: str) -> None:
    with caller(server, "zoé") as zoe:
        assert "secret" not in asked(server, command, "/message zoé end of it")  # as the first line, too
        zoe.wait_for("end of it\n")
        asked(server, "Hello|it4", command, "public")
        zoe.wait_for("it4 a dit : public\n")
    assert server.stop() == 0
    logs = "\n".join([server.console(), *server_log(server)])
    assert "> public" in logs
    assert "secret" not in logs
    assert "end of it" not in logs


# --- first lines ---------------------------------------------------------------------------------------
def test_a_hello_is_answered_with_the_address(server: Server) -> None:
    with caller(server, "zoé") as zoe, Caller(server) as peer:
        peer.send("Hello\n")
        assert peer.line() == f"Hello {peer.name}"
        assert zoe.line() == f"Annonce : {peer.name} a rejoint la chatroom"
        peer.send("salut\n")
        assert zoe.line() == f"{peer.name} a dit : salut"
        wait_for_console(server, f"Message received from {peer.name} : salut")
        peer.send("Hello\n")  # once in, it is a message
        assert zoe.line() == f"{peer.name} a dit : Hello"
        zoe.send("bonjour\n")
        assert re.fullmatch(
            f"(Annonce : {peer.name} a rejoint la chatroom\n)?", _up_to(peer, "zoé a dit : bonjour\n")
        )


def _up_to(peer: Peer, text: str) -> str:
    """What comes before a text."""
    return peer.wait_for(text).removesuffix(text)


def test_a_hello_with_a_nick_is_a_login_that_all_are_told_of(server: Server) -> None:
    with Caller(server) as it4, caller(server, "zoé") as zoe:
        it4.send("Hello|it4\n")
        it4.wait_for("Annonce : it4 a rejoint la chatroom\n")
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("salut\nHello|eve\n/text fin\n")
        assert zoe.line() == "it4 a dit : salut"
        assert zoe.line() == "it4 a dit : Hello|eve"
        assert zoe.line() == "it4: fin"
        assert it4.line() == "it4: fin", "one's own messages are not sent back"


@pytest.mark.parametrize("first", ["salut à tous", "hello", "Hello world", "GET up", "Hello it4"])
def test_any_other_first_line_is_a_message_of_an_address(server: Server, first: str) -> None:
    with caller(server, "zoé") as zoe, Caller(server) as peer:
        peer.send(f"{first}\nencore\n/text fin\n")
        assert zoe.line() == f"Annonce : {peer.name} a rejoint la chatroom"
        for said in (first, "encore"):
            assert zoe.line() == f"{peer.name} a dit : {said}"
            wait_for_console(server, f"Message received from {peer.name} : {said}")
        peer.wait_for(f"{peer.name}: fin\n")


def test_login_is_a_first_line_or_a_later_one(server: Server) -> None:
    with caller(server, "zoé") as zoe, Caller(server) as first, caller(server) as later:
        zoe.wait_for(f"{later.name}: here\n")
        first.send("/login it4\n")
        first.wait_for("Annonce : it4 a rejoint la chatroom\n")
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        later.wait_for("Annonce : it4 a rejoint la chatroom\n")
        later.send("/login eve\nsalut\n")
        for peer in (zoe, first):
            assert peer.line() == "Annonce : eve a rejoint la chatroom"
            assert peer.line() == "eve a dit : salut"
        assert later.line() == "Annonce : eve a rejoint la chatroom"
        first.send("/login bob\n")
        for peer in (zoe, first, later):
            assert peer.line() == "Annonce : it4 s'appelle maintenant bob"


# --- commands ------------------------------------------------------------------------------------------
def test_a_private_message_is_for_one_alone(server: Server) -> None:
    with caller(server, "it4") as it4, caller(server, "zoé") as zoe, caller(server, "eve") as eve:
        it4.wait_for("Annonce : eve a rejoint la chatroom\n")
        zoe.wait_for("Annonce : eve a rejoint la chatroom\n")
        it4.send("/message ZOÉ  coucou  toi\npour tous\n")
        assert zoe.line() == "Private message from it4: coucou  toi"
        assert zoe.line() == "it4 a dit : pour tous"
        assert eve.line() == "it4 a dit : pour tous"
        zoe.send("/message it4 salut\n/text fin\n")
        assert it4.line() == "Private message from zoé: salut"
        assert it4.line() == "zoé: fin"
        assert eve.line() == "zoé: fin"
        eve.send("/message nobody hé\n/message zoé\n/text fin\n")
        assert eve.line().startswith("! ")
        assert eve.line() == "! this is written /message <nick> <text>"
        assert zoe.wait_for("eve: fin\n") == "zoé: fin\neve: fin\n"


def test_text_is_for_all_and_a_present_nick_in_front_is_left_out(server: Server) -> None:
    with caller(server, "it4") as it4, caller(server, "zoé") as zoe, caller(server, "eve") as eve:
        it4.wait_for("Annonce : eve a rejoint la chatroom\n")
        zoe.wait_for("Annonce : eve a rejoint la chatroom\n")
        it4.send("/text salut à tous\n/text zoé salut à toi\n/text Zoé\n/text nobody là\n/text\n")
        said = ["it4: salut à tous", "it4: salut à toi", "it4: Zoé", "it4: nobody là"]
        for peer in (zoe, eve):
            assert [peer.line() for _ in said] == said
        lines = [it4.line() for _ in range(5)]
        lines.remove("! this is written /text <text>")  # it may come before its messages are stored
        assert lines == said


def test_rooms_are_shown_and_changed_and_people_named(server: Server, person: MakePerson) -> None:
    with (
        person("kate").plain() as kate,
        caller(server, "it4") as it4,
        caller(server, "zoé") as zoe,
    ):
        kate.wait_for("#general")
        kate.type("/create lab\r")
        kate.wait_for("#lab")
        it4.wait_for("Annonce : zoé a rejoint la chatroom\n")
        it4.send("/rooms\n")
        it4.wait_for("#general (3 members) *\n#lab (1 member)\n")
        it4.send("/who\n")
        it4.wait_for("general: ")
        assert sorted(it4.line().split(", ")) == ["it4 (guest)", "kate", "zoé (guest)"]
        it4.send("/join lab\nici\n/who\n")
        it4.wait_for("lab: ")
        assert sorted(it4.line().split(", ")) == ["it4 (guest)", "kate"]
        kate.wait_for("it4 said: ici")
        zoe.wait_for("Annonce : it4 a quitté la chatroom\n")
        zoe.send("/join nowhere\nseule ?\n/join lab\n")
        assert zoe.line() == "! there is no room nowhere; /rooms shows those there are"
        assert zoe.line() == "! you are in the room lab now"
        assert re.fullmatch(rf"{CLOCK} it4 a dit : ici", zoe.line())
        it4.wait_for("Annonce : zoé a rejoint la chatroom\n")
        it4.send("/text fin\n")
        assert it4.line() == "it4: fin", "what is said elsewhere is not heard"
    assert server.stop() == 0
    assert [line["body"] for line in server.room_lines("lab")] == ["ici", "fin"]


def test_help_names_the_commands_and_quit_is_the_end(server: Server) -> None:
    with caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("//quit\n")
        assert zoe.line() == "it4 a dit : /quit"
        it4.send("/help\n/dance\n/quit\nnever said\n")
        help_ = it4.rest().splitlines()
        commands = [line.split("  ")[0] for line in help_ if line.startswith("/")]
        assert commands == [
            "/login <nick>",
            "/message <nick> <text>",
            "/text <text>",
            "/rooms",
            "/join <room>",
            "/who",
            "/help",
            "/quit",
        ]
        assert help_[-2:] == [
            "! there is no command /dance; /help shows those there are, // in front says it",
            "Au revoir !",
        ]
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"


# --- browsers ------------------------------------------------------------------------------------------
def greeting(server: Server) -> str:
    return (
        f"Hello World!\nThis is a chat room. Come in from a terminal: nc {HOST} {server.text_port}\n"
        "then write Hello|<nick>, and after it a line for each message. /help shows more.\n"
    )


@pytest.mark.parametrize(
    "request_",
    ["GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8.5.0\r\n\r\n", "GET /\r\n", "POST /a HTTP/1.0\n\n"],
)
def test_a_request_of_http_is_greeted_and_the_link_closed(server: Server, request_: str) -> None:
    with caller(server, "zoé") as zoe:
        with Caller(server) as peer:
            peer.send(request_)
            assert peer.rest() == greeting(server)
        zoe.send("/text fin\n")
        assert zoe.line() == "zoé: fin", "it was nobody's arrival"


def test_what_a_browser_posts_is_no_message(server: Server) -> None:
    with caller(server, "zoé") as zoe, Caller(server) as peer:
        peer.send("POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nHello|eve\nje suis là\n")
        with contextlib.suppress(ConnectionResetError):
            assert peer.rest() == greeting(server)
        zoe.send("/text fin\n")
        assert zoe.line() == "zoé: fin"


def test_a_request_that_arrives_in_pieces_is_no_message(server: Server) -> None:
    with caller(server, "zoé") as zoe, Caller(server) as slow, Caller(server) as peer:
        for number, piece in enumerate(["PO", "ST /aaaa", "aaaa HT", "TP/1.1"]):
            peer.send(piece)
            slow.send(f"tic {number}")  # without a line end: said when as much silence has gone by
            zoe.wait_for(f"{slow.name} a dit : tic {number}\n")
        peer.send("\r\nHost: x\r\n\r\nHello|eve\nje suis là\n")
        with contextlib.suppress(ConnectionResetError):
            assert peer.rest() == greeting(server)
        zoe.send("/text fin\n")
        assert zoe.line() == "zoé: fin"


def test_a_browser_gets_a_status_line_and_headers(server: Server) -> None:
    with Caller(server) as peer:
        peer.send(
            "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n\r\n"
        )
        head, _, body = peer.rest().partition("\r\n\r\n")
    assert body == greeting(server)
    assert head.split("\r\n") == [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body.encode())}",
        "Connection: close",
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("options", [["--http0.9"], ["-A", "Mozilla/5.0"]])
def test_curl_is_greeted(server: Server, options: list[str]) -> None:
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", *options, f"http://{HOST}:{server.text_port}/"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert (done.stdout, done.stderr) == (greeting(server), "")


# --- the past, and coming again ------------------------------------------------------------------------
def past(text: str) -> list[str]:
    """The lines that were said before, without their times."""
    lines = text.splitlines()
    assert all(re.match(f"{CLOCK} ", line) for line in lines), lines
    return [line.split(" ", 1)[1] for line in lines]


def test_a_newcomer_reads_the_last_20_messages_and_then_what_is_said(server: Server) -> None:
    with caller(server, "zoé") as zoe:
        zoe.send("".join(f"numéro {n}\n" for n in range(30)) + "/text fin\n")
        zoe.wait_for("zoé: fin\n")
        with Caller(server) as it4:
            it4.send("Hello|it4\n")
            before = _up_to(it4, "Annonce : it4 a rejoint la chatroom\n")
            assert past(before) == [*(f"zoé a dit : numéro {n}" for n in range(11, 30)), "zoé: fin"]
            zoe.send("encore\n")
            assert it4.line() == "zoé a dit : encore"


def test_what_is_said_before_quit_is_heard_before_the_leaving(server: Server) -> None:
    with caller(server, "zoé") as listener, Caller(server) as hasty:
        hasty.send("Hello|it4\nun\ndeux\n/quit\n")
        assert hasty.rest().endswith("Au revoir !\n")
        heard = [listener.line() for _ in range(4)]
    assert heard == [
        "Annonce : it4 a rejoint la chatroom",
        "it4 a dit : un",
        "it4 a dit : deux",
        "Annonce : it4 a quitté la chatroom",
    ]


def test_answers_come_behind_the_past(server: Server) -> None:
    with caller(server, "zoé") as speaker, caller(server) as listener:
        speaker.send("avant\n")
        listener.wait_for("zoé a dit : avant\n")
    said = asked(server, "Hello|it4", "/nope").splitlines()
    assert [line[:1] for line in said[-3:]] == ["[", "A", "!"], said


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (3, 3)])
def test_how_much_of_the_past_is_shown_is_a_setting(tmp_path: Path, count: int, shown: int) -> None:
    with running(tmp_path / "server", f"TEXT_HISTORY={count}") as server, caller(server, "zoé") as zoe:
        zoe.send("1\n2\n3\n/text 4\n")
        zoe.wait_for("zoé: 4\n")
        with Caller(server) as it4:
            it4.send("Hello|it4\n")
            before = _up_to(it4, "Annonce : it4 a rejoint la chatroom\n")
    assert past(before) == ["zoé a dit : 2", "zoé a dit : 3", "zoé: 4"][:shown]


@pytest.mark.parametrize("line", ["Hello|it4\n", "/login it4\n"])
def test_the_same_address_port_and_nick_are_welcomed_back(server: Server, line: str) -> None:
    with caller(server, "zoé") as zoe:
        with caller(server, "it4") as it4:
            port = it4.address[1]
            assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
            it4.reset()  # the port is free at once
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"
        with Caller(server, port) as it4:
            it4.send(line)
            assert it4.line() == "Welcome back it4 !"
            assert zoe.line() == "it4 est de retour !"
            it4.send("me voilà\n")
            assert zoe.line() == "it4 a dit : me voilà"
            it4.reset()
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"
        with caller(server, "it4"):  # from another port, one is somebody else
            assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"
        with caller(server, "eve", port):
            assert zoe.line() == "Annonce : eve a rejoint la chatroom"


@pytest.mark.parametrize(
    "end", [Caller.close, Caller.reset, Caller.end_input, lambda peer: peer.send("/quit\n")]
)
@pytest.mark.parametrize("nick", ["it4", ""])
def test_all_are_told_who_leaves_or_vanishes(
    server: Server, nick: str, end: Callable[[Caller], None]
) -> None:
    with caller(server, "zoé") as zoe, caller(server, nick) as peer:
        assert zoe.line() == f"Annonce : {nick or peer.name} a rejoint la chatroom"
        if not nick:
            assert zoe.line() == f"{peer.name}: here"
        end(peer)
        assert zoe.line() == f"Annonce : {nick or peer.name} a quitté la chatroom"


# --- lines ---------------------------------------------------------------------------------------------
def test_without_line_ends_silence_ends_a_line(server: Server) -> None:
    with caller(server, "zoé") as zoe, Caller(server) as peer:
        peer.send("Hello|it4")
        peer.wait_for("Annonce : it4 a rejoint la chatroom\n")
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        peer.send("salut")
        assert zoe.line() == "it4 a dit : salut"
        peer.send("/text fin")
        assert peer.line() == "it4: fin"
        assert zoe.line() == "it4: fin"


def test_the_end_of_the_link_ends_a_line(server: Server) -> None:
    with caller(server, "zoé") as zoe:
        with Caller(server) as peer:
            peer.send("Hello|it4\nsalut")
            peer.end_input()
            assert peer.rest() == "Annonce : it4 a rejoint la chatroom\n"
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        assert zoe.line() == "it4 a dit : salut"
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"


def test_after_a_line_end_silence_ends_no_line(server: Server) -> None:
    with caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("deux moi")
        began = time.monotonic()
        while time.monotonic() < began + 0.3:  # longer than the silence that would end it
            zoe.send("/text attends\n")
            assert zoe.line() == "zoé: attends"
        it4.send("tiés\r\n")
        assert zoe.line() == "it4 a dit : deux moitiés"


def test_a_line_over_64_kib_is_refused_and_the_link_stays(server: Server) -> None:
    with caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("x" * 65537 + "\n" + "y" * 65536 + "\n" + "z" * 300_000 + "\nfin\n")
        assert zoe.line() == "it4 a dit : " + "y" * 65536
        assert zoe.line() == "it4 a dit : fin"
        zoe.send("vu\n")
        sentence = "! the line is too long: at most 65536 bytes are allowed\n"
        assert it4.wait_for("zoé a dit : vu\n") == f"{sentence}{sentence}zoé a dit : vu\n"


def test_a_nick_of_a_key_user_is_refused_and_one_is_inside_by_the_address(
    server: Server, person: MakePerson
) -> None:
    assert person("Kate").script("send", "general", "mine").returncode == 0
    sentence = "! the nick kate belongs to somebody else; take another: /login <nick>"
    with caller(server, "zoé") as zoe, Caller(server) as peer:
        peer.send("Hello|kate\nsalut\n")
        assert peer.line() == sentence
        assert re.fullmatch(f"{CLOCK} Kate a dit : mine", peer.line())
        peer.send("/login kate\n/text fin\n")
        assert peer.line() == sentence
        assert peer.line() == f"{peer.name}: fin"
        assert zoe.line() == f"Annonce : {peer.name} a rejoint la chatroom"
        assert zoe.line() == f"{peer.name} a dit : salut"
        assert zoe.line() == f"{peer.name}: fin"
        with Caller(server) as other:
            other.send("Hello|Zoé\n")
            assert other.line() == "! the nick Zoé belongs to somebody else; take another: /login <nick>"
            assert zoe.line() == f"Annonce : {other.name} a rejoint la chatroom"


# --- other kinds of clients ----------------------------------------------------------------------------
def test_a_picture_arrives_as_characters_of_at_most_80_columns(
    server: Server, person: MakePerson, tmp_path: Path
) -> None:
    image = Image.new("RGB", (400, 100), (90, 10, 10))
    image.paste((250, 240, 60), (200, 0, 400, 100))
    image.save(tmp_path / "two.png")
    with caller(server, "zoé") as zoe:
        kate = person("kate")
        assert kate.script("send", "general", "--image", str(tmp_path / "two.png")).returncode == 0
        assert kate.script("send", "general", "fin").returncode == 0
        head, *rows = _up_to(zoe, "kate a dit : fin\n").splitlines()
    assert re.fullmatch(r"kate a dit : two\.png, \d+ x \d+", head), head
    assert len(rows) >= 5
    for row in rows:
        assert row.startswith(" ")
        assert len(row) <= 80
        assert row.isascii()
        assert row.isprintable()
        assert re.fullmatch(r" *(\S)\1{9,}.{0,3}(?!\1)(\S)\2{9,} *", row), row


HOSTILE = (
    "\x1b]52;c;aGFja2Vk\x07clipboard",
    "\x1b]0;title\x1b\\window",
    "\x1b[2J\x1b[1;1Hcleared",
    "\x9b31mred\x9d52;c;eA==\x9c",
    "\u202egnp.exe\u2066isolated",
    "bell\x07 back\x08\x08 zero\u200bwidth",
    "half\rone",
)
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]|52;c;|0;title")


@pytest.mark.parametrize("line", ["{}", "/text {}", "/message zoé {}", "/login {}", "/join {}", "/{}"])
def test_what_terminals_obey_reaches_nobody(server: Server, person: MakePerson, line: str) -> None:
    lines = [line.format(text) for text in HOSTILE]
    with person("kate").plain() as kate, Caller(server) as zoe:
        kate.wait_for("#general")
        zoe.send("Hello|zoé\n")
        zoe.wait_for("Annonce : zoé a rejoint la chatroom\n")
        own = asked(server, "Hello|it4", *lines) + asked(server, lines[0], "/text last")
        seen = zoe.wait_for(": last\n")
        kate.wait_for("said: last")
        assert not FORBIDDEN.search(seen), repr(seen)
        assert not FORBIDDEN.search(own), repr(own)
        assert not FORBIDDEN.search(kate.raw.decode().replace("\r", "").replace("\t", ""))
    newcomer = asked(server, "Hello|bob")
    assert not FORBIDDEN.search(newcomer), repr(newcomer)
    assert server.stop() == 0
    for text in (server.console(), "\n".join(server_log(server))):
        assert not FORBIDDEN.search(text)


def test_a_text_user_and_one_of_the_full_screen_write_to_each_other_alone(
    server: Server, person: MakePerson
) -> None:
    with (
        caller(server, "zoé") as zoe,
        caller(server, "eve") as eve,
        in_general(person("kate")) as kate,
    ):
        zoe.wait_for("Annonce : kate a rejoint la chatroom\n")
        eve.wait_for("Annonce : kate a rejoint la chatroom\n")
        kate.type("/msg zoé coucou zoé\r")
        assert zoe.line() == "Private message from kate: coucou zoé"
        zoe.send("/message kate coucou kate\n")
        kate.wait_for(lambda text: re.search(r"zoé +│\Wcoucou kate", text))
        kate.type("et toi\r")
        assert zoe.line() == "Private message from kate: et toi"
        zoe.send("/text fin\n")
        assert eve.line() == "zoé: fin"


def test_three_kinds_of_clients_talk_in_one_room(server: Server, person: MakePerson) -> None:
    with (
        in_general(person("full")) as full,
        person("plain", "fr").plain() as plain,
        Caller(server) as text,
    ):
        plain.wait_for("#general")
        text.send("Hello|text\n")
        text.wait_for("Annonce : text a rejoint la chatroom\n")
        plain.wait_for("Annonce : text a rejoint la chatroom")
        full.wait_for("text")
        full.type("été 🏖\r")
        assert text.line() == "full a dit : été 🏖"
        plain.wait_for(lambda shown: re.search(rf"{CLOCK} full a dit : été 🏖", shown))
        plain.type("à la plage\r")
        assert text.line() == "plain a dit : à la plage"
        full.wait_for(lambda shown: re.search(r"plain +│ à la plage", shown))
        text.send("j'arrive ça\n")
        plain.wait_for(lambda shown: re.search(rf"{CLOCK} text a dit : j'arrive ça", shown))
        full.wait_for(lambda shown: re.search(r"text +│ j'arrive ça", shown))
        full.press("ctrl+q")
        assert full.wait_end() == 0
        assert text.line() == "Annonce : full a quitté la chatroom"


# --- ends, crashes, crowds -----------------------------------------------------------------------------
@pytest.mark.parametrize("hangs_up", [False, True])
def test_all_that_was_read_is_said_before_the_server_ends(
    server: Server, person: MakePerson, hangs_up: bool
) -> None:
    said = [f"line {number}" for number in range(5000)]
    with caller(server, "it4") as it4:
        it4.send("".join(f"{line}\n" for line in said))
        if hangs_up:
            it4.end_input()
        wait_for_console(server, "client 1> line 0")
        assert server.stop_for_restart() == 0
        assert "not taken" not in it4.rest()
    server.start()
    assert [message["body"] for message in person("ada").history()] == said


def test_lines_that_a_rate_keeps_from_being_said_are_told_at_the_end(tmp_path: Path) -> None:
    said = [f"line {number}" for number in range(1000)]
    with running(tmp_path / "slow", "BURST=100", "RATE=100") as server:
        with caller(server, "it4") as it4:
            it4.send("".join(f"{line}\n" for line in said))
            wait_for_console(server, "client 1> line 0")
            assert server.stop_for_restart() == 0
            told, goodbye = it4.rest().splitlines()[-2:]
        assert goodbye == "Annonce : le serveur redémarre, revenez dans 5 s"
        server.start()
        kept = [message["body"] for message in Person(tmp_path / "ada", server, "ada").history()]
    assert 0 < len(kept) < len(said)
    assert kept == said[: len(kept)]
    count = len(said) - len(kept)
    assert told == f"! {count} lines were not taken any more; the first: line {len(kept)}"


def test_a_server_that_stops_says_so_and_hangs_up(server: Server) -> None:
    with caller(server, "it4") as it4, caller(server) as peer:
        assert it4.line() == f"Annonce : {peer.name} a rejoint la chatroom"
        assert it4.line() == f"{peer.name}: here"
        assert server.stop() == 0
        for client in (it4, peer):
            assert client.rest() == "Annonce : le serveur s'arrête\n"
    server.start()
    with caller(server, "zoé") as zoe:
        assert server.stop_for_restart() == 0
        assert zoe.rest() == "Annonce : le serveur redémarre, revenez dans 5 s\n"
    server.start()
    with Caller(server) as again:
        again.send("Hello|it4\n")
        before = _up_to(again, "Annonce : it4 a rejoint la chatroom\n")
        assert past(before) == [f"{peer.name}: here"]


def test_what_somebody_has_seen_survives_a_power_cut(server: Server) -> None:
    with caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("vu\n")
        assert zoe.line() == "it4 a dit : vu"
        server.kill()
    server.start()
    with Caller(server) as again:
        again.send("Hello|it4\n")
        before = _up_to(again, "Annonce : it4 a rejoint la chatroom\n")
    assert past(before) == ["it4 a dit : vu"]


@pytest.mark.parametrize("second", ["salut\n", "salut", "/who\n", "/text salut\n", "/rooms\n"])
def test_who_sends_nothing_more_still_reads_the_answers(server: Server, second: str) -> None:
    with caller(server, "zoé") as zoe:
        with Caller(server) as peer:
            peer.send(f"Hello|it4\n{second}")
            peer.end_input()
            answers = peer.rest()
        assert "Annonce : it4 a rejoint la chatroom\n" in answers
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        match second.strip():
            case "/who":
                assert "general: it4 (guest), zoé (guest)\n" in answers or (
                    "general: zoé (guest), it4 (guest)\n" in answers
                )
            case "/rooms":
                assert "#general (2 members) *\n" in answers
            case "salut":
                assert zoe.line() == "it4 a dit : salut"
            case "/text salut":
                assert zoe.line() == "it4: salut"
                assert answers.endswith("it4: salut\n")
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"
    if "salut" in second:
        assert server.stop() == 0
        assert [line["body"] for line in server.room_lines()] == ["salut"]


@pytest.mark.skipif(shutil.which("nc") is None, reason="nc is not installed")
def test_netcat_says_a_line_and_ends(server: Server) -> None:
    with caller(server, "zoé") as zoe:
        done = subprocess.run(
            ["nc", "-N", HOST, str(server.text_port)],
            input=b"Hello|it4\nsalut\n",
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if b"invalid option" in done.stderr:
            pytest.skip("this nc has no -N")
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode() == "Annonce : it4 a rejoint la chatroom\n"
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        assert zoe.line() == "it4 a dit : salut"
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"


def test_20000_lines_arrive_in_order_also_at_one_who_did_not_read(server: Server) -> None:
    count = 20_000
    expected = [f"it4 a dit : ligne {n}" for n in range(count)]
    with caller(server, "slow") as slow, caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        zoe.wait_for("Annonce : it4 a rejoint la chatroom\n")
        data = "".join(f"ligne {n}\n" for n in range(count))
        sending = threading.Thread(target=it4.send, args=(data,))
        sending.start()
        seen = _up_to(zoe, f"it4 a dit : ligne {count - 1}\n").splitlines()
        sending.join(PATIENCE_S)
        assert not sending.is_alive()
        assert seen == expected[:-1]
        slow.wait_for("Annonce : it4 a rejoint la chatroom\n")
        assert _up_to(slow, f"it4 a dit : ligne {count - 1}\n").splitlines() == expected[:-1]
        it4.send("/text fin\n")
        assert it4.line() == "it4: fin"
        assert slow.line() == "it4: fin"
    assert server.stop() == 0
    assert [line["body"] for line in server.room_lines()] == [
        *(f"ligne {n}" for n in range(count)),
        "fin",
    ]


def test_a_burst_is_held_and_not_lost(tmp_path: Path) -> None:
    with running(tmp_path / "server") as server, caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("".join(f"ligne {n}\n" for n in range(300)))
        assert [zoe.line() for _ in range(120)] == [f"it4 a dit : ligne {n}" for n in range(120)]
        zoe.send("toujours là ?\n")
        assert it4.line() == "zoé a dit : toujours là ?"
        assert "ligne 299" not in "".join(line["body"] for line in person_history(server, tmp_path))


@pytest.mark.parametrize("count", [150, 400])
def test_nothing_is_lost_of_who_sends_and_closes_at_once(tmp_path: Path, count: int) -> None:
    said = [f"ligne {n}" for n in range(count)]
    with running(tmp_path / "server", "BURST=1000", "RATE=1000") as server, caller(server, "zoé") as zoe:
        with Caller(server) as it4:
            it4.send("Hello|it4\n" + "".join(f"{line}\n" for line in said))
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        assert [zoe.line() for _ in said] == [f"it4 a dit : {line}" for line in said]
        assert zoe.line() == "Annonce : it4 a quitté la chatroom"


def person_history(server: Server, tmp_path: Path) -> list[dict[str, Any]]:
    """The default room's lines as another client reads them now."""
    return Person(tmp_path / "reader", server, "reader").history()


# --- what is no text, and what is set up wrongly -------------------------------------------------------
TLS_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) + bytes(250)


@pytest.mark.parametrize(
    "data",
    [
        TLS_HELLO,
        bytes(range(128, 256)) * 20,
        bytes(100_000),
        b"\n" * 100,
        b"\xff\xfb\x01" * 1000,
        b"CHAT\x00\x01\xff\xfe\n",
        b"\x00\n\x00\n",
        b"\xff",
    ],
    ids=["tls", "high", "zeros", "empty lines", "telnet", "binary", "zero lines", "one byte"],
)
def test_what_is_no_text_gets_a_sentence_or_nothing(server: Server, data: bytes) -> None:
    with caller(server, "zoé") as zoe:
        with Caller(server) as peer, contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.send(data)
            peer.end_input()
            answer = peer.rest()
            assert answer == "" or re.fullmatch(r"! [^\n]+\n", answer), answer
        with caller(server, "it4") as it4:
            zoe.wait_for("Annonce : it4 a rejoint la chatroom\n")
            it4.send("debout\n")
            assert zoe.line() == "it4 a dit : debout"


def test_a_client_of_tls_is_told_where_it_is(server: Server) -> None:
    with Caller(server) as peer:
        peer.send(TLS_HELLO)
        assert peer.rest() == f"! this port is for plain text; chatroom itself is at port {server.port}\n"


def test_a_client_of_the_own_protocol_gets_a_sentence(server: Server, tmp_path: Path) -> None:
    lost = Server(tmp_path)
    lost.port = server.text_port
    done = Person(tmp_path / "kate", lost, "kate").script("send", "general", "hallo", timeout_s=PATIENCE_S)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
    assert done.stderr.decode().count("\n") == 1, done.stderr
    with caller(server, "zoé") as zoe, caller(server, "it4") as it4:
        assert zoe.line() == "Annonce : it4 a rejoint la chatroom"
        it4.send("debout\n")
        assert zoe.line() == "it4 a dit : debout"


def refused(tmp_path: Path, port: object) -> subprocess.CompletedProcess[str]:
    """A server that does not start."""
    return subprocess.run(
        server_command(
            "-p", "0", "--data", str(tmp_path / "other"), "--lang", "en", "--text-port", str(port)
        ),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_port_in_use_is_one_sentence(server: Server, tmp_path: Path) -> None:
    done = refused(tmp_path, server.text_port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"chatroom-server: port {server.text_port} of {HOST} is in use; choose another one with --text-port, "
        "or see what runs there: chatroom-server status\n"
    )


@pytest.mark.parametrize("port", ["abc", "65536", "-1", "1.5"])
def test_a_port_that_is_none_is_one_sentence(tmp_path: Path, port: str) -> None:
    done = refused(tmp_path, port)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"chatroom-server: --text-port {port}: a number from 0 to 65535 is wanted\n"


def status(server: Server) -> dict[str, str]:
    """What `chatroom-server status` shows."""
    done = subprocess.run(
        server_command("status", "--data", str(server.data)),
        env=environment(server.folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines())


def test_the_status_shows_the_door(server: Server) -> None:
    assert status(server)["text"] == f"{HOST}:{server.text_port}"
    assert f"nc {HOST} {server.text_port}" in server.console()


def test_without_a_port_nothing_listens(tmp_path: Path) -> None:
    server = Server(tmp_path).start()
    try:
        assert server.text_port == 0
        assert "text" not in status(server)
        assert "nc " not in server.console()
        if sys.platform == "linux":
            assert listening(server) == [server.port]
    finally:
        server.kill()
    with running(tmp_path / "other") as other:
        if sys.platform == "linux":
            assert listening(other) == sorted([other.port, other.text_port])


def listening(server: Server) -> list[int]:
    """The TCP ports on which a server's process listens (Linux)."""
    assert server.process is not None
    process = Path("/proc") / str(server.process.pid)
    sockets: set[str] = set()
    for path in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # a file that was closed meanwhile
            sockets.add(str(path.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [
        line.split() for name in ("tcp", "tcp6") for line in (process / "net" / name).read_text().splitlines()
    ]
    return sorted(int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == "0A" and row[9] in sockets)


# --- the course's own clients --------------------------------------------------------------------------
def test_a_client_of_the_first_step_sends_hello_world_again_and_again(server: Server) -> None:
    """`while True: sock.send("hello world".encode()); time.sleep(…)`, without a line end."""
    with caller(server, "zoé") as zoe, Caller(server) as peer:
        for number in range(1, 4):
            peer.send(b"hello world")
            if number == 1:
                assert zoe.line() == f"Annonce : {peer.name} a rejoint la chatroom"
            assert zoe.line() == f"{peer.name} a dit : hello world"
        wait_until(
            lambda: console(server).count(f"Message received from {peer.name} : hello world") == 3,
            server.console,
        )


async def test_a_client_of_the_third_step_says_hello_and_chats(server: Server) -> None:
    """Two of them: streams, `writer.write(message.encode())`, `await reader.read(1024)`."""
    reader, writer = await asyncio.open_connection(HOST, server.text_port)
    host, port = writer.get_extra_info("sockname")
    other_reader, other_writer = await asyncio.open_connection(HOST, server.text_port)
    for stream in (writer, other_writer):
        stream.write(b"Hello")
        await stream.drain()
    async with asyncio.timeout(PATIENCE_S):
        assert (await reader.read(1024)).decode().startswith(f"Hello {host}:{port}\n")
        other_host, other_port = other_writer.get_extra_info("sockname")
        got = ""
        while not got.startswith(f"Hello {other_host}:{other_port}\n"):
            got += (await other_reader.read(1024)).decode()
        await _wait_for_console_async(server, f"{other_host}:{other_port} (", " joined #general")
        writer.write("ça va ?".encode())
        await writer.drain()
        while f"{host}:{port} a dit : ça va ?\n" not in got:
            got += (await other_reader.read(1024)).decode()
        other_writer.write(b"oui")
        await other_writer.drain()
        back = ""
        while f"{other_host}:{other_port} a dit : oui\n" not in back:
            back += (await reader.read(1024)).decode()
    for stream in (writer, other_writer):
        stream.close()
        await stream.wait_closed()


async def _wait_for_console_async(server: Server, start: str, end: str) -> None:
    def stands() -> bool:
        return any(line.startswith(start) and line.endswith(end) for line in console(server))

    await asyncio.to_thread(wait_until, stands, server.console)


async def test_clients_of_the_fifth_and_sixth_step_print_what_they_read(server: Server) -> None:
    """`Hello|pseudo`, then `data = await reader.read(1024)`, `print(data.decode())` until it is empty."""
    printed: dict[str, list[str]] = {"it4": [], "zoé": []}
    writers: dict[str, asyncio.StreamWriter] = {}
    news = asyncio.Event()

    async def read(name: str, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1024):
            printed[name].append(data.decode())
            news.set()

    async def until(name: str, text: str) -> None:
        while text not in "".join(printed[name]):
            news.clear()
            await news.wait()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        for name in printed:
            reader, writers[name] = await asyncio.open_connection(HOST, server.text_port)
            writers[name].write(f"Hello|{name}".encode())
            await writers[name].drain()
            group.create_task(read(name, reader))
            await until(name, f"Annonce : {name} a rejoint la chatroom\n")
        writers["it4"].write(b"salut")
        await until("zoé", "it4 a dit : salut\n")
        writers["zoé"].write("ça va ?".encode())
        await until("it4", "zoé a dit : ça va ?\n")
        writers["zoé"].close()  # as Ctrl+C does
        await until("it4", "Annonce : zoé a quitté la chatroom\n")
        assert await asyncio.to_thread(server.stop) == 0
    assert "".join(printed["it4"]) == (
        "Annonce : it4 a rejoint la chatroom\nAnnonce : zoé a rejoint la chatroom\n"
        "zoé a dit : ça va ?\nAnnonce : zoé a quitté la chatroom\nAnnonce : le serveur s'arrête\n"
    )
    assert "".join(printed["zoé"]) == "Annonce : zoé a rejoint la chatroom\nit4 a dit : salut\n"
    writers["it4"].close()
    for writer in writers.values():
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def example(server: Server, step: str, *arguments: str) -> Program:
    return Program(f"chat_steps/chat_client_{step}.py", "--port", str(server.text_port), *arguments)


def test_the_example_of_step_2_prints_its_address(server: Server) -> None:
    with caller(server, "zoé") as zoe, example(server, "ii_2") as client:
        assert client.wait() == 0
        (answer,) = client.lines
        where = answer.removeprefix("Hello ")
        assert re.fullmatch(r"127\.0\.0\.1:\d+", where)
        assert zoe.line() == f"Annonce : {where} a rejoint la chatroom"
        assert zoe.line() == f"Annonce : {where} a quitté la chatroom"


@pytest.mark.parametrize("step", ["ii_3", "ii_4"])
def test_the_examples_of_steps_3_and_4_chat(server: Server, step: str) -> None:
    with caller(server, "zoé") as zoe, example(server, step) as client:
        client.say("Hello")
        where = client.wait_for("Hello ").removeprefix("Hello ")
        assert zoe.line() == f"Annonce : {where} a rejoint la chatroom"
        client.say("ça va ?")
        assert zoe.line() == f"{where} a dit : ça va ?"
        zoe.send("oui\n")
        assert client.wait_for("zoé") == "zoé a dit : oui"
        client.end_input()
        assert client.wait() == 0
        assert client.lines[-1] == "Connection closed."
        assert zoe.line() == f"Annonce : {where} a quitté la chatroom"


@pytest.mark.parametrize("step", ["ii_5", "ii_6"])
def test_the_examples_of_steps_5_and_6_have_nicks_and_see_who_leaves(server: Server, step: str) -> None:
    with example(server, step, "it4") as client:
        client.wait_for("Annonce : it4 a rejoint la chatroom")
        with caller(server, "zoé") as zoe:
            assert client.wait_for("zoé") == "Annonce : zoé a rejoint la chatroom"
            client.say("salut")
            assert zoe.line() == "it4 a dit : salut"
            zoe.send("salut it4\n")
            assert client.wait_for("zoé") == "zoé a dit : salut it4"
        assert client.wait_for("zoé") == "Annonce : zoé a quitté la chatroom"
        assert server.stop() == 0
        client.wait_for("Annonce : le serveur s'arrête")
        if step == "ii_6":
            client.wait_for("Le serveur est parti, à bientôt.")
            assert client.wait() == 0
        else:
            client.wait_for("Connection closed.")
