"""The socket through which a running server takes commands of its own user: one JSON line each way."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from chatroom_server.shell.reloading import Reloaded

_LINE_MAX: Final = 64 * 1024
_TIMEOUT_S: Final = 10.0


class ControlError(Exception):
    """A running server could not be asked; the text says why."""


class Request(msgspec.Struct, frozen=True):
    """A command.

    Attributes:
        do: Its name.
        room: For invitations.
        restart_in_s: For `stop`: when clients are told that the server is back; 0: that it stops.
    """

    do: str
    room: str = ""
    restart_in_s: float = 0.0


class Status(msgspec.Struct, frozen=True):
    """What `chatroom-server status` shows.

    Attributes:
        addresses: What the server listens on; `text`: where its plain-text door is.
        pin: Of its key.
        links: Connections now; `online`: users shown as online.
        messages: Stored lines of all rooms.
        uptime_s, flushes, writes: Since the start.
    """

    pid: int
    addresses: list[str]
    pin: str
    data: str
    log: str
    links: int
    online: int
    users: int
    rooms: int
    messages: int
    uptime_s: float
    flushes: int
    writes: int
    text: list[str] = []


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a command.

    Attributes:
        error: A sentence, when it could not be done.
        help: The command that opens the server, when there are no invitations.
    """

    error: str = ""
    status: Status | None = None
    invitations: list[str] = []
    help: str = ""
    reloaded: Reloaded | None = None


_decode_request: Final = msgspec.json.Decoder(Request).decode
_decode_reply: Final = msgspec.json.Decoder(Reply).decode


Handler = Callable[[Request], Awaitable[Reply]]


class ControlSocket:
    """Takes commands.

    Args:
        handlers: By the commands' names.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path, self._handlers = path, handlers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take commands from now on.

        Raises:
            OSError: The socket cannot be made.
        """
        self._path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # the socket must never be open to others, not even for a moment
        try:
            sock.bind(str(self._path))
        except OSError:
            sock.close()
            raise
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=_LINE_MAX)

    async def close(self) -> None:
        """Take no more commands."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reply = await self._answer(reader)
            writer.write(msgspec.json.encode(reply) + b"\n")
            await asyncio.wait_for(writer.drain(), _TIMEOUT_S)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Reply:
        try:
            line = await asyncio.wait_for(reader.readline(), _TIMEOUT_S)
            request = _decode_request(line)
        except (ValueError, UnicodeDecodeError) as error:
            return Reply(error=f"the command cannot be read: {error}")
        handler = self._handlers.get(request.do)
        if handler is None:
            return Reply(error=f"this server knows no command {request.do!r}")
        return await handler(request)


def ask(path: Path, request: Request) -> Reply:
    """Give a command to a running server. Blocks.

    Raises:
        ControlError: It does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_TIMEOUT_S)
            sock.connect(str(path))
            sock.sendall(msgspec.json.encode(request) + b"\n")
            with sock.makefile("rb") as answer:
                return _decode_reply(answer.readline(_LINE_MAX * 16))
    except (OSError, ValueError) as error:
        raise ControlError(f"the server does not answer on {path}: {error}") from error
