"""The files that the server makes of what the log yielded (`users.json`, `devices.jsonl`), and the ways to
lose them.

A file that is replaced is first written under a name of its own, which the checkpoint names, and renamed only
when the checkpoint is durable: so a projection and the place in the journal that it reflects change at one
instant. What was added to a file behind the size that the checkpoint names does not count.
"""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

import msgspec

from chatroom_server.history.checkpoint import Projection
from chatroom_server.history.errors import DamagedError
from chatroom_server.history.files import (
    Files,
    Mode,
    opened,
    read_at,
    read_file,
    unlink_if_there,
    write_at,
    write_file,
)

_PROJECTION_NAME = re.compile(r"[a-z][a-z0-9_-]*\.jsonl?")


def write(
    files: Files,
    folder: Path,
    known: Mapping[str, Projection],
    generation: int,
    replaced: Mapping[str, bytes],
    appended: Mapping[str, bytes],
    *,
    in_place: bool,
) -> dict[str, Projection]:
    """Write projections durably and return what the next checkpoint has to say of them.

    Args:
        known: What the last checkpoint says.
        generation: That of the next checkpoint; no file may have been written under it.
        in_place: No other checkpoint than the one of `known` may be on the disk, so that what lies behind its
            sizes is nobody's.

    Raises:
        OSError: The disk refuses; what the last checkpoint says still holds.
    """
    written = dict(known)
    for name, content in replaced.items():
        whole = content + appended.get(name, b"")
        written[name] = _write_beside(files, folder, name, generation, whole)
    for name, addition in appended.items():
        if addition and name not in replaced:
            written[name] = _add(files, folder, name, generation, addition, known.get(name), in_place)
    return written


def settle(files: Files, folder: Path, projections: Mapping[str, Projection]) -> dict[str, Projection]:
    """Give files their own names, once a durable checkpoint names them; returns what they are called now."""
    settled = dict(projections)
    for name, projection in projections.items():
        if projection.file != name:
            with contextlib.suppress(OSError):
                files.replace(folder / projection.file, folder / name)
                settled[name] = msgspec.structs.replace(projection, file=name)
    return settled


def load(
    files: Files, folder: Path, projections: Mapping[str, Projection], notes: list[str]
) -> tuple[dict[str, bytes], dict[str, Projection]]:
    """Read the projections as of a checkpoint; nothing is changed on the disk.

    A file that somebody edited is taken as it is, when it is JSON.

    Returns:
        The contents, and where they were found.

    Raises:
        DamagedError: One of them is missing, or can be read no more; the message names it.
        OSError: The disk does not give the bytes.
    """
    contents: dict[str, bytes] = {}
    places: dict[str, Projection] = {}
    for name, projection in projections.items():
        contents[name], places[name] = _load_one(files, folder, name, projection, notes)
    return contents, places


def sweep(files: Files, folder: Path, projections: Mapping[str, Projection]) -> None:
    """Remove what was written for checkpoints that never came to be, and cut torn additions."""
    current = {projection.file for projection in projections.values()}
    for name in files.names(folder):
        stem, _, generation = name.rpartition(".")
        if generation.isdecimal() and _PROJECTION_NAME.fullmatch(stem) and name not in current:
            unlink_if_there(files, folder / name)
    for projection in projections.values():
        with opened(files, folder / projection.file, Mode.WRITE) as fd:
            if files.size(fd) > projection.size:
                files.truncate(fd, projection.size)


def _write_beside(files: Files, folder: Path, name: str, generation: int, content: bytes) -> Projection:
    beside = f"{name}.{generation}"
    write_file(files, folder / beside, content)
    return Projection(beside, len(content), crc32(content))


def _add(
    files: Files,
    folder: Path,
    name: str,
    generation: int,
    addition: bytes,
    known: Projection | None,
    in_place: bool,
) -> Projection:
    if known is None:
        return _write_beside(files, folder, name, generation, addition)
    if in_place:
        with contextlib.suppress(OSError):
            return _add_in_place(files, folder, addition, known)
    return _write_anew(files, folder, name, generation, addition, known)


def _add_in_place(files: Files, folder: Path, addition: bytes, known: Projection) -> Projection:
    with opened(files, folder / known.file, Mode.WRITE) as fd:
        if files.size(fd) > known.size:
            files.truncate(fd, known.size)
        write_at(files, fd, addition, known.size)
        files.sync(fd)
    return Projection(known.file, known.size + len(addition), crc32(addition, known.checksum))


def _write_anew(
    files: Files, folder: Path, name: str, generation: int, addition: bytes, known: Projection
) -> Projection:
    """After an error the file is not trusted again behind what was durable."""
    with opened(files, folder / known.file) as fd:
        content = read_at(files, fd, known.size, 0) + addition
    if crc32(content) != crc32(addition, known.checksum):
        raise OSError(f"{folder / known.file} does not hold what was written")
    return _write_beside(files, folder, name, generation, content)


def _load_one(
    files: Files, folder: Path, name: str, projection: Projection, notes: list[str]
) -> tuple[bytes, Projection]:
    other: dict[str, bytes] = {}
    for file in dict.fromkeys((projection.file, name)):
        try:
            content = read_file(files, folder / file)
        except FileNotFoundError:
            continue
        whole = content[: projection.size]
        if len(whole) == projection.size and crc32(whole) == projection.checksum:
            if len(content) > projection.size:
                notes.append(
                    f"{folder / file}: {len(content) - projection.size} torn bytes at its end were cut"
                )
            return whole, Projection(file, projection.size, projection.checksum)
        other[file] = content
    edited = other.get(name)
    if edited is None or projection.file in other.keys() - {name} or not _is_json(name, edited):
        raise _lost(folder, name, next(iter(other), ""))
    notes.append(f"{folder / name} was changed by another program; it is used as it is now")
    return edited, Projection(name, len(edited), crc32(edited))


def _lost(folder: Path, name: str, damaged: str) -> DamagedError:
    """What is left of a file under another name than its own is no edit, and what its own name has is old."""
    what = f"{folder / damaged} is damaged" if damaged else f"{folder / name} is missing"
    copy = "this file" if damaged in ("", name) else str(folder / name)
    return DamagedError(
        f"{what}; put the data folder back from a backup (a copy of {copy} alone, of the same moment as "
        f"{folder / 'checkpoint.json'}, is enough)"
    )


def _is_json(name: str, content: bytes) -> bool:
    try:
        if name.endswith(".jsonl"):
            msgspec.json.decode(b"[" + b",".join(content.splitlines()) + b"]")
        else:
            msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return not name.endswith(".jsonl") or content.endswith(b"\n") or not content
