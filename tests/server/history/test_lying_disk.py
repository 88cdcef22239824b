"""A disk that says "written" and has not, and then a power cut: what cannot be prevented is not hidden.

No line is shown that nobody said, none stands under a number that is not its own, and what cannot be read is
an error.
"""

import contextlib
import random
from pathlib import Path

import pytest

from chatroom_server.history import DamagedError
from tests.server.history.harness import Rig, draft
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/sim/data")
ROOMS = ("general", "tea")


class LyingFiles(SimFiles):
    """It ignores some of what it is told to write through."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self.is_honest = True

    def sync(self, fd: int) -> None:
        if self.is_honest or self._rng.random() < 0.5:
            super().sync(fd)

    def sync_folder(self, path: Path) -> None:
        if self.is_honest or self._rng.random() < 0.5:
            super().sync_folder(path)


async def _talk(rig: Rig, rounds: int) -> None:
    for index in range(rounds):
        for room in ROOMS:
            rig.give([draft(f"{room} {index}.{part} " + "y" * 60, room) for part in range(2)])
        await rig.answered()
        if index % 3 == 2:
            await rig.log.flush({"users.json": b"[%d]" % index}, {"devices.jsonl": b"%d\n" % index})


async def _said_and_left(seed: int) -> tuple[set[bytes], SimFiles]:
    """What was said on such a disk, and the disk after the power cut."""
    rng = random.Random(seed)
    files = LyingFiles(rng)
    files.make_folder(FOLDER.parent)
    files.sync_folder(Path("/"))
    rig = await Rig.open(FOLDER, files)
    await _talk(rig, 2)
    files.is_honest = False
    await _talk(rig, rng.randint(3, 12))
    await rig.die()
    return {line.line.partition(b",")[2] for line in rig.stored()}, files.power_cut(rng)


@pytest.mark.parametrize("seed", range(60))
async def test_what_is_left_is_true_or_said_to_be_damaged(seed: int) -> None:
    said, files = await _said_and_left(seed)
    again = None
    with contextlib.suppress(DamagedError):
        again = await Rig.open(FOLDER, files)
    if again is None:
        return
    for room in ROOMS:
        lines: list[bytes] = []
        with contextlib.suppress(OSError):
            lines = await again.all_lines(room)
        for number, line in enumerate(lines, 1):
            assert line.startswith(b'{"id":%d,' % number)
            assert line.partition(b",")[2] in said or b'"kind":"lost"' in line
    await again.say("and it goes on")
    assert len(again.stored()) == 1
    await again.log.close()


async def test_a_kill_loses_nothing_there() -> None:
    rng = random.Random(1)
    files = LyingFiles(rng)
    files.is_honest = False
    files.make_folder(FOLDER.parent)
    rig = await Rig.open(FOLDER, files)
    await _talk(rig, 10)
    await rig.die()
    again = await Rig.open(FOLDER, files.killed())
    for room in ROOMS:
        assert await again.all_lines(room) == [line.line for line in rig.stored() if line.room == room]
    await again.log.close()
