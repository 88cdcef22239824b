"""The servers that a profile knows: which key answers at which address, and who one is there."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from chatroom.client.address import Address
from chatroom.client.errors import ProfileError
from chatroom.client.files import write_private
from chatroom.client.platform import lock
from chatroom.common.texts import Sentence


class _Server(msgspec.Struct, omit_defaults=True):
    """What belongs to a server's key."""

    nick: str = ""
    room: str = ""
    guest_token: bytes = b""


class _Book(msgspec.Struct, omit_defaults=True):
    """`servers.json`: addresses to keys (hexadecimal), and keys to what is known of their servers."""

    last: tuple[str, int] | None = None
    addresses: dict[str, str] = {}
    servers: dict[str, _Server] = {}


_decode: Final = msgspec.json.Decoder(_Book).decode


class KnownServers:
    """The book of servers in a profile's folder. It blocks on a small file; a damaged one counts as empty.

    Several programs use it at once: it is read anew each time, and written whole, under a lock.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "servers.json"
        self._lock = folder / ".servers.lock"

    def key_of(self, address: Address) -> bytes | None:
        """The key that answered at an address last, 32 bytes."""
        with suppress(ValueError):
            return bytes.fromhex(self._read().addresses.get(str(address), "")) or None
        return None

    def last_address(self) -> Address | None:
        """The server that was used last."""
        last = self._read().last
        return Address(*last) if last else None

    def nick_at(self, server_key: bytes) -> str:
        """The nick that one had there last, or empty."""
        return self._server(server_key).nick

    def room_at(self, server_key: bytes) -> str:
        """The room that one was in last, or empty."""
        return self._server(server_key).room

    def guest_token(self, server_key: bytes) -> bytes:
        """What makes a guest the same guest again, or empty."""
        return self._server(server_key).guest_token

    def trust(self, address: Address, server_key: bytes) -> None:
        """Remember that this key answers there: the pin of the address.

        Raises:
            ProfileError: It cannot be written.
        """

        def change(book: _Book) -> None:
            book.addresses[str(address)] = server_key.hex()

        self._change(change)

    def forget(self, address: Address) -> None:
        """Remember no key for an address: the next one that answers there is asked about.

        Raises:
            ProfileError: It cannot be written.
        """
        self._change(lambda book: book.addresses.pop(str(address), None))

    def remember(
        self,
        server_key: bytes,
        *,
        address: Address | None = None,
        nick: str | None = None,
        room: str | None = None,
        guest_token: bytes | None = None,
    ) -> None:
        """Remember what one was and where; what is None stays as it is.

        Args:
            address: Becomes the server that was used last.

        Raises:
            ProfileError: It cannot be written.
        """

        def change(book: _Book) -> None:
            server = book.servers.setdefault(server_key.hex(), _Server())
            server.nick = server.nick if nick is None else nick
            server.room = server.room if room is None else room
            server.guest_token = server.guest_token if guest_token is None else guest_token
            book.last = (address.host, address.port) if address else book.last

        self._change(change)

    def _server(self, server_key: bytes) -> _Server:
        return self._read().servers.get(server_key.hex(), _Server())

    def _read(self) -> _Book:
        try:
            return _decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _Book()

    def _change(self, change: Callable[[_Book], object]) -> None:
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                lock(descriptor)
                book = self._read()
                before = msgspec.json.encode(book)
                change(book)
                if (after := msgspec.json.encode(book)) != before:
                    write_private(self._path, msgspec.json.format(after))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ProfileError(
                Sentence("{path} cannot be written: {reason}", path=self._path, reason=error.strerror)
            ) from error
