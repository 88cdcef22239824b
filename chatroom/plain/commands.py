"""What each slash command does in the line client."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chatroom.client.errors import ClientError
from chatroom.client.events import RoomClosed
from chatroom.common.grid import GridError
from chatroom.common.inert import one_line
from chatroom.common.names import shown_nick
from chatroom.media import SENTENCES, PictureError, draw_to_send
from chatroom.model.commands import COMMANDS, Command, CommandName, Mistyped
from chatroom.plain.pictures import drawn_rows, typed_path
from chatroom.protocol.frames import Line, LineKind, PersonState, RoomInfo
from chatroom.protocol.ids import MessageId, RoomId

if TYPE_CHECKING:
    from chatroom.plain.client import PlainClient

_Handler = Callable[[Command], Awaitable[None]]


class PlainCommands:
    """Runs commands against a session, and answers in lines."""

    def __init__(self, client: "PlainClient") -> None:
        self._client = client
        self._session = client.session
        self._view = client.view
        self._show = client.console.show
        self._texts = client.texts
        self._handlers: dict[CommandName, _Handler] = {
            CommandName.JOIN: self._join,
            CommandName.CREATE: self._create,
            CommandName.LEAVE: self._leave,
            CommandName.ROOMS: self._rooms,
            CommandName.WHO: self._who,
            CommandName.NICK: self._nick,
            CommandName.ME: self._me,
            CommandName.MSG: self._msg,
            CommandName.IMAGE: self._image,
            CommandName.TOPIC: self._topic,
            CommandName.INVITE: self._invite,
            CommandName.QUIET: self._quiet,
            CommandName.RETRY: self._retry,
            CommandName.DISCARD: self._discard,
            CommandName.HELP: self._help,
            CommandName.HOLD: self._hold,
            CommandName.SHOW: self._show_picture,
        }

    async def run(self, command: Command | Mistyped) -> bool:
        """Do it, or say what is wrong with it; False when one wants to leave."""
        if isinstance(command, Mistyped):
            await self._show(self._mistyped(command))
        elif command.name is CommandName.QUIT:
            return False
        else:
            await self._handlers[command.name](command)
        return True

    def _mistyped(self, command: Mistyped) -> str:
        if command.info is not None:
            return self._texts._("It goes like this: {usage}").format(usage=command.info.usage)
        if command.nearest:
            sentence = self._texts._("There is no /{typed}. Did you mean /{nearest}?")
            return sentence.format(typed=one_line(command.typed), nearest=command.nearest)
        return self._texts._("There is no /{typed}. /help lists what there is.").format(
            typed=one_line(command.typed)
        )

    async def _join(self, command: Command) -> None:
        await self._client.enter((await self._session.join(command.word(0))).room)

    async def _create(self, command: Command) -> None:
        await self._client.enter((await self._session.join(command.word(0), create=True)).room)

    async def _leave(self, command: Command) -> None:
        room = await self._room(command)
        if room is None:
            return
        self._view.leaving.add(room)
        if room == self._view.current and self._view.closed:  # the server has nothing to leave
            await self._client.take_event(RoomClosed(room))
            return
        try:
            await self._session.leave(room)
        except ClientError:
            self._view.leaving.discard(room)
            raise

    async def _room(self, command: Command) -> RoomId | None:
        """The room that is named, else the one that one is in; says so when there is none."""
        room = self._view.room_named(command.word(0))
        if room is None:
            await self._client.say_no_room()
        return room

    async def _rooms(self, _command: Command) -> None:
        for room in (await self._session.rooms()).rooms:
            await self._show(self._room_line(room))

    def _room_line(self, room: RoomInfo) -> str:
        people = self._texts.n("{count} person", "{count} people", room.members).format(count=room.members)
        messages = self._texts.n("{count} message", "{count} messages", room.last).format(count=room.last)
        sentence = f"#{one_line(room.name)}  {people}, {messages}"
        topic = one_line(room.topic)
        return f"{sentence} · {topic}" if topic else sentence

    async def _who(self, command: Command) -> None:
        room = await self._room(command)
        if room is None:
            return
        people = await self._session.who(room)
        _ = self._texts._
        sentences = {
            PersonState.ONLINE: _("Online: {nicks}"),
            PersonState.AWAY: _("Away: {nicks}"),
            PersonState.OFFLINE: _("Offline: {nicks}"),
        }
        for state, sentence in sentences.items():
            nicks = [
                shown_nick(person.nick, guest=person.guest)
                for person in people.people
                if person.state is state
            ]
            if nicks:
                await self._show(sentence.format(nicks=", ".join(nicks)))

    async def _nick(self, command: Command) -> None:
        await self._session.rename(command.word(0))

    async def _me(self, command: Command) -> None:
        await self._client.say(command.word(0), kind=LineKind.ACTION)

    async def _msg(self, command: Command) -> None:
        await self._client.enter((await self._session.direct(nick=command.word(0))).room)
        if text := command.word(1):
            await self._client.say(text)

    async def _image(self, command: Command) -> None:
        try:
            picture, grid = await draw_to_send(typed_path(command.word(0)))
        except PictureError as error:
            sentence = self._texts._(SENTENCES[error.problem])
            await self._show(sentence.format(name=error.name, reason=error.reason))
        except GridError as error:
            await self._show(str(error))
        else:
            await self._client.say(picture.caption, kind=LineKind.IMAGE, grid=grid)

    async def _topic(self, command: Command) -> None:
        current = self._view.current
        if current is None:
            await self._client.say_no_room()
            return
        if topic := command.word(0):
            await self._client.say(topic, kind=LineKind.TOPIC)
            return
        listed = {room.id: room for room in (await self._session.rooms()).rooms}
        topic = listed[current].topic if current in listed else ""
        await self._show(one_line(topic) or self._texts._("This room has no topic."))

    async def _invite(self, _command: Command) -> None:
        answer = await self._session.invitations(self._view.current or "")
        for line in answer.invitations:
            await self._show(one_line(line))
        if not answer.invitations:
            sentence = self._texts._(
                "This server only listens on its own machine. To open it to your network: {command}"
            )
            await self._show(sentence.format(command=one_line(answer.help)))

    async def _quiet(self, _command: Command) -> None:
        display = self._client.display
        display.is_quiet = not display.is_quiet
        _ = self._texts._
        await self._show(_("The bell is off.") if display.is_quiet else _("The bell is on."))

    async def _retry(self, _command: Command) -> None:
        await self._with_oldest_failed(self._session.retry)

    async def _discard(self, _command: Command) -> None:
        await self._with_oldest_failed(self._session.discard)

    async def _with_oldest_failed(self, act: Callable[[str], Awaitable[None]]) -> None:
        failed = [message for message in self._session.unsent() if message.state.value == "failed"]
        if failed:
            await act(failed[0].key)
        else:
            await self._show(self._texts._("No message has failed."))

    async def _help(self, _command: Command) -> None:
        width = max(len(info.usage) for info in COMMANDS.values())
        for info in COMMANDS.values():
            await self._show(f"{info.usage:<{width}}  {self._texts._(info.summary)}")

    async def _hold(self, _command: Command) -> None:
        console = self._client.console
        console.holding = not console.holding
        if console.holding:
            await console.show_now(
                self._texts._("What arrives now is shown when you have pressed Enter. /hold again ends that.")
            )
        else:
            await console.release()

    async def _show_picture(self, command: Command) -> None:
        number = command.word(0).lstrip("#")
        if self._view.current is None or (number and not number.isdecimal()):
            await self._show(self._texts._("It goes like this: {usage}").format(usage="/show [NUMBER]"))
            return
        line = await self._picture(self._view.current, int(number) if number else None)
        if line is None:
            sentence = self._texts._("Number {number} is no picture.")
            none = self._texts._("There is no picture among the newest messages.")
            await self._show(sentence.format(number=number) if number else none)
            return
        try:
            rows = drawn_rows(line.grid)
        except GridError as error:
            await self._show(str(error))
            return
        for row in rows:
            await self._show(row)

    async def _picture(self, room: RoomId, number: int | None) -> Line | None:
        """The picture with a number, or the newest one."""
        if number == 0:
            return None
        if number is None:
            page = await self._session.page(room, wait=False)
        else:
            page = await self._session.page(room, after=MessageId(number - 1), limit=1, wait=False)
        found = [line for line, _body in page if line.grid and number in (None, line.id)]
        return found[-1] if found else None
