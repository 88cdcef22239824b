"""The line client: what happens becomes lines, and lines become messages and commands."""

from dataclasses import dataclass

from chatroom.client.errors import ClientError
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
from chatroom.client.tasks import Tasks
from chatroom.common.inert import one_line
from chatroom.common.names import NameProblem, check_nick, room_key
from chatroom.conversation_log import ConversationLog
from chatroom.dates import now_ms
from chatroom.model.commands import is_command, parse_command, said_text
from chatroom.model.mentions import is_meant
from chatroom.model.sentences import LineFormat
from chatroom.plain.commands import PlainCommands
from chatroom.plain.console import Console
from chatroom.protocol import ErrorCode
from chatroom.protocol.auth import fingerprint
from chatroom.protocol.frames import Line, RoomInfo
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.scripts.input_lines import messages_of

_SHOWN_AT_FIRST = 20
_MISSED_SHOWN = 200
"""Missed lines of the current room that are printed after a cut; of more, the newest."""


@dataclass(slots=True)
class View:
    """What the line client knows: where one is, and how far each room was shown."""

    rooms: dict[RoomId, RoomInfo]
    current: RoomId | None = None
    shown: dict[RoomId, int] | None = None


class PlainClient:
    """Runs one session on a console until one leaves.

    Args:
        room: The room to open first; empty for the one that one is in, else the server's default.
        written: Keeps the conversation; None for nowhere.
    """

    def __init__(
        self,
        session: Session,
        console: Console,
        form: LineFormat,
        *,
        room: str,
        written: ConversationLog | None,
    ) -> None:
        self.session = session
        self.console = console
        self.form = form
        self.texts = form.texts
        self.view = View(rooms={}, shown={})
        self._wanted = room
        self._written = written
        self._exit_code = 0
        self._is_nick_asked = False
        self._commands = PlainCommands(self)

    async def run(self) -> int:
        """Print what happens and send what is typed.

        Returns:
            The exit code: 0 when one left, 1 when the server did for good.
        """
        async with Tasks("plain") as tasks:
            watching = tasks.start(self._watch(), name="watch")
            typing = tasks.start(self._type(), name="type")
            await tasks.first_of(watching, typing)
        return self._exit_code

    async def _watch(self) -> None:
        async for event in self.session:
            await self._show(event)
            if isinstance(event, Ended):
                self._exit_code = 1
            if self._exit_code:
                return

    async def _type(self) -> None:
        """Read until the end of the input, then leave when everything is stored."""
        while (line := await self.console.read_line()) is not None:
            await self.console.release()
            if not await self._take(line):
                return
        await self.session.wait_all_stored(None)

    async def _take(self, line: str) -> bool:
        """Do what a typed line says; False when it says to leave."""
        try:
            if self._is_nick_asked:
                return await self._answer(line)
            if self.console.is_interactive and is_command(line):
                return await self._commands.run(parse_command(line))
            await self.say(said_text(line) if self.console.is_interactive else line)
        except ClientError as error:
            await self.console.show(str(error))
        return True

    async def _refuse(self, event: NickRefused) -> None:
        """Ask for another nick, where somebody is there to give one."""
        if event.code != ErrorCode.NICK_NEEDED or not self.console.is_interactive:
            await self.console.show(event.reason)
        if self.console.is_interactive:
            self._is_nick_asked = True
            await self.console.show(self.texts._("What should the others call you?"))
        else:
            self._exit_code = 1

    async def _answer(self, line: str) -> bool:
        try:
            nick = check_nick(line)
        except NameProblem as problem:
            await self.console.show(self.texts._(problem.sentence).format(**problem.args_by_name))
            return True
        self._is_nick_asked = False
        self.session.login_again(nick)
        return True

    async def say(self, text: str, *, kind: str = "", grid: str = "") -> None:
        """Put a message into the outbox, for the current room."""
        messages = messages_of(text)
        if not messages:
            return
        if self.view.current is None:
            await self.console.show(
                self.texts._("You are in no room yet. /rooms lists them, /join opens one.")
            )
            return
        for message in messages:
            await self.session.say(self.view.current, message, kind=kind, grid=grid)

    async def enter(self, opened: RoomOpened) -> None:
        """Make a room the current one, and show its newest lines."""
        self.view.rooms[opened.room.id] = opened.room
        self.view.current = opened.room.id
        newest = await self.session.page(opened.room.id, limit=_SHOWN_AT_FIRST)
        await self.console.show(
            self._room_line(opened.room, len(newest), newest[0][0].at if newest else None)
        )
        for line, _body in newest:
            await self._show_line(line)

    def _room_line(self, room: RoomInfo, count: int, since: int | None) -> str:
        name = one_line(room.name)
        if since is None:
            return self.texts._("#{room}: no messages yet.").format(room=name)
        return self.texts.n(
            "#{room}: {count} message since {time}, then live.",
            "#{room}: {count} messages since {time}, then live.",
            count,
        ).format(room=name, count=count, time=self.form.clock(since))

    async def _show(self, event: SessionEvent) -> None:
        match event:
            case Online(again=False):
                await self._greet(event)
            case Online():
                await self._return(event)
            case Offline():
                await self.console.show(self._offline_line(event))
            case Ended():
                await self.console.show(" ".join(filter(None, (event.reason, event.mend))))
            case LineArrived(line=line):
                await self._arrived(line)
            case MessageChanged(message=message) if message.state is MessageState.FAILED:
                sentence = self.texts._(
                    "Not sent: {text} ({reason}). /retry sends it again, /discard drops it."
                )
                await self.console.show(
                    sentence.format(text=one_line(message.body)[:60], reason=message.reason)
                )
            case PresenceChanged():
                await self._present(event)
            case NickRefused():
                await self._refuse(event)
            case LinesMissed(room=room) if room == self.view.current:
                await self._catch_up(room)
            case RoomOpened(room=room):
                await self._opened(room)
            case RoomClosed(room=room_id):
                await self._closed(room_id)
            case PastReplaced(reason=reason) | ServerProblem(reason=reason):
                await self.console.show(reason)
            case Connecting() | MessageChanged() | LinesMissed():
                pass

    async def _greet(self, event: Online) -> None:
        welcome = event.welcome
        self.view.rooms = {room.id: room for room in welcome.rooms}
        rooms = ", ".join(f"#{one_line(room.name)} {room.last}" for room in welcome.rooms) or "-"
        sentence = self.texts._("Connected to {address} (key {key}). Rooms: {rooms}. /help for help.")
        key = fingerprint(event.server_key)
        await self.console.show(sentence.format(address=self.session.address, key=key, rooms=rooms))
        if welcome.back:
            await self.console.show(self.form.welcome_back(welcome.nick))
        if welcome.links > 1:
            await self.console.show(
                self.texts._("You are here more than once. To be somebody else: chatroom --as NAME")
            )
        await self._enter_first(welcome.default_room)

    async def _enter_first(self, default: RoomId) -> None:
        wanted = self._wanted or (next(iter(self.view.rooms)) if self.view.rooms else default)
        try:
            await self.enter(await self.session.join(wanted))
        except ClientError as error:
            await self.console.show(str(error))

    async def _return(self, event: Online) -> None:
        waiting = len(self.session.unsent())
        if waiting:
            sentence = self.texts.n(
                "Back. {count} message is on its way.", "Back. {count} messages are on their way.", waiting
            )
            await self.console.show(sentence.format(count=waiting))
        else:
            await self.console.show(self.texts._("Back. Everything is sent."))
        self.view.rooms.update({room.id: room for room in event.welcome.rooms})

    def _offline_line(self, event: Offline) -> str:
        seconds = max(1, round(event.retry_in_s))
        line = self.texts._("Offline ({reason}), next attempt in {seconds} s.").format(
            reason=event.reason, seconds=seconds
        )
        if not event.unsent:
            return line
        waiting = self.texts.n("{count} message waits.", "{count} messages wait.", event.unsent)
        return f"{line} {waiting.format(count=event.unsent)}"

    async def _present(self, event: PresenceChanged) -> None:
        if self._written is not None:
            self._written.noticed(self._name_of(event.room), now_ms(), event.event, event.people)
        if event.room == self.view.current and (notice := self.form.notice(event.event, event.people)):
            await self.console.show(notice)

    def _name_of(self, room: RoomId) -> str:
        info = self.view.rooms.get(room)
        return f"#{info.name}" if info else room

    async def _arrived(self, line: Line) -> None:
        if self._written is not None:
            self._written.said(self._name_of(line.room), line)
        if line.room == self.view.current:
            await self._show_line(line)
        elif room := self.view.rooms.get(line.room):
            await self._show_elsewhere(room, line)

    async def _show_elsewhere(self, room: RoomInfo, line: Line) -> None:
        """Of other rooms only what concerns oneself is shown."""
        if line.user == self.session.user:
            return
        time = self.form.clock(line.at)
        if room.direct:
            sentence = self.texts._("[{time}] {nick} writes to you alone: {text}")
        elif is_meant(line.body, self.session.nick):
            sentence = self.texts._("[{time}] #{room} {nick} mentions you: {text}")
        else:
            return
        text = one_line(line.body)
        await self.console.show(
            sentence.format(time=time, room=one_line(room.name), nick=one_line(line.nick), text=text)
        )

    async def _show_line(self, line: Line) -> None:
        shown = self.view.shown
        assert shown is not None
        if line.id <= shown.get(line.room, 0):
            return
        shown[line.room] = line.id
        await self.console.show(self.form.text(line))

    async def _catch_up(self, room: RoomId) -> None:
        """Show what was missed in the current room, or of very much the newest."""
        shown = self.view.shown
        assert shown is not None
        newest = await self.session.page(room, limit=1)
        if not newest:
            return
        after = max(shown.get(room, 0), newest[-1][0].id - _MISSED_SHOWN)
        if (left_out := after - shown.get(room, 0)) > 0:
            sentence = self.texts.n(
                "{count} older message: chatroom history",
                "{count} older messages: chatroom history",
                left_out,
            )
            await self.console.show(sentence.format(count=left_out))
        while page := await self.session.page(room, after=MessageId(after), limit=_MISSED_SHOWN):
            for line, _body in page:
                await self._arrived(line)
            after = page[-1][0].id

    async def _opened(self, room: RoomInfo) -> None:
        if room.id in self.view.rooms:
            return
        self.view.rooms[room.id] = room
        other = next((person for person in room.direct if person.user != self.session.user), None)
        if other is not None:
            sentence = self.texts._("{nick} opened a conversation with you: /msg {nick}")
            await self.console.show(sentence.format(nick=one_line(other.nick)))

    async def _closed(self, room: RoomId) -> None:
        info = self.view.rooms.pop(room, None)
        if info is None:
            return
        await self.console.show(self.texts._("You left #{room}.").format(room=one_line(info.name)))
        if self.view.current == room:
            self.view.current = next(iter(self.view.rooms), None)

    def room_named(self, name: str) -> RoomId | None:
        """The id of a room of one's own by its name; the current one for an empty name."""
        return RoomId(room_key(name)) if name else self.view.current
