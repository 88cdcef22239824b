"""A room that was imported is like one that was written line by line."""

import json
from pathlib import Path

import pytest

from benchmarks.make_room import make_room
from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.accounts import Accounts
from chatroom_server.history import FolderError
from chatroom_server.history.bulk import import_room
from tests.server.history.harness import SMALL, Rig, draft


async def test_an_imported_room_reads_and_goes_on(tmp_path: Path) -> None:
    rests = [draft(f"{number}").rest for number in range(200)]
    assert import_room(tmp_path / "data", RoomId("general"), rests, settings=SMALL) == 200
    rig = await Rig.open(tmp_path / "data")
    lines = await rig.all_lines()
    assert [line.partition(b",")[2] for line in lines] == rests
    await rig.say("more")
    await rig.log.flush({}, {})
    await rig.log.close()
    again = await Rig.open(tmp_path / "data")
    assert len(await again.all_lines()) == 201
    await again.log.close()
    (index,) = (tmp_path / "data").glob("rooms/*/index.json")
    segments = json.loads(index.read_bytes())["segments"]
    assert len(segments) > 5
    assert all(each["sha256"] for each in segments[:-1])


async def test_a_room_with_lines_is_not_imported_over(tmp_path: Path) -> None:
    rig = await Rig.open(tmp_path / "data")
    await rig.say("one")
    await rig.die()
    with pytest.raises(FolderError, match="has lines already"):
        import_room(tmp_path / "data", RoomId("general"), [b'"body":""}'])
    again = await Rig.open(tmp_path / "data")
    assert len(await again.all_lines()) == 1
    await again.log.close()


def test_nothing_to_import(tmp_path: Path) -> None:
    assert import_room(tmp_path / "data", RoomId("general"), []) == 0


def test_a_made_room_has_accounts(tmp_path: Path) -> None:
    make_room(tmp_path / "one", RoomId("general"), messages=300, users=3)
    make_room(tmp_path / "two", RoomId("general"), messages=300, users=3)
    assert [path.read_bytes() for path in sorted(tmp_path.glob("one/rooms/*/*.jsonl"))] == [
        path.read_bytes() for path in sorted(tmp_path.glob("two/rooms/*/*.jsonl"))
    ]
    accounts = Accounts.from_json((tmp_path / "one" / "users.json").read_bytes())
    assert len(accounts.rooms[RoomId("general")].members) == 3
    assert accounts.last == MessageId(7)
