"""A whole room out of a folder, at rest or not."""

from pathlib import Path

import pytest

from chatroom.protocol.ids import RoomId
from chatroom_server.history import OsFiles
from chatroom_server.history.snapshot import snapshot
from chatroom_server.history.telling import all_lines, known_rooms
from tests.server.history.folders import Folder, room_files, tree


def told(folder: Path, room: str) -> list[bytes]:
    with snapshot(OsFiles(), folder) as taken:
        return list(all_lines(OsFiles(), folder, taken, RoomId(room)))


@pytest.mark.parametrize("end", ["", "close", "die"])
async def test_it_is_what_pages_say(tmp_path: Path, end: str) -> None:
    folder = await Folder.open(tmp_path)
    for _ in range(3):
        await folder.say(20)
        await folder.flush()
    await folder.say(5)
    await folder.say(2, "dev")
    pages = {room: await folder.rig.all_lines(room) for room in ("general", "dev")}
    if end:
        await getattr(folder, end)()
    before = tree(tmp_path)
    for room, lines in pages.items():
        assert told(tmp_path, room) == lines
    assert told(tmp_path, "empty") == []
    assert tree(tmp_path) == before
    await folder.die()


async def test_rooms_are_known_by_their_names(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path)
    await folder.say(1)
    await folder.store(folder.draft("x", "nameless"))
    with snapshot(OsFiles(), tmp_path) as taken:
        assert known_rooms(taken) == {
            "general": "General",
            "dev": "dev",
            "empty": "Empty",
            "nameless": "nameless",
        }
    await folder.close()


async def test_a_torn_tail_is_left_out(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path)
    await folder.say(3)
    await folder.store(folder.draft("torn"))
    await folder.die()
    last = max((tmp_path / "journal").iterdir())
    last.write_bytes(last.read_bytes()[:-2])
    assert len(told(tmp_path, "general")) == 3


async def test_a_missing_segment_is_left_out(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path)
    for _ in range(3):
        await folder.say(20)
        await folder.flush()
    await folder.close()
    room_files(tmp_path)[1].unlink()
    lines = told(tmp_path, "general")
    assert 0 < len(lines) < 60
    assert lines[0].startswith(b'{"id":1,')
    assert lines[-1].startswith(b'{"id":60,')
