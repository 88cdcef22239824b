"""Starts the line client: console, server, session."""

import asyncio
import contextlib
import getpass
import os
import sys
from typing import TYPE_CHECKING

from chatroom.client.address import Address
from chatroom.client.errors import ClientError
from chatroom.client.session import connect
from chatroom.client.trust import Trust
from chatroom.common.inert import one_line
from chatroom.common.names import NameProblem, check_nick
from chatroom.dates import clock
from chatroom.launch import Launching
from chatroom.model.sentences import LineFormat
from chatroom.plain.client import PlainClient
from chatroom.plain.console import Console

if TYPE_CHECKING:
    from chatroom.client.local_server import LocalServer


def run_plain(prepared: Launching) -> int:
    """Run the line client until one leaves; returns the exit code."""
    try:
        return asyncio.run(_run(prepared))
    finally:
        _restore_blocking()


def _restore_blocking() -> None:
    """Leave the terminal as it was found: its other programs expect reads and writes that wait."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.set_blocking(descriptor, True)


async def _run(prepared: Launching) -> int:
    console = Console(ascii_only=not _speaks_utf8())
    await console.open()
    try:
        address, pin = await _server(prepared, console)
        nick = prepared.nick or await _nick(prepared, console)
        return await _talk(prepared, console, address, pin, nick)
    except ClientError as error:
        await console.show(" ".join(filter(None, (str(error), error.mend))))
        return 1


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") == "utf8"


async def _server(prepared: Launching, console: Console) -> tuple[Address, str]:
    """The server to connect to; this machine's is started if need be."""
    target = prepared.target
    if target.address is not None:
        return target.address, target.pin
    from chatroom.client.local_server import find_or_start_server

    found = await asyncio.to_thread(find_or_start_server, prepared.home.runtime)
    if found.started:
        await console.show(_started_line(prepared, found))
    return found.address, found.pin


def _started_line(prepared: Launching, found: "LocalServer") -> str:
    sentence = prepared.texts._(
        "Started a server on this machine at {address}. Data: {data}. Log: {log}. To end it: {command}"
    )
    return sentence.format(
        address=found.address, data=found.data, log=found.log, command="chatroom-server stop"
    )


async def _nick(prepared: Launching, console: Console) -> str:
    """Ask for a nick where none is known; without somebody to ask, the login name."""
    if prepared.known_nick:
        return ""
    question = prepared.texts._("What should the others call you? [{nick}]").format(nick=_login_name())
    while True:
        answer = await console.ask(question)
        try:
            return check_nick(answer or _login_name())
        except NameProblem as problem:
            await console.show(prepared.texts._(problem.sentence).format(**problem.args_by_name))


def _login_name() -> str:
    try:
        return one_line(getpass.getuser()) or "me"
    except (KeyError, OSError):
        return "me"


async def _talk(prepared: Launching, console: Console, address: Address, pin: str, nick: str) -> int:
    form = LineFormat(prepared.texts, clock, me=prepared.profile.user_id)
    trust = Trust.ASK(_Asking(prepared, console).ask) if console.is_interactive else Trust.PIN_IF_LOCAL
    async with connect(
        address,
        prepared.profile,
        nick=nick,
        secret=prepared.target.secret,
        pin=pin,
        reconnect=not prepared.options.no_reconnect,
        trust=trust,
        texts=prepared.texts,
    ) as session:
        return await PlainClient(session, console, prepared.texts, form, prepared.room).run()


class _Asking:
    """Asks whether a server that nobody has vouched for is the one that is meant."""

    def __init__(self, prepared: Launching, console: Console) -> None:
        self._texts = prepared.texts
        self._console = console

    async def ask(self, address: Address, fingerprint: str) -> bool:
        if address.is_loopback:
            return True
        question = self._texts._(
            "You have not been at {address} before. Its key is {key}. Is that the one you mean? [y/N]"
        )
        answer = await self._console.ask(question.format(address=address, key=fingerprint))
        return (answer or "").strip().casefold() in ("y", "yes", "o", "oui")
