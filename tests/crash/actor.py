"""One client as a process of its own: says numbered messages in two rooms, reads both, and notes every fact.

How many messages it may have said is told by lines of its standard input, and that it shall leave by their
end. Started again after a kill it goes on where its facts end.
"""

import argparse
import asyncio
import random
import sys
from pathlib import Path
from typing import Final

from chatroom.client.address import Address
from chatroom.client.errors import ClientError, RequestFailed
from chatroom.client.events import Ended, MessageChanged, NickRefused, PastReplaced
from chatroom.client.profile import Profile
from chatroom.client.session import Session, connect
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol.ids import MessageId, RoomId
from tests.crash.facts import (
    DONE,
    JOINED,
    MEANT,
    PROBLEM,
    ROOMS,
    SAID,
    SEEN,
    SHOWN,
    Facts,
    Reader,
    Story,
    body_of,
)

_WAITING_MAX: Final = 200
_BURST_MAX: Final = 32


class Hasty(Timing):
    """Comes back soon, however often the server has died."""

    def backoff_s(self, attempt: int) -> float:
        """As before the first attempt, and shorter."""
        return super().backoff_s(1) * 0.6


class Actor:
    """What runs in the process."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._facts = Facts(options.facts)
        self._story = Story().take(Reader(options.facts))
        self._allowed = 0
        self._wake = asyncio.Event()
        self._session: Session

    async def run(self) -> None:
        """Be there until standard input ends."""
        options = self._options
        profile = Profile.open(options.home)
        address = Address("127.0.0.1", options.port)
        async with (
            connect(
                address,
                profile,
                trust=Trust.PIN_IF_LOCAL,
                texts=Texts(),
                nick=options.nick,
                timing=Hasty(),
            ) as session,
            Tasks("actor") as tasks,
        ):
            self._session = session
            work = [
                tasks.start(self._obey(), name="obey"),
                tasks.start(self._watch(), name="watch"),
                tasks.start(self._take_part(tasks), name="part"),
            ]
            await tasks.first_of(*work)

    async def _take_part(self, tasks: Tasks) -> None:
        """Be a member of both rooms, talk and read."""
        for room in ROOMS:
            await self._join(room)
        self._facts.write(JOINED)
        reading = [tasks.start(self._read(room), name=room) for room in ROOMS]
        await tasks.first_of(tasks.start(self._talk(), name="talk"), *reading)

    async def _obey(self) -> None:
        """Take what standard input says."""
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
        )
        while line := await lines.readline():
            self._allowed = int(line)
            self._wake.set()

    async def _watch(self) -> None:
        """Note what the author is shown of the messages."""
        async for event in self._session:
            if isinstance(event, MessageChanged):
                message = event.message
                self._facts.write(SHOWN, message.body, message.state.value, event.id or 0)
            elif isinstance(event, PastReplaced | NickRefused | Ended):
                self._facts.write(PROBLEM, f"was told {type(event).__name__}: {event.reason}")

    async def _talk(self) -> None:
        """Say as much as is allowed; note when all of it is stored."""
        story, nick, rng = self._story, self._options.nick, random.Random()
        while story.said < self._options.messages:
            left = min(self._allowed, self._options.messages) - story.said
            if left <= 0:
                self._wake.clear()
                await self._wake.wait()
                continue
            count = rng.randint(1, min(left, _BURST_MAX))
            while self._session.waiting + count > _WAITING_MAX:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.02)
            room, first = rng.choice(ROOMS), story.numbers + 1
            story.numbers += count
            self._facts.write(MEANT, room, first, count)
            bodies = [body_of(nick, number) for number in range(first, first + count)]
            await self._session.say_many(RoomId(room), bodies)
            self._facts.write(SAID, room, first, count)
            story.said += count
        await self._session.wait_all_stored(None)
        self._facts.write(DONE)
        await asyncio.Event().wait()

    async def _read(self, name: str) -> None:
        """Read a room on, behind the last line that was noted."""
        async for line, _body in self._session.follow(RoomId(name), after=MessageId(self._story.seen[name])):
            self._facts.write(SEEN, name, line.id, line.user, line.body)

    async def _join(self, name: str) -> None:
        creates = False
        while True:
            try:
                await self._session.ready()
                await self._session.join(name, create=creates)
            except RequestFailed:  # it does not exist yet, or another client has just made it
                creates = not creates
            except ClientError:
                pass
            else:
                return
            await asyncio.sleep(0.05)


def main() -> None:
    """Read the command line, and act."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--nick", required=True)
    parser.add_argument("--messages", type=int, required=True)
    asyncio.run(Actor(parser.parse_args()).run())


if __name__ == "__main__":
    main()
