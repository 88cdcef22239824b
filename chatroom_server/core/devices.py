"""What makes sending again harmless: which numbers of a device are stored, and with which contents.

A device's numbers rise, and are stored in their order: what is on its way behind a number that the disk
refused is refused as well, until that number comes again. Of each device the newest are remembered with a
hash of what was said under them; of older ones only that they are over.
"""

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

import msgspec

from chatroom.protocol.frames import Line
from chatroom.protocol.ids import DeviceId, MessageId, UserId
from chatroom.protocol.limits import DEVICES_PER_USER_MAX, REMEMBERED_NUMBERS
from chatroom_server.core import limits
from chatroom_server.core.inputs import LinkId

_DAY_MS: Final = 86_400_000
_REWRITE_FROM: Final = 1 << 20
"""Bytes of `devices.jsonl` that are not worth rewriting."""
_ENTRY_BYTES: Final = 26
"""About what one remembered number takes in `devices.jsonl`."""


_NO_NUMBERS: Final = array("Q")
"""Those of every device that has not stored anything since it was made."""


class Pending(msgspec.Struct, gc=False):
    """A message on its way to the disk: the `ref` of its draft.

    Attributes:
        link: The one to be answered: that which sent it last.
        hash: `content_hash` of what it says.
        topic: The room's topic from then on, where that is what it says.
    """

    device: "Device"
    n: int
    hash: int
    link: LinkId
    topic: str | None = None


def content_hash(room: str, kind: str, body: str, grid: str) -> int:
    """32 bits that tell contents of one number apart; against mistakes, not against malice."""
    return crc32(f"{body}\0{grid}".encode(), begin_hash(room, kind))


def begin_hash(room: str, kind: str = "") -> int:
    """The `content_hash` of everything in a room, as far as what comes before the body."""
    return crc32(f"{room}\0{kind}\0".encode())


def text_hash(begun: int, body: str) -> int:
    """The `content_hash` of a plain text, from where `begin_hash` ends: for each message, so it is short."""
    return crc32(b"\0", crc32(body.encode(), begun))


class Trouble(msgspec.Struct, frozen=True):
    """The lowest number of a device that the disk refused, and that has not come again.

    Attributes:
        reason: Why it was refused.
        until: When it is not waited for any more (monotonic seconds).
    """

    n: int
    reason: str
    until: float


@dataclass(slots=True, eq=False)
class Device:
    """One sending program of a user.

    Attributes:
        last: The greatest number that is stored, 0 for none.
        highest: The greatest number that is stored or on its way; a new message has a greater one.
        floor: Numbers up to this one are over, and what was said under them is forgotten.
        passed: Those of them that so many newer ones followed that no program still waits for their answer.
        at: When it stored something last (ms, UTC).
        links: How many links named it at their login.
        pending: What is on its way to the disk, by number.
        trouble: What newer numbers have to wait for.
    """

    user: UserId
    dev: DeviceId
    guest: bool = False
    last: int = 0
    highest: int = 0
    floor: int = 0
    passed: int = 0
    at: int = 0
    links: int = 0
    pending: dict[int, Pending] = field(default_factory=dict)
    trouble: Trouble | None = None
    _numbers: "array[int]" = field(default_factory=lambda: _NO_NUMBERS)
    _hashes: "array[int]" = field(default_factory=lambda: _NO_NUMBERS)
    _ids: "array[int]" = field(default_factory=lambda: _NO_NUMBERS)
    _written: int = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, pending: Pending) -> None:
        """Take in that a message is on its way."""
        self.pending[pending.n] = pending
        self.highest = pending.n

    def drop(self, pending: Pending) -> None:
        """Take in that a message will not be stored: its number is not used up."""
        self.pending.pop(pending.n, None)
        self.highest = max(self.last, next(reversed(self.pending), 0))

    def wait_for(self, n: int, reason: str, until: float) -> None:
        """Take in that the disk refused a number: what was sent behind it must not be stored before it."""
        if self.trouble is None or n < self.trouble.n:
            self.trouble = Trouble(n, reason, until)

    def admit(self, n: int, now: float) -> str:
        """Take in that a number came: why it may not be stored yet, or nothing, and then no other waits."""
        if self.trouble is not None and n > self.trouble.n and now < self.trouble.until:
            return self.trouble.reason
        self.trouble = None
        return ""

    def remember(self, n: int, hash_: int, id_: int) -> int:
        """Take in that a number is stored; by how much the remembered grow, 0 when it was known to be."""
        if n <= self.last:
            return 0
        self.last = n
        if n > self.highest:
            self.highest = n
        if self._numbers is _NO_NUMBERS:
            self._numbers, self._hashes, self._ids = array("Q"), array("I"), array("Q")
        self._numbers.append(n)
        self._hashes.append(hash_)
        self._ids.append(id_)
        if len(self._numbers) < 2 * REMEMBERED_NUMBERS:
            return 1
        self.forget(keep=REMEMBERED_NUMBERS)
        self.passed = self.floor
        return 1 - REMEMBERED_NUMBERS

    def find(self, n: int) -> tuple[int, MessageId] | None:
        """Hash and line number of what is stored under n; None when nothing is, or it is forgotten."""
        at = bisect_left(self._numbers, n)
        if at == len(self._numbers) or self._numbers[at] != n:
            return None
        return self._hashes[at], MessageId(self._ids[at])

    def forget(self, keep: int = 0) -> None:
        """Let go of the contents of all but the newest numbers."""
        cut = len(self._numbers) - keep
        if cut <= 0:
            return
        self.floor = self._numbers[cut - 1]
        for column in (self._numbers, self._hashes, self._ids):
            del column[:cut]

    def record(self, *, whole: bool) -> "DeviceRecord":
        """What `devices.jsonl` has to learn: what is new since the last record, or all."""
        at = 0 if whole else bisect_left(self._numbers, self._written + 1)
        self._written = self.last
        seen = list(zip(self._numbers[at:], self._hashes[at:], self._ids[at:], strict=True))
        place = (self.user, self.dev, self.last, self.floor, self.at, self.guest)
        return DeviceRecord(*place, seen, self.passed)

    def load(self, record: "DeviceRecord") -> None:
        """Take in a record of `devices.jsonl`."""
        for n, hash_, id_ in record.seen:
            self.remember(n, hash_, id_)
        self.last = self._written = max(self.last, record.last)
        self.highest = max(self.highest, self.last)
        self.floor = max(self.floor, record.floor)
        self.passed = max(self.passed, record.passed)
        self.at = max(self.at, record.at)
        self.guest = record.guest


class DeviceRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of `devices.jsonl`; `seen` is (number, hash, line number), oldest first."""

    user: UserId
    dev: DeviceId
    last: int
    floor: int = 0
    at: int = 0
    guest: bool = False
    seen: list[tuple[int, int, int]] = []
    passed: int = 0


decode_record: Final = msgspec.json.Decoder(DeviceRecord).decode
_ENCODER: Final = msgspec.json.Encoder()


class Devices:
    """All devices of all users, and the file that they are kept in."""

    def __init__(self) -> None:
        self._by_user: dict[UserId, dict[DeviceId, Device]] = {}
        self._changed: dict[Device, None] = {}
        self._guests: dict[Device, None] = {}
        self._remembered = 0
        self._file_bytes = 0

    def __iter__(self) -> Iterator[Device]:
        for devices in self._by_user.values():
            yield from devices.values()

    def of(self, user: UserId) -> dict[DeviceId, Device]:
        """A user's devices, to look at."""
        return self._by_user.get(user, {})

    def device(self, user: UserId, dev: DeviceId, *, guest: bool = False) -> Device:
        """The device of this name, made where there is none."""
        devices = self._by_user.setdefault(user, {})
        device = devices.get(dev)
        if device is None:
            device = devices[dev] = Device(user, dev, guest)
        return device

    def claim(self, user: UserId, devs: Iterable[DeviceId], *, guest: bool, at: int) -> list[Device] | None:
        """The devices that a link names at its login, or None when they are too many."""
        names = dict.fromkeys(devs)
        known = self.of(user)
        excess = len(known.keys() | names) - DEVICES_PER_USER_MAX
        if excess > 0:
            self._forget_idle(known, names, at - limits.DEVICES_IDLE_DAYS * _DAY_MS, excess)
        if len(self.of(user).keys() | names) > DEVICES_PER_USER_MAX:
            return None
        devices = [self.device(user, dev, guest=guest) for dev in names]
        for device in devices:
            device.links += 1
            device.trouble = None
        return devices

    def release(self, device: Device) -> None:
        """A link that named the device is gone; a device that never stored anything goes with it."""
        device.links -= 1
        if not device.links and not device.last and not device.pending:
            self._drop(device)

    def remember(self, device: Device, n: int, hash_: int, id_: int, at: int) -> None:
        """Take in that a message is stored."""
        if growth := device.remember(n, hash_, id_):
            device.at = at
            self._changed[device] = None
            self._remembered += growth

    def note(self, line: Line) -> None:
        """Take in a stored line that was read from the log."""
        if line.dev and line.n:
            device = self.device(line.user, DeviceId(line.dev), guest=line.guest)
            hash_ = content_hash(line.room, line.kind, line.body, line.grid)
            self.remember(device, line.n, hash_, line.id, line.at)

    def take_changes(self) -> tuple[bytes, bool]:
        """What the file has to learn since the last call, as JSON Lines.

        Returns:
            The lines, and whether they are all of the file's new contents (else they go behind the old).
        """
        self._trim()
        is_whole = self._file_bytes > max(_REWRITE_FROM, 4 * _ENTRY_BYTES * self._remembered)
        if is_whole:
            data = _ENCODER.encode_lines(device.record(whole=True) for device in self if device.last)
            self._file_bytes = 0
        else:
            data = _ENCODER.encode_lines(device.record(whole=False) for device in self._changed)
        self._file_bytes += len(data)
        self._changed.clear()
        return data, is_whole

    def load(self, data: bytes) -> None:
        """Take in the file; a line that cannot be read says nothing."""
        for line in data.splitlines():
            try:
                record = decode_record(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            self.device(record.user, record.dev).load(record)
        self._file_bytes = len(data)
        self._remembered = sum(map(len, self))
        self._guests = dict.fromkeys(device for device in self if device.guest)

    def _trim(self) -> None:
        """Keep what is remembered inside its bounds; those that were silent longest go first."""
        for device in self._changed:
            if device.guest:
                self._guests.pop(device, None)
                self._guests[device] = None
        for device in list(self._guests)[: max(0, len(self._guests) - limits.GUEST_DEVICES_MAX)]:
            if not device.links and not device.pending:
                self._drop(device)
        if self._remembered > limits.REMEMBERED_ALL_MAX:
            for device in sorted(self, key=lambda device: device.at):
                self._remembered -= len(device)
                device.forget()
                if self._remembered <= limits.REMEMBERED_ALL_MAX * 3 // 4:
                    break

    def _forget_idle(
        self, known: dict[DeviceId, Device], names: Container[DeviceId], before: int, count: int
    ) -> None:
        """Let go of a user's devices that were silent longest; programs that never run again leave many."""
        idle = [
            device
            for device in known.values()
            if device.at < before and not device.links and not device.pending and device.dev not in names
        ]
        for device in sorted(idle, key=lambda device: device.at)[:count]:
            self._drop(device)

    def _drop(self, device: Device) -> None:
        devices = self._by_user.get(device.user, {})
        if devices.pop(device.dev, None) is not None:
            self._remembered -= len(device)
        if not devices:
            self._by_user.pop(device.user, None)
        self._guests.pop(device, None)
        self._changed.pop(device, None)
