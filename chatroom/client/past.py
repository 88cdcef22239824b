"""Notices at a login that the server has another past than before, and does what follows from that."""

from collections.abc import Callable, Collection

import msgspec

from chatroom.client.arrivals import Arrivals
from chatroom.client.errors import PastReplacedError
from chatroom.client.events import MessageState, OwnMessage, PastReplaced, SessionEvent
from chatroom.client.keeping import Keeper
from chatroom.client.link import Link
from chatroom.client.rejoining import Rejoining
from chatroom.common.texts import Texts
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import RoomInfo, Welcome
from chatroom.protocol.ids import Epoch, RoomId


class Past:
    """What one session knows of its server's past.

    Args:
        unsent: Gives what waits in the outbox.
        opened: Rooms whose lines come although one is no member.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        keeper: Keeper,
        unsent: Callable[[], list[OwnMessage]],
        opened: Collection[RoomId],
        tell: Callable[[SessionEvent], None],
        texts: Texts,
    ) -> None:
        self._arrivals = arrivals
        self._keeper = keeper
        self._unsent = unsent
        self._opened = opened
        self._tell = tell
        self._texts = texts
        self._rejoining = Rejoining()
        self._told: Epoch | None = None

    async def enter(
        self, link: Link, welcome: Welcome, *, quiet: bool, create: str = ""
    ) -> tuple[Welcome, list[FrameReceived]]:
        """Forget what another past has made wrong, and get back into one's rooms.

        Args:
            quiet: A script's link, which says things without being a member.
            create: The name of a room to make, where there is none.

        Returns:
            The welcome with all one's rooms, and the frames that came behind it.

        Raises:
            LinkCut: The link is over.
        """
        replaced = self._arrivals.progress.enter(welcome.epoch, welcome.rooms)
        kept_replaced = await self._keeper.is_replaced(welcome.epoch)
        if replaced and not kept_replaced:
            await self._keeper.forget()
        is_news = replaced or (kept_replaced and welcome.epoch != self._told)
        if is_news:
            self._told = welcome.epoch
            self._tell_replaced(lose=replaced)
        if is_news and not quiet:
            self._rejoining.lose(await self._rooms(kept=kept_replaced))
        if create:
            self._rejoining.make(create)
        back = await self._rejoining.run(link, welcome.user, welcome.rooms)
        await self._keeper.enter(welcome.epoch)  # last: who is killed in between begins anew
        return msgspec.structs.replace(welcome, rooms=welcome.rooms + back.rooms), back.received

    def _tell_replaced(self, *, lose: bool) -> None:
        reason = self._texts._("The server has another past than before: an older backup was put back.")
        self._tell(PastReplaced(reason))
        for follower in self._arrivals.followers if lose else ():
            follower.lose(PastReplacedError(reason))

    async def _rooms(self, *, kept: bool) -> list[RoomInfo]:
        """The rooms that one was in: for all that is known here."""
        pending = [message.room for message in self._unsent() if message.state is MessageState.PENDING]
        rooms = {room: RoomInfo(room, room) for room in pending}
        rooms |= {room.id: room for room in (await self._keeper.rooms() if kept else ())}
        rooms |= self._arrivals.rooms
        return [room for id_, room in rooms.items() if id_ not in self._opened]
