"""Says in lines what a session tells."""

import asyncio
import contextlib
from typing import Final

from chatroom.client.closed import closed_sentence
from chatroom.client.errors import ClientError, NotConnected, ProfileError
from chatroom.client.events import (
    Connecting,
    Ended,
    LineArrived,
    LinesMissed,
    MessageChanged,
    MessageState,
    NickRefused,
    Offline,
    Online,
    PastReplaced,
    PresenceChanged,
    RoomClosed,
    RoomOpened,
    ServerProblem,
    SessionEvent,
)
from chatroom.client.session import Session
from chatroom.common.inert import one_line
from chatroom.common.names import room_key
from chatroom.conversation_log import ConversationLog
from chatroom.dates import now_ms
from chatroom.model.mentions import is_meant
from chatroom.model.sentences import LineFormat
from chatroom.plain.console import Console
from chatroom.plain.view import View
from chatroom.protocol.auth import fingerprint
from chatroom.protocol.frames import Line, LineKind, RoomInfo
from chatroom.protocol.ids import MessageId, RoomId

_SHOWN_AT_FIRST: Final = 20
_MISSED_SHOWN: Final = 200
"""Missed lines of a room that are made up for after a cut; of more, the newest."""
_FAILED_SHOWN: Final = 60
_CURRENT_ROOM: Final = "room"
"""What the full screen calls it in the store, too: one returns to where one was, in either."""


class Display:
    """Prints the events of one session, one self-contained line each.

    Args:
        room: The room to open first; empty for the one that one is in, else the server's default.
        written: Keeps the conversation; None for nowhere.
    """

    def __init__(
        self, session: Session, console: Console, form: LineFormat, room: str, written: ConversationLog | None
    ) -> None:
        self.view = View(me=session.user)
        self.is_quiet = False
        self._session = session
        self._console = console
        self._form = form
        self._texts = form.texts
        self._wanted = room
        self._written = written

    async def show(self, event: SessionEvent) -> None:
        """Print what an event says, if anything.

        Raises:
            OutputClosed: Nobody reads it.
        """
        match event:
            case Online(again=False):
                await self._greet(event)
            case Online():
                await self._return(event)
            case Offline():
                await self._console.show(self._offline_line(event))
            case Ended():
                await self._console.show(str(event))
            case LineArrived(line=line):
                await self._arrived(line)
            case MessageChanged(message=message) if message.state is MessageState.FAILED:
                await self._console.show(self._failed_line(message.body, message.reason))
            case PresenceChanged():
                await self._present(event)
            case LinesMissed():
                await self._catch_up(event)
            case RoomOpened():
                await self._opened(event)
            case RoomClosed():
                await self._closed(event)
            case PastReplaced(reason=reason):
                self.view.forget_lines()
                await self._console.show(reason)
            case ServerProblem(reason=reason):
                await self._console.show(reason)
            case Connecting() | MessageChanged() | NickRefused():
                pass

    async def enter(self, room: RoomInfo) -> None:
        """Make a room the current one, and show the newest lines that one has not seen."""
        if self.view.closed and self.view.current is not None:
            self.view.rooms.pop(self.view.current, None)
        self.view.rooms[room.id] = room
        self.view.current, self.view.closed = room.id, ""
        newest = [
            line for line, _body in await self._session.page(room.id, limit=_SHOWN_AT_FIRST, wait=False)
        ]
        shown = self.view.shown.get(room.id, 0)
        await self._console.show(self._room_line(room.id, newest, shown))
        for line in newest:
            await self._show_line(line)
        await self._keep_room(room.id)

    def _room_line(self, room: RoomId, newest: list[Line], shown: int) -> str:
        name = self.view.title(room)
        fresh = [line for line in newest if line.id > shown]
        if not newest:
            return self._texts._("{room}: no messages yet.").format(room=name)
        if not fresh:
            return self._texts._("{room}: nothing new, live from now on.").format(room=name)
        return self._texts.n(
            "{room}: {count} message since {time}, then live.",
            "{room}: {count} messages since {time}, then live.",
            len(fresh),
        ).format(room=name, count=len(fresh), time=self._form.clock(fresh[0].at))

    # --- the link -----------------------------------------------------------------------------------
    async def _greet(self, event: Online) -> None:
        welcome = event.welcome
        self.view.me = welcome.user
        self.view.rooms = {room.id: room for room in welcome.rooms}
        rooms = ", ".join(f"{self.view.title(room.id)} {room.last}" for room in welcome.rooms) or "-"
        sentence = self._texts._("Connected to {address} (key {key}). Rooms: {rooms}. /help for help.")
        key = fingerprint(event.server_key)
        await self._console.show(sentence.format(address=self._session.address, key=key, rooms=rooms))
        if welcome.back:
            await self._console.show(self._form.welcome_back(welcome.nick))
        if welcome.links > 1:
            await self._console.show(
                self._texts._("You are here more than once. To be somebody else: chatroom --as NAME")
            )
        await self._enter_first(welcome.default_room)

    async def _enter_first(self, default: RoomId) -> None:
        """Go to the room that was asked for, the one of last time, or the one for newcomers."""
        last = await self._last_room()
        usual = last if last in self.view.rooms else next(iter(self.view.rooms), default)
        wanted = RoomId(room_key(self._wanted)) if self._wanted else usual
        try:
            known = self.view.rooms.get(wanted)
            await self.enter(known or (await self._session.join(self._wanted or wanted)).room)
        except ClientError as error:
            await self._console.show(error.told(self._texts))

    async def _last_room(self) -> RoomId:
        store = self._session.store
        if store is None:
            return RoomId("")
        try:
            return RoomId(await asyncio.to_thread(store.window, _CURRENT_ROOM))
        except ProfileError:
            return RoomId("")

    async def _keep_room(self, room: RoomId) -> None:
        store = self._session.store
        if store is not None:
            with contextlib.suppress(ProfileError):
                await asyncio.to_thread(store.save_window, _CURRENT_ROOM, room)

    async def _return(self, event: Online) -> None:
        self.view.rooms.update({room.id: room for room in event.welcome.rooms})
        if self.view.current in [room.id for room in event.welcome.rooms]:
            await self._open_again()
        waiting = len(self._session.unsent())
        if not waiting:
            await self._console.show(self._texts._("Back. Everything is sent."))
            return
        sentence = self._texts.n(
            "Back. {count} message is on its way.", "Back. {count} messages are on their way.", waiting
        )
        await self._console.show(sentence.format(count=waiting))

    def _offline_line(self, event: Offline) -> str:
        seconds = max(1, round(event.retry_in_s))
        line = self._texts._("Offline ({reason}), next attempt in {seconds} s.").format(
            reason=event.reason, seconds=seconds
        )
        if not event.unsent:
            return line
        waiting = self._texts.n("{count} message waits.", "{count} messages wait.", event.unsent)
        return f"{line} {waiting.format(count=event.unsent)}"

    # --- lines --------------------------------------------------------------------------------------
    async def _arrived(self, line: Line) -> None:
        if self.view.is_told(line):
            return
        if self._written is not None:
            self._written.said(self.view.title(line.room), line)
        if line.room == self.view.current:
            await self._show_line(line, rings=True)
        elif room := self.view.rooms.get(line.room):
            await self._show_elsewhere(room, line)

    async def _show_line(self, line: Line, *, rings: bool = False) -> None:
        if self.view.is_shown(line):
            return
        await self._console.show(self._form.text(line))
        room = self.view.rooms.get(line.room)
        if rings and room is not None and self._is_for_me(room, line):
            await self._ring()

    async def _show_elsewhere(self, room: RoomInfo, line: Line) -> None:
        """Of other rooms only what concerns oneself is shown."""
        if not self._is_for_me(room, line):
            return
        if room.direct:
            sentence = self._texts._("[{time}] {nick} writes to you alone: {text}")
        else:
            sentence = self._texts._("[{time}] #{room} {nick} mentions you: {text}")
        await self._console.show(
            sentence.format(
                time=self._form.clock(line.at),
                room=one_line(room.name),
                nick=one_line(line.nick),
                text=one_line(line.body),
            )
        )
        await self._ring()

    def _is_for_me(self, room: RoomInfo, line: Line) -> bool:
        if line.user == self._session.user or line.kind == LineKind.TOPIC:
            return False
        return bool(room.direct) or is_meant(line.body, self._session.nick)

    async def _ring(self) -> None:
        if not self.is_quiet:
            await self._console.ring()

    async def _catch_up(self, missed: LinesMissed) -> None:
        """Make up for lines that were missed, or for the newest of very many."""
        begin = missed.after
        if missed.room == self.view.current:
            begin = MessageId(max(begin, self.view.shown.get(missed.room, 0)))
        after = MessageId(max(begin, missed.last - _MISSED_SHOWN))
        if after > begin and missed.room == self.view.current:
            sentence = self._texts.n(
                "{count} older message: chatroom history",
                "{count} older messages: chatroom history",
                after - begin,
            )
            await self._console.show(sentence.format(count=after - begin))
        try:
            while after < missed.last:
                page = await self._session.page(missed.room, after=after, wait=False)
                for line, _body in page:
                    await self._arrived(line)
                after = MessageId(page[-1][0].id) if page else missed.last
        except NotConnected:
            return  # the next link tells the same again, and what was missed since

    def _failed_line(self, body: str, reason: str) -> str:
        sentence = self._texts._("Not sent: {text} ({reason}). /retry sends it again, /discard drops it.")
        return sentence.format(text=one_line(body)[:_FAILED_SHOWN], reason=reason)

    # --- people and rooms -----------------------------------------------------------------------------
    async def _present(self, event: PresenceChanged) -> None:
        if self._written is not None:
            self._written.noticed(self.view.title(event.room), now_ms(), event.event, event.people)
        if event.room == self.view.current and (notice := self._form.notice(event.event, event.people)):
            await self._console.show(notice)

    async def _opened(self, event: RoomOpened) -> None:
        room = event.room
        is_new = room.id not in self.view.rooms
        self.view.rooms[room.id] = room
        if room.id == self.view.current and self.view.closed:
            await self._open_again()
            return
        other = self.view.other(room)
        if is_new and not event.asked and other is not None:
            sentence = self._texts._("{nick} opened a conversation with you: /msg {nick}")
            await self._console.show(sentence.format(nick=one_line(other.nick)))

    async def _open_again(self) -> None:
        if self.view.closed and self.view.current is not None:
            self.view.closed = ""
            room = self.view.title(self.view.current)
            await self._console.show(self._texts._("{room} is open again.").format(room=room))

    async def _closed(self, event: RoomClosed) -> None:
        """Nobody is moved on from a room that one did not leave: what is being written is meant for it."""
        room = self.view.rooms.get(event.room)
        if room is None:
            return
        title = self.view.title(room.id)
        if room.id in self.view.leaving:
            await self._left(room.id, title)
            return
        why = closed_sentence(self._texts, title, is_direct=bool(room.direct), is_lost=event.is_lost)
        await self._console.show(why)
        if self.view.current == room.id:
            self.view.closed = why
        else:
            del self.view.rooms[room.id]

    async def _left(self, room: RoomId, title: str) -> None:
        self.view.leaving.discard(room)
        del self.view.rooms[room]
        await self._console.show(self._texts._("You left {room}.").format(room=title))
        if self.view.current != room:
            return
        self.view.current, self.view.closed = None, ""
        if following := next(iter(self.view.rooms.values()), None):
            await self.enter(following)
