"""Runs one script: finds the server, connects quietly, and does the one thing that was asked for."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from chatroom.client.address import Address
from chatroom.client.errors import ClientError
from chatroom.client.session import Session, connect
from chatroom.client.trust import Trust
from chatroom.common.names import room_key
from chatroom.common.texts import Texts
from chatroom.dates import clock
from chatroom.model.sentences import LineFormat
from chatroom.prepare import LaunchError, Launching, fallback_nick
from chatroom.protocol import ErrorCode, auth
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.scripts import lists, reading
from chatroom.scripts.output import Output, OutputClosed, say_problem
from chatroom.scripts.send import SendOptions, send, send_picture


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


_TO_SEND: Final[Mapping[str, str]] = {ErrorCode.ROOM_UNKNOWN: _("there is no room {room}; --create makes it")}
_TO_READ: Final[Mapping[str, str]] = {
    ErrorCode.ROOM_UNKNOWN: _("there is no room {room}; chatroom rooms lists those that there are")
}
"""Here are no slash commands: what the usual sentences advise, a script does otherwise."""


def run_script(prepared: Launching) -> int:
    """Run the script that the command line names; returns the exit code."""
    try:
        return asyncio.run(_run(prepared))
    except ClientError as error:
        say_problem(error.told(prepared.texts))
        return 1
    except OutputClosed:
        return 0


async def _run(prepared: Launching) -> int:
    options = prepared.options
    address, pin = await _server(prepared)
    room = _room(prepared)
    async with _connected(prepared, address, pin) as session:
        output = Output()
        match options.command:
            case "send":
                return await _send(session, prepared, room)
            case "tail" | "history":
                return await _read(session, prepared, room, output)
            case "rooms":
                return await lists.rooms(session, output, as_json=options.json)
            case "who":
                return await lists.who(session, room, output, as_json=options.json)
            case "whoami":
                return await lists.whoami(session, output, as_json=options.json)
        return await lists.invite(session, prepared.room, output, prepared.texts)


async def _server(prepared: Launching) -> tuple[Address, str]:
    """The address to connect to, and the pin that is known of it."""
    target = prepared.target
    if target.is_given and target.address is not None:
        return target.address, target.pin
    from chatroom.client.local_server import find_local_server

    found = await asyncio.to_thread(find_local_server, prepared.home.runtime)
    if target.address is not None:
        known = prepared.profile.servers.key_of(target.address)
        has_moved = found is not None and known is not None and found.pin == auth.pin(known)
        return (found.address, found.pin) if found is not None and has_moved else (target.address, target.pin)
    if found is None:
        sentence = prepared.texts._("No server is known yet. Open chatroom once, or name one with -a and -p.")
        raise LaunchError(sentence, 1)
    return found.address, found.pin


def _connected(prepared: Launching, address: Address, pin: str) -> AbstractAsyncContextManager[Session]:
    sends = prepared.options.command == "send"
    return connect(
        address,
        prepared.profile,
        nick=prepared.nick,
        fallback_nick=fallback_nick(prepared),
        secret=prepared.target.secret,
        pin=pin,
        quiet=True,
        sends=sends,
        create=prepared.room if sends and prepared.options.create else "",
        wording=_TO_SEND if sends else _TO_READ,
        trust=Trust.PIN_IF_LOCAL,
        texts=prepared.texts,
    )


def _room(prepared: Launching) -> RoomId:
    """The id of the room that the command line names."""
    name = prepared.room
    if not name and prepared.options.command in ("send", "tail", "history", "who"):
        raise LaunchError(prepared.texts._("The invitation names no room; write the room's name."))
    return RoomId(room_key(name)) if name else RoomId("")


async def _send(session: Session, prepared: Launching, room: RoomId) -> int:
    options = prepared.options
    send_options = SendOptions(
        room=room,
        words=options.text,
        as_one=options.one,
        timeout_s=options.timeout,
        retry_s=options.retry,
        create=prepared.room if options.create else "",
    )
    if options.image:
        return await send_picture(session, send_options, options.image, prepared.texts)
    return await send(session, send_options, prepared.texts)


async def _read(session: Session, prepared: Launching, room: RoomId, output: Output) -> int:
    options = prepared.options
    form = LineFormat(prepared.texts, clock)
    printer = reading.LinePrinter(output, form, as_json=options.json)
    if options.command == "tail":
        return await reading.tail(session, room, options.after, options.n, printer, output)
    return await reading.history(session, _history_options(prepared, room), printer)


def _history_options(prepared: Launching, room: RoomId) -> reading.ReadOptions:
    options = prepared.options
    return reading.ReadOptions(
        room=room,
        after=None if options.after is None else MessageId(options.after),
        before=None if options.before is None else MessageId(options.before),
        since_ms=None if options.since is None else _since(options.since, prepared.texts),
        limit=options.limit,
    )


def _since(text: str, texts: Texts) -> int:
    """`2026-11-21`, `2026-11-21T09:00` or `09:00` (today), in the reader's zone, as ms since 1970."""
    now = dt.datetime.now().astimezone()
    try:
        if "-" not in text:
            time = dt.time.fromisoformat(text)
            moment = dt.datetime.combine(now.date(), time)
        else:
            moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        sentence = texts._("--since {text}: write 2026-11-21, 2026-11-21T09:00 or 09:00")
        raise LaunchError(sentence.format(text=text)) from error
    return int(moment.astimezone().timestamp() * 1000)
