"""What each slash command does in the full screen: the one table, row by row."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final, Protocol

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.model.commands import Command, CommandName, Mistyped
from chatroom.protocol.frames import LineKind
from chatroom.protocol.ids import RoomId
from chatroom.tui.desk import Desk


class Front(Protocol):
    """What commands need of the screen."""

    desk: Desk

    def action_help(self) -> None:
        """Show keys and commands."""
        ...

    async def choose_room(self, default: str = "") -> None:
        """Let one choose a room."""
        ...

    def quit(self) -> None:
        """Leave."""
        ...


Handler = Callable[[Front, Command, RoomId | None], Coroutine[object, object, None]]
"""Runs a command that was given in a room."""


async def _join(front: Front, command: Command, _room: RoomId | None) -> None:
    await front.desk.join(command.word(0))


async def _create(front: Front, command: Command, _room: RoomId | None) -> None:
    await front.desk.join(command.word(0), create=True)


async def _leave(front: Front, command: Command, room: RoomId | None) -> None:
    await front.desk.leave(command.word(0), room=room)


async def _rooms(front: Front, _command: Command, _room: RoomId | None) -> None:
    await front.choose_room()


async def _who(front: Front, command: Command, room: RoomId | None) -> None:
    await front.desk.who(command.word(0), room=room)


async def _nick(front: Front, command: Command, _room: RoomId | None) -> None:
    await front.desk.live.rename(command.word(0))


async def _me(front: Front, command: Command, room: RoomId | None) -> None:
    await front.desk.say(command.word(0), kind=LineKind.ACTION, room=room)


async def _msg(front: Front, command: Command, _room: RoomId | None) -> None:
    await front.desk.direct(command.word(0), text=command.word(1))


async def _image(front: Front, command: Command, room: RoomId | None) -> None:
    await front.desk.show_picture(Path(command.word(0).strip("'\"")), room=room)


async def _topic(front: Front, command: Command, room: RoomId | None) -> None:
    await front.desk.topic(command.word(0), room=room)


async def _invite(front: Front, _command: Command, _room: RoomId | None) -> None:
    await front.desk.invite()


async def _quiet(front: Front, _command: Command, _room: RoomId | None) -> None:
    front.desk.ring_or_not()


async def _retry(front: Front, _command: Command, _room: RoomId | None) -> None:
    await front.desk.retry()


async def _discard(front: Front, _command: Command, _room: RoomId | None) -> None:
    await front.desk.discard()


async def _help(front: Front, _command: Command, _room: RoomId | None) -> None:
    front.action_help()


async def _quit(front: Front, _command: Command, _room: RoomId | None) -> None:
    front.quit()


HANDLERS: Final[dict[CommandName, Handler]] = {
    CommandName.JOIN: _join,
    CommandName.CREATE: _create,
    CommandName.LEAVE: _leave,
    CommandName.ROOMS: _rooms,
    CommandName.WHO: _who,
    CommandName.NICK: _nick,
    CommandName.ME: _me,
    CommandName.MSG: _msg,
    CommandName.IMAGE: _image,
    CommandName.TOPIC: _topic,
    CommandName.INVITE: _invite,
    CommandName.QUIET: _quiet,
    CommandName.RETRY: _retry,
    CommandName.DISCARD: _discard,
    CommandName.HELP: _help,
    CommandName.QUIT: _quit,
}


def mistake(command: Command | Mistyped, texts: Texts) -> str:
    """What is wrong with a command, as a sentence; empty for one that can be run here."""
    _ = texts._
    if isinstance(command, Command):
        return "" if command.name in HANDLERS else _("The full screen does that by itself.")
    if command.info is not None:
        return _("It goes like this: {usage}").format(usage=command.info.usage)
    typed = one_line(command.typed)
    if command.nearest:
        return _("There is no /{typed}. Did you mean /{nearest}?").format(
            typed=typed, nearest=command.nearest
        )
    return _("There is no /{typed}. /help lists what there is.").format(typed=typed)
