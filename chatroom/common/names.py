"""The rules of nicks and room names, and the keys by which names are compared."""

import ipaddress
import re
import unicodedata
from typing import Final

from chatroom.common.inert import one_line
from chatroom.common.texts import Sentence, SentenceError

NICK_MAX: Final = 24
ROOM_MAX: Final = 40
"""Cells on a terminal."""
BYTES_MAX: Final = 200
_BLANK: Final = "\u2800"
"""A letter of Braille without dots: visible by its category alone."""

_NICK_STARTS: Final = "@#/=!*~"
"""Of commands, rooms and guests, and of what clients say of themselves: `! …`, `* bob waves`."""
_SERVERS_WORDS: Final = re.compile(r"annonce|notice|\[\d\d?:\d\d\].*")
"""What announcements, and lines with their time, begin with."""
_UNSEEN: Final = re.compile("[\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Joiners and variation selectors: two names that differ in these alone look the same."""
_ADDRESS: Final = re.compile(r"(\d+(\.\d+){3}|\[[^\]]*\]):\d+")
"""What guests without a nick are called: `192.0.2.7:567`, `[2001:db8::7]:567`."""

_HOST: Final = re.compile(r"[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,63})*\.?")
"""A host's name, as it is asked for."""


class NameProblem(SentenceError, ValueError):  # noqa: N818  # what it says, not what went wrong in the program
    """A name cannot be used.

    Attributes:
        code: `empty`, `too-long`, `control`, `start`, `space`, `reserved`, `address`.
    """

    def __init__(self, code: str, sentence: str, **args: object) -> None:
        super().__init__(Sentence(sentence, **args))
        self.code = code


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


def nick_key(nick: str) -> str:
    """What two spellings of one nick have in common."""
    return _key(nick)


def room_key(name: str) -> str:
    """The id of a room with this name, which may be written with its `#`."""
    return _key(name.strip().removeprefix("#"))


def _key(name: str) -> str:
    """NFC, casefolded (Unicode, definition D145), without what nobody sees."""
    visible = unicodedata.normalize("NFD", _UNSEEN.sub("", name).strip())
    return unicodedata.normalize("NFC", visible.casefold())


def check_nick(text: str) -> str:
    """Return the nick as it will be kept.

    Raises:
        NameProblem: It cannot be a nick.
    """
    nick = unicodedata.normalize("NFC", text.strip())
    if not nick:
        raise NameProblem("empty", _("a nick is needed: what should the others call you?"))
    _check_characters(nick, _("a nick cannot hold control or invisible characters"))
    if any(character.isspace() for character in nick):
        raise NameProblem("space", _("a nick cannot hold spaces; write jean-pierre"))
    if nick[0] in _NICK_STARTS:
        raise NameProblem("start", _("a nick cannot begin with {character}"), character=nick[0])
    if _SERVERS_WORDS.fullmatch(nick_key(nick)):
        raise NameProblem("reserved", _("this nick would look like the server's own words"))
    if looks_like_address(nick):
        raise NameProblem("address", _("a nick cannot look like an address"))
    _check_length(nick, NICK_MAX, _("a nick can be {max} characters wide at most"))
    return nick


def looks_like_address(nick: str) -> bool:
    """Whether people would take it for an address with its port, however its digits are written."""
    return _ADDRESS.fullmatch(unicodedata.normalize("NFKC", _key(nick))) is not None


def shown_nick(nick: str, *, guest: bool) -> str:
    """A nick on one line; with a `~` for somebody without a key, whom nothing tells from another one."""
    return f"~{one_line(nick)}" if guest else one_line(nick)


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
    """Let through what is inert, can be seen, and does not begin with a mark on what stands before it."""
    if one_line(name) != name or _BLANK in name or unicodedata.category(name[0])[0] == "M":
        raise NameProblem("control", sentence)


def _check_length(name: str, width_max: int, sentence: str) -> None:
    if _width(name) > width_max or len(name.encode()) > BYTES_MAX:
        raise NameProblem("too-long", sentence, max=width_max)


def _width(name: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in name)


def is_host(text: str) -> bool:
    """Whether a host can be called so: a name, or an address without brackets."""
    try:
        if ":" in text:
            return bool(ipaddress.IPv6Address(text))
        name = text if text.isascii() else text.encode("idna").decode("ascii")
    except ValueError:
        return False
    return _HOST.fullmatch(name) is not None
