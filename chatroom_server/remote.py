"""`chatroom-server status`, `stop`, `reload`, `invite`: finds a server of this user, and speaks with it."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from chatroom.common.inert import inert
from chatroom.common.texts import Texts
from chatroom_server.shell.control import ControlError, Reply, Request, Status, ask
from chatroom_server.shell.reloading import sentences
from chatroom_server.shell.running import (
    RunningServer,
    RuntimeFolderError,
    open_runtime_folder,
    running_servers,
    wait_until_gone,
)

STOP_S: Final = 20.0


class RemoteError(Exception):
    """The command could not be done; the text is one sentence for the operator."""


def run_command(options: Namespace, texts: Texts, environ: Mapping[str, str]) -> str:
    """Do what the command line asks of a running server. Blocks.

    Returns:
        What to print.

    Raises:
        RemoteError: It could not be done.
    """
    try:
        folder = open_runtime_folder(environ)
        server = _pick(running_servers(folder), options, texts)
        if options.command == "stop":
            return _stop(folder, server, options.restart_in, texts)
        if options.command == "reload":
            return _reload(server, texts)
        if options.command == "invite":
            return _invite(server, options, texts)
        return _status(server, options, texts)
    except (RuntimeFolderError, ControlError) as error:
        raise RemoteError(str(error)) from error


def _pick(servers: list[RunningServer], options: Namespace, texts: Texts) -> RunningServer:
    found = [server for server in servers if _is_meant(server, options)]
    if not found:
        raise RemoteError(texts._("no server of yours runs here") if not servers else _others(servers, texts))
    if len(found) > 1:
        raise RemoteError(
            texts._("several of your servers run; say which: {servers}").format(servers=_list(found))
        )
    return found[0]


def _is_meant(server: RunningServer, options: Namespace) -> bool:
    is_folder = options.data is None or server.data == str(Path(options.data).expanduser().resolve())
    return is_folder and (options.port is None or str(server.port) == options.port)


def _others(servers: list[RunningServer], texts: Texts) -> str:
    return texts._("no such server of yours runs here; these do: {servers}").format(servers=_list(servers))


def _list(servers: list[RunningServer]) -> str:
    return ", ".join(f"-p {server.port} (--data {server.data})" for server in servers)


def _ask(server: RunningServer, request: Request) -> Reply:
    reply = ask(Path(server.control), request)
    if reply.error:
        raise RemoteError(reply.error)
    return reply


def _stop(folder: Path, server: RunningServer, restart_in_s: float, texts: Texts) -> str:
    _ask(server, Request("stop", restart_in_s=restart_in_s))
    if not wait_until_gone(folder, server, STOP_S):
        raise RemoteError(
            texts._("the server (process {pid}) was told to stop and still runs").format(pid=server.pid)
        )
    return texts._("The server on port {port} has stopped.").format(port=server.port) + "\n"


def _reload(server: RunningServer, texts: Texts) -> str:
    outcome = _ask(server, Request("reload")).reloaded
    if outcome is None:
        raise RemoteError(texts._("the server says nothing of itself"))
    said = sentences(outcome, texts)
    if outcome.problem:
        raise RemoteError("\n".join(said))
    return "".join(f"{inert(line)}\n" for line in said)


def _invite(server: RunningServer, options: Namespace, texts: Texts) -> str:
    reply = _ask(server, Request("invite-new" if options.new else "invite", options.room))
    if reply.invitations:
        return "".join(f"{inert(line)}\n" for line in reply.invitations)
    raise RemoteError(
        texts._("only this machine can reach the server; to open it to your network: {command}").format(
            command=reply.help
        )
    )


def _status(server: RunningServer, options: Namespace, texts: Texts) -> str:
    status = _ask(server, Request("status")).status
    if status is None:
        raise RemoteError(texts._("the server says nothing of itself"))
    if options.json:
        return msgspec.json.encode(status).decode() + "\n"
    return "".join(f"{name:<10}{inert(value)}\n" for name, value in _rows(status, texts))


def _rows(status: Status, texts: Texts) -> list[tuple[str, str]]:
    return [
        (texts._("address"), ", ".join(status.addresses)),
        *([(texts._("text"), ", ".join(status.text))] if status.text else []),
        (texts._("process"), str(status.pid)),
        (texts._("running"), _duration(status.uptime_s)),
        (texts._("key"), status.pin),
        (texts._("data"), status.data),
        (texts._("log"), status.log or "-"),
        (texts._("links"), str(status.links)),
        (texts._("online"), str(status.online)),
        (texts._("users"), str(status.users)),
        (texts._("rooms"), str(status.rooms)),
        (texts._("messages"), str(status.messages)),
        (texts._("flushes"), str(status.flushes)),
        (texts._("writes"), str(status.writes)),
    ]


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} d {hour:02}:{minute:02}:{second:02}" if days else f"{hour:02}:{minute:02}:{second:02}"
