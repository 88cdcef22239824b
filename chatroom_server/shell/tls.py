"""TLS of one link over bytes in memory: the socket stays ours, so that what waits for it is known.

An asyncio TLS transport says that nothing waits while the transport beneath it still holds data, and takes a
quarter of a megabyte a link; neither happens here.
"""

import contextlib
import ssl
from pathlib import Path
from typing import Final

_READ_SIZE: Final = 64 * 1024


class TlsError(Exception):
    """The peer broke TLS; what waits in the output tells it why."""


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for the server's end: TLS 1.3 only (RFC 8446), without tickets, as nothing is resumed.

    Raises:
        OSError, ssl.SSLError: The files cannot be read, or do not fit each other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.load_cert_chain(certificate, key)
    return context


class TlsStream:
    """The server's end of one TLS connection.

    Attributes:
        is_open: The handshake is done.
        is_finished: The peer said that it sends no more.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "is_finished", "is_open")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_open = False
        self.is_finished = False

    def feed(self, chunk: bytes) -> bytes:
        """Accept bytes from the socket and return what they say; send `take_output()` afterwards.

        Raises:
            TlsError: They are no TLS, or no common version or cipher exists.
        """
        self._incoming.write(chunk)
        try:
            return self._open() or self._read()
        except ssl.SSLWantReadError:
            return b""
        except (ssl.SSLError, ValueError) as error:
            raise TlsError(str(error)) from error

    def seal(self, data: bytes) -> bytes:
        """Make bytes for the socket of what is to be said; only after the handshake."""
        view = memoryview(data)
        while view:
            view = view[self._object.write(view) :]
        return self._outgoing.read()

    def take_output(self) -> bytes:
        """Bytes of the handshake and the like that have to be sent now."""
        return self._outgoing.read()

    def finish(self) -> bytes:
        """The bytes that say that nothing more comes."""
        if self.is_open:
            with contextlib.suppress(ssl.SSLError):  # the peer has not said so too, and nobody waits for that
                self._object.unwrap()
        return self._outgoing.read()

    def _open(self) -> bytes:
        if not self.is_open:
            self._object.do_handshake()
            self.is_open = True
        return b""

    def _read(self) -> bytes:
        chunks: list[bytes] = []
        while not self.is_finished:
            try:
                chunk = self._object.read(_READ_SIZE)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                chunk = b""
            self.is_finished = not chunk
            chunks.append(chunk)
        return b"".join(chunks)
