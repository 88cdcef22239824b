"""What a line of a plain-text client means: one table of commands, and the first lines of the course."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_REQUEST: Final = re.compile(r"(?:[A-Z]{3,10} \S+ HTTP/\d(?:\.\d)?|GET /\S*)\s*")
"""A request line of HTTP (RFC 9112, section 3), or the whole request of its version 0.9."""
_METHOD: Final = re.compile(r"\s*[A-Z]{3,10}\s")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
"""Of HTTP (RFC 9110, section 9; RFC 5789)."""
_HEADER: Final = re.compile(
    r"(?:Host|Connection|User-Agent|Accept(?:-\w+)?|Origin|Referer|Cookie|Cache-Control"
    r"|Content-\w+|Transfer-Encoding|Upgrade(?:-Insecure-Requests)?|Sec-[\w-]+):.*",
    re.IGNORECASE | re.DOTALL,
)
"""What browsers send behind a request line."""
_HELLO: Final = "Hello"
_HELLO_HEADER: Final = 20
"""In so many characters a hello of our own protocol begins with its first field."""
_TLS: Final = "\x16\x03"
"""A handshake of any version of TLS (RFC 8446, section 5.1); behind it a long host name looks like text."""


@dataclass(frozen=True, slots=True)
class Knock:
    """`Hello` alone: wants to be greeted with its own address."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """Wants to be called by a nick."""

    nick: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A browser, or curl."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A program that speaks another protocol: TLS, our own, anything binary."""


@dataclass(frozen=True, slots=True)
class Say:
    """A message to the room."""

    text: str


@dataclass(frozen=True, slots=True)
class SayText:
    """A message to the room in the form of `/text`, of which the first word may be a destination."""

    words: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """A message to one user."""

    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Go to another room."""

    room: str


@dataclass(frozen=True, slots=True)
class ShowRooms:
    """Name the rooms."""


@dataclass(frozen=True, slots=True)
class ShowPeople:
    """Name the people of the room."""


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Name the commands."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A command without what it needs."""

    usage: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No command of this table."""

    name: str


Speech = (
    Knock
    | LogIn
    | HttpRequest
    | Stranger
    | Say
    | SayText
    | Whisper
    | JoinRoom
    | ShowRooms
    | ShowPeople
    | ShowHelp
    | Quit
    | Incomplete
    | Unknown
)


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table.

    Attributes:
        usage: How it is written.
        meaning: What it does, in English.
        read: Makes a speech of what stands behind its name; None when that does not suffice.
    """

    usage: str
    meaning: str
    read: Callable[[str], Speech | None]


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


def _parted(text: str) -> tuple[str, str]:
    """The first word and the rest, whatever kind of space parts them."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, "".join(rest)


def _whisper(rest: str) -> Whisper | None:
    nick, text = _parted(rest)
    return Whisper(nick, text) if text else None


COMMANDS: Final = {
    "/login": Command("/login <nick>", _("take a nick"), lambda rest: LogIn(rest) if rest else None),
    "/message": Command("/message <nick> <text>", _("say something to one person alone"), _whisper),
    "/text": Command(
        "/text <text>", _("say something to all in the room"), lambda rest: SayText(rest) if rest else None
    ),
    "/rooms": Command("/rooms", _("show the rooms"), lambda _rest: ShowRooms()),
    "/join": Command("/join <room>", _("go to another room"), lambda rest: JoinRoom(rest) if rest else None),
    "/who": Command("/who", _("show who is in this room"), lambda _rest: ShowPeople()),
    "/help": Command("/help", _("show these commands"), lambda _rest: ShowHelp()),
    "/quit": Command("/quit", _("leave"), lambda _rest: Quit()),
}


def read_first(line: str) -> Speech:
    """What the first line of a link means."""
    line = line.strip()
    if _REQUEST.fullmatch(line) or is_header(line):
        return HttpRequest()
    if _is_binary(line):
        return Stranger()
    hello, bar, nick = line.partition("|")
    if hello.strip() == _HELLO:
        return LogIn(nick.strip()) if bar and nick.strip() else Knock()
    return read(line)


def may_be_request(start: str) -> bool:
    """Whether a line that begins so may be a request of HTTP."""
    return _METHOD.match(start) is not None


def may_become_request(start: str) -> bool:
    """Whether a line that begins so, and of which more may come, may be a request line of a browser."""
    method, *rest = start.lstrip().split(" ", 3)
    if not rest:
        return bool(method) and any(known.startswith(method) for known in _METHODS)
    version = rest[1] if len(rest) > 1 else ""
    return method in _METHODS and len(rest) <= 2 and "HTTP/".startswith(version[: len("HTTP/")])


def is_header(line: str) -> bool:
    """Whether a line is a header that browsers send: behind it stands what a web page wants to say."""
    return _HEADER.fullmatch(line.strip()) is not None


def read(line: str) -> Speech:
    """What a later line means; `//` in front says a line that begins with `/`."""
    line = line.strip()
    if not line.startswith("/"):
        return Say(line)
    if line.startswith("//"):
        return Say(line[1:])
    name, rest = _parted(line)
    command = COMMANDS.get(name.lower())
    if command is None:
        return Unknown(name)
    return command.read(rest) or Incomplete(command.usage)


def for_log(line: str, said: Speech) -> str:
    """The line as a log may show it: what is said to one person alone stays out, also when it is misspelt."""
    if isinstance(said, Whisper):
        return f"/message {said.nick} ..."
    if isinstance(said, Incomplete | Unknown):
        name, rest = _parted(line)
        return f"{name} ..." if rest else name
    return line


def _is_binary(line: str) -> bool:
    """Whether this is no text, or the hello of our own protocol."""
    if line.startswith(_TLS) or '{"versions":' in line[:_HELLO_HEADER]:
        return True
    controls = sum(character < " " and character not in "\t\x1b\r" for character in line)
    return bool(line) and (controls + line.count("\ufffd")) * 4 > len(line)
