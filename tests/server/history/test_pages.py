"""Pages agree with a list, whatever the lines, the segments and the question."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.protocol.ids import MessageId
from chatroom_server.history.errors import ReadError
from chatroom_server.history.files import Mode, write_at
from chatroom_server.history.pages import Budget, read_backward, read_forward
from chatroom_server.history.rooms import Segment, segment_name
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/room")


def _room(sizes: list[int], cuts: set[int]) -> tuple[SimFiles, list[Segment], list[bytes]]:
    """A room whose bodies have these sizes, and whose segments end behind the lines of `cuts`."""
    files = SimFiles()
    files.make_folder(FOLDER)
    lines = [b'{"id":%d,"body":"%b"}' % (number, b"x" * size) for number, size in enumerate(sizes, 1)]
    segments: list[Segment] = []
    first = 1
    for last in sorted({*(cut for cut in cuts if 0 < cut < len(lines)), len(lines)}):
        content = b"".join(line + b"\n" for line in lines[first - 1 : last])
        fd = files.open(FOLDER / segment_name(MessageId(first)), Mode.WRITE | Mode.NEW)
        write_at(files, fd, content + b"not yet counted\n", 0)
        segments.append(
            Segment(segment_name(MessageId(first)), MessageId(first), MessageId(last), len(content))
        )
        first = last + 1
    return files, segments, lines


def _fitting(lines: list[bytes], max_bytes: int) -> list[bytes]:
    taken: list[bytes] = []
    for line in lines:
        if taken and sum(map(len, taken)) + len(line) > max_bytes:
            break
        taken.append(line)
    return taken


SIZES = st.lists(st.sampled_from([0, 1, 30, 100, 5000, 20_000, 70_000]), min_size=1, max_size=120)


@settings(max_examples=120, deadline=None)
@given(SIZES, st.sets(st.integers(1, 120), max_size=4), st.data())
def test_pages_agree_with_a_list(sizes: list[int], cuts: set[int], data: st.DataObject) -> None:
    files, segments, lines = _room(sizes, cuts)
    first = data.draw(st.integers(1, len(lines)))
    last = data.draw(st.integers(first, len(lines)))
    max_bytes = data.draw(st.sampled_from([1, 100, 3000, 100_000, 1 << 30]))
    wanted = lines[first - 1 : last]
    forward = read_forward(files, FOLDER, segments, first, last, Budget(max_bytes))
    assert forward == _fitting(wanted, max_bytes)
    backward = read_backward(files, FOLDER, segments, first, last, Budget(max_bytes))
    assert backward[::-1] == _fitting(wanted[::-1], max_bytes)


def _calls(count: int, first: int, last: int) -> int:
    files, segments, lines = _room([60 + (number * 7919) % 100 for number in range(count)], set())
    before = len(files.calls)
    assert read_backward(files, FOLDER, segments, first, last, Budget(1 << 20)) == lines[first - 1 : last]
    return len(files.calls) - before


def test_the_cost_of_a_page_does_not_grow_with_the_room() -> None:
    assert _calls(1_000, 951, 1_000) == _calls(40_000, 39_951, 40_000)
    assert _calls(40_000, 20_001, 20_050) <= 40


@pytest.mark.parametrize("damage", [b"", b"\0" * 30_000])
def test_damage_is_said_and_not_shown(damage: bytes) -> None:
    files, segments, _ = _room([100] * 300, set())
    inode = files.file(FOLDER / segments[0].file)
    if damage:
        inode.data[1000 : 1000 + len(damage)] = damage
    else:
        del inode.data[1000:]
    for read in (read_forward, read_backward):
        with pytest.raises(ReadError, match=r"0000000001\.jsonl is damaged"):
            read(files, FOLDER, segments, 1, 300, Budget(1 << 20))
        with pytest.raises(ReadError, match=r"0000000001\.jsonl is damaged"):
            read(files, FOLDER, segments, 100, 110, Budget(1 << 20))


@pytest.mark.parametrize("gone", [0, 1, 2])
@pytest.mark.parametrize("max_bytes", [300, 1 << 20])
def test_lines_of_one_segment_never_pass_for_those_of_a_missing_one(gone: int, max_bytes: int) -> None:
    files, segments, lines = _room([100] * 30, {10, 20})
    lost = segments.pop(gone)
    for first, last in ((1, 30), (lost.first, 30), (1, lost.last), (lost.first, lost.last)):
        for read in (read_forward, read_backward):
            taken: list[bytes] = []
            with contextlib.suppress(ReadError):
                taken = read(files, FOLDER, segments, first, last, Budget(max_bytes))
            wanted = lines[first - 1 : last]
            part = wanted[: len(taken)] if read is read_forward else wanted[len(wanted) - len(taken) :]
            assert taken == part
    with pytest.raises(ReadError, match=f"/room lacks line {lost.first}; put it back"):
        read_forward(files, FOLDER, segments, lost.first, 30, Budget(max_bytes))
    with pytest.raises(ReadError, match=f"/room lacks line {lost.last}; put it back"):
        read_backward(files, FOLDER, segments, 1, lost.last, Budget(max_bytes))


def test_a_hole_in_a_line_is_damage() -> None:
    """What a write that was lost leaves in a file: nothing but zeros."""
    files, segments, _ = _room([100] * 30, set())
    files.file(FOLDER / segments[0].file).data[60:70] = bytes(10)
    for read in (read_forward, read_backward):
        with pytest.raises(ReadError, match="is damaged at line 1"):
            read(files, FOLDER, segments, 1, 30, Budget(1 << 20))
