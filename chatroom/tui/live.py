"""The worker that keeps the screen connected, and asks what only a person can answer."""

import asyncio
import contextlib
import getpass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from textual.message import Message

from chatroom.client.address import Address
from chatroom.client.errors import ClientError, RequestFailed
from chatroom.client.events import Ended, NickRefused, Online, SessionEvent
from chatroom.client.profile import Profile
from chatroom.common.inert import one_line
from chatroom.common.names import check_nick
from chatroom.home import DEFAULT_PROFILE
from chatroom.model.commands import said_text
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import Welcome
from chatroom.protocol.ids import RoomId
from chatroom.tui.bridge import Bridge
from chatroom.tui.conversation import Kept, Part
from chatroom.tui.finding import Place, find_again, find_place
from chatroom.tui.keeper import CURRENT_ROOM, Keeper
from chatroom.tui.launch import Launch
from chatroom.tui.messages import EventsArrived
from chatroom.tui.naming import name_problem
from chatroom.tui.screens.chat import ChatScreen
from chatroom.tui.widgets.banner import Condition, LinkState

if TYPE_CHECKING:
    from chatroom.client.session import Session
    from chatroom.client.store import Store

_CLOSE_TIMEOUT_S: Final = 2.0
_STARTED_TOLD_S: Final = 12.0
LINES_SHOWN: Final = 256
"""Lines of each room that can be read before the server answers; the others are fetched when looked for."""


class Live:
    """One person's connection, from the first attempt until leaving."""

    class Over(Message):
        """There is nothing left to do here; leave with an exit code."""

        def __init__(self, code: int) -> None:
            super().__init__()
            self.code = code

    def __init__(self, launch: Launch, screen: ChatScreen, keeper: Keeper) -> None:
        self._launch = launch
        self._screen = screen
        self._keeper = keeper
        self._session: Session | None = None
        self._again = asyncio.Event()
        self._is_leaving = False
        self._place: Place | None = None

    async def run(self) -> None:
        """Stay connected until one leaves; after an end for good, F5 begins anew."""
        while True:
            self._again.clear()
            try:
                await self._connect()
            except ClientError as error:
                self._show_end(one_line(error.reason(self._launch.texts)), one_line(error.mend))
            if self._is_leaving:
                return
            if not self._launch.reconnect:
                self._screen.post_message(self.Over(1))
            await self._again.wait()

    def reconnect(self) -> None:
        """Do not wait for the next attempt."""
        self._again.set()
        if self._session is not None:
            self._session.reconnect_now()

    async def leave(self) -> None:
        """Tell the server that one leaves, and keep what is to be kept; for a bounded time."""
        self._is_leaving = True
        session, self._session = self._session, None
        with contextlib.suppress(TimeoutError, ClientError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._keeper.finish()
                if session is not None:
                    await session.close()

    def last_words(self) -> list[str]:
        """What to say once the screen is gone: how to stop a server that goes on without us."""
        if self._place is None or not self._place.is_local:
            return []
        from chatroom.client.local_server import find_local_server

        if find_local_server(self._launch.home.runtime) is None:
            return []  # somebody has stopped it meanwhile
        sentence = self._launch.texts._("The server at {address} goes on. To stop it: chatroom-server stop")
        return [sentence.format(address=self._place.address)]

    async def _connect(self) -> None:
        await asyncio.to_thread(import_module, "chatroom.client.session")  # long: keys come in between
        from chatroom.client.session import connect
        from chatroom.client.trust import Trust, own_server

        launch = self._launch
        place = self._place = await asyncio.to_thread(find_place, launch)
        self._screen.banner.show(Condition(place=str(place.address)))
        self._tell_started(place)
        async with connect(
            place.address,
            launch.profile,
            nick=launch.nick,
            fallback_nick=launch.settings.nick,
            secret=launch.secret,
            pin=place.pin,
            reconnect=launch.reconnect,
            trust=Trust.ASK(self._ask_trust, own=own_server(launch.home.runtime)),
            texts=launch.texts,
            find_again=self._find_again,
        ) as session:
            self._session = self._screen.desk.session = session
            try:
                await Bridge(self._deliver).run(session)
            finally:
                self._session = None
                await self._keeper.let_go()

    async def _find_again(self, server_key: bytes) -> Address | None:
        place = await asyncio.to_thread(find_again, self._launch, server_key)
        if place is None:
            return None
        self._place = place
        self._tell_started(place)
        return place.address

    def _tell_started(self, place: Place) -> None:
        if (server := place.started) is None:
            return
        sentence = self._launch.texts._(
            "Started a server on this machine at {address}. Data: {data}. Log: {log}. To end it: {command}"
        )
        said = sentence.format(
            address=server.address, data=server.data, log=server.log, command="chatroom-server stop"
        )
        self._screen.toast(said, lasts_s=_STARTED_TOLD_S)

    async def _deliver(self, events: list[SessionEvent], more: bool) -> None:
        await self._restore()
        if any(isinstance(event, Online) for event in events):
            self._show_unsent()  # what programs left that have ended meanwhile is taken over before a login
        message = EventsArrived(events, more=more)
        self._screen.post_message(message)
        await message.taken.wait()
        for event in events:
            self._follow_up(event)

    async def _restore(self) -> None:
        """Show what is kept of this server, as soon as it is known which one it is."""
        if self._session is None or self._session.server_key is None or self._keeper.shelf is not None:
            return
        if (store := self._session.store) is None:
            return
        kept = await asyncio.to_thread(read_kept, store, self._launch.profile, self._session.server_key)
        self._keeper.shelf = store
        self._keeper.drafts = {**kept.drafts, **self._keeper.drafts}
        self._drop_sent_drafts()
        self._screen.conversation.restore(kept)
        if kept.current and kept.current in self._screen.conversation.rooms and not self._launch.room:
            self._screen.enter(kept.current)
        self._show_unsent()

    def _drop_sent_drafts(self) -> None:
        """A draft that is in the outbox too was sent: only the program had no time to let go of it."""
        for message in self._session.unsent() if self._session is not None else ():
            if said_text(self._keeper.drafts.get(message.room, "").strip()) == message.body:
                self._keeper.keep_draft(message.room, "")

    def _show_unsent(self) -> None:
        """Show what waits in the outbox or failed there, an earlier run's included."""
        for message in self._session.unsent() if self._session is not None else ():
            self._screen.conversation.take_own(message)
        self._screen.draw(Part.LOG)

    def _follow_up(self, event: SessionEvent) -> None:
        match event:
            case Online(welcome=welcome, again=False):
                self._screen.act(self._settle(welcome))
            case NickRefused():
                self._screen.act(self._ask_nick(event))
            case Ended(code="server-key-changed", reason=reason, mend=mend):
                self._screen.act(self._tell_key_changed(one_line(reason), one_line(mend)))

    async def _settle(self, welcome: Welcome) -> None:
        """Be in a room: the one that was asked for, the last one, the only one; else choose."""
        rooms = self._screen.conversation.rooms
        if self._launch.room:
            await self._open_first(self._launch.room)
        elif rooms.current is None and (first := rooms.next()) is not None:
            self._screen.enter(first)
        elif rooms.current is None:
            await self._screen.choose_room(welcome.default_room)

    async def _open_first(self, name: str) -> None:
        try:
            await self._screen.desk.join(name)
        except RequestFailed as error:
            self._screen.toast(one_line(str(error)), is_warning=True)
            await self._screen.choose_room(name)

    async def _ask_nick(self, refused: NickRefused) -> None:
        from chatroom.tui.screens.first_start import NickScreen

        texts = self._launch.texts
        problem = "" if refused.code == ErrorCode.NICK_NEEDED else one_line(refused.reason)
        nick = refused.nick or usual_nick(self._launch.profile.name)
        screen = NickScreen(
            texts, lambda name: name_problem(check_nick, name, texts), nick=nick, problem=problem
        )
        answer = await self._screen.ask(screen)
        if answer is None:
            self._screen.post_message(self.Over(0))
        elif self._session is not None:
            self._session.login_again(answer)

    async def _ask_trust(self, address: Address, fingerprint: str) -> bool:
        from chatroom.tui.screens.questions import QuestionScreen, trust_question

        question = trust_question(str(address), fingerprint, self._launch.texts)
        answer = await self._screen.ask(QuestionScreen(question))
        return answer is True

    async def _tell_key_changed(self, reason: str, mend: str) -> None:
        from chatroom.tui.screens.questions import QuestionScreen, key_changed_question

        await self._screen.ask(QuestionScreen(key_changed_question(reason, mend, self._launch.texts)))

    def _show_end(self, reason: str, mend: str) -> None:
        self._screen.banner.show(Condition(LinkState.ENDED, reason=reason, mend=mend))


def read_kept(store: "Store", profile: Profile, server_key: bytes | None) -> Kept:
    """Everything that is kept of a server. Blocking; what cannot be read counts as not kept."""
    kept = Kept()
    with contextlib.suppress(ClientError):
        rooms = store.rooms()
        kept = Kept(
            rooms=rooms,
            markers=store.markers(),
            drafts=store.drafts(),
            lines={room.id: store.newest_lines(room.id, LINES_SHOWN) for room in rooms},
            current=RoomId(store.window(CURRENT_ROOM)),
            nick=profile.servers.nick_at(server_key) if server_key else "",
        )
    return kept


def usual_nick(profile: str) -> str:
    """A nick to begin with: what the profile is called, else one's name on this machine."""
    if profile != DEFAULT_PROFILE:
        return profile
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""
