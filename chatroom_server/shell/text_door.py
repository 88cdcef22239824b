"""The plain-text port: its clients are numbered as they come, and what they send is logged."""

import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import replace

from chatroom_server.core.inputs import LinkId
from chatroom_server.gateways.text import TextConnection, TextSettings
from chatroom_server.shell.keepalive import keep_alive
from chatroom_server.shell.link import Link
from chatroom_server.shell.listener import Listener
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.newcomers import TEXT_NEWCOMERS_MAX, Newcomers
from chatroom_server.shell.runner import Entrance, Runner
from chatroom_server.shell.text_link import TextLink


class TextDoor:
    """Takes connections of clients that know no more than lines.

    Attributes:
        addresses: What it listens on.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        sockets: list[socket.socket],
        runner: Runner,
        logs: OperatorLog,
        settings: TextSettings,
    ) -> None:
        self._runner, self._logs, self._settings = runner, logs, settings
        self._count = 0
        self._entrance = Entrance(self._make_link, Newcomers(TEXT_NEWCOMERS_MAX, stays_s=0.0))
        self._listener = Listener(loop, sockets, self.accept, logs.problem)
        self.addresses = self._listener.addresses

    def show_history(self, messages: int) -> None:
        """Show so many messages to those who come from now on."""
        self._settings = replace(self._settings, history=messages)

    def close(self) -> None:
        """Accept nothing more."""
        self._listener.close()

    def accept(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Take a connection."""
        self._runner.accept(sock, peer, self._entrance)

    def _make_link(self, link_id: LinkId, sock: socket.socket, peer: tuple[str, int], local: bool) -> Link:
        keep_alive(sock)
        heard = _journal(self._logs, self._count + 1, peer)
        connection = TextConnection(peer, sock.getsockname()[:2], self._settings, heard)
        link = TextLink(link_id, sock, peer, connection, local=local, owner=self._runner)
        self._count += 1
        self._logs.note("New client connected")
        return link


def _journal(logs: OperatorLog, number: int, peer: tuple[str, int]) -> Callable[[str, bool], None]:
    """Logs the lines of one client."""
    host, port = peer

    def heard(line: str, is_nameless_message: bool) -> None:
        logs.heard(f"client {number}> {line}")
        if is_nameless_message:
            logs.heard(f"Message received from {host}:{port} : {line}")

    return heard
