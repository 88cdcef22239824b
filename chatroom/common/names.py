"""The rules of nicks and room names, and the keys by which names are compared."""

import unicodedata
from typing import Final

from chatroom.common.inert import one_line

NICK_MAX: Final = 24
ROOM_MAX: Final = 40
"""Cells on a terminal; and characters may not be more either."""
BYTES_MAX: Final = 200


class NameProblem(ValueError):  # noqa: N818  # what it says, not what went wrong in the program
    """A name cannot be used.

    Attributes:
        code: `empty`, `too-long`, `control`, `start`, `space`.
        sentence: What is wrong with it, in English; `max` is the longest that is allowed.
    """

    def __init__(self, code: str, sentence: str, **args: object) -> None:
        super().__init__(sentence.format(**args))
        self.code = code
        self.sentence = sentence
        self.args_by_name = args


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


def nick_key(nick: str) -> str:
    """What two spellings of one nick have in common."""
    return _key(nick)


def room_key(name: str) -> str:
    """The id of a room with this name."""
    return _key(name)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def check_nick(text: str) -> str:
    """Return the nick as it will be kept.

    Raises:
        NameProblem: It cannot be a nick.
    """
    nick = unicodedata.normalize("NFC", text.strip())
    if not nick:
        raise NameProblem("empty", _("a nick is needed: what should the others call you?"))
    _check_characters(nick, _("a nick cannot hold control or invisible characters"))
    if "\n" in text or "\t" in nick:
        raise NameProblem("control", _("a nick cannot hold control or invisible characters"))
    if nick[0] in "@#/=":
        raise NameProblem("start", _("a nick cannot begin with {character}"), character=nick[0])
    _check_length(nick, NICK_MAX, _("a nick can be {max} characters wide at most"))
    return nick


def check_room(text: str) -> str:
    """Return the room's name as it will be kept.

    Raises:
        NameProblem: It cannot be a room's name.
    """
    name = unicodedata.normalize("NFC", text.strip().removeprefix("#"))
    if not name:
        raise NameProblem("empty", _("a room needs a name"))
    _check_characters(name, _("a room's name cannot hold control or invisible characters"))
    if any(character.isspace() for character in name):
        raise NameProblem("space", _("a room's name cannot hold spaces; write release-talk"))
    if name[0] in "@#/=":
        raise NameProblem("start", _("a room's name cannot begin with {character}"), character=name[0])
    _check_length(name, ROOM_MAX, _("a room's name can be {max} characters wide at most"))
    return name


def _check_characters(name: str, sentence: str) -> None:
    if one_line(name) != name or not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        raise NameProblem("control", sentence)


def _check_length(name: str, width_max: int, sentence: str) -> None:
    if _width(name) > width_max or len(name.encode()) > BYTES_MAX:
        raise NameProblem("too-long", sentence, max=width_max)


def _width(name: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in name)
