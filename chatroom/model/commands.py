"""The slash commands: one table for parser, completion, palette, help and both front ends."""

import difflib
from dataclasses import dataclass
from enum import Enum
from typing import Final


class CommandName(Enum):
    """What one can ask for with a slash."""

    JOIN = "join"
    CREATE = "create"
    LEAVE = "leave"
    ROOMS = "rooms"
    WHO = "who"
    NICK = "nick"
    ME = "me"
    MSG = "msg"
    IMAGE = "image"
    TOPIC = "topic"
    INVITE = "invite"
    QUIET = "quiet"
    RETRY = "retry"
    DISCARD = "discard"
    HELP = "help"
    QUIT = "quit"
    HOLD = "hold"
    SHOW = "show"


class Argument(Enum):
    """What a word of a command names, for completion."""

    ROOM = "room"
    NICK = "nick"
    PATH = "path"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One row of the table.

    Attributes:
        arguments: What follows, in order; a TEXT takes all that is left.
        needed: How many of them must be there.
        summary: One line of help, in English; translated where it is shown.
        plain_only: Only lines need it: the full screen has a better way.
    """

    name: CommandName
    arguments: tuple[Argument, ...]
    needed: int
    summary: str
    plain_only: bool = False

    @property
    def usage(self) -> str:
        """`/msg NICK [TEXT]`"""
        words = [word.value.upper() for word in self.arguments]
        shown = [word if at < self.needed else f"[{word}]" for at, word in enumerate(words)]
        return " ".join([f"/{self.name.value}", *shown])


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


_ROOM, _NICK, _TEXT = Argument.ROOM, Argument.NICK, Argument.TEXT

COMMANDS: Final[dict[str, CommandInfo]] = {
    info.name.value: info
    for info in (
        CommandInfo(CommandName.JOIN, (_ROOM,), 1, _("Open a room that exists")),
        CommandInfo(CommandName.CREATE, (_ROOM,), 1, _("Make a new room")),
        CommandInfo(CommandName.LEAVE, (_ROOM,), 0, _("Give up this room, or the one named")),
        CommandInfo(CommandName.ROOMS, (), 0, _("List the rooms of this server")),
        CommandInfo(CommandName.WHO, (_ROOM,), 0, _("List the people of this room, or of the one named")),
        CommandInfo(CommandName.NICK, (_NICK,), 1, _("Take another nick")),
        CommandInfo(CommandName.ME, (_TEXT,), 1, _("Say what you do: /me waves")),
        CommandInfo(CommandName.MSG, (_NICK, _TEXT), 1, _("Open the conversation with one person")),
        CommandInfo(CommandName.IMAGE, (Argument.PATH,), 1, _("Show a picture to the room")),
        CommandInfo(CommandName.TOPIC, (_TEXT,), 0, _("Show or change the topic of this room")),
        CommandInfo(CommandName.INVITE, (), 0, _("Show the line that lets others in")),
        CommandInfo(CommandName.QUIET, (), 0, _("Ring no bell, or ring it again")),
        CommandInfo(CommandName.RETRY, (), 0, _("Send the oldest message that failed again")),
        CommandInfo(CommandName.DISCARD, (), 0, _("Throw the oldest message that failed away")),
        CommandInfo(CommandName.HELP, (), 0, _("Show keys and commands")),
        CommandInfo(CommandName.QUIT, (), 0, _("Leave chatroom")),
        CommandInfo(CommandName.HOLD, (), 0, _("Keep what arrives until you have written"), plain_only=True),
        CommandInfo(
            CommandName.SHOW, (Argument.NUMBER,), 0, _("Draw a picture by its number"), plain_only=True
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was typed, with its words."""

    name: CommandName
    words: tuple[str, ...]

    def word(self, at: int) -> str:
        """The word at a place, or an empty one."""
        return self.words[at] if at < len(self.words) else ""


@dataclass(frozen=True, slots=True)
class Mistyped:
    """What is no command, or lacks a word.

    Attributes:
        typed: The word behind the slash.
        info: The command's row, when it exists and something else is wrong.
        nearest: The command that was probably meant, or empty.
    """

    typed: str
    info: CommandInfo | None = None
    nearest: str = ""


def is_command(text: str) -> bool:
    """Whether a text is a command: it begins with one slash and a letter. `//` says a slash."""
    return len(text) > 1 and text[0] == "/" and text[1].isalpha() and "/" not in text.split(maxsplit=1)[0][1:]


def said_text(text: str) -> str:
    """What a text says that is no command: `//quit` says `/quit`."""
    return text[1:] if text.startswith("//") else text


def parse_command(text: str) -> Command | Mistyped:
    """Read a command line that `is_command`."""
    typed, _sep, rest = text[1:].partition(" ")
    info = COMMANDS.get(typed.casefold())
    if info is None:
        return Mistyped(typed, nearest=_nearest(typed.casefold()))
    words = _words(rest.strip(), info.arguments)
    if len(words) < info.needed:
        return Mistyped(typed, info)
    return Command(info.name, words)


def _words(rest: str, arguments: tuple[Argument, ...]) -> tuple[str, ...]:
    """Split what follows; the last argument takes everything that is left."""
    if not rest or not arguments:
        return ()
    words = rest.split(maxsplit=len(arguments) - 1)
    return tuple(
        word.lstrip("#@") if argument in (Argument.ROOM, Argument.NICK) else word
        for word, argument in zip(words, arguments, strict=False)
    )


def _nearest(typed: str) -> str:
    return next(iter(difflib.get_close_matches(typed, COMMANDS, n=1)), "")
