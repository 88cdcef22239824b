"""The command `chatroom-server`: runs a server, or speaks with one that runs."""

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Final

from chatroom.common.arguments import WrongUsageError, wanted_language
from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom_server.config import ConfigError, Settings, check_lines, load_settings
from chatroom_server.languages import load_texts
from chatroom_server.options import TOOLS, parse, settings_of
from chatroom_server.output import OutputError, complain, end_output, hold_streams, let_go_of_output, say

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_FAILED_AS: Final = {"verify": 2}
"""What a command comes to that could not, where `FAILED` says something else: that damage was found."""
_ACTS: Final = frozenset({"backup", "stop", "reload"})
"""Commands that have done it when they say so: it is done, whether or not anybody can read that."""
_MAY_BE_CUT: Final = _ACTS | {"export"}
"""Commands that need no reader to the end; `verify` would seem to have found nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 could not, 2 wrong usage."""
    hold_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    texts = load_texts(wanted_language(words, os.environ), os.environ)
    try:
        options = parse(words, texts)
    except WrongUsageError as error:
        complain(f"chatroom-server: {error}\n")
        return WRONG_USAGE
    except SystemExit as ended:  # it has written its help, or its version
        code = int(ended.code or DONE)
        sys.exit(_told(lambda: code, Namespace(command="", announce_ready=None), texts))
    try:
        settings = load_settings(settings_of(options), os.environ, options.config)
    except ConfigError as error:
        return _end_with(WRONG_USAGE, error.told(texts), options)
    texts = load_texts(settings.lang or None, os.environ)
    return _told(lambda: _run(options, settings, texts), options, texts)


def _told(run: Callable[[], int], options: Namespace, texts: Texts) -> int:
    """Run the command, and see that what it says is written; returns the exit status."""
    failed = _FAILED_AS.get(options.command, FAILED)
    try:
        status = run()
        end_output()
    except KeyboardInterrupt:
        return failed
    except BrokenPipeError:  # whoever read this has seen enough
        let_go_of_output()
        return DONE if options.command in _MAY_BE_CUT else failed
    except OutputError as error:
        let_go_of_output()
        sentence = texts._("{path} cannot be written: {reason}")
        path = texts._("standard output")
        status = DONE if options.command in _ACTS else failed
        return _end_with(status, sentence.format(path=path, reason=error), options)
    return status


def _run(options: Namespace, settings: Settings, texts: Texts) -> int:
    if options.check:
        say("\n".join(check_lines(settings)) + "\n")
        return DONE
    if options.command in TOOLS:
        from chatroom_server.data_folders import ToolError
        from chatroom_server.tools import run_tool

        try:
            return run_tool(options, settings, texts, os.environ)
        except ToolError as error:
            return _end_with(error.status, str(error), options)
    if options.command != "run":
        from chatroom_server.remote import RemoteError, run_command

        try:
            say(run_command(options, texts, os.environ))
        except RemoteError as error:
            return _end_with(FAILED, str(error), options)
        return DONE
    from chatroom_server.serving import ServingError, serve

    try:
        asyncio.run(serve(settings, texts, options, os.environ))
    except ServingError as error:
        return _end_with(FAILED, str(error), options)
    return DONE


def _end_with(status: int, problem: str, options: Namespace) -> int:
    """Say why nothing came of it, also to whoever waits for the server to be ready."""
    complain("".join(f"chatroom-server: {line}\n" for line in inert(problem).split("\n")))
    if options.announce_ready is not None:
        from chatroom_server.serving import announce

        announce(options.announce_ready, {"error": problem})
    return status
