"""What each stage of a message costs the server, in one thread, without a network and without a disk.

    python -m benchmarks.bench_stages [--members 10] [--window 64] [--senders 4] [--rounds 300]

The server's own engine, its data in memory and its jobs in the thread of its loop. In each round the senders'
frames wait in their sockets, and what they become is swallowed, so that no write counts. A stage has the time
of its own calls, without that of other stages within them. Shown is the least of all rounds, as other
programs disturb it least; `the rest` is what the whole takes beyond the stages: the loop, reading.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.in_memory import MEMBERS_MAX, guests_of
from benchmarks.load.machine import allow_files
from benchmarks.load.wire import RefusedError
from benchmarks.stopwatch import Stages, Stopwatch
from chatroom.protocol import Connection, codec
from chatroom.protocol.limits import IN_FLIGHT_MAX
from chatroom_server.history.embedded import EmbeddedLog
from chatroom_server.history.filing import Filing
from chatroom_server.history.journal import Journal
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.runner import Runner

OPTIONS: Final = {
    "members": (10, MEMBERS_MAX),
    "window": (64, IN_FLIGHT_MAX),
    "senders": (4, IN_FLIGHT_MAX),
    "rounds": (300, 2_000),  # these take seconds: links that are silent for longer are cut
}
"""What each is if nothing is said, and at most."""
REST: Final = "the rest"
ALL: Final = "all"
STAGES: Final[Stages] = {
    "decode": [(Connection, "feed")],
    "hub": [(Runner, "received")],
    "number": [(EmbeddedLog, "_numbered")],  # a step of its own, though nobody else calls it
    "journal": [(Journal, "write")],
    "stored": [(Runner, "take_outcome"), (Filing, "add")],
    "rounds": [(codec, "frame_lines"), (Fanout, "broadcast_lines"), (Fanout, "run_round")],
}
_MEMORY: Final = Path("/dev/shm")
_COULD_NOT: Final = 1


async def measure(folder: Path, given: argparse.Namespace) -> dict[str, float]:
    """The microseconds of each stage for a message, then those of the rest and of all.

    Raises:
        RefusedError: Somebody was not brought everything.
    """
    watch, rounds = Stopwatch(), list[dict[str, float]]()
    with watch.watching(STAGES):
        async with guests_of(folder, given.members) as guests:
            for _ in range(given.rounds):
                watch.spent.clear()
                whole = await guests.talk(given.window, given.senders)
                rounds.append({**watch.spent, ALL: whole})
    if guests.sink.writes < given.members * given.rounds:
        raise RefusedError("the server cut a link: take fewer --rounds")
    least = {stage: min(each[stage] for each in rounds) * 1e6 / given.window for stage in (*STAGES, ALL)}
    whole = least.pop(ALL)
    return {**least, REST: whole - sum(least.values()), ALL: whole}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the stages that a message goes through in the server.")
    for name, (usual, most) in OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=usual, help=f"1 to {most}; {usual} if not given")
    given = parser.parse_args()
    for name, (_usual, most) in OPTIONS.items():
        if not 1 <= getattr(given, name) <= most:
            parser.error(f"--{name} {getattr(given, name)}: a number from 1 to {most} is needed")
    if given.senders > min(given.members, given.window):
        parser.error(f"--senders {given.senders}: there must be as many --members and messages (--window)")
    return given


def main() -> int:
    """Do what the command line says; returns the exit status."""
    given = _options()
    place = _MEMORY if _MEMORY.is_dir() else None
    try:
        allow_files(2 * given.members)
        with tempfile.TemporaryDirectory(prefix="chatroom-", dir=place) as name:
            found = asyncio.run(measure(Path(name), given))
    except (RefusedError, OSError) as error:
        print(f"The stages could not be measured: {error}", file=sys.stderr)
        return _COULD_NOT
    print(f"{given.members} members, {given.window} in flight; microseconds a message:")
    for stage, taken in found.items():
        print(f"{stage:10}{taken:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
