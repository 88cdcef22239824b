"""Gets back into the rooms that one was in, where a backup was put back that knows nothing of it.

A room that the backup does not have either is made again: those who were in it find each other there, and
what waits in their outboxes has somewhere to go. All of this happens between the login and everything else;
whatever comes meanwhile is handed on.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from chatroom.client.link import Link
from chatroom.common.names import room_key
from chatroom.protocol import ErrorCode
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import Direct, Failed, Goodbye, Join, Joined, RoomInfo
from chatroom.protocol.ids import RoomId, UserId
from chatroom.protocol.limits import REQUESTS_MAX

_PATIENCE_S: Final = 10.0
"""After so long one is online without the rooms that the server has not answered for."""
_RECEIVED_MAX: Final = 10_000
"""After so many frames likewise: what comes meanwhile waits in memory."""
_FIRST_RID: Final = 1 << 32
"""An answer that comes too late answers no other question."""
_NEXT: Final = frozenset({ErrorCode.ROOM_UNKNOWN, ErrorCode.ROOM_EXISTS})
"""What the next question may do better."""
_LATER: Final = frozenset({ErrorCode.NOT_STORED, ErrorCode.INTERNAL})
"""What the next login may do better."""
_Questions = Iterator[Join | Direct]


@dataclass(slots=True)
class Back:
    """What came of it.

    Attributes:
        rooms: Those that one is in again.
        received: What the server has sent meanwhile, oldest first, the answers among it.
    """

    rooms: list[RoomInfo] = field(default_factory=list)
    received: list[FrameReceived] = field(default_factory=list)


class Rejoining:
    """The rooms that are to be joined again, over any number of links."""

    def __init__(self) -> None:
        self._lost: dict[RoomId, RoomInfo] = {}
        self._made: set[RoomId] = set()

    def lose(self, rooms: Iterable[RoomInfo]) -> None:
        """These were one's own."""
        self._lost.update((room.id, room) for room in rooms)

    def make(self, name: str) -> None:
        """This room has to be there before anything is sent; who makes it is a member, nobody else."""
        room = RoomId(room_key(name))
        self._lost[room] = RoomInfo(room, name)
        self._made.add(room)

    async def run(self, link: Link, me: UserId, rooms: Iterable[RoomInfo]) -> Back:
        """Join what is lost, on a link that nobody else reads yet.

        Args:
            rooms: Those that one is in.

        Raises:
            LinkCut: The link is over; what is not joined yet is for the next one.
        """
        for room in rooms:
            self._lost.pop(room.id, None)
        return await _Attempt(link, me, self._lost, self._made).run()


class _Attempt:
    """The questions of one link."""

    def __init__(
        self, link: Link, me: UserId, lost: dict[RoomId, RoomInfo], made: Collection[RoomId]
    ) -> None:
        self._link = link
        self._lost = lost
        self._rids = itertools.count(_FIRST_RID)
        self._unasked = deque(
            (room.id, self._making(room) if room.id in made else _questions(room, me, self._rids))
            for room in lost.values()
        )
        self._waiting: dict[int, tuple[RoomId, _Questions]] = {}
        self._back = Back()
        self._is_over = False

    async def run(self) -> Back:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                self._ask_more()
                while self._waiting and not self._is_over:
                    for received in await self._link.receive():
                        self._take(received)
                    self._ask_more()
        return self._back

    def _ask_more(self) -> None:
        while self._unasked and len(self._waiting) < REQUESTS_MAX:
            self._ask(*self._unasked.popleft())

    def _ask(self, room: RoomId, questions: _Questions) -> None:
        question = next(questions, None)
        if question is None:
            self._lost.pop(room, None)
            return
        self._waiting[question.rid] = room, questions
        self._link.send(question)

    def _take(self, received: FrameReceived) -> None:
        frame = received.frame
        if isinstance(frame, Failed) and not frame.fatal and frame.rid in self._waiting:
            self._refused(frame, *self._waiting.pop(frame.rid))
            return
        if isinstance(frame, Joined) and frame.rid in self._waiting:
            room, _ = self._waiting.pop(frame.rid)
            self._lost.pop(room, None)
            self._back.rooms.append(frame.room)
        self._back.received.append(received)
        is_end = isinstance(frame, Goodbye) or (isinstance(frame, Failed) and frame.fatal)
        self._is_over = self._is_over or is_end or len(self._back.received) >= _RECEIVED_MAX

    def _making(self, room: RoomInfo) -> _Questions:
        yield Join(next(self._rids), room.name, create=True)

    def _refused(self, failed: Failed, room: RoomId, questions: _Questions) -> None:
        if failed.code in _NEXT:
            self._ask(room, questions)
        elif failed.code not in _LATER:
            self._lost.pop(room, None)


def _questions(room: RoomInfo, me: UserId, rids: Iterator[int]) -> _Questions:
    """What gets one into a room, the next where the last one was refused."""
    others = [person.user for person in room.direct if person.user != me]
    if others:
        yield Direct(next(rids), user=others[0])
        return
    yield Join(next(rids), room.name)
    if not room.id.startswith("="):
        yield Join(next(rids), room.name, create=True)
        yield Join(next(rids), room.name)  # somebody else was faster
