"""Whatever others type is inert; whatever people write stays."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.common import inert as module
from chatroom.common.inert import inert, one_line

SPECIAL = (
    "\x1b", "[", "]", "31m", "0;title", "\x07", "\x1b\\", "\x9b", "\x9c", "\x9d", "\x90", "P", "\r",
    "\n", "\t", "\x00", "\x7f", "\x85", "\u2028", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e",
    "\u2066", "\u061c", "\ufe0f", "\ufe0e", "\ud800", "\udfff", "\uffff", "\U0010fffe", "\U000e0061",
    "\U000e0067", "\U000e007f", "\U000e0100", "\U0001f3f4", "\U0001f468", "\u2764", "a", "1", "\u0915",
    "\u094d", "\u0645", "\u845b", "\u0301", "\u0e34", "\x20", "\xa0", "\u180b", "\u1820", "\u034f",
    "\u3164", "\u20e3", "\u0301" * 9,
)  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(SPECIAL), st.characters(), st.text(max_size=3))).map("".join)

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SEPARATORS = re.compile("[\u2028\u2029]")
SURROGATES = re.compile("[\ud800-\udfff]")
INVISIBLE = re.compile("[\u00ad\u034f\u115f\u1160\u200b\u2060-\u2065\u3164\ufeff\uffa0\ufff9-\ufffb]")
TAGS = re.compile("[\U000e0000-\U000e007f]")
FLAGS = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f")


def _noncharacter(character: str) -> bool:
    return ord(character) & 0xFFFE == 0xFFFE or "\ufdd0" <= character <= "\ufdef"


@given(hostile)
@example("\x1b\x1b[[31m31m")
@example("\ud83d\ude00")
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = inert(text)
    for pattern in (CONTROLS, BIDI, SEPARATORS, SURROGATES, INVISIBLE):
        assert not pattern.search(shown)
    assert not any(map(_noncharacter, shown))
    assert not TAGS.search(FLAGS.sub("", shown))
    shown.encode()


@given(hostile)
def test_no_two_invisible_characters_stand_together(text: str) -> None:
    shown = FLAGS.sub("", inert(text))
    assert not re.search("[\u200c\u200d]{2}|[\ufe00-\ufe0f\u180b-\u180f\U000e0100-\U000e01ef]{2}", shown)


@given(hostile)
@example("ก" + "\u0301" * 8 + "\u0e3a\u200d")
def test_a_second_time_changes_nothing(text: str) -> None:
    assert inert(inert(text)) == inert(text)
    assert one_line(one_line(text)) == one_line(text)


@given(hostile)
def test_one_line_is_one(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert shown == shown.strip()


@given(hostile)
def test_marks_do_not_pile_up(text: str) -> None:
    assert not re.search("[\u0300-\u036f]{9}", inert(text))


@given(hostile, hostile)
def test_a_line_cannot_swallow_the_next(first: str, second: str) -> None:
    assert inert(f"{first}\n{second}").endswith(inert(f"\n{second}"))


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_plain_ascii_stays(text: str) -> None:
    assert inert(text) == text


@given(st.text(st.characters(categories=["Ll", "Lu", "Lt", "Nd", "Sm", "Sc", "So", "Ps", "Pe", "Po"])))
def test_letters_digits_and_signs_of_every_script_stay(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Voilà : l’été, « ça » va ? Œuf\u202f!\xa0€",
        "cafe\u0301 nai\u0308ve",
        "日本語 カタカナ ﾊﾝｶｸ が",
        "葛\U000e0100城市",
        "한국어 조선글",
        "👨\u200d👩\u200d👧\u200d👦 👩🏽\u200d🚀 🏳\ufe0f\u200d🌈 ❤\ufe0f\u200d🔥 🏴\u200d☠\ufe0f",
        "🙂\u200d↔\ufe0f 👁\ufe0f\u200d🗨\ufe0f",
        "🇫🇷 🇧🇪 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "1\ufe0f\u20e3 #\ufe0f\u20e3 *\ufe0f\u20e3 ☎\ufe0e ‼\ufe0f ℹ\ufe0f",
        "مرحبا بالعالم، كيف الحال؟ بِسْمِ",
        "می\u200cخواهم کتاب\u200cها",
        "क्\u200dष क्\u200cष हिन्दी",
        "ന്\u200d തമിഴ് தமிழ்",
        "สวัสดี น้ำ ที่",
        "שָׁלוֹם עולם",
        "ᠮᠣᠩᠭᠣᠯ\u180e",
        "ශ්\u200dරී ලංකා",
        "Tiếng Việt",
        "\\x1b[31m [red]no[/red] [/red] \\033",
        "two\nlines",
        "  indented   wide  ",
        "\ue0b0 \uf121",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;AAAA\x9cafter", "after"),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1bPq#0;2\x1b\\after", "after"),
        ("\x1b_Ga=T\x1b\\after", "after"),
        ("\x1bcreset", "reset"),
        ("\x1b(0lines", "lines"),
        ("\x1b#8", ""),
        ("a\x1b[38;2;1;2", "a"),
        ("a\x1b", "a"),
        ("a\x1b[31é", "aé"),
        ("\x1b[3\x071mred", "red"),
        ("\x1b[31\nm", "\nm"),
        ("a\x1b^secret\x1b\\b\x1bXsos\x9cc", "abc"),
        ("\x1b]0;never ends\nnext line", "\nnext line"),
        ("\x1bPnever ends\r\nnext line", "\nnext line"),
        ("\x1b]0;a\x18after", "after"),
        ("\x1b\x1b[[31m31m", "31m31m"),
        ("\x1b[\x1b[31m31m", "31m"),
        ("\x1b]0;\x1b[31mred", "red"),
        ("\u200b\x1b\u200b[31m", "[31m"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("a\tb\x0bc\x0cd\x85e\u2028f\u2029g", "a b c d e f g"),
        ("\x08\x7f\x00", ""),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c", "a"),
        ("a\u200bd\u200cm\u200di\ufeffn\u2060\u00ad", "admin"),
        ("\U000e0068\U000e0069", ""),
        ("\U0001f3f4\U000e0067\U000e0062", "\U0001f3f4"),
        ("x\U000e0067\U000e0062\U000e007f", "x"),
        ("a\ufe0f\ufe00b\ufe01", "ab"),
        ("❤\ufe0f\ufe0f\ufe0f", "❤\ufe0f"),
        ("👨\u200d\u200d\u200d👩", "👨\u200d👩"),
        ("👨\u200d", "👨"),
        ("日\u200d本", "日本"),
        ("\ud83dx", "x"),
        ("\ufdd0\uffff\U0001ffff", ""),
        ("z\u0301" + "\u0301" * 500, "z" + "\u0301" * 8),
    ],
)
def test_what_a_terminal_would_obey_vanishes_whole(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_newlines_become_spaces_where_one_line_is_wanted() -> None:
    assert inert("a\nb\r\nc", newlines=False) == "a b c"
    assert inert("plain\n", newlines=False) == "plain "
    assert one_line("\n a\tb \n") == "a b"
    assert one_line("\x1b[31m") == ""


@pytest.mark.parametrize(
    "part",
    [
        "\x1b]0;", "\x1b[", "\x1b", "\x9d", "\x1bP\n", "\x1b[0;", "\u200d", "a\u200d", "क\u200d",
        "\u0301", "\ufe0f", "\U000e0061", "\U0001f3f4\U000e0061", "\r", "\x1b[31", "\u200d\u0301",
        "\x1b\x1b[[",
    ],
)  # fmt: skip
def test_hostile_text_takes_time_in_proportion(part: str) -> None:
    """Ten times the text must not take a hundred times as long."""
    inert(part * 100)
    short, long = (min(_took(part * count) for _ in range(3)) for count in (2_000, 20_000))
    assert long < 40 * short + 0.005


def _took(text: str) -> float:
    start = time.process_time()
    inert(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    "code", [code for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"]
)
def test_no_control_character_but_the_newline(code: int) -> None:
    shown = inert(f"a{chr(code)}b")
    assert "\n" in shown or shown in ("ab", "a b", "a")


def test_nothing_that_passes_at_first_sight_is_suspect() -> None:
    passing = [character for character in map(chr, range(0x110000)) if module._LATIN.fullmatch(character)]
    assert len(passing) > 600
    assert not module._SUSPECT.search("".join(passing))
    assert inert("".join(passing)) == "".join(passing)
