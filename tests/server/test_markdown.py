"""Whatever people write, Markdown shows it as they wrote it."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatroom.common.grid import NO_COLOR, Grid, encode
from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.markdown import Markdown, escape

AT = 1_763_733_600_000  # 2025-11-21 14:00 UTC
PARSERS = [MarkdownIt("commonmark"), MarkdownIt("gfm-like", {"linkify": False})]
HOSTILE = st.text(alphabet="\\`*_{}[]()<>#+-.!|~&:=$'\"^/ \n\u00a0\u30001a;é☕", max_size=40)


def line(body: str, kind: str = "", nick: str = "ada", at: int = AT, grid: str = "") -> Line:
    return Line(1, at, RoomId("general"), UserId("a" * 16), nick, kind=kind, body=body, grid=grid)


def shown(tokens: list[Token]) -> list[tuple[str, str]]:
    """Blocks and the text that a reader sees in them; spaces that do not break count as spaces."""
    blocks = []
    for token in tokens:
        if token.type == "inline":
            parts = token.children or []
            assert {child.type for child in parts} <= {
                "text",
                "text_special",
                "hardbreak",
                "strong_open",
                "strong_close",
            }
            text = "".join("\n" if child.type == "hardbreak" else child.content for child in parts)
            blocks.append(("text", text))
        elif token.type == "fence":
            blocks.append(("fence", token.content))
        else:
            assert token.type in {"paragraph_open", "paragraph_close", "heading_open", "heading_close"}, token
    return blocks


def rendered(parser: MarkdownIt, text: str) -> list[tuple[str, str]]:
    return shown(parser.parse(text))


def plain(text: str) -> str:
    return inert(text).replace("\u00a0", " ")


@pytest.mark.parametrize("parser", PARSERS, ids=["commonmark", "gfm"])
@given(st.one_of(HOSTILE, st.text(max_size=30)))
def test_what_is_shown_is_what_was_written(parser: MarkdownIt, body: str) -> None:
    markdown = Markdown(Texts(), UTC)
    markdown.entry(line("before"))
    ((kind, text),) = rendered(parser, markdown.entry(line(body)))
    assert kind == "text"
    wanted = f"14:00 ada: {plain(body)}"
    assert text.replace("\u00a0", " ").rstrip("\n ") == wanted.rstrip("\n ")


@pytest.mark.parametrize("parser", PARSERS, ids=["commonmark", "gfm"])
@given(st.text(alphabet="\\`*_[]<>#+-.!|~&:=1aé☕", min_size=1, max_size=10))
def test_nicks_and_titles_too(parser: MarkdownIt, name: str) -> None:
    markdown = Markdown(Texts(), UTC)
    markdown.entry(line("before"))
    assert rendered(parser, markdown.entry(line("x", nick=name))) == [("text", f"14:00 {name}: x")]
    assert rendered(parser, markdown.title(name)) == [("text", name)]
    assert rendered(parser, markdown.entry(line("x", "me", nick=name))) == [("text", f"14:00 * {name} x")]


def test_plain_text_stays_readable() -> None:
    for text in ("hello, it's 5 o'clock (really)!", "see https://example.org/a-b?c=d", "été ☕ 👍", "12:30"):
        assert escape(text) == text


def test_each_day_has_a_heading() -> None:
    markdown = Markdown(Texts(), UTC)
    text = "".join(markdown.entry(line("x", at=at)) for at in (AT, AT + 60_000, AT + 86_400_000, AT))
    assert [row for row in text.splitlines() if row.startswith("#")] == [
        "## 2025-11-21",
        "## 2025-11-22",
        "## 2025-11-21",
    ]
    assert "14:01 **ada**: x" in text


def test_a_time_that_no_calendar_has_is_a_question_mark() -> None:
    assert "? **ada**: x" in Markdown(Texts(), UTC).entry(line("x", at=2**53 - 1))


def test_pictures_are_blocks_of_characters() -> None:
    grid = Grid(4, 2, "```` /\\ ", bytes([NO_COLOR] * 8))
    text = Markdown(Texts(), UTC).entry(line("*a cat*", "image", grid=encode(grid)))
    day, said, picture = rendered(PARSERS[0], text)
    assert day == ("text", "2025-11-21")
    assert said == ("text", "14:00 ada: *a cat*")
    assert picture == ("fence", "````\n /\\\n")


@pytest.mark.parametrize(
    ("kind", "grid", "expected"),
    [
        ("image", "?", "(this picture cannot be read)"),
        ("topic", "", "14:00 ada changed the topic: x_y"),
        ("lost", "", "14:00 (the server's disk has lost a line here)"),
        ("nod", "", "14:00 ada (nod) x_y"),
    ],
)
def test_other_kinds_are_said(kind: str, grid: str, expected: str) -> None:
    blocks = rendered(PARSERS[0], Markdown(Texts(), UTC).entry(line("x_y", kind, grid=grid)))
    assert blocks[-1] == ("text", expected)
