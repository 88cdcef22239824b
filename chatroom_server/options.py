"""Reads the command line of `chatroom-server`."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from chatroom import __version__
from chatroom.common.arguments import ArgumentParser
from chatroom.common.settings import ValueProblem, seconds
from chatroom.common.texts import Texts
from chatroom_server.config import RESTART_S_MAX

COMMANDS: Final = ("status", "stop", "reload", "invite")
TOOLS: Final = ("verify", "backup", "export")
"""Commands for a data folder."""
_SETTINGS: Final = {
    "address": "HOST",
    "port": "PORT",
    "data": "DATA",
    "fsync": "FSYNC",
    "log_dir": "LOG_DIR",
    "text_port": "TEXT_PORT",
    "text_address": "TEXT_HOST",
    "lang": "LANG",
}


def parse(argv: Sequence[str], texts: Texts) -> argparse.Namespace:
    """Read the command line.

    Raises:
        WrongUsageError: It cannot be obeyed.
    """
    parser = _parser(texts)
    options = parser.parse_args(list(argv))
    if options.verbose and options.quiet:
        parser.error(texts._("--verbose and --quiet exclude each other"))
    return options


def settings_of(options: argparse.Namespace) -> Mapping[str, str]:
    """The settings that the command line gives, by key."""
    given = vars(options)
    found = {key: str(given[name]) for name, key in _SETTINGS.items() if given.get(name) is not None}
    if options.guests:
        found["GUESTS"] = "yes"
    return found


def _parser(texts: Texts) -> ArgumentParser:
    parser = ArgumentParser(
        texts,
        prog="chatroom-server",
        description=texts._("A chat room for your machine or your network."),
        epilog=texts._(
            "Each message has two lines on the console when that is a terminal; elsewhere only with "
            "--verbose. What people say stands in server.log, unless LOG_CONVERSATION=no."
        ),
    )
    parser.set_defaults(command="run", room="", new=False, json=False)
    _add_settings(parser, texts)
    _add_running(parser, texts)
    commands = parser.add_subparsers(title=texts._("commands"), metavar="COMMAND")
    _add_command(commands, texts, "status", texts._("show what it does")).add_argument(
        "--json", action="store_true", help=texts._("as one JSON object")
    )
    _add_command(commands, texts, "stop", texts._("end it; nothing is lost")).add_argument(
        "--restart-in",
        type=_restart_in(texts),
        default=0.0,
        metavar="SECONDS",
        help=texts._("tell clients that it is back in so many seconds"),
    )
    _add_command(commands, texts, "reload", texts._("take over its settings as they are written now"))
    invite = _add_command(commands, texts, "invite", texts._("print the lines that let others in"))
    invite.add_argument("room", nargs="?", default="", metavar="ROOM", help=texts._("the room to open first"))
    invite.add_argument(
        "--new", action="store_true", help=texts._("let the lines that were given out open nothing any more")
    )
    _add_tools(commands, texts)
    return parser


def _add_tools(commands: "argparse._SubParsersAction[ArgumentParser]", texts: Texts) -> None:
    verify = _add_command(commands, texts, "verify", texts._("check a data folder that no server uses"))
    verify.add_argument("folder", type=Path, metavar="FOLDER", help=texts._("the data folder"))
    verify.add_argument("--json", action="store_true", help=texts._("as one JSON object a line"))
    backup = _add_command(
        commands, texts, "backup", texts._("copy a data folder, also while its server runs")
    )
    backup.add_argument("folder", type=Path, metavar="FOLDER", help=texts._("the data folder"))
    backup.add_argument("to", type=Path, metavar="TO", help=texts._("a folder that is not there yet"))
    export = _add_command(commands, texts, "export", texts._("write a room's whole history, oldest first"))
    export.add_argument("room", metavar="ROOM", help=texts._("the room"))
    export.add_argument(
        "--format",
        choices=("json", "markdown"),
        default="json",
        help=texts._("json: the lines as they are stored"),
    )
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help=texts._("write there"))


def _restart_in(texts: Texts) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return seconds(0, RESTART_S_MAX)(text)
        except ValueProblem as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error.told(texts)}") from error

    return read


def _add_settings(parser: argparse.ArgumentParser, texts: Texts) -> None:
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help=texts._("settings as KEY=VALUE lines"))
    add(
        "-a",
        "--address",
        metavar="HOST",
        help=texts._("listen there (127.0.0.1); 0.0.0.0 serves the network"),
    )
    add("-p", "--port", metavar="PORT", help=texts._("listen there (9999); 0 takes a free port"))
    add(
        "--text-port",
        metavar="PORT",
        help=texts._("open the plain-text door there, for netcat and own clients"),
    )
    add(
        "--text-address",
        metavar="HOST",
        help=texts._("open it on this address (127.0.0.1); nothing there is encrypted"),
    )
    add("--data", metavar="DIR", help=texts._("folder of the rooms and the server's key"))
    add("--log-dir", metavar="DIR", help=texts._("folder of server.log"))
    add("--fsync", choices=("yes", "no"), help=texts._("no lets a power cut lose the last messages"))
    add("--guests", action="store_true", help=texts._("admit users without a key"))
    add("--lang", choices=("en", "fr"), help=texts._("language of these texts"))


def _add_running(parser: argparse.ArgumentParser, texts: Texts) -> None:
    add = parser.add_argument
    add("--check", action="store_true", help=texts._("show the settings, where each came from, and end"))
    add(
        "--version",
        action="version",
        version=f"chatroom-server {__version__}",
        help=texts._("show the version, and end"),
    )
    add("-v", "--verbose", action="store_true", help=texts._("show each message on the console"))
    add("-q", "--quiet", action="store_true", help=texts._("show nothing on the console but problems"))
    add(
        "--announce-ready",
        type=int,
        metavar="FD",
        help=texts._("write one line of JSON there when clients may come, or why not"),
    )


def _add_command(
    commands: "argparse._SubParsersAction[ArgumentParser]", texts: Texts, name: str, meaning: str
) -> ArgumentParser:
    command = commands.add_parser(name, texts=texts, help=meaning, description=meaning)
    command.set_defaults(command=name)
    # Given behind the command they count as in front of it.
    for words in (("-p", "--port"), ("--data",), ("--lang",)):
        command.add_argument(*words, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return command
