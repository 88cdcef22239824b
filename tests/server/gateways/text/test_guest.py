"""People who speak plain text, in the rooms of a real hub."""

import pytest

from chatroom.common.texts import Texts
from chatroom.protocol.frames import Direct, Joined, Line
from chatroom_server.core.settings import HubSettings
from chatroom_server.gateways.text.settings import IN_FLIGHT_MAX
from chatroom_server.languages import load_texts
from tests.server.core.stage import GENERAL, Actor
from tests.server.gateways.text.house import HOST, House, Visitor


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


def address(visitor: Visitor) -> str:
    return f"{HOST}:{visitor.port}"


# --- coming in -----------------------------------------------------------------------------------
def test_hello_alone_is_greeted_with_the_address_and_is_called_by_it(house: House, bob: Visitor) -> None:
    zoe = house.visit("Hello\n")
    assert zoe.news() == [f"Hello {address(zoe)}"]
    zoe.send("salut\n")
    assert bob.news() == [
        f"Annonce : {address(zoe)} a rejoint la chatroom",
        f"{address(zoe)} a dit : salut",
    ]
    assert zoe.heard == [("Hello", False), ("salut", True)]


def test_hello_with_a_nick_is_announced_to_all(house: House, bob: Visitor, ann: Actor) -> None:
    zoe = house.visit("Hello|zoé\n")
    assert zoe.news() == ["Annonce : zoé a rejoint la chatroom"]
    assert bob.news() == ["Annonce : zoé a rejoint la chatroom"]
    zoe.send("salut\r\n")
    assert bob.news() == ["zoé a dit : salut"]
    assert ann.bodies() == ["salut"]
    assert ann.last(Line).guest
    assert zoe.news() == []
    assert zoe.heard == [("Hello|zoé", False), ("salut", False)]


def test_any_other_first_line_is_said_by_the_address(house: House, bob: Visitor) -> None:
    zoe = house.visit("salut\n")
    assert zoe.news() == []
    assert bob.news()[-1] == f"{address(zoe)} a dit : salut"


def test_a_command_may_be_the_first_line(house: House, bob: Visitor) -> None:
    zoe = house.visit("/login zoé\n")
    assert zoe.news() == ["Annonce : zoé a rejoint la chatroom"]
    assert bob.news()[-1] == "Annonce : zoé a rejoint la chatroom"
    assert house.visit("/who\n").news()[0].startswith("general: ")


@pytest.mark.parametrize(
    ("nick", "sentence"),
    [
        ("bob", "! the nick bob belongs to somebody else; take another: /login <nick>"),
        ("BOB", "! the nick BOB belongs to somebody else; take another: /login <nick>"),
        ("ann", "! the nick ann belongs to somebody else; take another: /login <nick>"),
        ("z o", "! a nick cannot hold spaces; write jean-pierre"),
        ("@all", "! a nick cannot begin with @"),
        ("192.0.2.9:80", "! a nick cannot look like an address"),
        ("[::1]:80", "! a nick cannot look like an address"),
    ],
)
def test_a_nick_that_is_refused_leaves_one_inside(
    house: House, bob: Visitor, ann: Actor, nick: str, sentence: str
) -> None:
    zoe = house.visit(f"Hello|{nick}\nsalut\n")
    assert zoe.news() == [sentence]
    assert bob.news() == [
        f"Annonce : {address(zoe)} a rejoint la chatroom",
        f"{address(zoe)} a dit : salut",
    ]
    assert zoe.heard[-1] == ("salut", True)
    zoe.send(f"/login {nick}\n")
    assert zoe.news() == [sentence]
    zoe.send("/login zoé\nencore\n")
    assert zoe.news() == ["Annonce : zoé a rejoint la chatroom"]
    assert bob.news() == ["Annonce : zoé a rejoint la chatroom", "zoé a dit : encore"]
    assert zoe.heard[-1] == ("encore", False)


def test_a_nick_can_be_changed(house: House, bob: Visitor) -> None:
    zoe = house.visit("Hello|zoé\n")
    bob.news()
    zoe.send("/login zo\n")
    assert bob.news() == ["Annonce : zoé s'appelle maintenant zo"]
    assert house.visit("Hello|zoé\n").news() == ["Annonce : zoé a rejoint la chatroom"]


def test_who_returns_with_the_same_address_and_nick_is_recognised(house: House, bob: Visitor) -> None:
    zoe = house.visit("Hello|zoé\none\n", port=5000)
    zoe.hang_up()
    assert bob.news()[-1] == "Annonce : zoé a quitté la chatroom"
    zoe = house.visit("Hello|zoé\ntwo\n", port=5000)
    assert zoe.news() == ["Welcome back zoé !", "[12:34] zoé a dit : one"]
    assert bob.news() == ["zoé est de retour !", "zoé a dit : two"]
    zoe.hang_up()
    assert house.visit("Hello|zoé\n", port=5001).news()[-1] == "Annonce : zoé a rejoint la chatroom"


def test_who_took_a_nick_later_is_recognised_by_it(house: House, bob: Visitor) -> None:
    house.visit("Hello\n/login zoé\n", port=5000).hang_up()
    bob.news()
    assert house.visit("Hello|zoé\n", port=5000).news() == ["Welcome back zoé !"]
    assert bob.news() == ["zoé est de retour !"]


def test_who_returns_without_a_nick_is_nobody_that_is_known(house: House, bob: Visitor) -> None:
    for _visit in range(2):
        zoe = house.visit("Hello\n", port=5000)
        assert zoe.news() == [f"Hello {HOST}:5000"]
        assert bob.news() == [f"Annonce : {HOST}:5000 a rejoint la chatroom"]
        zoe.hang_up()
        assert bob.news() == [f"Annonce : {HOST}:5000 a quitté la chatroom"]


def test_a_full_server_says_so_and_hangs_up() -> None:
    house = House(HubSettings(max_links=1))
    house.visit("Hello|bob\n")
    zoe = house.visit("Hello|zoé\n")
    assert zoe.news() == ["! the server is full; try again later"]
    assert zoe.ended


# --- what was said before ------------------------------------------------------------------------
def test_the_last_messages_come_first_each_with_its_time(house: House, ann: Actor) -> None:
    for number in range(25):
        ann.say(f"m{number}")
    zoe = house.visit("Hello|zoé\n")
    past = [f"[12:34] ann a dit : m{number}" for number in range(5, 25)]
    assert zoe.news() == [*past, "Annonce : zoé a rejoint la chatroom"]
    ann.say("live")
    assert zoe.news() == []
    house.settle()
    assert zoe.news() == ["ann a dit : live"]


def test_history_that_takes_several_pages_is_all_past(house: House, ann: Actor) -> None:
    bodies = [f"{number} {'x' * 500}" for number in range(20)]
    for body in bodies:
        ann.say(body)
    zoe = house.visit("Hello|zoé\n")
    past = [f"[12:34] ann a dit : {body}" for body in bodies]
    assert zoe.news() == [*past, "Annonce : zoé a rejoint la chatroom"]


def test_as_much_history_as_may_be_set_is_all_past(house: House, ann: Actor) -> None:
    for number in range(600):
        ann.say(f"m{number}")
    past = [f"[12:34] ann a dit : m{number}" for number in range(600 - 512, 600)]
    assert house.visit("Hello\n", history=512).news()[1:] == past
    assert house.visit("Hello\n", history=0).news()[1:] == []


def test_while_others_talk_there_is_neither_gap_nor_double(house: House, ann: Actor) -> None:
    for number in range(30):
        ann.say(f"m{number}")
    house.reads_pages = False
    zoe = house.visit("Hello|zoé\n")
    ann.say("m30")
    ann.say("m31")
    house.settle()
    assert zoe.news() == []
    house.reads_pages = True
    house.settle()
    ann.say("m32")
    house.settle()
    past = [f"[12:34] ann a dit : m{number}" for number in range(10, 30)]
    live = [f"ann a dit : m{number}" for number in (30, 31, 32)]
    shown = zoe.news()
    shown.remove("Annonce : zoé a rejoint la chatroom")
    assert shown == [*past, *live]


def test_the_past_comes_before_the_answers(house: House, ann: Actor) -> None:
    ann.say("before")
    house.reads_pages = False
    zoe = house.visit("Hello|zoé\nsalut\n/text à tous\n")
    assert house.bodies() == ["before"]
    house.reads_pages = True
    house.settle()
    assert house.bodies() == ["before", "salut", "à tous"]
    assert zoe.news() == [
        "[12:34] ann a dit : before",
        "Annonce : zoé a rejoint la chatroom",
        "zoé: à tous",
    ]


# --- rooms ---------------------------------------------------------------------------------------
def test_what_stands_behind_a_join_lands_in_the_new_room(house: House, ann: Actor, bob: Visitor) -> None:
    ann.join("lab", create=True)
    ann.say("welcome", "lab")
    zoe = house.visit("Hello|zoé\n")
    bob.news()
    zoe.news()
    zoe.send("here\n/join lab\nthere\n")
    assert zoe.news() == ["! you are in the room lab now", "[12:34] ann a dit : welcome"]
    assert house.bodies("general") == ["here"]
    assert house.bodies("lab") == ["welcome", "there"]
    assert bob.news() == ["zoé a dit : here", "Annonce : zoé a quitté la chatroom"]
    ann.say("not for zoé")
    ann.say("for zoé", "lab")
    house.settle()
    assert zoe.news() == ["ann a dit : for zoé"]


def test_the_past_of_each_room_comes_where_it_is_joined(house: House, ann: Actor) -> None:
    ann.say("general's past")
    ann.join("lab", create=True)
    ann.say("lab's past", "lab")
    house.reads_pages = False
    zoe = house.visit("Hello|zoé\n/join lab\nsalut\n")
    house.reads_pages = True
    house.settle()
    assert house.bodies("lab") == ["lab's past", "salut"]
    assert zoe.news() == [
        "[12:34] ann a dit : general's past",
        "Annonce : zoé a rejoint la chatroom",
        "! you are in the room lab now",
        "[12:34] ann a dit : lab's past",
    ]


def test_a_room_without_a_past_is_answered_too(house: House, ann: Actor, bob: Visitor) -> None:
    ann.join("lab", create=True)
    bob.send("/join lab\n")
    assert bob.news() == ["! you are in the room lab now"]


def test_joining_says_what_was_wrong(house: House, bob: Visitor) -> None:
    bob.send("/join lab\nstill here\n")
    assert bob.news() == ["! there is no room lab; /rooms shows those there are"]
    bob.send("/join general\n/join\n")
    assert bob.news() == ["! you are in the room general already", "! this is written /join <room>"]
    assert house.bodies() == ["still here"]


def test_rooms_and_people_are_listed(house: House, ann: Actor, bob: Visitor) -> None:
    ann.join("lab", create=True)
    bob.send("/rooms\n")
    assert bob.news() == ["#general (2 members) *", "#lab (1 member)"]
    bob.send("/who\n")
    (line,) = bob.news()
    room, _colon, names = line.partition(": ")
    assert room == "general"
    assert sorted(names.split(", ")) == ["ann", "bob (guest)"]


# --- messages ------------------------------------------------------------------------------------
def test_private_messages_go_both_ways_between_two_guests(house: House, bob: Visitor, ann: Actor) -> None:
    zoe = house.visit("Hello|zoé\n")
    bob.news()
    zoe.news()
    zoe.send("/message bob one\n")
    bob.send("/message zoé two\n/message zoé three\n")
    zoe.send("/message bob four\nfor all\n")
    assert bob.news() == [
        "Private message from zoé: one",
        "Private message from zoé: four",
        "zoé a dit : for all",
    ]
    assert zoe.news() == ["Private message from bob: two", "Private message from bob: three"]
    assert ann.bodies() == ["for all"]
    assert [line.body for line in ann.all(Line)] == ["for all"]
    assert zoe.heard[1:3] == [("/message bob ...", False), ("/message bob ...", False)]


def test_private_messages_go_both_ways_with_a_user(house: House, bob: Visitor, ann: Actor) -> None:
    bob.send("/message ANN salut\n")
    (line,) = ann.all(Line)
    assert line.body == "salut"
    ann.give(Direct(7, nick="bob"))
    ann.say("toi aussi", line.room)
    house.settle()
    assert bob.news() == ["Private message from ann: toi aussi"]


def test_a_user_may_begin_the_conversation(house: House, bob: Visitor, ann: Actor) -> None:
    ann.give(Direct(1, nick="bob"))
    ann.say("psst", ann.last(Joined).room.id)
    house.settle()
    assert bob.news() == ["Private message from ann: psst"]


def test_a_private_message_says_what_was_wrong(house: House, bob: Visitor) -> None:
    bob.send("/message nobody salut\n/message bob salut\n/message bob\n")
    assert bob.news() == [
        "! there is no nobody on this server",
        "! that is not possible here",
        "! this is written /message <nick> <text>",
    ]
    zoe = house.visit("Hello|zoé\n")
    bob.send("/message zoé one\n")
    zoe.hang_up()
    bob.news()
    bob.send("/message zoé two\n")
    assert len(bob.news()) == 1


def test_text_is_said_to_all_oneself_included(house: House, bob: Visitor, ann: Actor) -> None:
    zoe = house.visit("Hello|zoé\n")
    bob.news()
    zoe.news()
    zoe.send("/text salut à tous\n/text bob coucou\n/text nobody coucou\n/text bob\n")
    shown = ["zoé: salut à tous", "zoé: coucou", "zoé: nobody coucou", "zoé: bob"]
    assert bob.news() == zoe.news() == shown
    bob.hang_up()
    zoe.news()
    zoe.send("/text bob coucou\n")
    assert zoe.news() == ["zoé: bob coucou"]


def test_text_knows_who_is_present_after_they_came_and_took_another_nick(house: House, bob: Visitor) -> None:
    zoe = house.visit("Hello|zoé\n")
    bob.send("/text zoé one\n")
    zoe.send("/login zo\n")
    bob.send("/text zo two\n/text zoé three\n")
    assert house.bodies() == ["one", "two", "zoé three"]


def test_a_slash_is_said_with_two(house: House, bob: Visitor) -> None:
    bob.send("//who\n/nothing\n")
    assert house.bodies() == ["/who"]
    (line,) = bob.news()
    assert line.startswith("! there is no command /nothing; /help shows")


def test_help_names_every_command(house: House, bob: Visitor) -> None:
    bob.send("/help\n")
    assert [line.split()[0] for line in bob.news()[:-1]] == [
        "/login", "/message", "/text", "/rooms", "/join", "/who", "/help", "/quit",
    ]  # fmt: skip


def test_quitting_is_said_goodbye_to(house: House, bob: Visitor) -> None:
    zoe = house.visit("Hello|zoé\n")
    zoe.news()
    bob.news()
    zoe.send("one\n/quit\nnever\n")
    assert zoe.news() == ["Au revoir !"]
    assert zoe.ended
    assert bob.news() == ["zoé a dit : one", "Annonce : zoé a quitté la chatroom"]
    assert house.bodies() == ["one"]


def test_a_message_that_is_not_stored_is_told_of(house: House, bob: Visitor) -> None:
    house.slow = True
    bob.send(f"{'x' * 100}\n")
    house.refuse("disk-full")
    house.settle()
    assert bob.news() == [f"! not sent: {'x' * 40} (the server could not store the message (disk-full))"]
    house.slow = False
    bob.send("\x1b[2J\u202e\nafter\n")
    assert bob.news() == ["! not sent:  (the message has nothing that can be shown)"]
    assert house.bodies() == ["after"]


# --- many lines ----------------------------------------------------------------------------------
def test_a_thousand_lines_at_once_are_all_said_in_order(house: House) -> None:
    house = House(HubSettings(rate=0))
    ann = house.enter("ann", GENERAL)
    bodies = [f"m{number}" for number in range(1000)]
    house.slow = True
    zoe = house.visit("Hello|zoé\n" + "".join(f"{body}\n" for body in bodies))
    for _round in range(len(bodies)):
        if not house.waiting:
            break
        house.store(7)
        house.settle()
    assert house.bodies() == ann.bodies() == bodies
    assert zoe.most == IN_FLIGHT_MAX
    assert not any(line.startswith("!") for line in zoe.news())


def test_who_sends_too_fast_is_read_more_slowly_and_nothing_is_lost(house: House) -> None:
    bodies = [f"m{number}" for number in range(300)]
    zoe = house.visit("Hello|zoé\n" + "".join(f"{body}\n" for body in bodies))
    assert len(house.bodies()) < 300
    house.wait(40)
    assert house.bodies() == bodies
    assert zoe.news() == ["Annonce : zoé a rejoint la chatroom"]


def test_after_the_end_of_input_what_waits_is_still_said_however_slowly(house: House) -> None:
    bodies = [f"m{number}" for number in range(300)]
    zoe = house.visit("Hello|zoé\n" + "".join(f"{body}\n" for body in bodies))
    zoe.finish()
    assert not zoe.ended
    house.wait(40)
    assert house.bodies() == bodies
    assert zoe.ended


def test_what_is_said_at_the_very_end_is_stored(house: House) -> None:
    house.slow = True
    zoe = house.visit("Hello|zoé\none\ntwo\nthree")
    zoe.finish()
    assert not zoe.ended
    while house.waiting:
        house.store(1)
        house.settle()
    assert house.bodies() == ["one", "two", "three"]
    assert zoe.ended


# --- languages -----------------------------------------------------------------------------------
@pytest.fixture
def french() -> Texts:
    return load_texts("fr", {})


def test_what_went_wrong_is_said_in_the_language_of_the_server(
    house: House, bob: Visitor, ann: Actor, french: Texts
) -> None:
    lines = "Hello|bob\n/login z o\n/join lab\n/message nobody salut\n/nothing\n/join\n/help\n"
    told = house.visit(lines, texts=french).news()
    plain = house.visit(lines).news()
    assert told[1] == f"! {french._('a nick cannot hold spaces; write jean-pierre')}"
    assert len(told) == len(plain)
    assert not set(told) & set(plain)


def test_what_the_course_words_stays_french_in_every_language(house: House, french: Texts) -> None:
    bob, zoe = house.visit("Hello|bob\n", texts=french), house.visit("Hello|zoé\n")
    zoe.send("salut\n/quit\n")
    assert bob.news()[1:] == [
        "Annonce : zoé a rejoint la chatroom",
        "zoé a dit : salut",
        "Annonce : zoé a quitté la chatroom",
    ]
    assert zoe.news()[-1] == "Au revoir !"
