"""Names are kept as written, compared as they look, and refused with a sentence."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.inert import one_line
from chatroom.common.names import (
    BYTES_MAX,
    NICK_MAX,
    ROOM_MAX,
    NameProblem,
    check_nick,
    check_room,
    is_host,
    nick_key,
    room_key,
    shown_nick,
)
from chatroom.common.texts import Texts

Check = Callable[[str], str]
CHECKS = [check_nick, check_room]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "name", ["it4", "zoé", "Zoé", "名前", "Ольга", "علی", "می\u200cخواهم", "🎉", "a.b-c_d", "0"]
)
def test_a_good_name_stays(check: Check, name: str) -> None:
    assert check(f"  {name}\n") == name


def test_a_name_is_kept_composed() -> None:
    assert check_nick("zoe\u0301") == "zoé"
    assert check_room("#cafe\u0301") == "café"


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        ("a\x1b[31mb", "control"),
        ("a\u202eb", "control"),
        ("ad\u200bmin", "control"),
        ("\u200b", "control"),
        ("\u3164", "control"),
        ("\u2800", "control"),
        ("\ud800", "control"),
        ("\u0301bob", "control"),
        ("a\nb", "control"),
        ("a\tb", "control"),
        ("jean pierre", "space"),
        ("jean\u00a0pierre", "space"),
        ("@bob", "start"),
        ("/quit", "start"),
        ("=bob", "start"),
        ("x" * 41, "too-long"),
        ("名" * 21, "too-long"),
    ],
)
def test_a_bad_name_is_refused(check: Check, name: str, code: str) -> None:
    with pytest.raises(NameProblem) as caught:
        check(name)
    assert caught.value.code == code
    assert str(caught.value) == caught.value.told(Texts())
    assert "{" not in str(caught.value)


def test_the_first_sign_is_named() -> None:
    with pytest.raises(NameProblem, match="a nick cannot begin with #"):
        check_nick("#bob")
    assert check_room("#dev") == "dev"
    with pytest.raises(NameProblem, match="a room's name cannot begin with #"):
        check_room("##dev")


@pytest.mark.parametrize(
    ("nick", "code"),
    [
        ("!", "start"),
        ("*", "start"),
        ("~bob", "start"),
        ("Annonce", "reserved"),
        ("NOTICE", "reserved"),
        ("[12:34]", "reserved"),
        ("[9:05]bob", "reserved"),
    ],
)
def test_no_nick_looks_like_what_programs_say(nick: str, code: str) -> None:
    with pytest.raises(NameProblem) as caught:
        check_nick(nick)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "nick",
    [
        "1.2.3.4:567",
        "[::1]:567",
        "[2001:db8::7]:65535",
        "[::ffff:1.2.3.4]:5",
        "[fe80::1%eth0]:5",
        "１.2.3.4：567",
        "1.2.3.4:5\ufe0f67",
        "1.2.3.4:" + "5" * 40,
    ],
)
def test_nobody_is_called_like_an_address(nick: str) -> None:
    with pytest.raises(NameProblem, match="a nick cannot look like an address") as caught:
        check_nick(nick)
    assert caught.value.code == "address"


@pytest.mark.parametrize("nick", ["1.2.3.4", "1.2.3:4", "::1", "[bob]", "bob:567", "1.2.3.4:x", "a1.2.3.4:5"])
def test_what_is_no_address_is_a_nick(nick: str) -> None:
    assert check_nick(nick) == nick


def test_the_longest_names() -> None:
    assert len(check_nick("x" * NICK_MAX)) == NICK_MAX
    assert len(check_room("x" * ROOM_MAX)) == ROOM_MAX
    with pytest.raises(NameProblem, match="at most"):
        check_nick("x" * (NICK_MAX + 1))
    marked = "e\u0329\u0301" * NICK_MAX
    with pytest.raises(NameProblem, match="at most"):
        check_nick(marked)


@given(st.text())
def test_what_passes_is_inert_and_passes_again(text: str) -> None:
    for check in CHECKS:
        try:
            name = check(text)
        except NameProblem:
            continue
        assert check(name) == name == one_line(name)
        assert not any(character.isspace() for character in name)
        assert len(name.encode()) <= BYTES_MAX


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "aLICE"),
        ("Zoé", "zoe\u0301"),
        ("straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
        ("علی", "ع\u200cلی"),
        ("❤", "❤\ufe0f"),
    ],
)
def test_names_that_look_alike_are_one(one: str, other: str) -> None:
    assert nick_key(one) == nick_key(other)
    assert room_key(one) == room_key(f" #{other} ")


def test_names_that_differ_are_two() -> None:
    keys = {nick_key(name) for name in ("bob", "b0b", "zoé", "zoe", "🇫🇷", "🇧🇪")}
    assert len(keys) == 6


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    key = nick_key(text)
    assert nick_key(key) == key
    assert unicodedata.is_normalized("NFC", key)
    assert nick_key(unicodedata.normalize("NFD", text)) == key


def test_a_guest_is_told_from_somebody_of_the_same_name() -> None:
    assert shown_nick("zoé", guest=True) == "~zoé"
    assert shown_nick("zoé", guest=False) == "zoé"
    assert shown_nick("zo\x1b[31mé", guest=True) == "~zoé"


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "chat.example.org",
        "chat.example.org.",
        "my_host",
        "bücher.example",
        "हिन्दी",
        "192.0.2.7",
        "::1",
        "fe80::1%eth0",
    ],
)
def test_hosts_are_called_so(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "bad host",
        "a\tb",
        "a/b",
        "a!b",
        "a%20b",
        "[::1]",
        "::1 ",
        "1::2::3",
        ".",
        "a..b",
        "x" * 64,
        "ü" * 64,
        "*",
    ],
)
def test_no_host_is_called_so(text: str) -> None:
    assert not is_host(text)
