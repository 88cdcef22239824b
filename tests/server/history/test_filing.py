"""What waits for its room files is counted to the byte, whether it comes by lines or by runs."""

import asyncio
from pathlib import Path

import pytest

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.history import checkpoint, rooms
from chatroom_server.history.checkpoint import Checkpoint
from chatroom_server.history.files import read_file
from chatroom_server.history.filing import Filing
from chatroom_server.history.flusher import Flusher
from chatroom_server.history.records import Position
from chatroom_server.history.rooms import RoomStore
from chatroom_server.history.state import RoomState
from chatroom_server.history.worker import Worker
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/data")
ONE, OTHER = RoomId("one"), RoomId("other")
START = Position(1, 0, 1)
Run = tuple[RoomId, list[bytes]]


class Desk:
    """A filing on a disk of its own, and the rooms that it knows."""

    def __init__(self, *, few_rooms: int = 16) -> None:
        self.files = SimFiles()
        self.files.make_folder(FOLDER)
        store = RoomStore(self.files, FOLDER / rooms.FOLDER, epoch=Epoch("e"), segment_bytes=300)
        current = Checkpoint(Epoch("e"), 1, START, START)
        checkpoint.save(self.files, FOLDER, current)
        flusher = Flusher(self.files, FOLDER, store, current, few_rooms=few_rooms, unsynced_bytes=1 << 20)
        self.rooms = {room: RoomState(b"") for room in (ONE, OTHER)}
        self.filing = Filing(
            flusher,
            self.rooms,
            yielded=START,
            accounts=MessageId(0),
            loop=asyncio.get_running_loop(),
            start_jobs=Worker,
        )

    def take(self, runs: list[Run], *, singly: bool = False) -> None:
        for room, lines in runs:
            if not singly:
                self.filing.add(room, self.rooms[room], lines)
            else:
                for line in lines:
                    self.filing.add(room, self.rooms[room], [line])

    def waiting(self) -> int:
        return sum(len(line) for state in self.rooms.values() for line in state.unfiled())

    def content(self, room: RoomId) -> bytes:
        folder = FOLDER / rooms.FOLDER / rooms.folder_name(room)
        segments = sorted(name for name in self.files.names(folder) if name.endswith(".jsonl"))
        return b"".join(read_file(self.files, folder / name) for name in segments)


def run(room: RoomId, first: int, count: int) -> Run:
    return room, [b'{"id":%d,"body":"%b"}' % (id_, b"x" * id_) for id_ in range(first, first + count)]


RUNS = [run(ONE, 1, 3), run(OTHER, 1, 1), run(ONE, 4, 20), run(OTHER, 2, 2)]


@pytest.mark.parametrize("few_rooms", [0, 16], ids=["durable-later", "durable-at-once"])
async def test_what_comes_by_runs_is_filed_as_what_comes_by_lines(few_rooms: int) -> None:
    by_runs, by_lines = Desk(few_rooms=few_rooms), Desk(few_rooms=few_rooms)
    for at, each in enumerate(RUNS):
        by_runs.take([each])
        by_lines.take([each], singly=True)
        assert by_runs.filing.unfiled == by_lines.filing.unfiled == by_runs.waiting() > 0
        if at % 2:
            await by_runs.filing.flush()
            await by_lines.filing.flush()
            assert by_runs.filing.unfiled == by_lines.filing.unfiled == by_runs.waiting() == 0
    for room in (ONE, OTHER):
        whole = b"".join(line + b"\n" for name, lines in RUNS if name == room for line in lines)
        assert by_runs.content(room) == by_lines.content(room) == whole
        assert by_runs.rooms[room].tail == by_lines.rooms[room].tail
        assert not by_runs.rooms[room].is_unfiled()
    by_runs.filing.stop()
    by_lines.filing.stop()


async def test_what_comes_during_a_flush_waits_for_the_next() -> None:
    desk = Desk()
    desk.take(RUNS[:1])

    async def go_on() -> None:
        desk.take(RUNS[2:3])

    await asyncio.gather(desk.filing.flush(), go_on())
    assert desk.filing.unfiled == desk.waiting() == sum(map(len, RUNS[2][1]))
    assert (desk.rooms[ONE].is_unfiled(), desk.rooms[OTHER].is_unfiled()) == (True, False)
    await desk.filing.flush()
    assert desk.filing.unfiled == 0
    desk.filing.stop()
