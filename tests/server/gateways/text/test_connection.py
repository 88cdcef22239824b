"""One plain-text link from its first byte to its end, against a real hub."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.protocol.codec import encode
from chatroom.protocol.errors import ERRORS, ErrorCode
from chatroom.protocol.frames import Failed, Gap, Hello
from chatroom.protocol.kinds import BY_KIND
from chatroom_server.core.inputs import Stopping
from chatroom_server.core.settings import HubSettings
from chatroom_server.gateways.text.connection import READ_AHEAD
from chatroom_server.gateways.text.settings import (
    FREE_BURST,
    FREE_RATE,
    HEADERS_S,
    LINE_MAX,
    LINES_A_STEP,
    LINGER_S,
    LOGGED_MAX,
    SILENCE_S,
)
from tests.server.core.stage import GENERAL, Actor
from tests.server.gateways.text.house import HERE, PORT, House, Visitor

TOO_LONG = f"! the line is too long: at most {LINE_MAX} bytes are allowed"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> Actor:
    """Somebody with a key, of another client."""
    return house.enter("ann", GENERAL)


@pytest.fixture
def bob(house: House, ann: Actor) -> Visitor:
    """A guest who looks on."""
    bob = house.visit("Hello|bob\n")
    bob.news()
    return bob


# --- before it is inside -------------------------------------------------------------------------
def test_who_says_nothing_is_unknown_to_the_hub(house: House) -> None:
    zoe = house.visit("\n\r\n  \n")
    assert not zoe.arrived
    assert zoe.text == ""
    zoe.finish()
    assert zoe.ended
    assert not zoe.arrived


def test_quit_as_the_first_line_ends_the_link(house: House) -> None:
    zoe = house.visit("/quit\nHello|zoé\n")
    assert (zoe.ended, zoe.arrived, zoe.text) == (True, False, "")


@pytest.mark.parametrize(
    "data", [encode(Hello((1, 1), bytes(32))), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"]
)
def test_another_protocol_is_told_where_it_may_go(house: House, data: bytes) -> None:
    zoe = house.visit(data)
    house.wait(SILENCE_S)
    assert zoe.news() == [f"! this port is for plain text; chatroom itself is at port {PORT}"]
    assert (zoe.ended, zoe.arrived) == (True, False)


def test_no_frame_of_the_wire_is_taken_for_what_the_door_says_itself(house: House) -> None:
    zoe = house.visit()
    zoe.door.feed(b"Hello\n", house.now)
    zoe.door.step(house.now)
    own_kind = zoe.door.take_output()[0]
    assert own_kind not in BY_KIND
    assert BY_KIND


# --- HTTP ------------------------------------------------------------------------------------------
GREETING = [
    "Hello World!",
    f"This is a chat room. Come in from a terminal: nc {HERE[0]} {HERE[1]}",
    "then write Hello|<nick>, and after it a line for each message. /help shows more.",
]


def test_curl_is_greeted(house: House) -> None:
    curl = house.visit("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\n")
    assert curl.news() == []
    curl.send("\r\n")
    assert curl.news() == GREETING
    assert (curl.ended, curl.arrived) == (True, False)


def test_a_browser_gets_what_it_can_show(house: House) -> None:
    browser = house.visit("GET / HTTP/1.1\r\nHost: x\r\nuser-agent: Mozilla/5.0 (X11)\r\n\r\n")
    head, _empty, body = browser.text.partition("\r\n\r\n")
    assert head.split("\r\n")[0] == "HTTP/1.1 200 OK"
    assert f"Content-Length: {len(body.encode())}" in head.split("\r\n")
    assert body.splitlines() == GREETING
    assert browser.ended


def test_a_request_without_an_end_is_answered_after_a_while(house: House) -> None:
    curl = house.visit("GET /\n")
    assert not curl.ended
    assert curl.door.due == house.now + HEADERS_S
    house.wait(HEADERS_S)
    assert curl.news() == GREETING
    assert curl.ended


def test_a_request_whose_client_sends_nothing_more_is_answered_at_once(house: House) -> None:
    curl = house.visit("GET /")
    curl.finish()
    assert curl.news() == GREETING
    assert curl.ended


@pytest.mark.parametrize(
    "request_",
    [
        "POST / HTTP/1.1\r\nHost: x\r\n\r\nHello|eve\nspam\n",
        "POST / HTTP/1.1\nHello|eve\nspam\n" + "x: y\n" * 1000,
        "POST / HTTP/1.1\n" + "x" * (LINE_MAX + 1) + "\n\nspam\n",
        "POST /" + "x" * (LINE_MAX + 1) + " HTTP/1.1\r\nHost: x\r\n\r\nHello|eve\nspam\n",
    ],
)
def test_no_web_page_talks_in_the_rooms_through_a_browser(house: House, request_: str) -> None:
    eve = house.visit(request_)
    eve.finish()
    assert (eve.ended, eve.arrived) == (True, False)
    assert house.bodies() == []
    assert eve.heard == [("POST / HTTP/1.1", False)] * (len(request_.split("\n")[0]) < LINE_MAX)


REQUEST = "POST /chat?a=b HTTP/1.1\r\nHost: x:9998\r\nContent-Length: 20\r\n\r\nHello|eve\nspam\n"


@pytest.mark.parametrize("cut", range(1, len(REQUEST)))
def test_no_web_page_talks_in_the_rooms_however_its_request_arrives(house: House, cut: int) -> None:
    eve = house.visit(REQUEST[:cut])
    house.wait(2 * SILENCE_S)
    eve.send(REQUEST[cut:])
    assert (eve.ended, eve.arrived) == (True, False)
    assert house.bodies() == []


def test_no_web_page_talks_in_the_rooms_though_its_request_drips(house: House) -> None:
    eve = house.visit()
    for byte in REQUEST:
        if not eve.ended:
            eve.send(byte)
            house.wait(2 * SILENCE_S)
    assert (eve.ended, eve.arrived) == (True, False)


@pytest.mark.parametrize("start", ["", "x\n", "x\ny\n"])
def test_headers_of_a_request_end_the_link(house: House, start: str) -> None:
    eve = house.visit(f"{start}Host: x\r\nContent-Length: 20\r\n\r\nHello|eve\nspam\n")
    assert eve.ended
    assert house.bodies() == start.split()


def test_later_one_may_talk_of_headers(house: House) -> None:
    zoe = house.visit("Hello|zoé\nun\ndeux\nHost: x\n")
    assert house.bodies() == ["un", "deux", "Host: x"]
    assert not zoe.ended


# --- lines -----------------------------------------------------------------------------------------
def test_a_first_client_without_line_ends_is_understood(house: House) -> None:
    zoe = house.visit("Hello|zoé")
    assert zoe.text == ""
    assert zoe.door.due == house.now + SILENCE_S
    house.wait(SILENCE_S)
    assert zoe.news() == ["Annonce : zoé a rejoint la chatroom"]
    for body in ("un", "deux"):
        zoe.send(body)
        house.wait(SILENCE_S)
    assert house.bodies() == ["un", "deux"]


def test_a_line_that_is_too_long_is_told_of_and_the_next_is_said(house: House) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.news()
    zoe.send("x" * (LINE_MAX + 1) + "\n" + "y" * LINE_MAX + "\nz\n")
    assert zoe.news() == [TOO_LONG]
    assert house.bodies() == ["y" * LINE_MAX, "z"]


def test_a_first_line_that_is_too_long_is_told_of_and_the_next_is_the_first(house: House) -> None:
    zoe = house.visit("x" * (LINE_MAX + 1) + "\nHello|zoé\nsalut\n")
    assert zoe.news() == [TOO_LONG, "Annonce : zoé a rejoint la chatroom"]
    assert house.bodies() == ["salut"]


@pytest.mark.parametrize("size", [LINE_MAX - 1, LINE_MAX, LINE_MAX + 1, LINE_MAX + 2, 10 * LINE_MAX])
@pytest.mark.parametrize("tail", ["", "\r"])
def test_the_end_of_a_long_line_is_always_waited_for(house: House, size: int, tail: str) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.send("x" * size + tail)
    assert not zoe.door.is_full
    zoe.send("\nafter\n")
    assert house.bodies()[-1] == "after"


def test_who_sends_more_than_can_be_taken_is_read_no_more_for_a_while(house: House) -> None:
    house.slow = True
    zoe = house.visit("Hello|zoé\n")
    line = "x" * 1000 + "\n"
    fullness = []
    for count in (64, READ_AHEAD // len(line) + 1):
        zoe.send(line * count)
        fullness.append(zoe.door.is_full)
    house.store()
    house.settle()
    assert [*fullness, zoe.door.is_full] == [False, True, False]


# --- lines that come to nothing ------------------------------------------------------------------
NOTHING = ["\n", " \r\n", "/help\n", "/nothing\n", "/join\n"]


def test_a_few_lines_are_taken_and_then_it_is_the_turn_of_others(house: House) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.door.feed(b"salut\n" * 200, house.now)
    assert len(zoe.door.step(house.now)) == LINES_A_STEP
    zoe.door.feed(b"/help\n", house.now)
    assert not zoe.door.has_work, "as many wait for their storing as may"
    door = house.visit().door
    door.feed(b"\n" * FREE_BURST, house.now)
    door.step(house.now)
    assert door.has_work
    door.step(house.now)
    assert not door.has_work


@pytest.mark.parametrize("line", NOTHING)
def test_who_sends_too_much_that_comes_to_nothing_is_read_more_slowly(house: House, line: str) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.send(line * (FREE_BURST + 10 * FREE_RATE) + "fin\n")
    assert zoe.door.due is not None
    assert zoe.door.due > house.now
    assert not zoe.door.has_work
    house.wait(9)
    assert house.bodies() == []
    house.wait(2)
    assert house.bodies() == ["fin"]


def test_blank_lines_count_before_it_is_inside_too(house: House) -> None:
    zoe = house.visit("\n" * (FREE_BURST + 10 * FREE_RATE) + "Hello|zoé\n")
    assert not zoe.door.has_work
    house.wait(9)
    assert not zoe.arrived
    house.wait(2)
    assert zoe.news() == ["Annonce : zoé a rejoint la chatroom"]


def test_no_line_is_looked_at_of_who_does_not_read_what_it_is_told(house: House) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.door.feed(b"salut\n", house.now)
    assert zoe.door.step(house.now, hears=False) == []
    assert zoe.door.has_work
    assert len(zoe.door.step(house.now)) == 1


def test_of_a_long_line_the_log_holds_the_beginning(house: House) -> None:
    zoe = house.visit("Hello|zoé\n" + "é" * 5000 + "\n")
    assert zoe.heard[-1] == ("é" * LOGGED_MAX, False)


# --- links that are slow, and odd words ---------------------------------------------------------
def test_a_link_that_was_too_slow_gets_what_it_missed(house: House, ann: Actor, bob: Visitor) -> None:
    for number in range(300):
        ann.say(f"m{number}")
    house.enter("eve", GENERAL)
    bob.miss(Gap(GENERAL, 0, 300))
    ann.say("live")
    house.settle()
    assert bob.news() == [*(f"ann a dit : m{number}" for number in range(300)), "ann a dit : live"]
    bob.send("/text eve coucou\n")  # she came unseen
    assert bob.news() == ["bob: coucou"]


def test_ones_own_messages_are_known_to_be_stored_though_the_link_was_too_slow(
    house: House, bob: Visitor
) -> None:
    house.slow = True
    bob.send("one\ntwo\n")
    house.store()
    bob.miss(Gap(GENERAL, 0, 2))
    bob.finish()
    assert bob.ended
    assert bob.news() == []


def test_the_past_of_a_room_that_one_has_left_does_not_come_any_more(house: House, ann: Actor) -> None:
    for _message in range(20):
        ann.say("general " * 80)
    ann.join("lab", create=True)
    ann.say("lab's past", "lab")
    house.reads_pages = False
    zoe = house.visit("Hello|zoé\n/join lab\nsalut\n")
    house.read_pages(1)
    house.settle()
    house.reads_pages = True
    house.settle()
    assert house.bodies("lab") == ["lab's past", "salut"]
    shown = zoe.news()
    behind = shown[shown.index("[12:34] ann a dit : lab's past") + 1 :]
    assert behind in ([], ["Annonce : zoé a rejoint la chatroom"])
    assert len(shown) < 20


def test_of_a_page_that_cannot_be_read_one_sentence_is_said(house: House, ann: Actor, bob: Visitor) -> None:
    house.slow, house.reads_pages = True, False
    bob.send("un\n")
    ann.say("deux")
    house.store()
    bob.miss(Gap(GENERAL, 0, 2))
    (fetch,) = house.asked
    house.asked.clear()
    bob.hear(Failed(ErrorCode.INTERNAL, "", fetch.rid))
    house.slow, house.reads_pages = False, True
    house.settle()
    reason = ERRORS[ErrorCode.INTERNAL].sentence
    assert bob.news() == [f"! messages are missing here: {reason}"]
    ann.say("trois")
    bob.send("/quit\n")
    assert bob.news() == ["ann a dit : trois", "Au revoir !"]


def test_an_address_of_ipv6_stands_in_brackets(house: House, bob: Visitor) -> None:
    zoe = house.visit("Hello\nsalut\n", host="fe80::1%eth0", port=5000)
    assert zoe.news() == ["Hello [fe80::1%eth0]:5000"]
    assert bob.news()[-1] == "[fe80::1%eth0]:5000 a dit : salut"
    assert zoe.heard[-1] == ("salut", True)


@pytest.mark.parametrize("odd", ["{0}", "{nick}", "{", "}{reason}", "%s"])
def test_braces_are_text_like_all_else(house: House, bob: Visitor, odd: str) -> None:
    bob.send(f"/join {odd}\n/message {odd} x\n/{odd}\n")
    told = bob.news()
    assert len(told) == 3
    assert all(odd in line for line in told)
    house.slow = True
    bob.send(f"{odd}\n")
    house.refuse()
    house.settle()
    assert bob.news() == [f"! not sent: {odd} (the server could not store the message (disk-full))"]


def test_what_became_of_messages_to_a_room_that_one_has_left_is_not_waited_for(
    house: House, ann: Actor
) -> None:
    ann.join("lab", create=True)
    zoe = house.visit("Hello|zoé\n")
    house.slow = True
    zoe.send("un\n/join lab\n")
    house.store()
    zoe.miss(Gap(GENERAL, 0, 1))
    zoe.news()
    zoe.send("/quit\n")
    assert zoe.news() == ["Au revoir !"]
    assert zoe.ended


def test_the_past_of_a_room_that_one_has_left_is_not_fetched_to_its_end(house: House, ann: Actor) -> None:
    ann.join("lab", create=True)
    zoe = house.visit("Hello|zoé\n")
    house.slow = True
    for _message in range(20):
        ann.say("general " * 80)
    zoe.send("un\n")
    house.store()
    house.slow, house.reads_pages = False, False
    zoe.miss(Gap(GENERAL, 0, 21))
    zoe.send("/join lab\n")
    house.reads_pages = True
    house.settle()
    zoe.send("/quit\n")
    assert zoe.ended


def test_nobody_is_kept_from_leaving(house: House, bob: Visitor) -> None:
    house.slow = True
    bob.send("salut\n/quit\n")
    assert bob.door.due == house.now + LINGER_S
    house.wait(LINGER_S - 1)
    assert not bob.ended
    house.wait(1)
    assert bob.news() == ["Au revoir !"]
    house.store()
    assert house.bodies() == ["salut"]
    assert bob.ended


# --- the end ---------------------------------------------------------------------------------------
def test_after_the_end_of_input_the_answers_are_waited_for_but_not_for_ever(house: House) -> None:
    house.slow = True
    zoe = house.visit("Hello|zoé\nsalut\n")
    zoe.finish()
    assert not zoe.ended
    assert zoe.door.due == house.now + LINGER_S
    house.wait(LINGER_S - 1)
    assert not zoe.ended
    house.wait(1)
    assert zoe.ended


def test_who_is_told_why_after_the_end_of_input(house: House) -> None:
    house.slow = True
    zoe = house.visit("Hello|zoé\nsalut\n")
    zoe.news()
    zoe.finish()
    house.refuse("disk-full")
    house.settle()
    assert zoe.news() == ["! not sent: salut (the server could not store the message (disk-full))"]
    assert zoe.ended


def test_all_questions_of_one_chunk_are_answered_before_the_end(house: House) -> None:
    zoe = house.visit("Hello|zoé\n/who\n/rooms\n/join nowhere\n/text salut")
    zoe.finish()
    lines = zoe.news()
    assert [line for line in lines if "zoé" in line or "general" in line or "nowhere" in line] == lines
    assert len(lines) == 5
    assert lines[-1] == "zoé: salut"
    assert zoe.ended


def test_a_server_that_stops_says_so(house: House) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.news()
    house.feed(Stopping(0))
    house.settle()
    assert zoe.news() == ["Annonce : le serveur s'arrête"]
    assert zoe.door.has_work or zoe.ended
    zoe.step()
    assert zoe.ended


@pytest.mark.parametrize(
    ("back_in_s", "when"), [(0.2, "1 s"), (5, "5 s"), (120, "120 s"), (121, "3 min"), (3600, "60 min")]
)
def test_a_server_that_restarts_says_when_it_is_back(house: House, back_in_s: float, when: str) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.news()
    house.feed(Stopping(back_in_s))
    house.settle()
    assert zoe.news() == [f"Annonce : le serveur redémarre, revenez dans {when}"]


def test_what_was_not_taken_before_the_end_is_told(house: House) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.news()
    zoe.door.feed(b"un\n\n/text deux\r\ntrois", house.now)
    assert zoe.door.has_unheard
    house.feed(Stopping(0))
    house.settle()
    assert zoe.news() == [
        "! 3 lines were not taken any more; the first: un",
        "Annonce : le serveur s'arrête",
    ]
    assert not zoe.door.has_unheard


def test_a_line_of_the_history_that_somebody_spoilt_costs_only_itself(house: House) -> None:
    ann = house.enter("ann", GENERAL)
    for body in ("one", "two", "three"):
        ann.say(body)
    house.disk[GENERAL][1] = b'{"id":2,"spoilt":true}'
    zoe = house.visit("Hello\n")
    assert zoe.news()[1:] == ["[12:34] ann a dit : one", "[12:34] ann a dit : three"]


# --- however things happen -------------------------------------------------------------------------
TALK = st.sampled_from(
    ["salut", "/text salut", "/who", "/join general", "/message bob psst", "//", "/x", "\x00"]
)
SAID = ("salut", "/text salut", "//")
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("store"), st.integers(1, 3)),
        st.tuples(st.just("page"), st.just(1)),
        st.tuples(st.just("say"), st.integers(1, 2)),
    ),
    max_size=30,
)


def live(visitor: Visitor) -> list[str]:
    """What others said, in general, with or without the time in front."""
    return [line.removeprefix("[12:34] ") for line in visitor.text.splitlines() if "ann a dit : " in line]


@settings(deadline=None, max_examples=60)
@given(st.lists(TALK, max_size=80), st.integers(0, 40), ACTIONS, st.integers(0, 30))
def test_however_the_disk_and_the_others_are_everything_is_said_once_and_in_order(
    talk: list[str], before: int, actions: list[tuple[str, int]], history: int
) -> None:
    house = House(HubSettings(rate=0))
    ann = house.enter("ann", GENERAL)
    house.visit("Hello|bob\n")
    bodies = [f"m{number}" for number in range(before)]
    for body in bodies:
        ann.say(body)
    house.slow, house.reads_pages = True, False
    zoe = house.visit("Hello|zoé\n" + "".join(f"{line}\n" for line in talk), history=history)
    for action, count in actions:
        match action:
            case "store":
                house.store(count)
            case "page":
                house.read_pages(count)
            case _:
                bodies.append(f"m{len(bodies)}")
                ann.say(bodies[-1])
        house.settle()
    house.slow, house.reads_pages = False, True
    for _round in range(len(talk) + 2):
        house.store()
        house.settle()
    expected = [line.removeprefix("/text ").removeprefix("//") for line in talk if line in SAID]
    mine = [body for body in house.bodies() if body not in bodies]
    assert mine == [body or "/" for body in expected]
    assert live(zoe) == [f"ann a dit : {body}" for body in bodies[max(0, before - history) :]]
    assert "zoé a dit" not in zoe.text
    assert zoe.text.count("zoé: salut") == talk.count("/text salut")
    zoe.finish()
    assert zoe.ended
