"""Starts the line client: console, server, session."""

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from chatroom.client.address import Address
from chatroom.client.errors import ClientError
from chatroom.client.options import FindAgain
from chatroom.client.session import connect
from chatroom.client.trust import Trust, own_server
from chatroom.conversation_log import ConversationLog, open_conversation_log
from chatroom.dates import clock, iso_day
from chatroom.model.sentences import LineFormat
from chatroom.plain.client import PlainClient
from chatroom.plain.console import Console
from chatroom.prepare import Launching, fallback_nick, log_folders
from chatroom.scripts.output import OutputClosed

if TYPE_CHECKING:
    from chatroom.client.local_server import LocalServer

_YES: Final = ("y", "yes", "o", "oui")
_NO: Final = ("n", "no", "non")


def run_plain(prepared: Launching) -> int:
    """Run the line client until one leaves; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return asyncio.run(_run(prepared))
    except OutputClosed:
        _forget_output()
        return 0
    finally:
        _restore_blocking()


def _end(number: int, _frame: object) -> NoReturn:
    """Leave cleanly when a signal asks for it, and not in the middle of the terminal's settings."""
    raise SystemExit(128 + number)


def _forget_output() -> None:
    """What Python still holds for a pipe that is closed must not fail when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _restore_blocking() -> None:
    """Leave the terminal as it was found: its other programs expect reads and writes that wait."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.set_blocking(descriptor, True)


async def _run(prepared: Launching) -> int:
    console = Console(prepared.texts, ascii_only=not _speaks_utf8(), has_bell=_has_bell(prepared))
    await console.open()
    try:
        address, pin = await _server(prepared, console)
        return await _talk(prepared, console, address, pin)
    except ClientError as error:
        await console.show(error.told(prepared.texts))
        return 1


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") == "utf8"


def _has_bell(prepared: Launching) -> bool:
    return prepared.settings.bell and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


async def _server(prepared: Launching, console: Console) -> tuple[Address, str]:
    """The server to connect to; this machine's is started if need be."""
    target = prepared.target
    if target.address is not None:
        return target.address, target.pin
    from chatroom.client.local_server import find_or_start_server

    found = await asyncio.to_thread(find_or_start_server, prepared.home.runtime)
    await _tell_started(prepared, console, found)
    return found.address, found.pin


def _finder(prepared: Launching, console: Console) -> FindAgain | None:
    """What finds this user's own server again; None where it may be somebody else's."""
    target = prepared.target
    if target.address is not None and (target.is_given or not target.address.is_loopback):
        return None

    async def find_it(server_key: bytes) -> Address | None:
        from chatroom.client.local_server import find_again

        found = await asyncio.to_thread(find_again, prepared.home.runtime, server_key)
        if found is None:
            return None
        await _tell_started(prepared, console, found)
        return found.address

    return find_it


async def _tell_started(prepared: Launching, console: Console, found: "LocalServer") -> None:
    if found.started:
        await console.show(_started_line(prepared, found))


def _started_line(prepared: Launching, found: "LocalServer") -> str:
    sentence = prepared.texts._(
        "Started a server on this machine at {address}. Data: {data}. Log: {log}. To end it: {command}"
    )
    return sentence.format(
        address=found.address, data=found.data, log=found.log, command="chatroom-server stop"
    )


async def _talk(prepared: Launching, console: Console, address: Address, pin: str) -> int:
    form = LineFormat(prepared.texts, clock, me=prepared.profile.user_id)
    trust = Trust.PIN_IF_LOCAL
    if console.is_interactive:
        trust = Trust.ASK(_Asking(prepared, console).ask, own=own_server(prepared.home.runtime))
    written = await asyncio.to_thread(
        open_conversation_log,
        log_folders(prepared.settings, prepared.home),
        prepared.texts,
        day=iso_day,
        clock=clock,
    )
    if written is not None:
        written.know(prepared.profile.user_id)
    try:
        return await _session(prepared, console, form, address, pin, trust, written)
    finally:
        if written is not None:
            await asyncio.to_thread(written.close)


async def _session(
    prepared: Launching,
    console: Console,
    form: LineFormat,
    address: Address,
    pin: str,
    trust: Trust,
    written: ConversationLog | None,
) -> int:
    async with connect(
        address,
        prepared.profile,
        nick=prepared.nick,
        fallback_nick="" if console.is_interactive else fallback_nick(prepared),
        secret=prepared.target.secret,
        pin=pin,
        reconnect=not prepared.options.no_reconnect,
        trust=trust,
        texts=prepared.texts,
        find_again=_finder(prepared, console),
    ) as session:
        return await PlainClient(session, console, form, room=prepared.room, written=written).run()


class _Asking:
    """Asks whether a server that nobody has vouched for is the one that is meant."""

    def __init__(self, prepared: Launching, console: Console) -> None:
        self._texts = prepared.texts
        self._console = console

    async def ask(self, address: Address, fingerprint: str) -> bool:
        question = self._texts._(
            "You have not been at {address} before. Its key is {key}. Is that the one you mean? [y/n]"
        )
        asked = question.format(address=address, key=fingerprint)
        return await self._console.ask(asked, (*_YES, *_NO)) in _YES
