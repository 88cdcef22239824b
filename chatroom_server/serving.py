"""Runs one server in the foreground, and tells its operator what it does and how others join."""

import asyncio
import json
import os
import sys
from argparse import Namespace
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from io import StringIO
from typing import Final

from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom.protocol.auth import fingerprint, pin
from chatroom_server.config import Settings, load_settings, log_folders
from chatroom_server.core.accounts import AccountsError
from chatroom_server.history.errors import HistoryError
from chatroom_server.options import settings_of
from chatroom_server.shell.identity import IdentityError
from chatroom_server.shell.listener import ListenError
from chatroom_server.shell.logfile import RotatingFile, open_first
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.newcomers import allow_files
from chatroom_server.shell.running import RuntimeFolderError, open_runtime_folder
from chatroom_server.shell.server import TEXT_DOOR, Places, Server
from chatroom_server.signals import Signals

LOG_NAME: Final = "server.log"


class ServingError(Exception):
    """The server could not start; the text is one sentence for its operator."""


async def serve(settings: Settings, texts: Texts, options: Namespace, environ: Mapping[str, str]) -> None:
    """Start a server and run it until it is told to stop.

    Raises:
        ServingError: It could not start.
    """
    allow_files(settings.max_links)
    file, problems = open_first(log_folders(settings, environ), LOG_NAME)
    logs = _open_logs(settings, options, file)
    try:
        if file is None:
            logs.problem(texts._("no server.log: {reasons}").format(reasons="; ".join(problems)))
        read_settings = partial(load_settings, settings_of(options), environ, options.config)
        places = _places(environ, file)
        server = Server(settings, logs, places, texts, read_settings=read_settings)
        signals = Signals(server, logs, texts)
        await _start(server, texts)
        _greet(server, texts, options, file)
        logs.note("the server is ready")
        await server.run(signals.watch_end)
        logs.note("the server has stopped")
    finally:
        if not await asyncio.to_thread(logs.close):
            sys.stderr = StringIO()  # the old one's lock is taken, and Python would wait for it at the end


def _open_logs(settings: Settings, options: Namespace, file: RotatingFile | None) -> OperatorLog:
    return OperatorLog(
        console=sys.stderr,
        events=not options.quiet,
        messages=options.verbose or (sys.stderr.isatty() and not options.quiet),
        file=file,
        conversation=settings.log_conversation,
    )


def _places(environ: Mapping[str, str], file: RotatingFile | None) -> Places:
    try:
        return Places(open_runtime_folder(environ), file.path if file else None)
    except RuntimeFolderError as error:
        raise ServingError(str(error)) from error


async def _start(server: Server, texts: Texts) -> None:
    try:
        await server.start()
    except ListenError as error:
        raise ServingError(_why_not_listening(error, texts)) from error
    except (HistoryError, AccountsError, IdentityError) as error:
        raise ServingError(str(error)) from error
    except OSError as error:
        folder = server.settings.data
        raise ServingError(f"{error.filename or folder}: {error.strerror or error}") from error


def _why_not_listening(error: ListenError, texts: Texts) -> str:
    port, address = ("--text-port", "--text-address") if error.what == TEXT_DOOR else ("-p", "-a")
    option = port if error.reason in ("in-use", "forbidden") else address
    match error.reason:
        case "in-use":
            sentence = texts._(
                "port {port} of {host} is in use; choose another one with {option}, "
                "or see what runs there: chatroom-server status"
            )
        case "forbidden":
            sentence = texts._("this user may not listen on port {port}; choose one above 1023 with {option}")
        case "unknown-host":
            sentence = texts._(
                "{host} is no host that is known here; give an address of this machine with {option}"
            )
        case "not-here":
            sentence = texts._("{host} is no address of this machine; give one that is with {option}")
        case _:
            sentence = texts._("port {port} of {host} cannot be opened: {reason}")
    return sentence.format(host=error.host, port=error.port, reason=error.reason, option=option)


def _greet(server: Server, texts: Texts, options: Namespace, file: RotatingFile | None) -> None:
    if not options.quiet:
        sys.stderr.write("".join(f"{inert(line)}\n" for line in greeting(server, texts, file)))
        sys.stderr.flush()
    if options.announce_ready is not None:
        description = server.description()
        announce(
            options.announce_ready,
            {
                "pid": description.pid,
                "host": description.host,
                "port": description.port,
                "key": b64encode(server.public_key).decode(),
                "pin": pin(server.public_key),
                "data": description.data,
                "log": description.log,
                "control": description.control,
                "text_port": server.text_addresses[0][1] if server.text_addresses else None,
            },
        )


def greeting(server: Server, texts: Texts, file: RotatingFile | None) -> list[str]:
    """What an operator reads when the server is ready."""
    settings, invitations = server.settings, server.invitations()
    where = ", ".join(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in server.addresses
    )
    lines = [
        texts._("chatroom-server listens on {where}").format(where=where),
        texts._("  data  {folder}").format(folder=settings.data),
        texts._("  log   {path}").format(path=file.path if file else texts._("none")),
        texts._("  key   {fingerprint}").format(fingerprint=fingerprint(server.public_key)),
    ]
    if server.text_addresses:
        text = ", ".join(f"{host} {port}" for host, port in server.text_addresses)
        lines.append(texts._("  text  nc {where} (neither encrypted nor authenticated)").format(where=text))
    lines += _meanings(settings, texts)
    if server.is_text_public:
        lines.append(
            texts._(
                "TEXT_HOST={host}: everybody who reaches that port comes in as a guest, unencrypted."
            ).format(host=settings.text_host)
        )
    if invitations:
        lines += [texts._("Others join with this line:"), *(f"  chatroom '{line}'" for line in invitations)]
    else:
        lines += [
            texts._("Only this machine can reach it. To serve your network: {command}").format(
                command=server.opening
            )
        ]
    return [*lines, texts._("Ctrl-C stops it.")]


def _meanings(settings: Settings, texts: Texts) -> list[str]:
    """What the settings mean that make something less safe."""
    lines = []
    if settings.open:
        lines.append(texts._("OPEN=yes: everybody who reaches this port may come in."))
    if settings.guests:
        lines.append(texts._("GUESTS=yes: people without a key may come in, under any free nick."))
    if not settings.fsync:
        lines.append(texts._("FSYNC=no: a power cut can lose messages that were shown as sent."))
    return lines


def announce(fd: int, facts: Mapping[str, object]) -> None:
    """Write one line of JSON for whoever started this server, and let go of the descriptor."""
    with suppress(OSError):
        os.write(fd, json.dumps(facts).encode() + b"\n")
        os.close(fd)
