"""Whether a text means somebody."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.model.mentions import is_meant, mentions


@pytest.mark.parametrize(
    ("text", "nick"),
    [
        ("@it4 ready?", "it4"),
        ("it4: ready?", "it4"),
        ("ask it4.", "it4"),
        ("(IT4)", "it4"),
        ("salut Zoé !", "zoé"),
        (unicodedata.normalize("NFD", "salut zoé !"), "zoé"),
        ("salut zoé", unicodedata.normalize("NFD", "zoé")),
        ("日本太郎、おはよう", "日本太郎"),
        ("a.b, look", "a.b"),
        ("x, @it4", "it4"),
    ],
)
def test_a_nick_is_meant(text: str, nick: str) -> None:
    assert is_meant(text, nick)


@pytest.mark.parametrize(
    ("text", "nick"),
    [
        ("it44 and git4", "it4"),
        ("me@it4.org", "it4x"),
        ("axb", "a.b"),
        ("zoe\u0301", "zoe"),
        ("anything", ""),
        ("", "it4"),
        ("mail me@it4.example", "it4"),
    ],
)
def test_others_are_not(text: str, nick: str) -> None:
    assert not is_meant(text, nick)


def test_places_include_the_sign() -> None:
    assert mentions("hi @it4, it4!", "it4") == [(3, 7), (9, 12)]


@given(before=st.text(" .,;!?", max_size=5), nick=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True))
def test_a_nick_between_signs_is_always_found(before: str, nick: str) -> None:
    assert mentions(f"{before}{nick.upper()}!", nick) == [(len(before), len(before) + len(nick))]
