"""kill -9 of a real process on a real disk: what it said is stored, is."""

import asyncio
import random
import sys
from pathlib import Path

from tests.server.history.harness import Rig


async def _talk_and_be_killed(folder: Path, name: str, lines: int) -> dict[tuple[str, int], bytes]:
    """Let a program talk, kill it after so many lines, and return what it said is stored."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.server.history.talker", str(folder), name, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    whole = [line.rstrip(b"\n").split(b" ", 2) for line in said if line.endswith(b"\n")]
    return {(room.decode(), int(number)): line for room, number, line in whole}


async def test_killed_again_and_again(tmp_path: Path) -> None:
    promised: dict[tuple[str, int], bytes] = {}
    rng = random.Random(1)
    for life in range(3):
        promised |= await _talk_and_be_killed(tmp_path / "data", f"life{life}", rng.randint(50, 700))
    rig = await Rig.open(tmp_path / "data")
    for room in ("r0", "r1", "r2", "r3"):
        lines = await rig.all_lines(room)
        assert all(line.startswith(b'{"id":%d,' % number) for number, line in enumerate(lines, 1))
        assert {number: lines[number - 1] for name, number in promised if name == room} == {
            number: line for (name, number), line in promised.items() if name == room
        }
        assert len({line.partition(b",")[2] for line in lines}) == len(lines)
    await rig.log.close()
