"""A session with one server: what happens there as events, what one says and asks as calls.

    async with connect(address, profile, trust=Trust.NEVER, texts=texts) as session:
        async for event in session:
            ...

It lasts over any number of cuts. What one says is on disk before `say` returns, and leaves when there is a
link. All that is kept belongs to the server's key, never to an address.
"""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self, TypeVar

from chatroom.client.address import Address
from chatroom.client.arrivals import Arrivals, Me
from chatroom.client.attempts import Attempts
from chatroom.client.disk import Disk
from chatroom.client.errors import ClientError, NotConnected, RequestFailed
from chatroom.client.event_queue import EventQueue
from chatroom.client.events import (
    Ended,
    NickRefused,
    Offline,
    Online,
    OwnMessage,
    PastReplaced,
    RoomOpened,
    SessionEvent,
)
from chatroom.client.following import Follower, Stored
from chatroom.client.keeping import Keeper
from chatroom.client.link import Link
from chatroom.client.options import Options
from chatroom.client.outbox import Draft
from chatroom.client.profile import Profile
from chatroom.client.requests import Requests
from chatroom.client.sending import Sending
from chatroom.client.store import Store, open_store
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode, RemoteProtocolError
from chatroom.protocol.frames import (
    AnyFrame,
    AskInvitation,
    Away,
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
    Welcome,
    Who,
)
from chatroom.protocol.ids import DeviceId, MessageId, RoomId, UserId
from chatroom.protocol.limits import PAGE_LINES_MAX

F = TypeVar("F", bound=AnyFrame)
_log = logging.getLogger(__name__)


class Session:
    """One user on one server; `connect` makes it.

    Iterating gives its events, to one reader, until the session is over. Calls that ask the server raise
    `RequestFailed` where it says no, and `NotConnected` (or why the session is over) where there is no link;
    while the first attempt is under way they wait for it.

    Attributes:
        address: Where the server is.
        online: Whether there is a link just now.
        welcome: What the server said at the last login.
        server_key: The server's public key, 32 bytes, once it is known.
    """

    def __init__(
        self, address: Address, profile: Profile, options: Options, texts: Texts, timing: Timing
    ) -> None:
        self.address = address
        self.online = False
        self.welcome: Welcome | None = None
        self.server_key: bytes | None = None
        self._profile = profile
        self._options = options
        self._texts = texts
        self._me = Me(profile.user_id)
        self._disk = Disk()
        self._tasks = Tasks("session")
        self._last_tasks = Tasks("session")
        self._closing: asyncio.Task[None] | None = None
        self._queue = EventQueue()
        self._news = asyncio.Event()
        self._tried, self._why = False, ""
        self._end: ClientError | None = None
        self._away = False
        self._opened: set[RoomId] = set()
        self._attempts = Attempts(address, profile, options, self, texts, timing)
        self._requests = Requests(texts)
        self._keeper = Keeper(timing)
        self._sending = Sending(profile.folder, self._disk, texts, self.tell, self._relogin)
        self._arrivals = Arrivals(self._me, self._requests, self._sending, self._keeper, self.tell, texts)

    # --- who one is -----------------------------------------------------------------------------
    @property
    def user(self) -> UserId:
        """One's id."""
        return self._me.user

    @property
    def nick(self) -> str:
        """One's nick on this server; empty before the first login."""
        return self._me.nick

    @property
    def color(self) -> str:
        """One's colour on this server, `#rrggbb`; empty before the first login."""
        return self._me.color

    @property
    def store(self) -> Store | None:
        """What is kept of this server, once its key is known; None for scripts. Its methods block."""
        return self._keeper.store

    # --- events ---------------------------------------------------------------------------------
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionEvent:
        return await self._queue.get()

    def events_nowait(self) -> list[SessionEvent]:
        """All events that are there already, oldest first."""
        return self._queue.take_all()

    async def wait_for_events(self, timeout_s: float | None) -> None:
        """Return when there is an event, when there will be none any more, or when the time is over."""
        await self._queue.wait(timeout_s)

    async def ready(self) -> Welcome:
        """Wait for the first login, over any number of attempts.

        Raises:
            ClientError: The session is over: why.
        """
        while not self.online or self.welcome is None:
            self._raise_end()
            await self._next_news()
        return self.welcome

    # --- saying ---------------------------------------------------------------------------------
    async def say(self, room: RoomId, body: str, *, kind: str = "", grid: str = "") -> OwnMessage:
        """Put a message into the outbox; it is on disk when this returns, and leaves by itself.

        Raises:
            OutboxError: It could not be kept.
            NotConnected: Nobody knows yet which server that would be.
        """
        await self._until_known()
        return (await self._sending.say([Draft(room, body, kind, grid)]))[0]

    async def say_many(self, room: RoomId, bodies: Sequence[str]) -> list[OwnMessage]:
        """Put messages into the outbox, all or none; raises as `say` does."""
        await self._until_known()
        return await self._sending.say([Draft(room, body) for body in bodies]) if bodies else []

    def unsent(self, room: RoomId | None = None) -> list[OwnMessage]:
        """What is pending or failed, in the order it was said in."""
        return self._sending.unsent(room)

    async def retry(self, key: str) -> None:
        """Send a message that failed again."""
        await self._sending.retry(key)

    async def discard(self, key: str) -> None:
        """Throw a message that failed away. A pending one may be stored already, and stays."""
        await self._sending.discard(key)

    async def wait_all_stored(self, timeout_s: float | None) -> int:
        """Wait until nothing is pending, the time is over or the session; returns how many still wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), Tasks("stored") as tasks:
                stored = tasks.start(self._sending.wait_all_stored(), name="wait")
                over = tasks.start(self._until_over(), name="over")
                await tasks.first_of(stored, over)
        return self._sending.pending

    # --- asking ---------------------------------------------------------------------------------
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
        self._me.nick = nick

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
        while True:
            try:
                page = await self._ask(lambda rid: Fetch(rid, room, after, before, limit), Page, wait=wait)
                return self._arrivals.page(page)
            except NotConnected:
                if not wait or self._end is not None:
                    raise
            except RemoteProtocolError as error:
                sentence = self._texts._("the server sent what cannot be read")
                raise RequestFailed(ErrorCode.BAD_FRAME, sentence) from error

    async def follow(self, room: RoomId, *, after: MessageId) -> AsyncIterator[Stored]:
        """The lines of a room behind `after`, then those that come, without a gap and none twice.

        Raises:
            RequestFailed: The room is not for us.
            ClientError: The session is over: why.
        """
        follower = Follower(room, after)
        self._arrivals.followers.append(follower)
        try:
            await self._watch(follower)
            while True:
                await follower.wait()
                for stored in follower.take_live():
                    yield stored
                if follower.is_behind:
                    page = await self.page(room, after=follower.after, limit=PAGE_LINES_MAX)
                    for stored in follower.take_page(page):
                        yield stored
        finally:
            self._arrivals.followers.remove(follower)

    # --- the link -------------------------------------------------------------------------------
    async def away(self, away: bool) -> None:
        """Say that nobody sits here, or that somebody does again; said anew after each login."""
        self._away = away
        self._requests.tell(Away(away))

    def reconnect_now(self) -> None:
        """Make the next attempt at once, where one is waited for."""
        self._attempts.hurry()

    def login_again(self, nick: str) -> None:
        """Go on with another nick, after `NickRefused`."""
        self._tried = False
        self._attempts.login_again(nick)

    async def close(self) -> None:
        """Leave cleanly; what waits in the outbox stays there. Asked twice it is done once."""
        if self._closing is None:
            self._closing = self._last_tasks.start(self._close(), name="close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._over(NotConnected(self._texts._("You have left the server.")))
        await self._attempts.leave()
        await self._tasks.cancel_all()
        self._attempts.close()
        await self._sending.close()
        await self._keeper.close()
        self._disk.close()

    def start(self) -> None:
        """Begin to connect."""
        self._tasks.start(self._run(), name="run")
        self._tasks.start(self._keeper.run(), name="keep")

    # --- what attempts need (see `attempts.Host`) --------------------------------------------------
    @property
    def waiting(self) -> int:
        """How many messages wait in the outbox."""
        return self._sending.pending

    def tell(self, event: SessionEvent) -> None:
        """Tell the reader of events."""
        if isinstance(event, Offline | NickRefused | Ended):
            self._tried, self._why = True, event.reason
        self._queue.put(event)
        self._news.set()

    async def meet(self, server_key: bytes) -> None:
        """The server's key is known: everything belongs to it from here on."""
        if not self._options.quiet:
            await self._keeper.open(functools.partial(open_store, self._profile, server_key))
        if self._options.sends:
            await self._sending.claim(b"guest" + server_key if self._options.as_guest else server_key)
        self.server_key = server_key
        self._news.set()

    async def devices(self) -> list[DeviceId]:
        """The devices to log in with, those of programs that have ended meanwhile among them."""
        return await self._sending.devices() if self._options.sends else []

    async def live(self, link: Link, welcome: Welcome, server_key: bytes) -> None:
        """Be online until the link is cut, which raises."""
        again, self.welcome = self.welcome is not None, welcome
        self._me.user, self._me.nick, self._me.color = welcome.user, welcome.nick, welcome.color
        await self._check_past(welcome)
        self._requests.online(link)
        self.online = True
        self.tell(Online(welcome, server_key, again))
        rooms = [] if self._options.quiet else welcome.rooms
        self._arrivals.rooms_back(rooms, kept=self._opened)
        try:
            await self._sending.online(link, welcome.devices)
            await self._receive(link)
        finally:
            self.online = False
            self._requests.offline()
            self._sending.offline()

    # --- inside -----------------------------------------------------------------------------------
    async def _run(self) -> None:
        try:
            self._over(await self._attempts.run())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # the outermost loop: whatever it is, the user has to hear of it
            _log.exception("the session failed")
            self.tell(Ended(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}"))
            self._over(ClientError(str(error)))

    async def _receive(self, link: Link) -> None:
        if self._away:
            self._requests.tell(Away(True))
        async with Tasks("live") as tasks:
            tasks.start(self._reopen(), name="reopen")
            if not self._options.quiet and self.welcome is not None:
                tasks.start(self._keeper.rooms(self.welcome.rooms), name="rooms")
            while True:
                for received in await link.receive():
                    self._arrivals.take(received)

    async def _reopen(self) -> None:
        """Get the lines of rooms again that one is no member of."""
        for room in sorted(self._opened):
            try:
                await self._requests.ask(functools.partial(Open, room=room), Joined)
            except RequestFailed:
                self._opened.discard(room)
            except NotConnected:
                return

    async def _check_past(self, welcome: Welcome) -> None:
        replaced = self._arrivals.progress.is_replaced(welcome.epoch, welcome.rooms)
        kept_replaced = await self._keeper.is_replaced(welcome.epoch)
        if replaced and not kept_replaced:
            await self._keeper.forget()
        if replaced or kept_replaced:
            reason = self._texts._("The server has another past than before: an older backup was put back.")
            self.tell(PastReplaced(reason))

    async def _open(self, question: Callable[[int], AnyFrame], *, is_kept: bool = False) -> RoomOpened:
        joined = await self._ask(question, Joined)
        if is_kept or self._options.quiet:
            self._opened.add(joined.room.id)
        return RoomOpened(joined.room, joined.people, joined.more, joined.created, asked=True)

    async def _watch(self, follower: Follower) -> None:
        """Have the lines of a room come, and learn how many there are."""
        newest = self._arrivals.progress.newest(follower.room)
        if newest is not None:
            follower.exists(newest)
        else:
            self._opened.add(follower.room)
            await self._retrying(lambda rid: Open(rid, follower.room), Joined)

    async def _retrying(self, question: Callable[[int], AnyFrame], answer: type[F]) -> F:
        while True:
            try:
                return await self._ask(question, answer, wait=True)
            except NotConnected:
                if self._end is not None:
                    raise

    async def _ask(self, question: Callable[[int], AnyFrame], answer: type[F], *, wait: bool = False) -> F:
        while not self.online:
            self._raise_end()
            if self._tried and not wait:
                raise self._not_connected()
            await self._next_news()
        return await self._requests.ask(question, answer)

    async def _until_known(self) -> None:
        while self.server_key is None:
            self._raise_end()
            if self._tried:
                raise self._not_connected()
            await self._next_news()

    async def _until_over(self) -> None:
        while self._end is None:
            await self._next_news()

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _raise_end(self) -> None:
        if self._end is not None:
            raise self._end

    def _not_connected(self) -> NotConnected:
        return NotConnected(self._texts._("Not connected: {reason}.").format(reason=self._why))

    def _over(self, error: ClientError) -> None:
        if self._end is None:
            self._end = error
        self._queue.finish()
        for follower in self._arrivals.followers:
            follower.end(self._end)
        self._news.set()

    def _relogin(self) -> None:
        self._tasks.start(self._attempts.relogin(), name="relogin")


@asynccontextmanager
async def connect(
    address: Address,
    profile: Profile,
    *,
    trust: Trust,
    texts: Texts,
    nick: str = "",
    fallback_nick: str = "",
    secret: str = "",
    pin: str = "",
    quiet: bool = False,
    sends: bool = True,
    reconnect: bool = True,
    as_guest: bool = False,
    tls: bool | None = None,
    timing: Timing | None = None,
) -> AsyncIterator[Session]:
    """A session, which connects by itself and leaves cleanly at the end; see `Options` for the arguments.

    It is there at once: how the attempts go is told by its events, and by what its calls raise.
    """
    options = Options(trust, nick, fallback_nick, secret, pin, quiet, sends, reconnect, as_guest, tls)
    session = Session(address, profile, options, texts, timing or Timing())
    session.start()
    try:
        yield session
    finally:
        await session.close()
