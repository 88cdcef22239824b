"""What server.log says of messages: the same whatever stands beside them, and harmless on a terminal."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.inert import one_line
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.shell import spoken as module
from chatroom_server.shell.spoken import decode, format_kept

AT = 1_763_705_123_456
TEXTS = st.text(st.sampled_from('ab" \\\n\t\x00\x1b[31m\x7f\x9bé’\u202e\u200d🎉')) | st.text(max_size=20)
LINES = st.builds(
    Line,
    id=st.just(1),
    at=st.integers(AT, AT + 5000),
    room=st.sampled_from(["general", "café", "a\x7fb", "=aaaa"]).map(RoomId),
    user=st.just(UserId("k3jf7a2mq4x7c2dn")),
    nick=TEXTS,
    kind=st.sampled_from(["", "me", "topic", "\x7f"]),
    body=TEXTS,
)


def kept(lines: list[Line]) -> list[str]:
    """The file's lines."""
    stored = [msgspec.json.encode(line) for line in lines]
    return format_kept(stored, decode(stored))


def expected(line: Line) -> str:
    """A line of the file, as plainly as it can be said."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line.at // 1000))
    room, nick, kind, body = map(one_line, (line.room, line.nick, line.kind, line.body))
    forms = {"": f"{nick}: {body}", "me": f"* {nick} {body}"}
    return f"{at} #{room} {forms.get(line.kind, f'{nick} ({kind}): {body}')}\n"


@given(st.lists(LINES))
def test_a_message_reads_the_same_among_all_others(lines: list[Line]) -> None:
    assert kept(lines) == [expected(line) for line in lines if not line.room.startswith("=")]


@pytest.mark.parametrize("body", [" ab ", "a\x7fb", "a\x1bb", "a\x9bb", "a\u202eb", "\ta\rb", "ab\n"])
def test_what_is_said_alone_is_harmless(body: str) -> None:
    line = Line(1, AT, RoomId("general"), UserId("u"), "it4", body=body)
    assert kept([line]) == [expected(line)]


@pytest.mark.parametrize(
    ("bodies", "cleaned"),
    [
        (["plain", " plain "], []),
        (["plain", "déjà", "l’été", "plain"], ["déjà", "l’été"]),
        (["plain", 'a "quote"', "C:\\new", "two\nlines"], []),
        (["plain", 'a "quote"', "déjà\nvu"], ["déjà\nvu"]),
        (["plain", "a\x1bb", "déjà"], ["plain", "a\x1bb", "déjà"]),
        (["plain", "a\x7fb"], ["plain", "a\x7fb"]),
        (["plain", "a\tb"], ["plain", "a\tb"]),
    ],
)
def test_only_what_may_need_it_is_looked_at_singly(
    bodies: list[str], cleaned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [Line(1, AT, RoomId("general"), UserId("u"), "it4", body=body) for body in bodies]
    assert kept(lines) == [expected(line) for line in lines]
    calls: list[str] = []

    def one_line_counted(text: str) -> str:
        calls.append(text)
        return one_line(text)

    monkeypatch.setattr(module, "one_line", one_line_counted)
    kept(lines)
    assert calls == cleaned


def test_what_repeats_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[str] = []

    def one_line_counted(text: str) -> str:
        cleaned.append(text)
        return one_line(text)

    monkeypatch.setattr(module, "one_line", one_line_counted)
    module._start.cache_clear()
    module.stamp.cache_clear()
    nicks = ["it4", "zo"] * 32
    kept([Line(1, AT, RoomId("general"), UserId("u"), nick, body="plain") for nick in nicks])
    assert cleaned == ["general", "it4", "general", "zo"]
    assert module.stamp.cache_info().misses == 1


def test_names_and_seconds_that_are_kept_are_bounded() -> None:
    names = [Line(1, AT, RoomId("general"), UserId("u"), f"guest{number}") for number in range(1500)]
    seconds = [Line(1, AT + 1000 * number, RoomId("general"), UserId("u"), "it4") for number in range(200)]
    assert kept(names + seconds) == [expected(line) for line in names + seconds]
    assert module._start.cache_info().currsize == 1000
    assert module.stamp.cache_info().currsize == 100
