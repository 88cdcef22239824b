"""Reads the command line of `chatroom`."""

import argparse
from collections.abc import Callable, Collection, Sequence
from typing import Final

from chatroom import __version__
from chatroom.common.arguments import ArgumentParser
from chatroom.common.inert import one_line
from chatroom.common.keyvalue import nearest
from chatroom.common.texts import Texts

COMMANDS: Final = ("send", "tail", "history", "rooms", "who", "whoami", "invite")
_INVITATION: Final = "chatroom://"
_SHOWN_MAX: Final = 60


def parse(argv: Sequence[str], texts: Texts) -> argparse.Namespace:
    """Read the command line.

    Raises:
        WrongUsageError: It cannot be obeyed.
    """
    words = list(argv)
    parser = _client_parser(texts)
    at = _first_word(words, parser.valued)
    if at is None:
        return parser.parse_args(words)
    if words[at] not in COMMANDS:
        parser.parse_args(words[:at])  # an option in front that there is not is told first
        parser.error(_no_command(words[at], texts))
    invitations = [word for word in words[:at] if word.startswith(_INVITATION)]
    rest = [word for word in words[:at] if word not in invitations] + words[at + 1 :]
    # Intermixed: `send ROOM --one TEXT` has its text behind an option.
    options = _script_parser(words[at], texts).parse_intermixed_args(rest)
    if invitations:
        options.invitation = invitations[0]
    return options


def _first_word(words: list[str], valued: Collection[str]) -> int | None:
    """Where a command's name should stand; options and an invitation may stand in front of it.

    Args:
        valued: The options behind which a value stands.
    """
    at = 0
    while at < len(words) and words[at] != "--":
        if words[at] in valued:
            at += 2
        elif not words[at] or words[at].startswith("-") or "://" in words[at]:
            at += 1
        else:
            return at
    return None


def _no_command(word: str, texts: Texts) -> str:
    shown, near = one_line(word)[:_SHOWN_MAX], nearest(word.lower(), COMMANDS)
    if near:
        return texts._("there is no command {word}; did you mean {near}?").format(word=shown, near=near)
    sentence = texts._("there is no command {word}, and an invitation begins with {scheme}")
    return sentence.format(word=shown, scheme=_INVITATION)


def _common(parser: ArgumentParser) -> None:
    _ = parser.texts._
    add = parser.add_argument
    add("-a", "--address", metavar="HOST", help=_("the server's name or address"))
    add("-p", "--port", type=_port(parser.texts), metavar="PORT", help=_("the server's port (9999)"))
    add("--as", dest="profile", metavar="NAME", help=_("be somebody else: a profile with its own key"))
    add("--nick", metavar="NICK", help=_("the name others see"))
    add("--config", metavar="FILE", help=_("read settings from this file"))
    add("--lang", choices=("en", "fr"), help=_("the language; else your locale's"))


def _client_parser(texts: Texts) -> ArgumentParser:
    _ = texts._
    told = _("Commands for scripts: {commands}. {help} tells about each.")
    parser = ArgumentParser(
        texts,
        prog="chatroom",
        description=_("A chat room for the terminal."),
        epilog=told.format(commands=", ".join(COMMANDS), help="chatroom COMMAND --help"),
    )
    add = parser.add_argument
    add("invitation", nargs="?", metavar="INVITATION", help="chatroom://host:port/room?pin=…&key=…")
    _common(parser)
    add("--local", action="store_true", help=_("use the server of this machine; start it if need be"))
    add("--room", metavar="ROOM", default="", help=_("open this room first"))
    add("--plain", action="store_true", help=_("line by line, without the full screen"))
    add("--no-reconnect", action="store_true", help=_("quit when the server goes away"))
    add(
        "--version",
        action="version",
        version=f"chatroom {__version__}",
        help=_("show the version, and end"),
    )
    parser.set_defaults(command=None)
    return parser


def _script_parser(command: str, texts: Texts) -> ArgumentParser:
    _ = texts._
    summaries = {
        "send": _("Send each line of the arguments or of standard input as a message."),
        "tail": _("Print what a room holds, then what comes."),
        "history": _("Print a room's history, oldest first."),
        "rooms": _("List the rooms of the server."),
        "who": _("List the people of a room."),
        "whoami": _("Say who you are on the server."),
        "invite": _("Print the lines that let others in."),
    }
    parser = ArgumentParser(texts, prog=f"chatroom {command}", description=summaries[command])
    parser.set_defaults(command=command, invitation=None, plain=True, local=False, no_reconnect=False)
    _common(parser)
    add = parser.add_argument
    if command in ("send", "tail", "history", "who"):
        add("room", metavar="ROOM", help=_("a room's name, or an invitation that names one"))
    else:
        add("invitation", nargs="?", type=_invitation(texts), metavar="INVITATION", help=_("the server"))
    if command in ("tail", "history", "rooms", "who", "whoami"):
        add("--json", action="store_true", help=_("print JSON, one line each"))
    if command in _SPECIAL:
        _SPECIAL[command](parser)
    return parser


def _send_options(parser: ArgumentParser) -> None:
    _ = parser.texts._
    add = parser.add_argument
    add("text", nargs="*", default=[], metavar="TEXT", help=_("the message; else standard input is read"))
    add("--image", metavar="PATH", help=_("send a picture, with TEXT as its caption"))
    add("--one", action="store_true", help=_("all of the text is one message"))
    add("--create", action="store_true", help=_("make the room if there is none"))
    add(
        "--timeout",
        type=_seconds(parser.texts),
        default=30.0,
        metavar="S",
        help=_("give up when nothing moves for so long (30)"),
    )
    add(
        "--retry",
        type=_seconds(parser.texts),
        default=0.0,
        metavar="S",
        help=_("give up when the server is away for so long, whatever --timeout says (0: --timeout counts)"),
    )


def _tail_options(parser: ArgumentParser) -> None:
    _ = parser.texts._
    number = _number(parser.texts)
    parser.add_argument("--after", type=number, metavar="ID", help=_("begin behind this message"))
    parser.add_argument(
        "-n", type=number, default=10, metavar="N", help=_("begin N messages before the end (10)")
    )


def _history_options(parser: ArgumentParser) -> None:
    _ = parser.texts._
    add, number = parser.add_argument, _number(parser.texts)
    add("--after", type=number, metavar="ID", help=_("begin behind this message"))
    add("--before", type=number, metavar="ID", help=_("end before this message"))
    add(
        "--since",
        metavar="TIME",
        help=_("leave out what is older: 2026-11-21, 2026-11-21T09:00, 09:00"),
    )
    add(
        "--limit",
        type=number,
        metavar="N",
        help=_("at most N messages: the newest, or with --after or --since the first"),
    )


_SPECIAL: Final = {"send": _send_options, "tail": _tail_options, "history": _history_options}


# --- values ----------------------------------------------------------------------------------
def _port(texts: Texts) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= 65535:
            raise _unfit(texts._("a port is a number from 1 to 65535, not {text}"), text)
        return int(text)

    return read


def _invitation(texts: Texts) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.startswith(_INVITATION):
            raise _unfit(texts._("an invitation begins with chatroom://, not {text}"), text)
        return text

    return read


def _number(texts: Texts) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 15:
            raise _unfit(texts._("a number without a sign is wanted, not {text}"), text)
        return int(text)

    return read


def _seconds(texts: Texts) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < 1e9:
            raise _unfit(texts._("seconds are wanted, not {text}"), text)
        return seconds

    return read


def _unfit(sentence: str, text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(sentence.format(text=repr(text)))
