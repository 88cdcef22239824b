"""The files of a room: names that nobody can abuse, segments, and an index that can be lost."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.history.checkpoint import RoomFile
from chatroom_server.history.rooms import RoomStore, folder_name
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/rooms")
ROOM = RoomId("general")


@pytest.fixture
def files() -> SimFiles:
    files = SimFiles()
    files.make_folder(FOLDER)
    return files


@pytest.fixture
def store(files: SimFiles) -> RoomStore:
    return RoomStore(files, FOLDER, epoch=Epoch("e"), segment_bytes=100)


@pytest.mark.parametrize(
    ("room", "slug"),
    [
        ("general", "general"),
        ("café du coin", "cafe-du-coin"),
        ("../../etc/passwd", "etc-passwd"),
        ("部屋", "room"),
        ("=k3jf7a2mq4x7", "k3jf7a2mq4x7"),
        ("con", "con"),
        ("x" * 300, "x" * 40),
    ],
)
def test_folders_can_be_read(room: str, slug: str) -> None:
    digest = hashlib.sha256(room.encode()).hexdigest()[:8]
    assert folder_name(RoomId(room)) == f"{slug}-{digest}"


@given(st.text(min_size=1), st.sampled_from([8, 16, 64]))
def test_no_name_leads_anywhere(room: str, digits: int) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?-[0-9a-f]+", folder_name(RoomId(room), digits))


def _fill(store: RoomStore, count: int) -> RoomFile:
    """Lines in synced groups of two."""
    file, durable = RoomFile("general-x"), None
    for first in range(1, count + 1, 2):
        lines = [b'{"id":%d,"body":"%b"}' % (number, b"y" * 20) for number in (first, first + 1)]
        file = durable = store.sync(ROOM, store.append(file, lines), durable)
    return file


def test_long_segments_are_sealed_with_their_checksum(store: RoomStore, files: SimFiles) -> None:
    file = _fill(store, 10)
    index = json.loads(files.file(FOLDER / "general-x" / "index.json").data)
    assert (index["room"], index["epoch"]) == ("general", "e")
    *sealed, active = index["segments"]
    assert [(each["first"], each["last"]) for each in sealed] == [(1, 4), (5, 8)]
    assert active == {"file": "0000000009.jsonl", "first": 9}
    for each in sealed:
        content = bytes(files.file(FOLDER / "general-x" / each["file"]).data)
        assert (each["size"], each["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (file.first, file.last) == (9, 10)


@pytest.mark.parametrize(
    "index", [None, b"", b"{}", b'{"room":"general","epoch":"e","segments":[]}', b"\xff"]
)
def test_an_index_that_is_lost_is_made_again(store: RoomStore, files: SimFiles, index: bytes | None) -> None:
    file = _fill(store, 10)
    expected = store.sealed(file)
    path = FOLDER / "general-x" / "index.json"
    if index is None:
        files.unlink(path)
    else:
        files.file(path).data[:] = index
    assert store.sealed(file) == expected
    assert [segment.last for segment in expected] == [4, 8]


def test_a_segment_that_refused_is_left_behind(store: RoomStore) -> None:
    durable = store.sync(ROOM, store.append(RoomFile("general-x"), [b'{"id":1}', b'{"id":2}']), None)
    store.append(durable, [b'{"id":3}'])
    fresh = store.restart(ROOM, durable)
    assert (fresh.first, fresh.last, fresh.size) == (3, 2, 0)
    after = store.append(fresh, [b'{"id":3,"again":1}'])
    assert [(each.first, each.last, each.size) for each in store.sealed(after)] == [(1, 2, 18)]


def test_a_new_segment_that_refused_is_made_anew(store: RoomStore, files: SimFiles) -> None:
    file = RoomFile("general-x", MessageId(1))
    store.append(file, [b'{"id":1}'])
    before = files.file(store.path(file))
    assert store.restart(ROOM, file) == file
    store.append(file, [b'{"id":1}'])
    assert files.file(store.path(file)) is not before
