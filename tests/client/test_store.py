"""What is kept of a server: drafts, markers, rooms and recent lines, within bounds."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatroom.client.errors import ProfileError
from chatroom.client.profile import Profile
from chatroom.client.store import Store
from chatroom.protocol.frames import RoomInfo
from chatroom.protocol.ids import Epoch, MessageId, RoomId

GENERAL, DEV = RoomId("general"), RoomId("dev")


def _lines(room: RoomId, first: int, last: int, size: int = 10) -> list[tuple[RoomId, MessageId, bytes]]:
    return [(room, MessageId(n), f"{n}".encode().ljust(size)) for n in range(first, last + 1)]


def test_drafts_and_markers_are_there_again(profile: Profile) -> None:
    store = profile.open_store(b"k" * 32)
    store.save_draft(GENERAL, "half a sen")
    store.save_draft(DEV, "gone")
    store.save_draft(DEV, "")
    store.save_draft(DEV, "")
    store.save_marker(GENERAL, MessageId(7))
    store.save_marker(GENERAL, MessageId(5))
    store.save_window("panes", "rooms")
    store.save_rooms([RoomInfo(GENERAL, "general", last=7)])
    store.close()
    again = profile.open_store(b"k" * 32)
    assert again.drafts() == {GENERAL: "half a sen"}
    assert again.draft(GENERAL) == "half a sen"
    assert again.draft(DEV) == ""
    assert again.markers() == {GENERAL: 7}
    assert (again.window("panes"), again.window("none")) == ("rooms", "")
    assert again.rooms() == [RoomInfo(GENERAL, "general", last=7)]
    again.close()
    other = profile.open_store(b"o" * 32)
    assert other.drafts() == {}
    other.close()


def test_newest_lines_have_no_hole(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.keep_lines(_lines(GENERAL, 1, 5))
    store.keep_lines([*_lines(GENERAL, 8, 10), *_lines(DEV, 1, 1)])
    assert [int(line) for line in store.newest_lines(GENERAL)] == [8, 9, 10]
    assert [int(line) for line in store.newest_lines(GENERAL, 2)] == [9, 10]
    store.keep_lines(_lines(GENERAL, 6, 7))
    assert [int(line) for line in store.newest_lines(GENERAL)] == list(range(1, 11))
    assert store.newest_lines(RoomId("none")) == []
    store.close()


def test_of_each_room_the_newest_lines_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", lines_max=10)
    store.keep_lines(_lines(GENERAL, 1, 100))
    store.keep_lines(_lines(DEV, 1, 3))
    assert [int(line) for line in store.newest_lines(GENERAL, 100)] == list(range(91, 101))
    assert len(store.newest_lines(DEV)) == 3
    store.close()


def test_the_file_is_bounded(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", bytes_max=1_000_000)
    for start in range(1, 2_000, 100):
        store.keep_lines(_lines(GENERAL, start, start + 99, size=5_000))
        store.keep_lines(_lines(DEV, start, start + 1, size=100))
    assert (tmp_path / "store.db").stat().st_size < 2_500_000
    assert int(store.newest_lines(GENERAL)[-1]) == 2_000
    assert store.newest_lines(DEV)
    store.close()


def test_another_epoch_empties_what_was_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.enter_epoch(Epoch("one"))
    store.keep_lines(_lines(GENERAL, 1, 3))
    store.save_marker(GENERAL, MessageId(3))
    store.save_draft(GENERAL, "mine")
    store.enter_epoch(Epoch("one"))
    assert store.newest_lines(GENERAL)
    assert store.is_replaced(Epoch("two"))
    store.enter_epoch(Epoch("two"))
    assert not store.is_replaced(Epoch("two"))
    assert store.newest_lines(GENERAL) == []
    assert store.markers() == {}
    assert store.drafts() == {GENERAL: "mine"}
    store.close()


def test_threads_and_programs_share_it(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "store.db") for _ in range(3)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda n: stores[n % 3].keep_lines(_lines(GENERAL, n, n)), range(1, 91)))
    assert len(stores[0].newest_lines(GENERAL)) == 90
    for store in stores:
        store.close()


def test_it_is_private_and_says_when_it_is_none(tmp_path: Path) -> None:
    Store(tmp_path / "store.db").close()
    assert (tmp_path / "store.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "bad.db").write_bytes(b"nonsense" * 200)
    with pytest.raises(ProfileError, match=r"bad\.db"):
        Store(tmp_path / "bad.db")
