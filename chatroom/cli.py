"""The command line of the client: reads it, picks what to run, and imports that only then."""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from chatroom import __version__

COMMANDS = ("send", "tail", "history", "rooms", "who", "whoami", "invite")
_INVITATION = "chatroom://"
_REASON_MAX = 200
_VALUED = {"-a", "--address", "-p", "--port", "--as", "--nick", "--config", "--lang", "--room"}


class WrongUsageError(Exception):
    """The command line cannot be obeyed; the text says why."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises one sentence in place of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsageError(f"{message} ({self.prog} --help shows what there is)")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Raises:
        WrongUsageError: It cannot be obeyed.
    """
    words = list(argv)
    at = _command_at(words)
    if at is None:
        return _client_parser().parse_args(words)
    invitations = [word for word in words[:at] if word.startswith(_INVITATION)]
    rest = [word for word in words[:at] if word not in invitations] + words[at + 1 :]
    # Intermixed: `send ROOM --one TEXT` has its text behind an option.
    options = _script_parser(words[at]).parse_intermixed_args(rest)
    if invitations:
        options.invitation = invitations[0]
    return options


def _command_at(words: list[str]) -> int | None:
    """Where a command's name stands; options and an invitation may stand in front of it."""
    at = 0
    while at < len(words) and words[at] != "--":
        if words[at] in _VALUED:
            at += 2
        elif words[at].startswith(("-", _INVITATION)):
            at += 1
        else:
            return at if words[at] in COMMANDS else None
    return None


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-a", "--address", metavar="HOST", help="the server's name or address")
    parser.add_argument("-p", "--port", type=_port, metavar="PORT", help="the server's port (9999)")
    parser.add_argument(
        "--as", dest="profile", metavar="NAME", help="be somebody else: a profile with its own key"
    )
    parser.add_argument("--nick", metavar="NICK", help="the name others see")
    parser.add_argument("--config", metavar="FILE", help="read settings from this file")
    parser.add_argument("--lang", choices=("en", "fr"), help="the language; else your locale's")


def _client_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="chatroom",
        description="A chat room for the terminal.",
        epilog="Commands for scripts: " + ", ".join(COMMANDS) + ". chatroom COMMAND --help tells about each.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "invitation", nargs="?", metavar="INVITATION", help="chatroom://host:port/room?pin=…&key=…"
    )
    _common(parser)
    parser.add_argument(
        "--local", action="store_true", help="use the server of this machine; start it if need be"
    )
    parser.add_argument("--room", metavar="ROOM", default="", help="open this room first")
    parser.add_argument("--plain", action="store_true", help="line by line, without the full screen")
    parser.add_argument("--no-reconnect", action="store_true", help="quit when the server goes away")
    parser.add_argument("--version", action="version", version=f"chatroom {__version__}")
    parser.set_defaults(command=None)
    return parser


_SUMMARIES = {
    "send": "Send each line of the arguments or of standard input as a message.",
    "tail": "Print what a room holds, then what comes.",
    "history": "Print a room's history, oldest first.",
    "rooms": "List the rooms of the server.",
    "who": "List the people of a room.",
    "whoami": "Say who you are on the server.",
    "invite": "Print the lines that let others in.",
}


def _script_parser(command: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"chatroom {command}", description=_SUMMARIES[command], allow_abbrev=False)
    parser.set_defaults(command=command, invitation=None, plain=True, local=False, no_reconnect=False)
    _common(parser)
    if command in ("send", "tail", "history", "who"):
        parser.add_argument("room", metavar="ROOM", help="a room's name, or an invitation that names one")
    else:
        parser.add_argument(
            "invitation", nargs="?", type=_invitation, metavar="INVITATION", help="the server"
        )
    if command in ("tail", "history", "rooms", "who", "whoami"):
        parser.add_argument("--json", action="store_true", help="print JSON, one line each")
    _SPECIAL.get(command, lambda _parser: None)(parser)
    return parser


def _send_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", nargs="*", default=[], metavar="TEXT", help="the message; else standard input is read"
    )
    parser.add_argument("--image", metavar="PATH", help="send a picture, with TEXT as its caption")
    parser.add_argument("--one", action="store_true", help="all of the text is one message")
    parser.add_argument("--create", action="store_true", help="make the room if there is none")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="S",
        help="give up when nothing moves for so long (30)",
    )


def _tail_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--after", type=_number, metavar="ID", help="begin behind this message")
    parser.add_argument(
        "-n", type=_number, default=10, metavar="N", help="begin N messages before the end (10)"
    )


def _history_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--after", type=_number, metavar="ID", help="begin behind this message")
    parser.add_argument("--before", type=_number, metavar="ID", help="end before this message")
    parser.add_argument(
        "--since", metavar="TIME", help="leave out what is older: 2026-11-21, 2026-11-21T09:00, 09:00"
    )
    parser.add_argument(
        "--limit",
        type=_number,
        metavar="N",
        help="at most N messages: the newest, or with --after or --since the first",
    )


_SPECIAL = {"send": _send_options, "tail": _tail_options, "history": _history_options}


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def _invitation(text: str) -> str:
    if not text.startswith(_INVITATION):
        raise argparse.ArgumentTypeError(f"an invitation begins with {_INVITATION}, not {text!r}")
    return text


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"a number without a sign is wanted, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"seconds are wanted, not {text!r}")
    return seconds


def run(argv: Sequence[str]) -> int:
    """Run the client's command line.

    Returns:
        The exit code: 0 done, 1 could not, 2 wrong usage.
    """
    try:
        options = parse(argv)
        from chatroom.launch import launch

        return launch(options)
    except WrongUsageError as error:
        _say(f"chatroom: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # the outermost loop: a person gets a sentence, not a traceback
        _say(_unexpected(error))
        return 1


def _unexpected(error: Exception) -> str:
    """One line to report a fault of ours with."""
    from chatroom.common.inert import one_line

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}chatroom{os.sep}" in frame.filename]
    at = f" at {_place(ours[-1])}" if ours else ""
    sentence = f"chatroom: unexpected {type(error).__name__}{at}: {one_line(str(error))[:_REASON_MAX]}"
    return f"{sentence} (chatroom {__version__}; this is a fault in the program, please report this line)"


def _place(frame: traceback.FrameSummary) -> str:
    name = frame.filename.rpartition(f"{os.sep}chatroom{os.sep}")[2]
    return f"chatroom/{name}:{frame.lineno}"


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr)  # noqa: T201  # the edge where sentences are shown
