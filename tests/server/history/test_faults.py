"""A disk that refuses: the log says so, serves readers, harms nothing, and recovers when the disk does."""

import asyncio
import contextlib
import errno
import itertools
import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.history import NotWritableError
from tests.server.history.harness import GENERAL, SMALL, Rig, draft
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/sim/data")


def disk() -> SimFiles:
    files = SimFiles()
    files.make_folder(FOLDER.parent)
    files.sync_folder(Path("/"))
    return files


def failing_once(files: SimFiles, at: int, number: int = errno.EIO) -> None:
    """Let the call of this number, counted from now, fail, and no other."""
    goal = len(files.calls) + at
    files.fail = lambda call, name: number if len(files.calls) == goal else None


def failing_on(files: SimFiles, call: str, suffix: str, number: int = errno.EIO) -> None:
    """Let each such call on such a file fail."""
    files.fail = lambda made, name: number if made == call and name.endswith(suffix) else None


def healed(files: SimFiles) -> None:
    """Let nothing fail any more."""
    files.fail = lambda call, name: None


async def check(rig: Rig, said: list[bytes], after: SimFiles) -> None:
    """What was stored, and nothing that was refused in between, is there: now, and for the next server."""
    lines = [line.line for line in rig.stored() if line.room == GENERAL]
    assert await rig.all_lines() == lines
    assert [line.partition(b",")[2] for line in lines] == said
    await rig.log.flush({"users.json": b"[%d]" % len(lines)}, {})
    await rig.log.close()
    again = await Rig.open(FOLDER, after)
    assert await again.all_lines() == lines
    assert again.recovery.projections["users.json"] == b"[%d]" % len(lines)
    assert again.recovery.lines == []
    await again.log.close()


async def _busy(rig: Rig) -> list[bytes]:
    """Talk and flush; returns what was stored of it."""
    for index in range(12):
        rig.give([draft(f"{index}.{part}" + "y" * 40) for part in range(3)])
        await rig.answered()
        if index % 3 == 2:
            await rig.log.flush({"users.json": b"[%d]" % index}, {"devices.jsonl": b"%d\n" % index})
    return [line.line.partition(b",")[2] for line in rig.stored()]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
async def test_any_one_call_may_fail(number: int) -> None:
    k = 0
    while True:
        k += 1
        files = disk()
        rig = await Rig.open(FOLDER, files)
        failing_once(files, k, number)
        count = len(files.calls)
        said = await _busy(rig)
        reached = len(files.calls) - count
        healed(files)
        assert all(refused.reason in ("disk-full", "disk-error") for refused in rig.refused())
        assert len(said) >= 33
        await check(rig, said, files)
        after = await Rig.open(FOLDER, files)
        assert after.recovery.projections["devices.jsonl"] == b"2\n5\n8\n11\n"
        await after.log.close()
        if reached < k:
            return


async def test_any_one_call_may_fail_and_the_power_too() -> None:
    for seed in range(120):
        rng = random.Random(seed)
        files = disk()
        rig = await Rig.open(FOLDER, files)
        failing_once(files, rng.randint(1, 120))
        await _busy(rig)
        stored = {line.id: line.line for line in rig.stored()}
        await rig.die()
        again = await Rig.open(FOLDER, files.power_cut(rng))
        lines = await again.all_lines()
        assert {number: lines[number - 1] for number in stored} == stored
        assert len({line.partition(b",")[2] for line in lines}) == len(lines)
        await again.log.close()


async def _open_at_second_try(files: SimFiles) -> Rig:
    with contextlib.suppress(NotWritableError):
        return await Rig.open(FOLDER, files)
    healed(files)
    return await Rig.open(FOLDER, files)


async def test_opening_says_what_any_failing_call_means() -> None:
    prepared = disk()
    rig = await Rig.open(FOLDER, prepared)
    await rig.say("one", "two")
    await rig.log.flush({"users.json": b"[]"}, {})
    await rig.say("three")
    await rig.die()
    for k in range(1, 200):
        files = prepared.killed()
        failing_once(files, k)
        again = await _open_at_second_try(files)
        reached = len(files.calls)
        healed(files)
        assert len(await again.all_lines()) == 3
        await again.die()
        if reached < k:
            return
    pytest.fail("opening made too many calls")


async def test_a_full_disk_refuses_writers_and_serves_readers() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("before")
    files.free = 60
    await rig.say("a" * 100)
    await rig.say("b" * 100)
    assert [(len(refused.drafts), refused.reason) for refused in rig.refused()] == [(1, "disk-full")] * 2
    assert len(await rig.all_lines()) == 1
    await rig.log.flush({"users.json": b"x" * 200}, {})
    assert len(await rig.all_lines()) == 1
    files.free = 1 << 30
    await rig.say("after")
    assert [line.id for line in rig.stored()] == [1, 2]
    await check(rig, [draft("before").rest, draft("after").rest], files)


async def test_an_opening_on_a_full_disk_says_so() -> None:
    files = disk()
    files.free = 20
    with pytest.raises(NotWritableError, match="no space left"):
        await Rig.open(FOLDER, files)


async def test_small_bites_change_nothing() -> None:
    files = disk()
    files.bite = 7
    rig = await Rig.open(FOLDER, files)
    said = await _busy(rig)
    assert len(said) == 36
    await check(rig, said, files)


async def test_after_a_failed_sync_the_file_gets_nothing_any_more() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("one")
    failing_on(files, "sync", "0000000001.journal")
    await rig.say("two")
    healed(files)
    await rig.say("three")
    assert [line.id for line in rig.stored()] == [1, 2, 3]
    writes = [name for call, name in files.calls if call == "write" and name.endswith(".journal")]
    assert writes == ["0000000001.journal"] * 2 + ["0000000002.journal"] * 2
    await rig.die()
    again = await Rig.open(FOLDER, files.power_cut(random.Random(1)))
    assert len(await again.all_lines()) == 3
    assert again.recovery.notes == []
    await again.log.close()


async def test_a_file_that_refused_to_sync_stays_untrusted_after_a_refused_round() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("one")
    failing_on(files, "sync", ".journal")
    await rig.say("refused")
    healed(files)
    await rig.say("two")
    writes = [name for call, name in files.calls if call == "write" and name.endswith(".journal")]
    assert writes[-1] != "0000000001.journal"
    await rig.die()
    again = await Rig.open(FOLDER, files.power_cut(random.Random(1)))
    lines = await again.all_lines()
    assert [line.partition(b",")[2] for line in lines] == [draft("one").rest, draft("two").rest]
    await again.log.close()


def _second(made: "itertools.count[int]", call: str, name: str) -> Callable[[str, str], int | None]:
    """The second of such calls fails."""
    return lambda *now: errno.EIO if now == (call, name) and next(made) == 1 else None


@pytest.mark.parametrize("at", range(1, 7))
async def test_a_checkpoint_that_may_be_on_the_disk_keeps_its_files(at: int) -> None:
    for seed in range(8):
        files = disk()
        rig = await Rig.open(FOLDER, files)
        await rig.say("one")
        await rig.log.flush({}, {"devices.jsonl": b"1\n"})
        await rig.say("two")
        files.fail = _second(itertools.count(), "sync_folder", "data")
        await rig.log.flush({}, {"devices.jsonl": b"2222222222\n"})
        healed(files)
        files.dies_at = len(files.calls) + at
        await rig.log.flush({}, {"devices.jsonl": b"3\n"})
        await rig.die()
        again = await Rig.open(FOLDER, files.power_cut(random.Random(seed)))
        added = again.recovery.projections["devices.jsonl"]
        assert added in (b"1\n", b"1\n2222222222\n", b"1\n2222222222\n3\n")
        assert [number for _, number, _ in again.recovery.lines] == ([2] if added == b"1\n" else [])
        await again.log.close()


async def test_segments_that_no_checkpoint_knows_go_away() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("one")
    await rig.log.flush({}, {})
    failing_on(files, "sync", "checkpoint.json.tmp")
    for _ in range(3):
        await rig.say("x" * 1200)
        await rig.log.flush({}, {})
    folder = _file_of(files, "general").parent
    assert len(files.names(folder)) == 4
    await rig.die()
    after = files.killed()
    again = await Rig.open(FOLDER, after)
    await again.say("y")
    await again.log.flush({}, {})
    assert len(await again.all_lines()) == 5
    index = json.loads(after.file(folder / "index.json").data)
    listed = [segment["file"] for segment in index["segments"]]
    assert sorted(name for name in after.names(folder) if name.endswith(".jsonl")) == listed[:-1]
    await again.log.close()


async def test_refused_lines_do_not_come_back() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("one")
    failing_on(files, "sync", ".journal")
    await rig.say("never")
    assert [type(outcome) for outcome in rig.outcomes] == [Stored, Refused]
    healed(files)
    await rig.die()
    again = await Rig.open(FOLDER, files.killed())
    assert [line.partition(b",")[2] for line in await again.all_lines()] == [draft("one").rest]
    await again.log.close()


async def test_refused_numbers_are_given_again() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    failing_on(files, "write", ".journal")
    await rig.say("a", "b")
    healed(files)
    await rig.say("c")
    assert [(line.id, line.line.partition(b",")[2]) for line in rig.stored()] == [(1, draft("c").rest)]
    await rig.log.close()


async def test_what_waits_behind_a_refused_round_does_not_pass_it() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    begun, ends = threading.Event(), threading.Event()

    def fail_late(_call: str, _name: str) -> int:
        begun.set()
        ends.wait(10)
        return errno.EIO

    files.fail = fail_late
    rig.give([draft("a")])
    assert await asyncio.to_thread(begun.wait, 10)
    rig.give([draft("b")])
    healed(files)
    ends.set()
    await rig.answered()
    assert rig.stored() == []
    await rig.say("a", "b")
    assert [line.line.partition(b",")[2] for line in rig.stored()] == [draft("a").rest, draft("b").rest]
    await rig.log.close()


async def test_what_a_flush_could_not_write_comes_with_the_next() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("one")
    failing_on(files, "sync", "checkpoint.json.tmp")
    await rig.log.flush({"users.json": b"[1]"}, {"devices.jsonl": b"1\n"})
    await rig.log.flush({}, {"devices.jsonl": b"2\n"})
    await rig.log.flush({"users.json": b"[3]"}, {})
    healed(files)
    await rig.log.flush({}, {"devices.jsonl": b"4\n"})
    await rig.die()
    again = await Rig.open(FOLDER, files.power_cut(random.Random(2)))
    assert again.recovery.projections == {"users.json": b"[3]", "devices.jsonl": b"1\n2\n4\n"}
    await again.log.close()


def _file_of(files: SimFiles, room: str) -> Path:
    folder = next(name for name in files.names(FOLDER / "rooms") if name.startswith(f"{room}-"))
    return FOLDER / "rooms" / folder / "0000000001.jsonl"


def _bad_room(files: SimFiles) -> Callable[[str, str], int | None]:
    """The first write to a room fails: rooms are written in the order in which they had lines."""
    count = len(files.calls)

    def fail(call: str, name: str) -> int | None:
        fails = (
            call == "write"
            and name.endswith(".jsonl")
            and not any(made == "write" and on.endswith(".jsonl") for made, on in files.calls[count:-1])
        )
        return errno.EIO if fails else None

    return fail


async def test_rooms_that_cannot_be_written_do_not_hold_up_others() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    bad = RoomId("bad")
    await rig.say("x", room="bad")
    await rig.say("y")
    await rig.log.flush({}, {})
    size = len(files.file(_file_of(files, "general")).data)
    files.fail = _bad_room(files)
    await rig.say("z", room="bad")
    await rig.say("z")
    await rig.log.flush({}, {})
    healed(files)
    assert len(files.file(_file_of(files, "general")).data) > size
    assert (await rig.log.page(bad, after=MessageId(1), before=None, limit=9, max_bytes=999)).last == 2
    await rig.log.flush({}, {})
    await rig.die()
    again = await Rig.open(FOLDER, files.power_cut(random.Random(3)))
    assert len(await again.all_lines("bad")) == 2
    await again.log.close()


async def test_readers_hear_of_a_disk_that_gives_nothing() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files)
    await rig.say("one")
    await rig.log.flush({}, {})
    failing_on(files, "read", ".jsonl")
    with pytest.raises(OSError, match="made to fail"):
        await rig.all_lines()
    healed(files)
    assert len(await rig.all_lines()) == 1
    await rig.log.close()


async def test_too_much_that_waits_for_its_flush_is_refused() -> None:
    files = disk()
    rig = await Rig.open(FOLDER, files, replace(SMALL, flush_due=300, waiting_max=1000))
    files.fail = lambda call, name: errno.ENOSPC if name.endswith(".jsonl") else None
    await rig.log.flush({}, {})
    for _ in range(12):
        await rig.say("w" * 100)
        await rig.log.flush({}, {})
    assert {refused.reason for refused in rig.refused()} == {"disk-full"}
    assert rig.due == 1
    was_due = rig.log.flush_due
    healed(files)
    await rig.log.flush({}, {})
    assert (was_due, rig.log.flush_due) == (True, False)
    await rig.say("again")
    assert len(await rig.all_lines()) == len(rig.stored())
    assert isinstance(rig.outcomes[-1], Stored)
    await rig.log.close()


async def test_a_disk_is_behind_when_more_waits_than_a_flush_was_asked_for() -> None:
    """A flush that runs as asked holds nobody up."""
    files = disk()
    rig = await Rig.open(FOLDER, files, replace(SMALL, flush_due=300, slow_at=600, waiting_max=1500))
    seen: list[tuple[bool, bool]] = []
    for _ in range(20):
        await rig.say("w" * 50)
        seen.append((rig.log.flush_due, rig.log.is_behind))
    assert list(dict.fromkeys(seen)) == [(False, False), (True, False), (True, True)]
    await rig.log.flush({}, {})
    assert (rig.log.flush_due, rig.log.is_behind) == (False, False)
    await rig.log.close()
