"""A program that stores lines as fast as it can and says which are stored, until it is killed."""

import asyncio
import sys
from pathlib import Path

from chatroom.protocol.ids import RoomId
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import Draft
from chatroom_server.history import LogSettings, open_log


async def main(folder: Path, name: str) -> None:
    """Talk for ever."""
    changed = asyncio.Event()

    def hear(outcome: Stored | Refused) -> None:
        assert isinstance(outcome, Stored)
        for run in outcome.runs:
            for number, line in enumerate(run.lines, run.first):
                sys.stdout.write(f"{run.room} {number} {line.decode()}\n")
        sys.stdout.flush()
        changed.set()

    settings = LogSettings(journal_segment=20_000, room_segment=10_000, few_rooms=2)
    log, _ = await open_log(folder, on_outcome=hear, settings=settings)
    for number in range(1_000_000):
        changed.clear()
        said = (b'"body":"%b %d %d"}' % (name.encode(), number, part) for part in range(3))
        log.append([Draft(RoomId(f"r{(number + part) % 4}"), rest) for part, rest in enumerate(said)])
        await changed.wait()
        if number % 20 == 19:
            await log.flush({"users.json": b"[%d]" % number}, {"devices.jsonl": b"%d\n" % number})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
