"""Picks the front end that a command line asks for, and imports it only then."""

import argparse
import gc
import os
import sys

from chatroom.client.errors import ClientError
from chatroom.common.inert import one_line
from chatroom.prepare import LaunchError, Launching, log_folders, prepare


def launch(options: argparse.Namespace) -> int:
    """Start what the command line asked for; returns the exit code."""
    try:
        prepared = prepare(options, os.environ)
        try:
            return _front_end(prepared)
        except ClientError as error:
            return _complain(error.told(prepared.texts), 1)
    except LaunchError as error:
        return _complain(str(error), error.code)


def _complain(sentence: str, code: int) -> int:
    for line in sentence.split("\n"):
        print(f"chatroom: {one_line(line)}", file=sys.stderr)  # noqa: T201  # the edge where sentences are shown
    return code


def _front_end(prepared: Launching) -> int:
    if prepared.options.command is not None:
        from chatroom.scripts.run import run_script

        gc.enable()
        return run_script(prepared)
    if sys.stdout is None:
        raise LaunchError(
            prepared.texts._("Standard output is closed: there is nowhere to show anything."), 1
        )
    if prepared.options.plain or not sys.stdout.isatty() or os.environ.get("TERM", "") in ("", "dumb"):
        from chatroom.plain.run import run_plain

        gc.enable()
        return run_plain(prepared)
    return _full_screen(prepared)


def _full_screen(prepared: Launching) -> int:
    from chatroom.tui.launch import Launch
    from chatroom.tui.run import run

    settings, target = prepared.settings, prepared.target
    return run(
        Launch(
            settings=settings,
            texts=prepared.texts,
            home=prepared.home,
            profile=prepared.profile,
            address=target.address,
            secret=target.secret,
            pin=target.pin,
            nick=prepared.nick,
            room=prepared.room,
            may_start=not target.is_given,
            reconnect=not prepared.options.no_reconnect,
            log_folders=log_folders(settings, prepared.home),
        )
    )
