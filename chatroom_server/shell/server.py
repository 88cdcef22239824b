"""One server: an engine behind its doors, with its identity, the ports it listens on, and its controls."""

import asyncio
import os
import shlex
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatroom.common.texts import Texts
from chatroom.protocol.auth import pin
from chatroom_server.config import Settings
from chatroom_server.core.inputs import InvitationReplaced, SettingsChanged
from chatroom_server.core.settings import HubSettings
from chatroom_server.gateways.text import TextSettings
from chatroom_server.history.settings import LogSettings
from chatroom_server.shell.commands import Commands
from chatroom_server.shell.control import ControlSocket, Status
from chatroom_server.shell.engine import Engine, Seams
from chatroom_server.shell.identity import Identity, check_identity, load_identity, what_was_lost
from chatroom_server.shell.invitations import InvitationBook, reachable
from chatroom_server.shell.listener import Listener, listen
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.newcomers import allow_files
from chatroom_server.shell.peers import make_is_local
from chatroom_server.shell.reloading import Reloader
from chatroom_server.shell.runner import Runner
from chatroom_server.shell.running import Announcement, RunningServer, control_path
from chatroom_server.shell.text_door import TextDoor

TEXT_DOOR: Final = "text"
"""What a `ListenError` says was to be opened."""
_OWN_NAMES: Final = frozenset({"log"})
"""What the server itself puts into a new data folder before the log is opened."""
_FROM_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a server keeps what is not in its data folder.

    Attributes:
        runtime: The runtime folder.
        log: Path of server.log, or None.
    """

    runtime: Path
    log: Path | None


class Server:
    """A server: first `start`, then `run`.

    Attributes:
        addresses: What it listens on.
        text_addresses: Where its plain-text door is, if it has one; `is_text_public`: others reach it, too.

    Args:
        read_settings: Reads the settings again, as they were read at the start; blocks.
        seams: What lies under its engine; that of this machine if it is None.
    """

    def __init__(
        self,
        settings: Settings,
        logs: OperatorLog,
        places: Places,
        texts: Texts,
        *,
        read_settings: Callable[[], Settings] | None = None,
        seams: Seams | None = None,
    ) -> None:
        self.settings, self._texts = settings, texts
        self._logs, self._places = logs, places
        self._reloader = Reloader(self, read_settings or (lambda: settings), logs, texts)
        self._loop = asyncio.get_running_loop()
        self._stop_asked = asyncio.Event()
        self._back_in_s = 0.0
        self._is_ready = False
        self._started = self._loop.time()
        self.addresses: list[tuple[str, int]] = []
        self.text_addresses: list[tuple[str, int]] = []
        self.is_text_public = False
        self._engine = Engine(self._loop, logs, seams or Seams(), flush_s=settings.history_flush_s)
        self._identity: Identity
        self._invitations: InvitationBook
        self._listener: Listener
        self._text_door: TextDoor | None = None
        self._control: ControlSocket
        self._announcement: Announcement

    @property
    def runner(self) -> Runner:
        """What runs behind the doors; there once the server was started."""
        return self._engine.runner

    @property
    def flushes(self) -> int:
        """How often the rooms' files were written since the start."""
        return self._engine.flushes

    @property
    def public_key(self) -> bytes:
        """32 bytes, Ed25519."""
        return self._identity.public_key

    def invitations(self, room: str = "") -> list[str]:
        """The lines that let others in; none when only this machine can reach the server."""
        return self._invitations.lines(room)

    @property
    def opening(self) -> str:
        """The command that opens the server to the network."""
        return self._invitations.opening

    # --- starting --------------------------------------------------------------------------------
    async def start(self) -> None:
        """Be ready for clients.

        Raises:
            HistoryError: The data folder cannot be used.
            AccountsError: Its users cannot be read.
            IdentityError: The server's key cannot be used.
            ListenError: The port cannot be opened.
            OSError: The runtime folder cannot be written.
        """
        async with AsyncExitStack() as undo:
            control = control_path(self._places.runtime, self.settings.data)
            await self._engine.open(
                self.settings.data,
                fsync=self.settings.fsync,
                settings=LogSettings(own_names=LogSettings().own_names | _OWN_NAMES),
                note=str(control),
            )
            undo.push_async_callback(self._engine.abandon)
            await self._prepare()
            sockets = await asyncio.to_thread(listen, self.settings.host, self.settings.port)
            undo.callback(_close_all, sockets)
            text_sockets = await asyncio.to_thread(self._listen_for_text)
            undo.callback(_close_all, text_sockets)
            await self._open_doors(sockets, control, undo)
            await self._open_text_door(text_sockets)
            undo.pop_all()
        self._is_ready = True

    async def _prepare(self) -> None:
        wrong = await asyncio.to_thread(lambda: list(check_identity(self.settings.data)))
        identity = self._identity = await asyncio.to_thread(load_identity, self.settings.data)
        self._secret = identity.invitation_secret
        invitations = self._invitations = InvitationBook(
            public_key=identity.public_key,
            addresses=[],
            secret="" if self.settings.open else self._secret,
            room=self.settings.default_room,
            opening="",
        )
        self._engine.prepare(
            identity,
            hub_settings(self.settings, invitations),
            is_local=make_is_local(self.settings.local_peers),
            max_links=self.settings.max_links,
        )
        counts = self._engine.counts()
        if counts.users or counts.rooms or counts.lines:
            for sentence in what_was_lost(self.settings.data, wrong, self._texts):
                self._logs.problem(sentence)

    async def _open_doors(self, sockets: list[socket.socket], control: Path, undo: AsyncExitStack) -> None:
        self._commands = Commands(
            self.settings.data,
            self._invitations,
            status=self.status,
            stop=self.stop,
            reload=self._reloader.reload,
            replaced=self._replace_invitation,
        )
        self._control = ControlSocket(control, self._commands.handlers())
        self.addresses = [sock.getsockname()[:2] for sock in sockets]
        self._invitations.opening = opening_command(self.settings, self.addresses[0][1])
        self._invitations.addresses = await asyncio.to_thread(reachable, self.addresses, self.settings.public)
        await self._control.open()
        undo.push_async_callback(self._control.close)
        self._announcement = await asyncio.to_thread(Announcement, self._places.runtime, self.description())
        await self._engine.begin()
        self._listener = Listener(self._loop, sockets, self.runner.accept, self._logs.problem)

    def _listen_for_text(self) -> list[socket.socket]:
        if self.settings.text_port is None:
            return []
        return listen(self.settings.text_host, self.settings.text_port, what=TEXT_DOOR)

    async def _open_text_door(self, sockets: list[socket.socket]) -> None:
        if not sockets:
            return
        listening = [sock.getsockname()[:2] for sock in sockets]
        others = await asyncio.to_thread(reachable, listening, ())
        self.text_addresses, self.is_text_public = others or listening, bool(others)
        settings = TextSettings(
            self._texts,
            clock=lambda at: time.strftime("%H:%M", time.localtime(at / 1000)),
            history=self.settings.text_history,
            port=self.addresses[0][1],
        )
        self._text_door = TextDoor(self._loop, sockets, self.runner, self._logs, settings)
        where = ", ".join(f"{host}:{port}" for host, port in self.text_addresses)
        self._logs.note(f"plain text is served on {where}: it is neither encrypted nor authenticated")

    def _replace_invitation(self, secret: str) -> None:
        self._secret = secret
        self._invitations.secret = "" if self.settings.open else secret
        self.runner.feed(InvitationReplaced(secret.encode()))

    # --- running ---------------------------------------------------------------------------------
    async def run(self, stopping: Callable[[], object] | None = None) -> None:
        """Serve until told to stop; then end.

        Args:
            stopping: Called when the end begins.
        """
        try:
            await self._stop_asked.wait()
            if stopping is not None:
                stopping()
        finally:
            await self.close()

    @property
    def is_stopping(self) -> bool:
        """It was told to stop."""
        return self._stop_asked.is_set()

    def stop(self, back_in_s: float = 0.0) -> None:
        """Let `run` come to its end.

        Args:
            back_in_s: When clients are told that the server is back; 0: that it stops.
        """
        self._back_in_s = back_in_s
        self._stop_asked.set()

    # --- reloading -------------------------------------------------------------------------------
    def reload_soon(self) -> None:
        """Read the settings again, and tell the operator what became of it."""
        if self._is_ready and not self.is_stopping:
            self._engine.tasks.start(self._reloader.reload(), name="reload")

    async def take_over(self, settings: Settings) -> None:
        """Go by other settings from now on; those that need a restart are those from before."""
        addresses = await asyncio.to_thread(reachable, self.addresses, settings.public)
        self.settings = settings
        self._invitations.addresses = addresses
        self._invitations.secret = "" if settings.open else self._secret
        allow_files(settings.max_links)
        self.runner.admit(settings.max_links)
        self.runner.feed(SettingsChanged(hub_settings(settings, self._invitations)))
        if self._text_door is not None:
            self._text_door.show_history(settings.text_history)
        self._engine.flush_every(settings.history_flush_s)

    # --- the end ---------------------------------------------------------------------------------
    async def close(self) -> None:
        """End: what was said is stored, delivered as far as clients take it, and flushed."""
        self._listener.close()
        if self._text_door is not None:
            self._text_door.close()
        await self._engine.stop(self._back_in_s)
        await self._control.close()
        await asyncio.to_thread(self._announcement.withdraw)

    # --- facts -----------------------------------------------------------------------------------
    def status(self) -> Status:
        """How much of everything there is."""
        counts, description = self._engine.counts(), self.description()
        return Status(
            pid=description.pid,
            addresses=[f"{host}:{port}" for host, port in self.addresses],
            text=[f"{host}:{port}" for host, port in self.text_addresses],
            pin=pin(self.public_key),
            data=description.data,
            log=description.log,
            links=counts.links,
            online=counts.online,
            users=counts.users,
            rooms=counts.rooms,
            messages=counts.lines,
            uptime_s=self._loop.time() - self._started,
            flushes=self.flushes,
            writes=self.runner.fanout.writes,
        )

    def description(self) -> RunningServer:
        """What other programs of this user may know of this server."""
        host, port = self.addresses[0]
        return RunningServer(
            pid=os.getpid(),
            host=_FROM_HERE.get(host, host),
            port=port,
            key=self.public_key,
            data=str(self.settings.data.resolve()),
            log=str(self._places.log or ""),
            control=str(control_path(self._places.runtime, self.settings.data)),
        )


def opening_command(settings: Settings, port: int) -> str:
    """What opens a server to the network, keeping its data."""
    data = ["--data", str(settings.data)] if settings.data_given else []
    stop = shlex.join(["chatroom-server", "stop", *data])
    text = [] if settings.text_port is None else ["--text-port", str(settings.text_port)]
    start = shlex.join(["chatroom-server", "-a", "0.0.0.0", "-p", str(port), *text, *data])
    return f"{stop} && {start}"


def hub_settings(settings: Settings, invitations: InvitationBook) -> HubSettings:
    """The part of the settings that the hub knows."""
    return HubSettings(
        open=settings.open,
        guests=settings.guests,
        default_room=settings.default_room,
        burst=settings.burst,
        rate=settings.rate,
        max_links=settings.max_links,
        max_links_per_address=settings.max_links_per_address,
        max_users=settings.max_users,
        max_rooms=settings.max_rooms,
        invitations=invitations.answer,
    )


def _close_all(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()
