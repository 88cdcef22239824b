"""`KEY=VALUE` lines are read as people write them, and refused with the line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.inert import inert
from chatroom.common.keyvalue import Entry, SettingsError, nearest, parse

KNOWN = ("HOST", "PORT", "NICK", "HISTORY_FLUSH_S")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("PORT=9999", "9999"),
        ("  port =  9999  ", "9999"),
        ("PORT=9999 # the port", "9999"),
        ("PORT=9999\t# the port", "9999"),
        ("PORT=9999\r", "9999"),
        ("PORT= # nothing", ""),
        ("PORT=", ""),
        ("PORT=#dev", "#dev"),
        ("PORT=a#b", "a#b"),
        ("PORT=a=b", "a=b"),
        ("PORT='a # b' # c", "a # b"),
        ('PORT=" a "', " a "),
        ('PORT="', '"'),
        ('PORT="a" b', '"a" b'),
        ("\ufeffPORT=1", "1"),
    ],
)
def test_a_line_is_a_setting(line: str, value: str) -> None:
    assert parse(line, "server.conf", KNOWN) == [Entry("PORT", value, "server.conf", 1)]


def test_comments_and_empty_lines_count_as_lines() -> None:
    text = "# a comment\n\n  # another\x0b\x85\u2028\nHOST=::\nPORT=1\nPORT=2\n"
    assert parse(text, "c", KNOWN) == [
        Entry("HOST", "::", "c", 4),
        Entry("PORT", "1", "c", 5),
        Entry("PORT", "2", "c", 6),
    ]


@pytest.mark.parametrize("line", ["PORT", "PORT 9999", "=9999", "  = "])
def test_what_is_no_setting_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(SettingsError, match=r"^server\.conf, line 2: .* is no setting; write KEY=VALUE$"):
        parse(f"HOST=a\n{line}", "server.conf", KNOWN)


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"^c, line 1: there is no PROT; did you mean PORT\?$"):
        parse("PROT=1", "c", KNOWN)
    with pytest.raises(SettingsError, match=r"^c, line 1: there is no COLOUR$"):
        parse("COLOUR=red", "c", KNOWN)
    assert nearest("HISTORY_FLUSH", KNOWN) == "HISTORY_FLUSH_S"


def test_all_that_is_wrong_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        parse("PROT=1\nPORT=1\nHOST\n", "c", KNOWN)
    assert str(caught.value).split("\n") == [
        "c, line 1: there is no PROT; did you mean PORT?",
        "c, line 3: 'HOST' is no setting; write KEY=VALUE",
    ]


@given(st.text(st.one_of(st.characters(), st.sampled_from("=\n\x1b\u202e# PORT"))))
def test_any_text_is_read_or_refused_in_inert_lines(text: str) -> None:
    refusal = ""
    try:
        entries = parse(text, "c", KNOWN)
    except SettingsError as error:
        refusal = str(error)
    else:
        assert all(entry.key in KNOWN for entry in entries)
    assert inert(refusal) == refusal
    assert all(line.startswith("c, line ") for line in refusal.split("\n") if refusal)


@given(st.from_regex(r"[!-~]([ -~]*[!-~])?", fullmatch=True).filter(lambda value: '"' not in value))
def test_a_quoted_value_is_itself(value: str) -> None:
    assert parse(f'NICK="{value}"', "c", KNOWN)[0].value == value
