"""Each call to the disk fails in turn, once or from then on, in a whole life of a log: start, rounds,
flushes, segments that are sealed and removed, the end, and the start of the next one.

What was said to be stored is there in the end, once; what was refused is not; and when the disk works again,
so does the log.
"""

import contextlib
import errno
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from chatroom_server.history import NotWritableError
from tests.server.history.harness import Rig, draft
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/sim/data")
ROOMS = ("general", "tea")
KINDS = (
    "open",
    "read",
    "write",
    "sync",
    "sync_folder",
    "replace",
    "unlink",
    "truncate",
    "make_folder",
)
_CALLS_MAX = 2000
Course = Callable[[str, int, str], Awaitable[bool]]


class Fault:
    """The k-th call of a kind fails; perhaps all that follow it, too.

    Args:
        mode: "once"; "ever", all calls of the kind from there on; "dead", all calls of any kind.
    """

    def __init__(self, files: SimFiles, kind: str, k: int, mode: str, number: int = errno.EIO) -> None:
        self.is_reached = False
        self._kind, self._left, self._mode, self._number = kind, k, mode, number
        self._files = files
        files.fail = self
        if kind == "short write":
            files.halves = self._halves

    def __call__(self, call: str, name: str) -> int | None:
        is_of_kind = call == self._kind
        self._left -= is_of_kind
        if self._left > 0 or not (is_of_kind or (self._mode == "dead" and self.is_reached)):
            return None
        if self._mode == "once" and self.is_reached:
            return None
        self.is_reached = True
        return self._number

    def _halves(self) -> bool:
        """Whether a write takes half of its bytes; "then full": what is left finds no room."""
        if self._kind != "short write":
            return False
        self._left -= 1
        if self._left == 0 and self._mode == "then full":
            self._kind, self._left, self._mode, self._number = "write", 1, "once", errno.ENOSPC
            return True
        self.is_reached = self.is_reached or self._left == 0
        return self._left == 0 or (self._left < 0 and self._mode == "ever")

    def heal(self) -> None:
        """From here on the disk works."""
        self._files.fail = lambda call, name: None
        self._files.halves = lambda: False


class Life:
    """What a log said in one life."""

    def __init__(self, files: SimFiles) -> None:
        self.files = files
        self.rig = Rig()
        self.flushed: list[dict[str, int]] = []
        """For each flush the last number of each room."""
        self._count = 0

    async def talk(self, rounds: int) -> None:
        """Say something, and flush now and then."""
        for _ in range(rounds):
            self._count += 1
            for part in range(4):
                self.rig.give([draft(f"{self._count}.{part}" + "y" * 60, ROOMS[part % 2])])
            await self.rig.answered()
            if self._count % 3 == 0:
                await self.flush()

    async def flush(self) -> None:
        """Write projections that are different each time."""
        self.flushed.append({room: len(self.stored(room)) for room in ROOMS})
        added = b"%d\n" % len(self.flushed)
        await self.rig.log.flush(
            {"users.json": json.dumps(self.flushed[-1]).encode()}, {"devices.jsonl": added}
        )

    def stored(self, room: str) -> list[bytes]:
        return [line.line for line in self.rig.stored() if line.room == room]

    def refused(self) -> set[bytes]:
        return {draft.rest for refused in self.rig.refused() for draft in refused.drafts}

    async def check(self, files: SimFiles) -> None:
        """The next server has all that was stored, and nothing else."""
        again = await Rig.open(FOLDER, files)
        for room in ROOMS:
            assert await again.all_lines(room) == self.stored(room)
        assert json.loads(again.recovery.projections["users.json"]) == self.flushed[-1]
        added = b"".join(b"%d\n" % (index + 1) for index in range(len(self.flushed)))
        assert again.recovery.projections["devices.jsonl"] == added
        assert again.recovery.lines == []
        await again.log.close()

    async def check_promises(self, files: SimFiles) -> None:
        """After an end on a bad disk: what was stored is there, nothing twice, and projections fit."""
        again = await Rig.open(FOLDER, files)
        projections = again.recovery.projections
        flushed = json.loads(projections.get("users.json", b"{}"))
        assert flushed in ({}, *self.flushed)
        for room in ROOMS:
            lines, stored = await again.all_lines(room), self.stored(room)
            assert lines[: len(stored)] == stored
            rests = [line.partition(b",")[2] for line in lines]
            assert len(set(rests)) == len(rests)
            assert set(rests[len(stored) :]) <= self.refused()
            replayed = [number for name, number, _ in again.recovery.lines if name == room]
            assert replayed == list(range(flushed.get(room, 0) + 1, len(lines) + 1))
        added = [int(line) for line in projections.get("devices.jsonl", b"").splitlines()]
        assert added == list(range(1, len(added) + 1))
        await again.log.close()


async def _goes_on(kind: str, k: int, mode: str) -> bool:
    """The disk works again before the log ends."""
    life, fault = await _trouble(kind, k, mode)
    fault.heal()
    count = len(life.rig.refused())
    await life.talk(3)
    assert len(life.rig.refused()) == count
    await life.flush()
    await life.rig.log.close()
    await life.check(life.files.killed())
    return fault.is_reached


async def _ends_well(kind: str, k: int, mode: str) -> bool:
    """The disk works again just in time for the end, and nothing is said any more."""
    life, fault = await _trouble(kind, k, mode)
    fault.heal()
    await life.flush()
    await life.rig.log.close()
    await life.check(life.files.killed())
    return fault.is_reached


async def _ends_badly(kind: str, k: int, mode: str) -> bool:
    """The disk works again only for the next server."""
    life, fault = await _trouble(kind, k, mode)
    await life.rig.log.close()
    fault.heal()
    await life.check_promises(life.files.killed())
    return fault.is_reached


async def _loses_power(kind: str, k: int, mode: str) -> bool:
    """The machine stops while the disk fails."""
    life, fault = await _trouble(kind, k, mode)
    await life.rig.die()
    fault.heal()
    await life.check_promises(life.files.power_cut(random.Random(k)))
    return fault.is_reached


async def _trouble(kind: str, k: int, mode: str) -> tuple[Life, Fault]:
    """A life up to the middle; one that cannot begin begins again when the disk works."""
    files = _disk()
    life, fault = Life(files), Fault(files, kind, k, mode)
    try:
        life.rig = await Rig.open(FOLDER, files)
    except NotWritableError:
        fault.heal()
        life.rig = await Rig.open(FOLDER, files)
    await life.talk(9)
    return life, fault


def _disk() -> SimFiles:
    files = SimFiles()
    files.make_folder(FOLDER.parent)
    files.sync_folder(Path("/"))
    return files


@pytest.mark.parametrize("course", [_goes_on, _ends_well, _ends_badly, _loses_power])
@pytest.mark.parametrize("mode", ["once", "ever", "dead"])
@pytest.mark.parametrize("kind", KINDS)
async def test_each_call(kind: str, mode: str, course: Course) -> None:
    for k in range(1, _CALLS_MAX):
        if not await course(kind, k, mode):
            assert k > 1
            return
    pytest.fail("there are too many calls")


@pytest.mark.parametrize("course", [_goes_on, _ends_well, _ends_badly, _loses_power])
@pytest.mark.parametrize("mode", ["once", "ever", "then full"])
async def test_each_short_write(mode: str, course: Course) -> None:
    for k in range(1, _CALLS_MAX):
        if not await course("short write", k, mode):
            assert k > 1
            return
    pytest.fail("there are too many calls")


@pytest.mark.parametrize("end", ["killed", "power cut"])
async def test_an_end_at_each_call(end: str) -> None:
    """Also while a segment is sealed or removed, and at every step of a flush."""
    for at in range(1, _CALLS_MAX):
        files = _disk()
        before, files.dies_at = len(files.calls), len(files.calls) + at
        life = Life(files)
        with contextlib.suppress(NotWritableError):
            life.rig = await Rig.open(FOLDER, files)
            await life.talk(9)
            await life.rig.die()
        after = files.killed() if end == "killed" else files.power_cut(random.Random(at))
        await life.check_promises(after)
        if len(files.calls) < files.dies_at:
            assert {(call, name) for call, name in files.calls[before:]} >= _STEPS
            return
    pytest.fail("there are too many calls")


_STEPS = {
    ("write", "0000000001.journal"),
    ("sync", "0000000001.journal"),
    ("unlink", "0000000001.journal"),
    ("write", "0000000001.jsonl"),
    ("sync", "0000000001.jsonl"),
    ("sync", "index.json.tmp"),
    ("replace", "index.json"),
    ("sync", "checkpoint.json.tmp"),
    ("replace", "checkpoint.json"),
    ("replace", "users.json"),
}
"""What happens in a life in which segments are sealed and removed."""


async def test_readers_are_served_while_nothing_can_be_changed() -> None:
    """A folder that was turned read-only: the log says so once, and goes on when it may."""
    files = _disk()
    life = Life(files)
    life.rig = await Rig.open(FOLDER, files)
    await life.talk(7)
    lines = life.stored("general")
    files.fail = lambda call, name: errno.EROFS if call not in ("read", "open") else None
    for _ in range(5):
        await life.talk(3)
        assert await life.rig.all_lines() == lines
    assert len(life.stored("general")) == len(lines)
    assert {refused.reason for refused in life.rig.refused()} == {"disk-error"}
    files.fail = lambda call, name: None
    await life.talk(1)
    assert len(life.stored("general")) == len(lines) + 2
    await life.flush()
    await life.rig.log.close()
    await life.check(files.killed())
