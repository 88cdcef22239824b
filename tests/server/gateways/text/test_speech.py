"""What a line means."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.codec import encode
from chatroom.protocol.frames import Hello
from chatroom_server.gateways.text.lines import LineReader
from chatroom_server.gateways.text.speech import (
    COMMANDS,
    HttpRequest,
    Incomplete,
    JoinRoom,
    Knock,
    LogIn,
    Quit,
    Say,
    SayText,
    ShowHelp,
    ShowPeople,
    ShowRooms,
    Speech,
    Stranger,
    Unknown,
    Whisper,
    for_log,
    is_header,
    may_become_request,
    read,
    read_first,
)

SAID: list[tuple[str, Speech]] = [
    ("/login zoé", LogIn("zoé")),
    ("/LOGIN  zoé ", LogIn("zoé")),
    ("/message zoé salut  toi", Whisper("zoé", "salut  toi")),
    ("/message  zoé   salut", Whisper("zoé", "salut")),
    ("/message\tzoé\tsalut", Whisper("zoé", "salut")),
    ("/message\u00a0zoé\u00a0salut", Whisper("zoé", "salut")),
    ("/text salut", SayText("salut")),
    ("/text zoé salut", SayText("zoé salut")),
    ("/rooms", ShowRooms()),
    ("/rooms all of them", ShowRooms()),
    ("/join lab", JoinRoom("lab")),
    ("/join #lab", JoinRoom("#lab")),
    ("/who", ShowPeople()),
    ("/help", ShowHelp()),
    ("/quit", Quit()),
    ("/Quit now", Quit()),
    ("//rooms", Say("/rooms")),
    ("//", Say("/")),
    ("salut", Say("salut")),
    ("  salut /quit ", Say("salut /quit")),
    ("/", Unknown("/")),
    ("/msg zoé salut", Unknown("/msg")),
    ("/messagezoé salut", Unknown("/messagezoé")),
]


@pytest.mark.parametrize(("line", "speech"), SAID)
def test_a_line_is_a_message_or_a_command(line: str, speech: Speech) -> None:
    assert read(line) == speech
    assert read_first(line) == speech
    assert read(f" {line}\t") == speech


def test_every_command_of_the_table_is_read_as_its_usage_says() -> None:
    for name, command in COMMANDS.items():
        assert command.usage.split(" ")[0] == name
        assert command.meaning
        needs = command.usage.split(" ")[1:]
        assert not isinstance(read(command.usage), Incomplete | Unknown)
        for count in range(len(needs)):
            assert read(" ".join([name, *needs[:count]])) == Incomplete(command.usage)


def test_hello_is_a_greeting_in_the_first_line_alone() -> None:
    assert read("Hello") == Say("Hello")
    assert read("Hello|zoé") == Say("Hello|zoé")


@pytest.mark.parametrize(
    ("line", "speech"),
    [
        ("Hello", Knock()),
        (" Hello ", Knock()),
        ("Hello|", Knock()),
        ("Hello| ", Knock()),
        ("Hello|zoé", LogIn("zoé")),
        ("Hello | zoé ", LogIn("zoé")),
        ("Hello|a|b", LogIn("a|b")),
        ("Hello all", Say("Hello all")),
        ("Hello all|zoé", Say("Hello all|zoé")),
        ("hello", Say("hello")),
        ("hello|zoé", Say("hello|zoé")),
        ("Hello!", Say("Hello!")),
        ("😀", Say("😀")),
        ("caf\ufffd noir", Say("caf\ufffd noir")),
        ("\x1b[1msalut\x1b[0m", Say("\x1b[1msalut\x1b[0m")),
    ],
)
def test_the_first_line_says_who_comes(line: str, speech: Speech) -> None:
    assert read_first(line) == speech


# --- other protocols ---------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["1.0", "1.1", "2", "2.0"])
@pytest.mark.parametrize(
    "request_",
    ["GET /", "GET /chat?a=b%20c", "POST /x", "HEAD /", "CONNECT a.example:443", "OPTIONS *", "PRI *"],
)
def test_a_request_of_http_is_one(request_: str, version: str) -> None:
    assert read_first(f"{request_} HTTP/{version}") == HttpRequest()
    assert read_first(f"{request_} HTTP/{version}\r") == HttpRequest()
    assert read(f"{request_} HTTP/{version}") == Say(f"{request_} HTTP/{version}")


@pytest.mark.parametrize("line", ["GET /", "GET /index.html"])
def test_the_oldest_request_of_http_is_one(line: str) -> None:
    assert read_first(line) == HttpRequest()


@pytest.mark.parametrize(
    "line",
    [
        "GET ready, HTTP/1.1 is explained now",
        "GET / and POST / differ",
        "get / HTTP/1.1",
        "On dit GET / HTTP/1.1",
        "POST /",
        "GET",
        "GET /?q=a b HTTP/1.1",
        "HTTP/1.1",
    ],
)
def test_who_talks_about_http_is_no_browser(line: str) -> None:
    assert read_first(line) == Say(line)


@pytest.mark.parametrize("request_", ["GET / HTTP/1.1", "OPTIONS * HTTP/1.0", "DELETE /a?b HTTP/2"])
def test_every_beginning_of_a_request_may_become_one(request_: str) -> None:
    for end in range(1, len(request_) + 1):
        assert may_become_request(request_[:end])


@pytest.mark.parametrize(
    "start",
    ["", "Hello", "salut", "GETTING", "CIAO", "POST it please", "GET / FTP", "GET a HTTP/1.1 x", "get /"],
)
def test_what_first_clients_say_does_not_look_like_a_request(start: str) -> None:
    assert not may_become_request(start)


@pytest.mark.parametrize(
    "line", ["Host: x", "host:x", " User-Agent: Mozilla/5.0 ", "Sec-Fetch-Mode: no-cors", "Content-Type: a/b"]
)
def test_headers_of_browsers_are_known(line: str) -> None:
    assert is_header(line)
    assert read_first(line) == HttpRequest()


@pytest.mark.parametrize("line", ["salut: toi", "Hostel: x", "Note: y", "Host", "the Host: x"])
def test_a_colon_makes_no_header(line: str) -> None:
    assert not is_header(line)


def first_line(data: bytes) -> str:
    """What the door takes for the first line of these bytes."""
    reader = LineReader()
    reader.feed(data, 0.0)
    reader.finish()
    line = reader.next(0.0)
    assert isinstance(line, str)
    return line


def client_hello(host: str) -> bytes:
    sent = ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


@pytest.mark.parametrize("host", ["a.example", f"{'a' * 60}.{'b' * 60}.{'c' * 60}.example"])
def test_tls_is_no_text(host: str) -> None:
    for _attempt in range(20):  # its random bytes may hold an LF anywhere
        assert read_first(first_line(client_hello(host))) == Stranger()


@given(st.binary(min_size=32, max_size=32), st.text(st.characters(codec="ascii"), max_size=256))
def test_the_hello_of_our_own_protocol_is_no_text(nonce: bytes, agent: str) -> None:
    assert read_first(first_line(encode(Hello((1, 1), nonce, agent)))) == Stranger()


@pytest.mark.parametrize("data", [b"\x16", b"\x04\x01\x00\x50\x7f\x00\x00\x01", b"\xfeSMB\x80\x90\xa0\xb0"])
def test_other_binary_protocols_are_no_text(data: bytes) -> None:
    assert read_first(first_line(data)) == Stranger()


@given(st.text())
def test_whatever_is_written_means_something(line: str) -> None:
    assert isinstance(read(line), Speech)
    assert isinstance(read_first(line), Speech)


# --- the operator's log --------------------------------------------------------------------------
def test_what_is_said_to_one_person_alone_stays_out_of_the_log() -> None:
    for line in ("/message zoé secret", "/MESSAGE  zoé  secret", " /message\tzoé\tsecret"):
        assert for_log(line, read(line)) == "/message zoé ..."


@pytest.mark.parametrize(
    ("line", "logged"),
    [
        ("/mesage ann my secret", "/mesage ..."),
        ("/msg ann secret", "/msg ..."),
        (" /msg\tsecret", "/msg ..."),
        ("/message ann", "/message ..."),
        ("/MESSAGE secret", "/MESSAGE ..."),
        ("/msg ", "/msg"),
    ],
)
def test_of_a_command_that_is_none_the_log_holds_the_name(line: str, logged: str) -> None:
    assert for_log(line, read(line)) == logged


def test_all_else_stands_in_the_log_as_it_came() -> None:
    for line in ("salut", "/join lab", "/message", "//message zoé not private", "/who", "/dance"):
        assert for_log(line, read(line)) == line


@given(st.sampled_from(["/message", "/Message"]), st.text(st.sampled_from(" \t\u00a0\u3000"), min_size=1))
def test_no_kind_of_space_lets_private_text_into_the_log(command: str, space: str) -> None:
    line = f"{command}{space}zoé{space}secret"
    assert "secret" not in for_log(line, read(line))
