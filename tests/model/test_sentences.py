"""Lines and notices as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.texts import Texts
from chatroom.languages import load_texts
from chatroom.model.sentences import LineFormat
from chatroom.protocol.frames import Line, LineKind, Person, PersonState, PresenceEvent
from chatroom.protocol.ids import DeviceId, MessageId, RoomId, UserId

ME, BOB = UserId("me" * 8), UserId("bob" * 5 + "x")
FORM = LineFormat(Texts(), lambda _ms: "09:00", me=ME)
FRENCH = LineFormat(load_texts("fr", {}), lambda _ms: "09:00", me=ME)


def line(body: str, *, user: UserId = BOB, nick: str = "bob", kind: str = "") -> Line:
    return Line(MessageId(7), 0, RoomId("general"), user, nick, "#e06c75", DeviceId("a1"), 1, kind, body)


def people(*nicks: str, was: str = "") -> list[Person]:
    return [Person(BOB, nick, "#e06c75", PersonState.ONLINE, was=was) for nick in nicks]


@pytest.mark.parametrize(
    ("said", "english", "french"),
    [
        (line("on it", user=ME), "[09:00] You said: on it", "[09:00] Vous avez dit : on it"),
        (line("morning!"), "[09:00] bob said: morning!", "[09:00] bob a dit : morning!"),
        (line("waves", kind=LineKind.ACTION), "[09:00] * bob waves", "[09:00] * bob waves"),
    ],
)
def test_messages_are_said_in_the_courses_words(said: Line, english: str, french: str) -> None:
    assert FORM.text(said) == english
    assert FRENCH.text(said) == french


@pytest.mark.parametrize(
    ("event", "english", "french"),
    [
        (PresenceEvent.JOINED, "Notice: zoé joined the room", "Annonce : zoé a rejoint la chatroom"),
        (PresenceEvent.LEFT, "Notice: zoé left the room", "Annonce : zoé a quitté la chatroom"),
        (PresenceEvent.GONE, "Notice: zoé left the room", "Annonce : zoé a quitté la chatroom"),
        (PresenceEvent.BACK, "zoé is back!", "zoé est de retour !"),
    ],
)
def test_notices_are_said_in_the_courses_words(event: PresenceEvent, english: str, french: str) -> None:
    assert FORM.notice(event, people("zoé")) == english
    assert FRENCH.notice(event, people("zoé")) == french


def test_coming_back_is_greeted() -> None:
    assert FORM.welcome_back("it4") == "Welcome back it4!"
    assert FRENCH.welcome_back("it4") == "Welcome back it4 !"


def test_a_new_nick_is_said_with_the_old_one() -> None:
    assert FORM.notice(PresenceEvent.RENAMED, people("eve", was="bob")) == "Notice: bob is now called eve"
    assert FORM.notice(PresenceEvent.RENAMED, []) == ""


@pytest.mark.parametrize(
    ("nicks", "shown"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (("a", "b", "c"), "a, b and c"),
        (("a", "b", "c", "d"), "a, b, c and 1 other"),
        (("a", "b", "c", "d", "e"), "a, b, c and 2 others"),
    ],
)
def test_many_returns_are_one_line(nicks: tuple[str, ...], shown: str) -> None:
    assert FORM.names(list(nicks)) == shown
    notice = FORM.notice(PresenceEvent.BACK, people(*nicks))
    assert notice.count("\n") == 0
    assert len(nicks) < 2 or notice == f"{shown} are back!"


def test_a_picture_is_its_caption_and_how_to_draw_it() -> None:
    assert FORM.said(line("a.png\x1b[31m", kind=LineKind.IMAGE)) == (
        "bob sends a picture: a.png. /show 7 draws it."
    )


def test_a_kind_from_the_future_is_a_short_notice() -> None:
    shown = FORM.said(line("x" * 1000, kind="po\x1b[31mll"))
    assert "poll" in shown
    assert len(shown) < 100


@given(st.text(), st.text(), st.sampled_from(["", *LineKind]), st.booleans(), st.sampled_from([FORM, FRENCH]))
def test_a_message_can_look_like_no_other(
    body: str, nick: str, kind: str, is_own: bool, form: LineFormat
) -> None:
    """Only the first of its lines begins with a time; nothing in it is obeyed, nor read as a field."""
    shown = form.text(line(body, user=ME if is_own else BOB, nick=nick, kind=kind))
    first, *others = shown.splitlines()
    assert first.startswith("[09:00] ")
    assert all(other.startswith("        ") or not other for other in others)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == shown.count("\n") + 1


@given(st.text(), st.text())
def test_a_line_for_a_log_is_one(body: str, nick: str) -> None:
    form = LineFormat(Texts(), lambda _ms: "09:00", newline=" ⏎ ")
    assert len(form.text(line(body, nick=nick)).splitlines()) == 1


@given(st.sampled_from(PresenceEvent), st.lists(st.text(), max_size=5))
def test_a_notice_is_one_line(event: PresenceEvent, nicks: list[str]) -> None:
    assert len(FORM.notice(event, people(*nicks, was="\n")).splitlines()) <= 1
