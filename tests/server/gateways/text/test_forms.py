"""How messages and people look: the course's own words, and no message that looks like two."""

from itertools import product
from unittest.mock import Mock, call

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common import grid as grids
from chatroom.protocol.frames import Line, LineKind, Person, PersonState, PresenceEvent
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.gateways.text import forms

COLUMNS = 80
PICTURE = grids.encode(grids.Grid(3, 2, "a b  #", bytes([255] * 6)))


def line(body: str = "", *, kind: str = "", nick: str = "zoé", dev: str = "", grid: str = "") -> Line:
    return Line(1, 0, RoomId("general"), UserId("u"), nick, dev=dev, kind=kind, body=body, grid=grid)


def guest_line(body: str, dev: str) -> Line:
    return Line(1, 0, RoomId("general"), UserId("u"), "zoé", dev=dev, body=body, guest=True)


def people(*nicks: str) -> list[Person]:
    return [Person(UserId(nick), nick) for nick in nicks]


# --- messages ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (line("salut"), "zoé a dit : salut"),
        (line("one\ntwo\n\nthree"), "zoé a dit : one\n        two\n        \n        three"),
        (line("one\r\ntwo\rthree"), "zoé a dit : one\n        two\n        three"),
        (line("waves", kind="me"), "* zoé waves"),
        (line("waves\nagain", kind="me"), "* zoé waves\n        again"),
        (line("the topic", kind="topic"), "Annonce : zoé a changé le sujet : the topic"),
        (line("two\nlines", kind="topic"), "Annonce : zoé a changé le sujet : two lines"),
        (line(kind="lost"), "Annonce : un message a été perdu par le disque du serveur"),
        (line("a cat", kind="image", grid=PICTURE), "zoé a dit : a cat\n a b\n   #"),
        (line(kind="image", grid=PICTURE), "zoé a dit : (image)\n a b\n   #"),
        (line("a cat", kind="image", grid="????"), "zoé a dit : a cat (image illisible)"),
        (line("a cat", kind="image"), "zoé a dit : a cat (image illisible)"),
        (line("\x1b[31mred\x1b[0m \u202etxet [b]bold[/b]"), "zoé a dit : red txet [b]bold[/b]"),
        (line("salut", nick="z\x1b[2Jo\u202e\né"), "zo é a dit : salut"),
    ],
)
def test_a_message_in_the_words_of_the_course(message: Line, shown: str) -> None:
    assert forms.said(message) == shown


@pytest.mark.parametrize("kind", ["edit", "delete", "react", "rights", "of another century\nAnnonce : x"])
def test_what_a_plain_text_client_cannot_see_is_told_of(kind: str) -> None:
    shown = "Annonce : zoé a envoyé quelque chose qui ne peut pas être montré ici"
    assert forms.said(line("x", kind=kind)) == shown


def test_every_kind_of_line_is_shown_somehow() -> None:
    for kind in LineKind:
        assert forms.said(line("x", kind=kind))


def test_the_form_of_text_is_for_what_guests_said_with_it() -> None:
    assert forms.said(guest_line("salut", forms.TEXT_DEVICE)) == "zoé: salut"
    assert forms.said(guest_line("salut", forms.SAY_DEVICE)) == "zoé a dit : salut"
    assert forms.said(line("salut", dev=forms.TEXT_DEVICE)) == "zoé a dit : salut"


def test_a_private_message_says_so() -> None:
    assert forms.whispered(line("salut")) == "Private message from zoé: salut"
    assert forms.whispered(line("a\nb")) == "Private message from zoé: a\n        b"
    assert forms.whispered(line("waves", kind="me")) == "Private message from * zoé waves"
    shown = forms.whispered(line("a cat", kind="image", grid=PICTURE))
    assert shown == "Private message from zoé a dit : a cat\n a b\n   #"


GRIDS = st.builds(
    lambda columns, rows, characters: grids.encode(
        grids.Grid(
            columns, rows, (characters * columns * rows)[: columns * rows], bytes([255]) * (columns * rows)
        )
    ),
    st.integers(1, grids.COLUMNS_MAX),
    st.integers(1, grids.ROWS_MAX),
    st.text(st.sampled_from(" #zé█⣿"), min_size=1, max_size=9),
)
LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
BODIES = st.text(st.one_of(st.sampled_from(LINE_ENDS + "\x1b[\u202e\u2066"), st.characters(codec="utf-8")))
KINDS = st.one_of(st.sampled_from([kind.value for kind in LineKind]), st.text(max_size=8))


@given(BODIES, KINDS, st.one_of(GRIDS, st.text(max_size=20)), st.sampled_from(["", "say", "text"]), BODIES)
def test_no_line_of_a_message_but_the_first_looks_like_one(
    body: str, kind: str, grid: str, dev: str, nick: str
) -> None:
    message = Line(1, 0, RoomId("g"), UserId("u"), nick, dev=dev, kind=kind, body=body, grid=grid, guest=True)
    for shown in (forms.said(message), forms.whispered(message)):
        first, *others = shown.splitlines()
        assert first
        assert all(other.startswith(" ") for other in others)
        assert not set(shown) & (set(LINE_ENDS) - {"\n"} | set("\x1b\x07\u202e\u2066"))


@given(GRIDS)
def test_a_picture_is_as_wide_as_a_terminal_at_most(grid: str) -> None:
    first, *rows = forms.said(line("", kind="image", grid=grid)).split("\n")
    assert first == "zoé a dit : (image)"
    assert rows
    assert all(len(row) <= COLUMNS for row in rows)


def test_a_picture_is_decoded_once_for_all_who_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Mock(wraps=grids.decode)
    monkeypatch.setattr(grids, "decode", decode)
    grid = grids.encode(grids.Grid(3, 2, "c d  %", bytes([255] * 6)))
    shown = {forms.said(line(kind="image", nick=nick, grid=grid)) for nick in ("zoé", "bob") * 50}
    assert len(shown) == 2
    assert decode.call_args_list == [call(grid)]


def test_the_widest_picture_is_fitted() -> None:
    size = grids.COLUMNS_MAX * grids.ROWS_MAX
    grid = grids.encode(grids.Grid(grids.COLUMNS_MAX, grids.ROWS_MAX, "#" * size, bytes([255]) * size))
    rows = forms.said(line(kind="image", grid=grid)).split("\n")[1:]
    assert {len(row) for row in rows} == {COLUMNS}


# --- people ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("event", "nicks", "shown"),
    [
        ("joined", ["zoé"], ["Annonce : zoé a rejoint la chatroom"]),
        ("joined", ["a", "b"], ["Annonce : a a rejoint la chatroom", "Annonce : b a rejoint la chatroom"]),
        ("gone", ["zoé"], ["Annonce : zoé a quitté la chatroom"]),
        ("left", ["zoé"], ["Annonce : zoé a quitté la chatroom"]),
        ("back", ["zoé"], ["zoé est de retour !"]),
        ("back", ["a", "b"], ["a et b sont de retour !"]),
        ("back", ["a", "b", "c"], ["a, b et c sont de retour !"]),
        ("back", ["a", "b", "c", "d"], ["a, b, c et 1 autre sont de retour !"]),
        ("back", ["a", "b", "c", "d", "e"], ["a, b, c et 2 autres sont de retour !"]),
        ("away", ["zoé"], []),
        ("here", ["zoé"], []),
        ("back", ["z\x1b[2Jo\né"], ["zo é est de retour !"]),
    ],
)
def test_what_is_said_of_people(event: str, nicks: list[str], shown: list[str]) -> None:
    assert forms.presence(PresenceEvent(event), people(*nicks)) == shown


def test_another_nick_is_announced_and_a_first_one_is_an_arrival() -> None:
    def renamed(was: str) -> list[str]:
        return forms.presence(PresenceEvent.RENAMED, [Person(UserId("u"), "zoé", was=was)])

    assert renamed("zo") == ["Annonce : zo s'appelle maintenant zoé"]
    for address in ("192.0.2.7:567", "[2001:db8::7]:567", "[::ffff:192.0.2.7]:567", "[fe80::1%eth0]:567"):
        assert renamed(address) == ["Annonce : zoé a rejoint la chatroom"]


@given(st.sampled_from(PresenceEvent), st.lists(st.tuples(BODIES, BODIES), max_size=6))
def test_whatever_people_are_called_each_thing_said_is_one_line(
    event: PresenceEvent, names: list[tuple[str, str]]
) -> None:
    persons = [
        Person(UserId("u"), nick, state=state, was=was)
        for (nick, was), state in zip(names, [*PersonState] * 2, strict=False)
    ]
    shown = forms.presence(event, persons)
    assert all(len(text.splitlines()) == 1 for text in shown)
    if not persons:
        assert shown == []


def test_what_is_said_to_oneself() -> None:
    assert forms.joined("z\noé") == "Annonce : z oé a rejoint la chatroom"
    assert forms.welcome_back("z\noé") == "Welcome back z oé !"


def test_an_address_is_no_nick() -> None:
    for host, port in product(("192.0.2.7", "[::1]", "[fe80::1%eth0]"), (1, 65535)):
        assert forms.is_address(f"{host}:{port}")
    for nick in ("zoé", "192.0.2.7", "[::1]", "zoé:4000", ""):
        assert not forms.is_address(nick)
