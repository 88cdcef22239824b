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
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self

from chatroom.client.address import Address
from chatroom.client.arrivals import Arrivals, Me
from chatroom.client.asking import Asking, F, Question
from chatroom.client.attempts import Attempts
from chatroom.client.disk import Disk
from chatroom.client.errors import ClientError, NotConnected, RequestFailed
from chatroom.client.event_queue import EventQueue
from chatroom.client.events import Ended, Online, OwnMessage, SessionEvent
from chatroom.client.following import Follower, Stored
from chatroom.client.keeping import Keeper
from chatroom.client.link import Link
from chatroom.client.options import FindAgain, Options
from chatroom.client.outbox import Draft
from chatroom.client.past import Past
from chatroom.client.profile import Profile
from chatroom.client.prospects import Prospects
from chatroom.client.reopening import Reopening
from chatroom.client.requests import Requests
from chatroom.client.sending import Sending
from chatroom.client.store import Store
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode, RemoteProtocolError
from chatroom.protocol.frames import Away, Joined, Open, Page, Welcome
from chatroom.protocol.ids import DeviceId, RoomId, UserId

_log = logging.getLogger(__name__)


class Session(Asking):
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
        self._prospects = Prospects(texts)
        self._away = False
        self._opened: set[RoomId] = set()
        self._attempts = Attempts(address, profile, options, self, texts, timing)
        self._requests = Requests(texts, options.wording)
        self._keeper = Keeper(timing)
        self._sending = Sending(profile.slots, self._disk, texts, timing, self.tell, self._relogin)
        self._arrivals = Arrivals(
            self._me, self._opened, self._requests, self._sending, self._keeper, self.tell, texts
        )
        self._reopening = Reopening(self._arrivals.lost, self._opened, self._requests, self._keeper, texts)
        self._past = Past(self._arrivals, self._keeper, self._sending.unsent, self._opened, self.tell, texts)

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

    async def ready(self, *, wait: bool = True) -> Welcome:
        """Wait for a login: over any number of attempts or, without `wait`, while there is hope at once.

        Raises:
            NotConnected: An attempt has failed, and `wait` was not asked for.
            ClientError: The session is over: why.
        """
        while not self.online or self.welcome is None:
            await self._prospects.until(lambda: self.online, wait=wait)
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
        """Send a message that failed again, in a conversation that the server had lost once that is open.

        Raises:
            RequestFailed: It still does not know the other one.
            NotConnected: There is no link to ask over.
        """
        for message in self._sending.unsent():
            if message.key == key:
                await self._reopening.open(message.room, self.user)
        await self._sending.retry(key)

    async def discard(self, key: str) -> None:
        """Throw a message that failed away. A pending one may be stored already, and stays."""
        await self._sending.discard(key)

    async def wait_all_stored(self, timeout_s: float | None) -> int:
        """Wait until nothing is pending, the time is over or the session; returns how many still wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), Tasks("stored") as tasks:
                stored = tasks.start(self._sending.wait_all_stored(), name="wait")
                over = tasks.start(self._prospects.until_over(), name="over")
                await tasks.first_of(stored, over)
        return self._sending.pending

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
        self._prospects.begin_anew()
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
        await self._attempts.close()
        await self._sending.close()
        await self._keeper.close()
        await self._disk.close()

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
        self._queue.put(event)
        self._prospects.note(event)

    async def meet(self, server_key: bytes) -> None:
        """The server's key is known: everything belongs to it from here on."""
        if not self._options.quiet:
            await self._keeper.open(functools.partial(self._profile.open_store, server_key))
        if self._options.sends:
            await self._sending.claim(b"guest" + server_key if self._options.as_guest else server_key)
        self.server_key = server_key
        self._prospects.ring()

    async def devices(self) -> list[DeviceId]:
        """The devices to log in with, those of programs that have ended meanwhile among them."""
        return await self._sending.devices() if self._options.sends else []

    async def live(self, link: Link, welcome: Welcome, server_key: bytes) -> None:
        """Be online until the link is cut, which raises."""
        self._me.user, self._me.nick, self._me.color = welcome.user, welcome.nick, welcome.color
        welcome, received = await self._past.enter(
            link, welcome, quiet=self._options.quiet, create=self._options.create
        )
        again, self.welcome = self.welcome is not None, welcome
        self._requests.online(link)
        self.online = True
        self.tell(Online(welcome, server_key, again))
        rooms = [] if self._options.quiet else welcome.rooms
        await self._reopening.learn(self._sending.unsent(), rooms)
        self._arrivals.rooms_back(rooms, kept=self._opened)
        try:
            for frame in received:
                self._arrivals.take(frame)
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
            tasks.start(self._reopening.run(self.user), name="reopen")
            while True:
                for received in await link.receive():
                    self._arrivals.take(received)

    async def _begin(self, follower: Follower) -> None:
        self._arrivals.followers.append(follower)
        newest = self._arrivals.progress.newest(follower.room)
        if newest is not None:
            follower.exists(newest)
        else:
            self._opened.add(follower.room)
            await self._ask(lambda rid: Open(rid, follower.room), Joined, wait=True)

    def _finish(self, follower: Follower) -> None:
        self._arrivals.followers.remove(follower)

    async def _ask(self, question: Question, answer: type[F], *, wait: bool = False) -> F:
        while True:
            await self._prospects.until(lambda: self.online, wait=wait)
            try:
                return await self._requests.ask(question, answer)
            except NotConnected:
                if not wait or self._prospects.end is not None:
                    raise
                await asyncio.sleep(0)  # the link is over, and whoever reads it is about to hear of it

    def _stored(self, page: Page) -> list[Stored]:
        try:
            return self._arrivals.page(page)
        except RemoteProtocolError as error:
            sentence = self._texts._("the server sent what cannot be read")
            raise RequestFailed(ErrorCode.BAD_FRAME, sentence) from error

    def _opened_room(self, room: RoomId, *, is_kept: bool) -> None:
        if is_kept or self._options.quiet:
            self._opened.add(room)
            self._arrivals.keep_rooms()

    def _renamed(self, nick: str) -> None:
        self._me.nick = nick

    async def _until_known(self) -> None:
        await self._prospects.until(lambda: self.server_key is not None, wait=False)

    def _over(self, error: ClientError) -> None:
        end = self._prospects.finish(error)
        self._queue.finish()
        for follower in self._arrivals.followers:
            follower.end(end)

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
    create: str = "",
    wording: Mapping[str, str] | None = None,
    find_again: FindAgain | None = None,
    timing: Timing | None = None,
) -> AsyncIterator[Session]:
    """A session, which connects by itself and leaves cleanly at the end; see `Options` for the arguments.

    It is there at once: how the attempts go is told by its events, and by what its calls raise.
    """
    options = Options(
        trust=trust,
        nick=nick,
        fallback_nick=fallback_nick,
        secret=secret,
        pin=pin,
        quiet=quiet,
        sends=sends,
        reconnect=reconnect,
        as_guest=as_guest,
        tls=tls,
        create=create,
        wording=wording,
        find_again=find_again,
    )
    session = Session(address, profile, options, texts, timing or Timing())
    session.start()
    try:
        yield session
    finally:
        await session.close()
