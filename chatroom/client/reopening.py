"""Opens again what one had open: rooms that one only reads, and conversations that the server has lost.

After a backup was put back the server may not know the other one of a conversation, until they log in again.
Till then the conversation is lost; it is asked for when somebody of that id is seen, and now and then.
"""

import asyncio
import functools
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from chatroom.client.errors import NotConnected, RequestFailed
from chatroom.client.events import OwnMessage
from chatroom.client.keeping import Keeper
from chatroom.client.requests import Requests
from chatroom.common.inert import one_line
from chatroom.common.names import shown_nick
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Direct, Joined, Open, Person, RoomInfo
from chatroom.protocol.ids import RoomId, UserId

_AGAIN_S: Final = 30.0
"""After so long a conversation that is lost is asked for again."""


def is_conversation(room: RoomId) -> bool:
    """Whether it is one of two; the id of such a room is nothing for people."""
    return room.startswith("=")


class Lost:
    """The conversations of two that one had, and that the server does not have."""

    def __init__(self) -> None:
        self.rooms: dict[RoomId, RoomInfo] = {}
        self._seen = asyncio.Event()

    def add(self, room: RoomInfo) -> None:
        """The server does not have it any more."""
        if room.direct:
            self.rooms[room.id] = room

    def found(self, room: RoomId) -> bool:
        """It is open, or one does not want it back; False where it was not lost."""
        return self.rooms.pop(room, None) is not None

    def see(self, people: Iterable[Person]) -> None:
        """The server knows these."""
        users = {person.user for person in people}
        if any(person.user in users for room in self.rooms.values() for person in room.direct):
            self._seen.set()

    async def wait(self) -> None:
        """Return when it makes sense to ask again."""
        self._seen.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                await self._seen.wait()


class Reopening:
    """What one session opens again."""

    def __init__(
        self, lost: Lost, opened: set[RoomId], requests: Requests, keeper: Keeper, texts: Texts
    ) -> None:
        self._lost = lost
        self._opened = opened
        self._requests = requests
        self._keeper = keeper
        self._texts = texts

    async def learn(self, unsent: Iterable[OwnMessage], rooms: Iterable[RoomInfo]) -> None:
        """What waits for a conversation that an earlier program had open makes it one of ours."""
        wanted = {message.room for message in unsent if is_conversation(message.room)}
        wanted -= {room.id for room in rooms}
        for room in await self._keeper.rooms() if wanted else ():
            if room.id in wanted:
                self._lost.add(room)

    async def run(self, me: UserId) -> None:
        """Open again on one link, as long as it is there."""
        with suppress(NotConnected):
            await self._open_readable()
            while True:
                for room in list(self._lost.rooms.values()):
                    with suppress(RequestFailed):
                        await self._ask(room, me)
                await self._lost.wait()

    async def open(self, room: RoomId, me: UserId) -> None:
        """Open a lost conversation now; anything else is open, or none of ours.

        Raises:
            RequestFailed: The server does not know the other one.
            NotConnected: There is no link.
        """
        if (info := self._lost.rooms.get(room)) is not None:
            await self._ask(info, me)

    async def _open_readable(self) -> None:
        """Get the lines of rooms again that one is no member of."""
        for room in sorted(self._opened):
            try:
                await self._requests.ask(functools.partial(Open, room=room), Joined)
            except RequestFailed:
                self._opened.discard(room)

    async def _ask(self, room: RoomInfo, me: UserId) -> None:
        other = other_one(room, me)
        try:
            await self._requests.ask(lambda rid: Direct(rid, user=other.user), Joined)
        except RequestFailed as error:
            if error.code != ErrorCode.USER_UNKNOWN:
                raise
            raise RequestFailed(error.code, why_unknown(self._texts, room, me)) from error


def other_one(room: RoomInfo, me: UserId) -> Person:
    """Whom a conversation is with."""
    return next((person for person in room.direct if person.user != me), room.direct[0])


def why_unknown(texts: Texts, room: RoomInfo | None, me: UserId) -> str:
    """Why nothing goes into a conversation that the server does not have."""
    if room is None or not room.direct:
        return texts._("the server does not have this conversation at present; /msg opens it")
    other = other_one(room, me)
    nick = shown_nick(one_line(other.nick), guest=other.guest)
    return texts._("the server does not know @{nick} at present").format(nick=nick)
