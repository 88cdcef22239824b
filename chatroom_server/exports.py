"""`chatroom-server export`: writes a room's whole history, whether or not the server runs."""

import os
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from chatroom.common.inert import inert
from chatroom.common.names import room_key
from chatroom.common.texts import Texts
from chatroom.protocol.codec import decode_line
from chatroom.protocol.errors import RemoteProtocolError
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId
from chatroom_server.core.accounts import AccountsError
from chatroom_server.data_folders import ToolError, cannot_read, check_is_ours
from chatroom_server.history import HistoryError, OsFiles
from chatroom_server.history.snapshot import Snapshot, snapshot
from chatroom_server.history.telling import all_lines, known_rooms
from chatroom_server.markdown import Markdown
from chatroom_server.output import OutputError, complain, output_errors

DONE, FAILED = 0, 1
_NAMED_MAX: Final = 20


def export(options: Namespace, folder: Path, texts: Texts) -> int:
    """Write the room; returns the exit status. Blocks.

    Raises:
        ToolError: It cannot be written.
    """
    check_is_ours(folder, texts, FAILED)
    files = OsFiles()
    try:
        with snapshot(files, folder) as taken:
            room, name = _pick(taken, options.room, texts)
            file = taken.checkpoint.rooms.get(room)
            lines = _Lines(all_lines(files, folder, taken, room), file.last if file else 0)
            _write_to(options.output, _rendered(lines, name, options.format, texts), texts)
    except (HistoryError, AccountsError) as error:
        raise ToolError(str(error), FAILED) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_read(error, folder, texts, FAILED) from error
    if not lines.lacking:
        return DONE
    complain(f"chatroom-server: {inert(_what_lacks(lines.lacking, folder, texts))}\n")
    return FAILED


class _Lines:
    """The lines of a room that can be read, in their order.

    Args:
        last: The number of the last line that its files must have.

    Attributes:
        lacking: How many cannot, or are not there.
    """

    def __init__(self, found: Iterator[bytes], last: int) -> None:
        self._found, self._last = found, last
        self.lacking = 0

    def __iter__(self) -> Iterator[tuple[bytes, Line]]:
        last = 0
        for data in self._found:
            try:
                line = decode_line(data)
            except RemoteProtocolError:
                continue  # its number will be missed
            if line.id > last:
                self.lacking += line.id - last - 1
                last = line.id
                yield data, line
        self.lacking += max(0, self._last - last)


def _what_lacks(count: int, folder: Path, texts: Texts) -> str:
    sentence = texts.n(
        "{count} line cannot be read and was left out; chatroom-server verify {folder} tells more",
        "{count} lines cannot be read and were left out; chatroom-server verify {folder} tells more",
        count,
    )
    return sentence.format(count=count, folder=folder)


def _pick(taken: Snapshot, wanted: str, texts: Texts) -> tuple[RoomId, str]:
    rooms = known_rooms(taken)
    room = RoomId(room_key(wanted))
    if room in rooms:
        return room, rooms[room]
    named = sorted(name for room, name in rooms.items() if not room.startswith("="))
    listed = ", ".join(named[:_NAMED_MAX]) + (", …" if len(named) > _NAMED_MAX else "")
    sentence = texts._("there is no room {room}; these are there: {rooms}")
    raise ToolError(sentence.format(room=wanted, rooms=listed or "-"), FAILED)


def _rendered(lines: _Lines, name: str, form: str, texts: Texts) -> Iterator[bytes]:
    if form == "json":
        for data, _line in lines:
            yield data + b"\n"
        return
    markdown = Markdown(texts)
    yield markdown.title(name).encode()
    for _data, line in lines:
        yield markdown.entry(line).encode()


def _write_to(output: Path | None, parts: Iterator[bytes], texts: Texts) -> None:
    if output is None:
        _write(sys.stdout.buffer, parts)
        return
    try:
        _write_file(output.expanduser(), parts)
    except OutputError as error:
        sentence = texts._("{path} cannot be written: {reason}")
        raise ToolError(sentence.format(path=output, reason=error), FAILED) from error


def _write(file: BinaryIO, parts: Iterator[bytes]) -> None:
    for part in parts:
        with output_errors():
            file.write(part)
    with output_errors():
        file.flush()


def _write_file(path: Path, parts: Iterator[bytes]) -> None:
    """Replace a file by a whole one, or leave it alone; write through what is none, such as a pipe."""
    with output_errors():
        if path.is_symlink() or (path.exists() and not path.is_file()):
            beside, file = None, path.open("wb")
        else:
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
            beside, file = Path(name), os.fdopen(descriptor, "wb")
    try:
        try:
            _write(file, parts)
        finally:
            with output_errors():  # what could not be written is tried once more
                file.close()
        if beside is not None:
            with output_errors():
                beside.replace(path)
    except BaseException:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise
