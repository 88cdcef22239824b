"""What one may ask a server, as calls: the half of a session that knows nothing of links."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

from chatroom.client.errors import RequestFailed
from chatroom.client.events import RoomOpened
from chatroom.client.following import Follower, Stored
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import (
    AnyFrame,
    AskInvitation,
    Direct,
    Done,
    Fetch,
    Invitations,
    Join,
    Joined,
    Leave,
    LeftRoom,
    ListRooms,
    Open,
    Page,
    People,
    Rename,
    Rooms,
    Who,
)
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.protocol.limits import PAGE_LINES_MAX

F = TypeVar("F", bound=AnyFrame)
_AGAIN_S: Final = 1.0
"""When a page that the server's disk did not give is asked for again."""
Question = Callable[[int], AnyFrame]
"""Makes a request with the number that its answer will repeat."""


class Asking(ABC):
    """Calls that raise `RequestFailed` where the server says no, `NotConnected` where there is no link."""

    async def join(self, name: str, *, create: bool = False) -> RoomOpened:
        """Become a member of a room, with `create` of a new one."""
        return await self._open(lambda rid: Join(rid, name, create))

    async def open(self, name: str) -> RoomOpened:
        """Get a room's lines without becoming a member; again by itself after a cut."""
        return await self._open(lambda rid: Open(rid, name), is_kept=True)

    async def direct(self, *, nick: str = "", user: str = "") -> RoomOpened:
        """Open the conversation with one user."""
        return await self._open(lambda rid: Direct(rid, nick, user))

    async def leave(self, room: RoomId) -> None:
        """Give a room up."""
        await self._ask(lambda rid: Leave(rid, room), LeftRoom)

    async def rooms(self) -> Rooms:
        """The rooms that one may join."""
        return await self._ask(ListRooms, Rooms)

    async def who(self, name: str) -> People:
        """The people of a room."""
        return await self._ask(lambda rid: Who(rid, name), People)

    async def rename(self, nick: str) -> None:
        """Take another nick."""
        await self._ask(lambda rid: Rename(rid, nick), Done)
        self._renamed(nick)

    async def invitations(self, room: str = "") -> Invitations:
        """The lines that let others in."""
        return await self._ask(lambda rid: AskInvitation(rid, room), Invitations)

    async def page(
        self,
        room: RoomId,
        *,
        after: MessageId | None = None,
        before: MessageId | None = None,
        limit: int = 100,
        wait: bool = True,
    ) -> list[Stored]:
        """Lines of a room, oldest first: behind `after`, or the last ones below `before`, or the newest.

        Args:
            limit: At most so many; at most 512.
            wait: Wait for the link to come back; else raise `NotConnected`.
        """
        limit = max(1, min(limit, PAGE_LINES_MAX))
        page = await self._ask(lambda rid: Fetch(rid, room, after, before, limit), Page, wait=wait)
        return self._stored(page)

    async def follow(self, room: RoomId, *, after: MessageId) -> AsyncIterator[Stored]:
        """The lines of a room behind `after`, then those that come, without a gap and none twice.

        Raises:
            RequestFailed: The room is not for us.
            PastReplacedError: An older backup was put back; lines behind our place may be others now.
            ClientError: The session is over: why.
        """
        follower = Follower(room, after)
        try:
            await self._begin(follower)
            while True:
                await follower.wait()
                for stored in follower.take_live():
                    yield stored
                if follower.is_behind:
                    for stored in follower.take_page(await self._next_page(follower)):
                        yield stored
        finally:
            self._finish(follower)

    async def _next_page(self, follower: Follower) -> list[Stored]:
        """What follows; asked for again where the server's disk did not give it."""
        while True:
            try:
                return await self.page(follower.room, after=follower.after, limit=PAGE_LINES_MAX)
            except RequestFailed as error:
                if error.code != ErrorCode.INTERNAL:
                    raise
            await asyncio.sleep(_AGAIN_S)

    async def _open(self, question: Question, *, is_kept: bool = False) -> RoomOpened:
        joined = await self._ask(question, Joined)
        self._opened_room(joined.room.id, is_kept=is_kept)
        return RoomOpened(joined.room, joined.people, joined.more, joined.created, asked=True)

    @abstractmethod
    async def _ask(self, question: Question, answer: type[F], *, wait: bool = False) -> F:
        """Ask, and return the answer.

        Args:
            wait: Wait for a link, and ask again after a cut.
        """

    @abstractmethod
    async def _begin(self, follower: Follower) -> None:
        """Have the lines of a follower's room come to it, and learn how many there are."""

    @abstractmethod
    def _finish(self, follower: Follower) -> None:
        """No lines for this follower any more."""

    @abstractmethod
    def _stored(self, page: Page) -> list[Stored]:
        """The lines of a page."""

    @abstractmethod
    def _opened_room(self, room: RoomId, *, is_kept: bool) -> None:
        """A room was opened; with `is_kept` it is to be opened again after a cut."""

    @abstractmethod
    def _renamed(self, nick: str) -> None:
        """One has another nick."""
