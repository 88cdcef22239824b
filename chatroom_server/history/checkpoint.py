"""The checkpoint: the one small file that says how far the room files and projections have come."""

from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from chatroom.protocol.ids import Epoch, MessageId, RoomId
from chatroom_server.history.errors import DamagedError, NewerFormatError
from chatroom_server.history.files import Files, read_file, replace_file
from chatroom_server.history.records import Position

NAME: Final = "checkpoint.json"
FORMAT: Final = 1


class RoomFile(msgspec.Struct, frozen=True):
    """How far the files of a room have come.

    Attributes:
        folder: Its folder's name.
        first: The number of the first line of the segment that is being written, and that segment's name.
        last: The number of the last line.
        size: Bytes in that segment.
    """

    folder: str
    first: MessageId = MessageId(1)
    last: MessageId = MessageId(0)
    size: int = 0


class Projection(msgspec.Struct, frozen=True):
    """A file that the server made of what the log yielded.

    Attributes:
        file: The name it was written under; later it is renamed to its own.
        size: Its bytes, as far as they count.
        checksum: Their CRC-32.
    """

    file: str
    size: int
    checksum: int


class Checkpoint(msgspec.Struct, frozen=True):
    """What is durable outside the journal.

    Attributes:
        salt: Of the journal's checksums, drawn once.
        filed: Everything before this place is in the room files.
        projected: Everything before this place is in the projections.
        accounts: The number of the account log's last line before `projected`.
        generation: Counts checkpoints; names the files of projections.
        unsafe: The boot of the machine in which a log without fsync was left open, else empty.
        backup: This is a backup, or a copy of one, that no server has opened yet.
    """

    epoch: Epoch
    salt: int
    filed: Position
    projected: Position
    accounts: MessageId = MessageId(0)
    generation: int = 0
    rooms: dict[RoomId, RoomFile] = {}
    projections: dict[str, Projection] = {}
    unsafe: str = ""
    backup: bool = False
    format: int = FORMAT


class _Sealed(msgspec.Struct, frozen=True):
    checksum: int
    checkpoint: msgspec.Raw


class _Versioned(msgspec.Struct, frozen=True):
    format: int


_decode_sealed: Final = msgspec.json.Decoder(_Sealed).decode
_decode_version: Final = msgspec.json.Decoder(_Versioned).decode
_decode: Final = msgspec.json.Decoder(Checkpoint).decode


def save(files: Files, folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint; when this returns it is durable.

    Raises:
        OSError: The disk refuses. The old checkpoint or the new one holds.
    """
    body = msgspec.json.encode(checkpoint)
    content = msgspec.json.encode(_Sealed(crc32(body), msgspec.Raw(body)))
    replace_file(files, folder / NAME, content + b"\n")


def load(files: Files, folder: Path) -> Checkpoint:
    """Read the checkpoint.

    Raises:
        FileNotFoundError: There is none.
        NewerFormatError: It is of a format that this version does not know.
        DamagedError: It cannot be read.
    """
    content = read_file(files, folder / NAME)
    try:
        sealed = _decode_sealed(content)
        body = bytes(sealed.checkpoint)
        version = _decode_version(body).format
        if version > FORMAT:
            raise NewerFormatError(
                f"the data folder {folder} was written by a newer version (format {version}, this one knows "
                f"{FORMAT}); update chatroom-server"
            )
        if crc32(body) != sealed.checksum:
            raise _damaged(folder, "its checksum is wrong")
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, why: str) -> DamagedError:
    return DamagedError(
        f"{folder / NAME} cannot be read ({why}); put the data folder back from a backup, or rename it and "
        "start with a new one"
    )
