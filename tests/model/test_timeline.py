"""The timeline against a plain dictionary, and each of its rules."""

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.model.chunks import CHUNK_LINES, Chunks
from chatroom.model.notices import Notice
from chatroom.model.timeline import Timeline, Unsent
from chatroom.protocol.errors import RemoteProtocolError
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId, UserId

ROOM, ME, BOB = RoomId("general"), UserId("me"), UserId("bob")
LAST = 3 * CHUNK_LINES


def line(line_id: int, body: str = "", *, user: UserId = BOB, dev: str = "d", n: int = 0) -> bytes:
    made = Line(line_id, 1000 * line_id, ROOM, user, user, dev=dev, n=n, body=body or f"text {line_id}")
    return msgspec.json.encode(made)


def filled(ids: Iterable[int], **kwargs: int) -> Timeline:
    timeline = Timeline(ROOM, ME, **kwargs)
    timeline.fill(line(line_id) for line_id in ids)
    return timeline


def mark(timeline: Timeline) -> int | None:
    return timeline.new_after


ids = st.integers(1, LAST)
pages = st.tuples(ids, st.integers(0, 300)).map(lambda page: range(page[0], min(LAST, sum(page)) + 1))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), pages.flatmap(lambda page: st.permutations(page[:40]))),
        st.tuples(st.just("page"), pages),
        st.tuples(st.just("append"), st.integers(1, 4)),
        st.tuples(st.just("reset"), st.integers(0, LAST)),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(steps=steps, resident=st.integers(1, 4))
def test_what_is_at_hand_is_always_what_was_put_there(steps: list[tuple[str, object]], resident: int) -> None:
    timeline, model, last = Timeline(ROOM, ME, resident_chunks=resident), dict[int, bytes](), 0
    for step, argument in steps:
        match step, argument:
            case "fill" | "page", list() | range():
                lines = {line_id: line(line_id) for line_id in argument}
                timeline.fill(lines.values())
                model |= lines
                last = max([last, *lines])
            case "append", int():
                last += argument
                model[last] = line(last)
                timeline.append(model[last])
            case "reset", int():
                timeline.reset(argument)
                last = min(last, argument)
                model = {line_id: data for line_id, data in model.items() if line_id <= argument}
        _check(timeline, model, last, resident)


def _check(timeline: Timeline, model: dict[int, bytes], last: int, resident: int) -> None:
    assert timeline.last == timeline.end == last
    assert timeline.resident_chunks <= resident
    for line_id in range(last + 2):
        found = timeline.data(line_id)
        assert found is None or found == model[line_id]
    timeline.failed_all()
    wanted = {line_id for first, behind in timeline.missing(1, last) for line_id in range(first, behind + 1)}
    assert wanted == {line_id for line_id in range(1, last + 1) if timeline.data(line_id) is None}


@given(pages=st.lists(pages, max_size=6))
def test_pages_in_any_order_fill_the_same(pages: list[range]) -> None:
    one, other = Timeline(ROOM, ME), Timeline(ROOM, ME)
    for page in pages:
        one.fill(map(line, page))
    for page in reversed(pages):
        other.fill(map(line, reversed(page)))
    assert [one.data(at) for at in range(LAST + 1)] == [other.data(at) for at in range(LAST + 1)]


def test_the_newest_used_chunk_is_never_evicted() -> None:
    timeline = filled(range(1, 4 * CHUNK_LINES + 1), resident_chunks=2)
    assert timeline.resident_chunks == 2
    assert timeline.line(1) is None
    assert timeline.line(4 * CHUNK_LINES) is not None


def test_large_lines_are_bounded_by_bytes() -> None:
    chunks = Chunks(resident_max=64, bytes_max=10_000)
    for number in range(10):
        chunks.put(1 + number * CHUNK_LINES, b"x" * 3_000)
    assert chunks.resident == 3
    assert chunks.resident_bytes == 9_000
    chunks.put(10 * CHUNK_LINES + 1, b"x" * 20_000)
    assert chunks.resident == 1


def test_what_is_missing_is_asked_for_once_in_whole_chunks() -> None:
    timeline = filled([300], last=1000)
    assert timeline.missing(295, 305) == [(257, 299), (301, 512)]
    assert timeline.missing(290, 310) == []
    assert timeline.missing(510, 600) == [(513, 768)]


def test_what_failed_or_was_half_answered_is_asked_for_again() -> None:
    timeline = Timeline(ROOM, ME, last=200)
    assert timeline.missing(1, 5) == [(1, 200)]
    timeline.fill(map(line, range(1, 51)))
    assert timeline.missing(1, 5) == [(51, 200)]
    timeline.failed(51, 200)
    assert timeline.missing(60, 61) == [(51, 200)]
    timeline.failed_all()
    assert timeline.missing(60, 61) == [(51, 200)]


def test_nothing_is_missing_outside_the_room() -> None:
    assert Timeline(ROOM, ME).missing(-5, 10) == []
    assert Timeline(ROOM, ME, last=3).missing(-5, 10) == [(1, 3)]


def test_a_gap_before_a_live_line_is_a_hole() -> None:
    timeline = filled(range(1, 11))
    timeline.append(line(15))
    assert timeline.last == 15
    assert timeline.missing(10, 15) == [(11, 14)]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"id":0,"user":"x"}', b'{"id":"7"}', b"\xff", b"[" * 5000])
def test_what_is_no_line_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Timeline(ROOM, ME).append(data)


def test_unsent_messages_stand_behind_the_lines_until_theirs_comes() -> None:
    timeline = filled(range(1, 4))
    timeline.put_unsent(Unsent("a", "d1", 1, "one"))
    timeline.put_unsent(Unsent("b", "d1", 2, "two"))
    assert timeline.end == 5
    assert timeline.unsent_at(3) is None
    assert [found.body for at in (4, 5) if (found := timeline.unsent_at(at))] == ["one", "two"]
    timeline.append(line(4, "one", user=ME, dev="d1", n=1))
    assert [message.key for message in timeline.unsent] == ["b"]
    timeline.fill([line(5, "two", user=ME, dev="d1", n=2)])
    assert timeline.end == timeline.last == 5


def test_the_line_of_somebody_else_takes_no_unsent_message_away() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.put_unsent(Unsent("a", "d1", 1, "one"))
    timeline.append(line(1, user=BOB, dev="d1", n=1))
    assert [message.key for message in timeline.unsent] == ["a"]


def test_a_message_that_fails_changes_where_it_stands_and_can_be_discarded() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.put_unsent(Unsent("a", "d1", 1, "one"))
    timeline.put_unsent(Unsent("b", "d1", 2, "two"))
    timeline.put_unsent(Unsent("a", "d1", 1, "one", failed=True, reason="too long"))
    assert [(message.key, message.failed) for message in timeline.unsent] == [("a", True), ("b", False)]
    timeline.drop_unsent("a")
    assert [message.key for message in timeline.unsent] == ["b"]


def test_news_of_a_message_whose_line_is_there_already_shows_it_no_second_time() -> None:
    timeline = Timeline(ROOM, ME)
    timeline.append(line(1, user=ME, dev="d1", n=7))
    timeline.put_unsent(Unsent("a", "d1", 7, "late"))
    assert timeline.unsent == ()


def test_a_message_that_comes_back_under_another_id_leaves_its_old_place() -> None:
    timeline = Timeline(ROOM, ME)
    for line_id in (1, 2, 3):
        timeline.append(line(line_id, f"m{line_id}", user=ME, dev="d1", n=line_id))
    generation = timeline.generation
    timeline.append(line(4, "m2", user=ME, dev="d1", n=2))
    assert timeline.line(2) is None
    assert (found := timeline.line(4)) is not None
    assert found.body == "m2"
    assert timeline.generation > generation


def test_a_reset_forgets_what_lies_behind_the_last_common_line() -> None:
    timeline = filled(range(1, 301))
    timeline.note(Notice(1, "hello"))
    timeline.new_after = 280
    timeline.reset(270)
    assert timeline.last == 270
    assert timeline.line(270) is not None
    assert timeline.line(271) is None
    assert mark(timeline) is None
    assert timeline.notices_after(300) == ()
    timeline.append(line(271, "other"))
    assert (found := timeline.line(271)) is not None
    assert found.body == "other"


def test_every_change_has_a_version_of_its_own() -> None:
    timeline = Timeline(ROOM, ME)
    seen = {timeline.version}
    timeline.append(line(1))
    seen.add(timeline.version)
    timeline.extend_to(5)
    seen.add(timeline.version)
    timeline.fill([line(3)])
    seen.add(timeline.version)
    timeline.note(Notice(1, "hello"))
    seen.add(timeline.version)
    timeline.new_after = 2
    seen.add(timeline.version)
    timeline.put_unsent(Unsent("a", "d", 1, ""))
    seen.add(timeline.version)
    timeline.drop_unsent("a")
    seen.add(timeline.version)
    assert len(seen) == 8
    timeline.fill([line(3)])
    timeline.extend_to(2)
    assert timeline.version in seen


def test_a_room_that_nobody_looks_at_keeps_little() -> None:
    timeline = filled(range(1, LAST + 1))
    timeline.trim()
    assert timeline.resident_chunks == 1
    assert timeline.line(LAST) is not None
