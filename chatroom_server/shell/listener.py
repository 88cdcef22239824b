"""Takes connections from the port: bursts, and the moments when the system gives no more of them."""

import errno
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

_BACKLOG: Final = 4096
_ACCEPTS_AT_ONCE: Final = 128
_PAUSE_S: Final = 1.0
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class ListenError(Exception):
    """The server cannot listen there.

    Attributes:
        reason: `in-use`, `forbidden`, `unknown-host`, `not-here` or the system's words.
        what: That which was to be opened.
    """

    def __init__(self, host: str, port: int, reason: str, what: str = "") -> None:
        super().__init__(f"{host}:{port}: {reason}")
        self.host, self.port, self.reason, self.what = host, port, reason, what


def listen(host: str, port: int, what: str = "") -> list[socket.socket]:
    """Open a port on every address that a host has; `port` 0 takes a free one.

    Args:
        what: Said in the error.

    Raises:
        ListenError: The system does not allow it.
    """
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            taken = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_open(family, (address, taken)))
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise ListenError(host, port, _reason(error), what) from error
    return sockets


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
    )
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # `::` serves both, as people expect
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        sock.bind(address)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "unknown-host"
    words = {
        errno.EADDRINUSE: "in-use",
        errno.EACCES: "forbidden",
        errno.EPERM: "forbidden",
        errno.EADDRNOTAVAIL: "not-here",
    }
    return words.get(error.errno or 0, error.strerror or str(error))


class Listener:
    """Accepts on open ports and hands over each socket, not blocking and without Nagle's delay.

    Args:
        accepted: Gets the socket and the peer's (host, port).
        report: Gets a sentence when connections have to wait; once for each such time.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        sockets: list[socket.socket],
        accepted: Callable[[socket.socket, tuple[str, int]], None],
        report: Callable[[str], None],
    ) -> None:
        self.addresses: list[tuple[str, int]] = [sock.getsockname()[:2] for sock in sockets]
        self._loop, self._sockets = loop, sockets
        self._accepted, self._report = accepted, report
        self._exhausted = False
        for sock in sockets:
            self._resume(sock)

    def close(self) -> None:
        """Accept nothing more."""
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets = []

    def _resume(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.add_reader(sock, self._accept, sock)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._wait(listening, error)
                return
            self._exhausted = False
            self._take(sock, address)

    def _take(self, sock: socket.socket, address: tuple[str, int]) -> None:
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # it has gone already
            sock.close()
            return
        self._accepted(sock, (_plain_host(address[0]), address[1]))

    def _wait(self, listening: socket.socket, error: OSError) -> None:
        """The system gives no more sockets: leave newcomers in its queue for a moment."""
        self._loop.remove_reader(listening)
        self._loop.call_later(_PAUSE_S, self._resume, listening)
        if not self._exhausted:
            self._exhausted = True
            limit = " (ulimit -n says how many)" if error.errno in _EXHAUSTED else ""
            self._report(f"no more connections for now: {error.strerror}{limit}")


def _plain_host(host: str) -> str:
    """An IPv4 peer of a socket for both kinds of addresses, and a scoped one, as people write them."""
    return host.removeprefix("::ffff:") if "." in host else host.partition("%")[0]
