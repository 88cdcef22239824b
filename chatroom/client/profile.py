"""One identity: a folder with an Ed25519 key (RFC 8032) of its own."""

# cryptography and SQLite load where they are used: a profile is opened before the first frame is drawn.
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chatroom.client.errors import ProfileError
from chatroom.client.files import sync_folder, write_private
from chatroom.client.platform import lock
from chatroom.common.texts import Sentence
from chatroom.protocol.auth import pin, user_id
from chatroom.protocol.ids import UserId

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from chatroom.client.ports import SlotsPort
    from chatroom.client.servers import KnownServers
    from chatroom.client.store import Store

_KEY_FILE = "identity.key"


class Profile:
    """Who one is: `open` makes the key at the first use.

    Attributes:
        folder: Everything that belongs to this identity on this machine.
    """

    def __init__(self, folder: Path, seed: bytes) -> None:
        self.folder = folder
        self._seed = seed

    @classmethod
    def open(cls, folder: Path) -> "Profile":
        """Open a profile's folder, or make it. Blocking.

        Raises:
            ProfileError: The folder or the key cannot be used.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(folder, _load_key(folder))
        except OSError as error:
            raise ProfileError(
                Sentence(
                    "{folder} cannot be used ({reason}); CHATROOM_HOME names another folder",
                    folder=folder,
                    reason=error.strerror,
                )
            ) from error

    @cached_property
    def _private(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._seed)

    @cached_property
    def public_key(self) -> bytes:
        """32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @cached_property
    def user_id(self) -> UserId:
        """The id that the key gives."""
        return user_id(self.public_key)

    @cached_property
    def servers(self) -> "KnownServers":
        """The servers that this identity knows, and its nick on each."""
        from chatroom.client.servers import KnownServers

        return KnownServers(self.folder)

    @cached_property
    def slots(self) -> "SlotsPort":
        """Where its programs keep what waits to be sent."""
        from chatroom.client.devices import FolderSlots

        return FolderSlots(self.folder)

    @property
    def name(self) -> str:
        """The word behind `--as`."""
        return self.folder.name

    def open_store(self, server_key: bytes) -> "Store":
        """What is kept of the server with this key; made at the first use. Blocks.

        Raises:
            ProfileError: It cannot be used.
        """
        from chatroom.client.store import Store

        return Store(self.folder / "servers" / pin(server_key) / "store.db")

    def sign(self, data: bytes) -> bytes:
        """Sign with the private key: 64 bytes."""
        return self._private.sign(data)


def _load_key(folder: Path) -> bytes:
    path = folder / _KEY_FILE
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(descriptor)
        if not path.exists():
            write_private(path, _new_seed())
            sync_folder(folder.parent)
        data = path.read_bytes()
    finally:
        os.close(descriptor)
    if len(data) != 32:
        sentence = Sentence(
            "{path} is damaged: a key has 32 bytes. Put its backup back, or choose --as NAME", path=path
        )
        raise ProfileError(sentence)
    return data


def _new_seed() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()
