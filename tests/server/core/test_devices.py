"""What is remembered of devices, in memory and in `devices.jsonl`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.frames import Line
from chatroom.protocol.ids import DeviceId, RoomId, UserId
from chatroom.protocol.limits import REMEMBERED_NUMBERS
from chatroom_server.core import devices as module
from chatroom_server.core import limits
from chatroom_server.core.devices import Device, Devices, begin_hash, content_hash, text_hash

ANN, DEV = UserId("ann"), DeviceId("d1")


def fill(devices: Devices, numbers: range, *, dev: str = "d1", at: int = 1, user: UserId = ANN) -> Device:
    device = devices.device(user, DeviceId(dev))
    for n in numbers:
        devices.remember(device, n, n * 7, n + 100, at)
    return device


def known(devices: Devices) -> dict[str, object]:
    return {
        device.dev: (
            device.last,
            device.floor,
            device.passed,
            device.at,
            [device.find(n) for n in range(device.last + 1)],
        )
        for device in devices
    }


def test_contents_differ_by_each_of_their_parts() -> None:
    contents = [
        ("a", "", "b", ""),
        ("ab", "", "", ""),
        ("a", "me", "b", ""),
        ("a", "", "b", "g"),
        ("a", "", "c", ""),
    ]
    assert len({content_hash(*content) for content in contents}) == len(contents)


def test_the_newest_numbers_are_remembered_and_older_ones_are_over() -> None:
    device = fill(Devices(), range(1, 5 * REMEMBERED_NUMBERS))
    assert REMEMBERED_NUMBERS <= len(device) < 2 * REMEMBERED_NUMBERS
    last = 5 * REMEMBERED_NUMBERS - 1
    assert device.last == last
    assert device.find(last) == (last * 7, last + 100)
    assert device.find(last - REMEMBERED_NUMBERS + 1) is not None
    assert device.passed == device.floor
    assert device.find(device.floor) is None
    assert device.find(device.floor + 1) is not None


def test_gaps_are_known_as_gaps() -> None:
    device = fill(Devices(), range(2, 10, 2))
    assert [n for n in range(12) if device.find(n)] == [2, 4, 6, 8]


@given(
    st.lists(st.integers(1, 40), max_size=60),
    st.lists(st.integers(0, 59), max_size=5),
    st.booleans(),
)
def test_the_file_brings_everything_back(steps: list[int], flushes: list[int], rewritten: bool) -> None:
    devices, data = Devices(), b""
    n = 0
    for place, step in enumerate(steps):
        n += step
        fill(devices, range(n, n + 1), dev=f"d{place % 3}", at=place)
        if place in flushes:
            data += devices.take_changes()[0]
    data += devices.take_changes()[0]
    again = Devices()
    again.load(data)
    if rewritten:
        whole = b"".join(
            module._ENCODER.encode(device.record(whole=True)) + b"\n" for device in again if device.last
        )
        again = Devices()
        again.load(whole)
    assert known(again) == known(devices)
    assert again.take_changes() == (b"", False)


def test_only_what_is_new_is_written() -> None:
    devices = Devices()
    fill(devices, range(1, 101))
    first, _whole = devices.take_changes()
    fill(devices, range(101, 102))
    second, _whole = devices.take_changes()
    assert b"[101," in second
    assert b"[100," not in second
    assert len(second) < len(first) / 10
    assert devices.take_changes() == (b"", False)


def test_a_file_that_has_grown_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REWRITE_FROM", 200_000)
    devices, data, rewrites = Devices(), b"", 0
    for first in range(1, 100_000, 500):
        fill(devices, range(first, first + 500))
        lines, is_whole = devices.take_changes()
        data = lines if is_whole else data + lines
        rewrites += is_whole
        assert len(data) < 300_000
    assert rewrites > 5
    again = Devices()
    again.load(data)
    assert known(again) == known(devices)


def test_lines_of_the_log_are_taken_in_once() -> None:
    devices = Devices()
    line = Line(7, 9, RoomId("r"), ANN, "ann", dev="d1", n=3, body="x")
    for _time in range(2):
        devices.note(line)
    device = devices.device(ANN, DEV)
    assert (len(device), device.find(3)) == (1, (content_hash("r", "", "x", ""), 7))
    devices.note(Line(8, 9, RoomId("r"), ANN, "ann", body="by no device"))
    assert list(devices.of(ANN)) == ["d1"]


def test_a_damaged_line_of_the_file_says_nothing() -> None:
    devices = Devices()
    fill(devices, range(1, 3))
    data = b'{"user":\n\xff\xfe\n' + devices.take_changes()[0] + b"[]\n"
    again = Devices()
    again.load(data)
    assert known(again) == known(devices)


def test_a_shared_device_is_released_by_its_last_link() -> None:
    devices = Devices()
    (one,) = devices.claim(ANN, [DEV, DEV], guest=False, at=0) or []
    (two,) = devices.claim(ANN, [DEV], guest=False, at=0) or []
    assert one is two
    devices.release(one)
    assert devices.of(ANN)
    devices.release(two)
    assert not devices.of(ANN)


def test_guests_devices_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GUEST_DEVICES_MAX", 3)
    devices = Devices()
    for number in range(6):
        device = devices.device(UserId(f"g{number}"), DEV, guest=True)
        devices.remember(device, 1, 1, 1, number)
        device.links = number == 0
        devices.take_changes()
    assert sorted(device.user for device in devices) == ["g0", "g3", "g4", "g5"]


def test_numbers_remembered_over_all_devices_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED_ALL_MAX", 100)
    devices = Devices()
    for number in range(20):
        fill(devices, range(1, 11), dev=f"d{number}", at=number)
        devices.take_changes()
        assert sum(map(len, devices)) <= 100
    oldest, newest = devices.device(ANN, DeviceId("d0")), devices.device(ANN, DeviceId("d19"))
    assert (oldest.last, oldest.floor, oldest.passed, len(oldest)) == (10, 10, 0, 0)
    assert len(newest) == 10


def test_the_device_that_was_silent_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEVICES_PER_USER_MAX", 4)
    day = limits.DEVICES_IDLE_DAYS * 86_400_000
    devices = Devices()
    for name, at in (("linked", 1), ("old", 3), ("oldest", 2), ("young", day)):
        fill(devices, range(1, 3), dev=name, at=at)
    devices.device(ANN, DeviceId("linked")).links = 1
    assert devices.claim(ANN, [DeviceId("new")], guest=False, at=day) is None
    assert devices.claim(ANN, [DeviceId("new")], guest=False, at=day + 9)
    assert sorted(devices.of(ANN)) == ["linked", "new", "old", "young"]
    assert devices.claim(ANN, [DeviceId("old"), DeviceId("newer")], guest=False, at=day + 9) is None


@given(st.text(), st.text())
def test_the_hash_of_a_text_goes_on_from_that_of_its_room(room: str, body: str) -> None:
    assert text_hash(begin_hash(room), body) == content_hash(room, "", body, "")
