"""Whatever others type is inert, and what people really write stays as it is."""

import re
import unicodedata
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.common.inert import inert, one_line

PIECES = [
    *"\x00\t\n\r\x07\x0b\x0c\x18\x1a\x1b\x7f\x80\x84\x85\x90\x98\x9b\x9c\x9d\x9e\x9f[]\\PX^_0;m?(#@",
    *"\u00ad\u034f\u061c\u200b\u200c\u200d\u200e\u2028\u2029\u202e\u2066\u2069\ufe0e\ufe0f\ufeff\uffff\ud800",
    *"\U000e0001\U000e0067\U000e007f\U000e0100\U0001f3f4\U0001f469\u2764a1éم\u0915\u094d\u0e01\u0e3a\u0300葛\u1820\u180b",
    "\x1b[31m",
    "\x1b]52;c;AAAA\x07",
    "\r\n",
]
hostile = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text())

HARMLESS = [
    "plain ASCII, with [brackets] and [/red] markup",
    "Où êtes-vous ? « Ça va », dit-elle\u00a0! Œuvre naïve à 12\u202f€",
    "日本語のテキスト、カタカナ　全角",
    "葛\U000e0100城市",  # an ideographic variation
    "한국어 텍스트",
    "السلام عليكم",
    "می\u200cخواهم",  # Persian needs a joiner that parts
    "नमस्ते दुनिया",
    "क्\u200dष",  # Devanagari, a half form
    "ශ්\u200dරී ලංකා",
    "สวัสดีชาวโลก ที่นี่",
    "שָׁלוֹם עֲלֵיכֶם",
    "👨\u200d👩\u200d👧\u200d👦 family",
    "👩🏽\u200d🚀 🏳\ufe0f\u200d🌈 ❤\ufe0f\u200d🔥 1\ufe0f\u20e3 ☺\ufe0e 🇫🇷",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Scotland",
    "\U0001f3f4\u200d☠\ufe0f pirates",
    "e\u0301a\u0300 decomposed; Việt Nam",
    "ᠮᠣᠩᠭᠣᠯ",
    "two\nlines",
    "\ue0b0 \uf121 icons of private fonts",
    "x ≠ y ± 3 − √2",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b[38;5;196;1mred", "red"),
        ("\x1b[3\x071mred", "red"),
        ("\x1b[?1049h\x1b[2J\x1b[Hgone", "gone"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;cGF3bmVk\x1b\\b", "ab"),
        ("a\x9d8;;http://evil\x9cb", "ab"),
        ("a\x1bPq#0;1;1\x1b\\b", "ab"),
        ("a\x1b_Gf=100;AAAA\x1b\\b", "ab"),
        ("a\x1b^secret\x1b\\b\x1bXsos\x9cc", "abc"),
        ("cut \x1b[31", "cut "),
        ("cut \x1b", "cut "),
        ("cut \x1b]0;never ends", "cut "),
        ("cut \x1b]0;never ends\nnext line", "cut \nnext line"),
        ("\x1b(0lqk\x1b(B", "lqk"),
        ("\x1bc\x1b#8ab", "ab"),
        ("a\x1b\x1b[31mb", "ab"),
        ("a\x08\x08\x7f\x00b", "ab"),
        ("tab\there", "tab here"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\u2066\u200eab\u061c\u2069", "ab"),
        ("z\u200be\u2060r\ufeffo\u00ad", "zero"),
        ("a\u200db\u200cc\ufe0f", "abc"),  # no joiner, no selector has work between Latin letters
        ("a\U000e0068\U000e0069b", "ab"),  # tags that hide a text
        ("\U0001f3f4\U000e0068\U000e0069\U000e0068b", "\U0001f3f4b"),
        ("👩\u200d\u200d\u200d\u200d👧", "👩\u200d👧"),
        ("z" + "\u0301" * 500, "z" + "\u0301" * 8),
        ("\ud800x\udfff", "x"),
        ("\ufdd0\ufffe\U0001ffff\U0010fffex", "x"),
        ("\u3164\u115f\uffa0x", "x"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_goes(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(hostile)
@example("ก" + "\u0301" * 8 + "\u0e3a\u200d")
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    shown = inert(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c != "\n"]
    assert not [c for c in shown if unicodedata.bidirectional(c) in _BIDI_CONTROLS]
    assert not re.search("[\u200b\u2060\ufeff\ufffe\uffff]", shown)
    assert len(shown) <= len(text)
    shown.encode()


_BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(hostile, st.booleans())
def test_a_second_time_changes_nothing(text: str, newlines: bool) -> None:
    once = inert(text, newlines=newlines)
    assert inert(once, newlines=newlines) == once
    assert newlines or "\n" not in once


@given(hostile)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line == line.strip()


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_printable_ascii_stays(text: str) -> None:
    assert inert(text) is text


@pytest.mark.parametrize(
    "unit",
    [
        "\x1b]",
        "\x1b[",
        "\x1b[1;",
        "\x90",
        "a\u200d",
        "\u0301",
        "\U0001f3f4\U000e0067",
        "\ufe0f",
        "\t",
        "\x1b",
    ],
)
def test_the_time_grows_with_the_text_only(unit: str) -> None:
    """A quadratic step would take a minute here."""
    text = unit * (300_000 // len(unit))
    began = perf_counter()
    inert(text)
    assert perf_counter() - began < 10
