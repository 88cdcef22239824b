"""Rounds and flushes of the embedded log: how many calls to the disk they make, and in which order."""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.inputs import Stored
from chatroom_server.core.ports import ACCOUNTS
from chatroom_server.history import LogSettings
from tests.server.history.harness import GENERAL, SMALL, Rig, draft
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/sim/data")


@pytest.fixture
def files() -> SimFiles:
    files = SimFiles()
    files.make_folder(FOLDER.parent)
    return files


def journal_calls(files: SimFiles, call: str) -> int:
    return sum(made == call and name.endswith(".journal") for made, name in files.calls)


async def test_what_comes_while_a_round_is_on_its_way_is_one_round(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    rig.give([draft("alone")])
    await asyncio.sleep(0)
    for index in range(1000):
        rig.give([draft(str(index), room=f"r{index % 100}")])
    await rig.answered()
    runs = [outcome.runs for outcome in rig.outcomes if isinstance(outcome, Stored)]
    assert [sum(len(run.lines) for run in round_) for round_ in runs] == [1, 1000]
    assert journal_calls(files, "write") == 2
    assert journal_calls(files, "sync") == 2
    await rig.log.close()


async def test_what_comes_in_one_turn_of_the_loop_is_one_round(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    for index in range(10):
        rig.give([draft(str(index))])
    await rig.answered()
    assert journal_calls(files, "sync") == 1
    await rig.log.close()


async def test_without_fsync_rounds_do_not_sync(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, fsync=False)
    await rig.say("a", "b")
    await rig.say("c")
    assert journal_calls(files, "sync") == 0
    await rig.log.close()
    again = await Rig.open(FOLDER, files)
    assert len(await again.all_lines()) == 3
    await again.log.close()


async def test_a_power_cut_without_fsync_gives_another_epoch(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, fsync=False)
    await rig.say("a")
    await rig.die()
    killed = await Rig.open(FOLDER, files.killed(), fsync=False)
    assert killed.log.epoch == rig.log.epoch
    await killed.die()
    cut = await Rig.open(FOLDER, files.power_cut(random.Random(1)))
    assert cut.log.epoch != rig.log.epoch
    assert "without fsync" in cut.recovery.notes[0]
    await cut.log.close()


async def test_nothing_is_written_to_rooms_between_flushes(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, LogSettings())
    flushes = 7
    for part in range(flushes):
        for index in range(10_000 // flushes // 100):
            await rig.say(*(f"{part} {index} {each}" for each in range(100)))
        await rig.log.flush({}, {})
    await rig.log.close()
    writes = sum(call == "write" and name.endswith(".jsonl") for call, name in files.calls)
    assert writes <= flushes + 2


async def test_a_flush_of_nothing_touches_nothing(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    await rig.say("a")
    await rig.log.flush({"users.json": b"[]"}, {})
    calls = len(files.calls)
    await rig.log.flush({}, {})
    assert len(files.calls) == calls
    await rig.log.close()


async def test_room_files_are_the_very_lines(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    for index in range(40):
        await rig.say(f"é {index}", f"ü {index}")
        if index % 7 == 0:
            await rig.log.flush({}, {})
    await rig.log.close()
    lines = [line.line for line in rig.stored()]
    (folder,) = files.names(FOLDER / "rooms")
    names = sorted(name for name in files.names(FOLDER / "rooms" / folder) if name.endswith(".jsonl"))
    assert len(names) > 2
    content = b"".join(bytes(files.file(FOLDER / "rooms" / folder / name).data) for name in names)
    assert content == b"".join(line + b"\n" for line in lines)
    assert [json.loads(line)["id"] for line in content.splitlines()] == list(range(1, 81))


async def test_many_dirty_rooms_are_not_synced_one_by_one(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, replace(SMALL, few_rooms=4, journal_segment=1 << 20))
    for _ in range(5):
        for index in range(50):
            rig.give([draft("x", room=f"r{index}")])
        await rig.answered()
        await rig.log.flush({"users.json": b"[]"}, {})
    assert files.counts()["sync", "0000000001.jsonl"] == 0
    await rig.log.flush({}, {})
    assert files.counts()["sync", "0000000001.jsonl"] == 50, "when nothing else is to do, they are"
    await rig.log.close()


async def test_they_are_synced_when_a_segment_of_the_journal_can_go(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, replace(SMALL, few_rooms=0))
    while journal_calls(files, "open") < 3:
        await rig.say("some text", "some more", room="a")
        await rig.log.flush({}, {})
    assert len(files.names(FOLDER / "journal")) <= 2
    await rig.log.close()


async def test_the_journal_does_not_grow_for_ever(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    for index in range(60):
        await rig.say(*("w" * 30 for _ in range(5)), room=f"r{index % 3}")
        await rig.log.flush({}, {})
        assert len(files.names(FOLDER / "journal")) <= 2
    await rig.log.close()


async def test_lines_leave_memory_when_they_are_durable_in_their_files(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    await rig.say("a", "b")
    assert len(rig.log._rooms[GENERAL].tail) == 2
    await rig.log.flush({}, {})
    assert rig.log._rooms[GENERAL].tail == []
    assert len(await rig.all_lines()) == 2
    await rig.log.close()


async def test_a_flush_that_was_cancelled_comes_to_its_end(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    await rig.say("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await rig.log.flush({"users.json": b"[1]"}, {"devices.jsonl": b"1\n"})
    await rig.say("b")
    await rig.log.flush({}, {"devices.jsonl": b"2\n"})
    assert len(await rig.all_lines()) == 2
    await rig.log.close()
    again = await Rig.open(FOLDER, files)
    assert again.recovery.projections == {"users.json": b"[1]", "devices.jsonl": b"1\n2\n"}
    await again.log.close()


async def test_flushes_at_once_follow_one_another(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    await rig.say("a")
    await asyncio.gather(*(rig.log.flush({}, {"devices.jsonl": b"%d\n" % index}) for index in range(5)))
    await rig.log.close()
    again = await Rig.open(FOLDER, files)
    assert again.recovery.projections == {"devices.jsonl": b"0\n1\n2\n3\n4\n"}
    await again.log.close()


async def test_projections_are_of_the_moment_of_the_call(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    await rig.say("one", room=ACCOUNTS)
    first = asyncio.gather(rig.log.flush({"users.json": b"[1]"}, {}))
    await rig.say("two", room=ACCOUNTS)
    await first
    await rig.die()
    again = await Rig.open(FOLDER, files)
    assert again.recovery.projections == {"users.json": b"[1]"}
    assert [number for _, number, _ in again.recovery.lines] == [2]
    assert again.log.last_id(ACCOUNTS) == 2
    await again.log.close()


async def test_the_account_log_goes_on_counting_after_a_start(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    await rig.say("one", "two", room=ACCOUNTS)
    await rig.log.flush({"users.json": b"[]"}, {})
    await rig.log.close()
    again = await Rig.open(FOLDER, files)
    await again.say("three", room=ACCOUNTS)
    assert [line.id for line in again.stored()] == [3]
    assert again.recovery.lines == []
    assert again.log.rooms() == {}
    await again.log.close()


async def test_a_projection_may_be_replaced_and_added_to_in_turn(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    expected = b""
    for index in range(12):
        await rig.say(str(index))
        if index % 4 == 3:
            expected = b"whole\n"
            await rig.log.flush({"devices.jsonl": expected}, {})
        else:
            expected += b"%d\n" % index
            await rig.log.flush({}, {"devices.jsonl": b"%d\n" % index})
        assert bytes(files.file(FOLDER / "devices.jsonl").data) == expected
    await rig.log.close()


async def test_two_rooms_never_share_a_folder(files: SimFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "chatroom_server.history.flusher.folder_name",
        lambda room, digits=8: f"same-{digits if digits < 24 else room}",
    )
    rig = await Rig.open(FOLDER, files)
    for room in ("a", "b", "c"):
        await rig.say(room, room=room)
        await rig.log.flush({}, {})
    assert sorted(files.names(FOLDER / "rooms")) == ["same-16", "same-8", "same-c"]
    await rig.log.close()
    again = await Rig.open(FOLDER, files)
    for room in ("a", "b", "c"):
        assert await again.all_lines(room) == [b'{"id":1,%b' % draft(room, room).rest]
    await again.log.close()


async def test_a_callback_that_fails_does_not_stop_the_log(
    files: SimFiles, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await Rig.open(FOLDER, files)
    monkeypatch.setattr(rig.log, "_on_outcome", lambda outcome: 1 / 0)
    rig.log.append([draft("a")])
    await rig.log.drain()
    assert rig.log.last_id(GENERAL) == 1
    assert "what listens to the log failed" in caplog.text
    await rig.log.close()


async def test_start_up_reads_what_lies_behind_the_last_flush_and_no_more(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, replace(SMALL, few_rooms=1000))
    for index in range(300):
        rig.give([draft("x" * 100, room=f"r{index % 100}") for _ in range(20)])
    await rig.answered()
    await rig.log.flush({"users.json": b"[]"}, {})
    await rig.log.close()
    again = SimFiles()
    again.root = files.root
    await (await Rig.open(FOLDER, again)).log.close()
    assert len(again.calls) < 40
    assert not any(name.endswith(".jsonl") for _, name in again.calls)


async def test_the_newest_page_reads_one_file_however_many_there_are(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files, replace(SMALL, room_segment=2000))
    for _ in range(100):
        await rig.say(*("x" * 50 for _ in range(10)))
        await rig.log.flush({}, {})
    assert (await rig.log.page(GENERAL, after=None, before=None, limit=5, max_bytes=1000)).last == 1000
    calls = len(files.calls)
    page = await rig.log.page(GENERAL, after=None, before=MessageId(500), limit=5, max_bytes=1000)
    assert (page.first, page.last) == (495, 499)
    assert len(files.calls) - calls < 10
    await rig.log.close()


async def test_pages_during_flushes_and_rounds_are_whole(files: SimFiles) -> None:
    rig = await Rig.open(FOLDER, files)
    room = RoomId("general")

    async def talk() -> None:
        for index in range(60):
            await rig.say(*(f"{index}" + "x" * 30 for _ in range(5)))
            if index % 3 == 0:
                await rig.log.flush({}, {})

    async with asyncio.TaskGroup() as group:
        talking = group.create_task(talk())
        while not talking.done():
            await asyncio.sleep(0)
            last = rig.log.last_id(room)
            page = await rig.log.page(room, after=MessageId(0), before=None, limit=1000, max_bytes=1 << 20)
            assert page.last >= last
            assert [json.loads(line)["id"] for line in page.lines] == list(range(1, page.last + 1))
    await rig.log.close()
