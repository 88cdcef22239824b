"""What operators read: lines on the console, and server.log. Writing them never holds up the event loop.

A thread formats and writes, batch by batch. What waits for it is bounded: when the disk is slower than the
talk, lines are left out, and how many is written in their place. Rooms' histories do not depend on it.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, TextIO

import msgspec

from chatroom.common.inert import one_line
from chatroom_server.core.effects import Happening, Report
from chatroom_server.shell.logfile import LogFileError, RotatingFile
from chatroom_server.shell.spoken import Spoken, decode, format_kept, stamp

WAITING_MAX: Final = 100_000
"""Lines that wait to be written."""
CONSOLE_MESSAGES_S: Final = 20
"""Messages a second that have console lines of their own; beyond, a second is one line a room."""
GATHER_S: Final = 0.1
"""How long messages are gathered before they are written."""
_ITEMS_MAX: Final = 1000
_TOGETHER: Final = 64
"""Stored lines that are decoded and formatted at once."""
CLOSE_S: Final = 2.0
"""How long a server that ends waits for its last lines to be written."""
_LOGGERS: Final = ("chatroom_server", "asyncio")

Said = tuple[list[bytes], int]
"""Stored lines of a room, and to how many clients they were sent."""


@dataclass(frozen=True, slots=True)
class _Event:
    """One line; an empty text leaves that place out."""

    at: float
    console: str
    file: str


@dataclass(frozen=True, slots=True)
class _Reopening:
    """From here on lines go to the file that has the name now.

    Attributes:
        conversation: Whether what people say stands in it from here on.
    """

    conversation: bool


_Item = _Event | _Reopening | list[Said]


class OperatorLog:
    """The console and server.log.

    Args:
        console: Where console lines go; None for nowhere.
        events: Whether the console shows what happens, and not only problems.
        messages: Whether it shows messages, too.
        file: Where server.log's lines go; None for nowhere.
        conversation: Whether what people say stands in the file.
    """

    def __init__(
        self,
        *,
        console: TextIO | None = None,
        events: bool = True,
        messages: bool = False,
        file: RotatingFile | None = None,
        conversation: bool = True,
    ) -> None:
        self._shows_events, self._shows_messages = events, messages
        self._keeps_conversation = conversation
        self._has_file = file is not None
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._writer = _Writer(self._queue, console, file, messages=messages, conversation=conversation)
        self._handler = _Handler(self)
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._handler)
        self._writer.start()

    def close(self) -> bool:
        """Write what waits, and let go of the file. Blocks, for a moment at most.

        Returns:
            False when somebody stopped the terminal, or the disk hangs: what waits is not written.
        """
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)
        self._writer.end()
        self._writer.join(CLOSE_S)
        return not self._writer.is_alive()

    def reopen(self, *, conversation: bool) -> None:
        """Go on in a fresh file where somebody has moved server.log away.

        Args:
            conversation: Whether what people say stands in it from now on.
        """
        self._keeps_conversation = conversation
        self._queue.put(_Reopening(conversation))

    # --- what happens ------------------------------------------------------------------------------
    def note(self, text: str) -> None:
        """Something about the server itself, for console and file."""
        self._put(text, text)

    def problem(self, text: str) -> None:
        """Something that an operator has to know, for console and file."""
        self._writer.take(1, _Event(time.time(), text, text))

    def connected(self, peer: tuple[str, int]) -> None:
        """A client's connection was accepted."""
        self._put(f"connected    {_at(peer)}", "")

    def disconnected(self, peer: tuple[str, int], why: str) -> None:
        """A client's connection ended."""
        self._put(f"disconnected {_at(peer)} ({why})", "")

    def happened(self, report: Report, peer: tuple[str, int] | None) -> None:
        """Somebody came, left, or changed something."""
        text = _sentence(report)
        where = f" from {_at(peer)}" if peer and report.happening is Happening.LOGGED_IN else ""
        self._put(f"{text}{where}", f"{text}{where}")

    def heard(self, text: str) -> None:
        """What a client of a gateway sent: shown, and kept, as what people say is."""
        console = text if self._shows_messages else ""
        file = text if self._keeps_conversation else ""
        if console or file:
            self._writer.take(1, _Event(time.time(), console, file))

    def said(self, lines: list[Said]) -> None:
        """Messages were stored, and are on their way to the clients of their rooms."""
        if self._shows_messages or (self._has_file and self._keeps_conversation):
            self._writer.take(sum(len(run) for run, _clients in lines), lines)

    def _put(self, console: str, file: str) -> None:
        self._writer.take(1, _Event(time.time(), console if self._shows_events else "", file))


def _at(peer: tuple[str, int]) -> str:
    host, port = peer
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _sentence(report: Report) -> str:
    who = f"{report.nick} ({report.user})" if report.user else "somebody"
    where = f" #{report.room}" if report.room else ""
    match report.happening:
        case Happening.LOGGED_IN:
            return f"logged in    {who}"
        case Happening.RENAMED:
            return f"{who} was {report.detail} before"
        case _:
            detail = f": {report.detail}" if report.detail else ""
            return f"{who} {report.happening.value}{where}{detail}"


class _Handler(logging.Handler):
    """Brings what modules log to the operator, as one line each."""

    def __init__(self, logs: OperatorLog) -> None:
        super().__init__(logging.WARNING)
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record over."""
        try:
            self._logs.problem(self.format(record))
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)


class _Writer(threading.Thread):
    """Formats and writes."""

    def __init__(
        self,
        queue: SimpleQueue[_Item | None],
        console: TextIO | None,
        file: RotatingFile | None,
        *,
        messages: bool,
        conversation: bool,
    ) -> None:
        super().__init__(name="chatroom-logs", daemon=True)
        self._queue, self._console, self._file = queue, console, file
        self._messages, self._conversation = messages, conversation
        self._taken = 0  # by the event loop; the thread counts what it has written
        self._written = 0
        self._left_out = 0
        self._told = 0
        self._failures: list[str] = []
        self._summary = _Summary()
        self._ending = threading.Event()

    def take(self, count: int, item: _Event | list[Said]) -> None:
        """Let lines wait, or leave them out. Called on the event loop."""
        if self._taken - self._written + count > WAITING_MAX:
            self._left_out += count
            return
        self._taken += count
        self._queue.put(item)

    def run(self) -> None:
        """Write until told to end."""
        is_last = False
        while not is_last:
            items = self._next_items()
            is_last = None in items
            given = [item for item in items if item is not None]
            try:
                self._write(given)
            except Exception as error:  # noqa: BLE001 - no line is worth all that come later
                self._failures.append(repr(error))
            self._written += sum(_count(item) for item in given)
        self._write_console(self._summary.finish())
        if self._file is not None:
            self._file.close()

    def _next_items(self) -> list[_Item | None]:
        """What waits, at least one; messages come in bulk, since a thread that wakes holds up the others."""
        items: list[_Item | None] = []
        try:
            items.append(self._queue.get(timeout=1.0 if self._summary.is_open else None))
            if isinstance(items[0], list):
                self._ending.wait(GATHER_S)
            while len(items) < _ITEMS_MAX:
                items.append(self._queue.get_nowait())
        except Empty:
            pass
        return items

    def end(self) -> None:
        """Write what waits without a pause, and end."""
        self._ending.set()
        self._queue.put(None)

    def _write(self, items: list[_Item]) -> None:
        console: list[str] = self._summary.finish_if_due(time.time())
        file: list[str] = []
        said: list[Said] = []
        for item in items:
            if isinstance(item, list):
                said += item
                continue
            self._format(said, console, file)
            said = []
            if isinstance(item, _Event):
                at = stamp(int(item.at))
                if item.console:
                    console.append(f"{at[11:]} {one_line(item.console)}\n")
                if item.file:
                    file.append(f"{at} {one_line(item.file)}\n")
            else:
                self._write_file(file)
                console += self._reopen(item)
                file = []
        self._format(said, console, file)
        if missing := self._left_out - self._told:
            self._told += missing
            file.append(f"{_now()} {missing} lines were left out: they came too fast\n")
        if self._failures:
            failures, self._failures = self._failures, []
            file.append(f"{_now()} {len(failures)} writes failed: {one_line(failures[-1])}\n")
        self._write_console(console)
        self._write_file(file)

    def _write_file(self, lines: list[str]) -> None:
        if self._file is not None and lines:
            self._file.write("".join(lines))

    def _reopen(self, item: _Reopening) -> list[str]:
        """Go on in another file; lines for the console when there is none."""
        self._conversation = item.conversation
        try:
            if self._file is not None:
                self._file.reopen()
        except (LogFileError, OSError) as error:
            self._failures.append(str(error))
            return [f"{_now()[11:]} server.log cannot be opened again: {one_line(str(error))}\n"]
        return []

    def _format(self, said: list[Said], console: list[str], file: list[str]) -> None:
        stored = [line for run, _clients in said for line in run]
        clients = [clients for run, clients in said for _line in run] if self._messages else []
        for first in range(0, len(stored), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            self._format_some(stored[some], clients[some], console, file)

    def _format_some(
        self, stored: list[bytes], clients: list[int], console: list[str], file: list[str]
    ) -> None:
        """Format a few lines; one that cannot be read is counted, and takes none of the others with it."""
        try:
            lines = decode(stored)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if len(stored) == 1:
                self._failures.append(repr(error))
                return
            for number, line in enumerate(stored):
                self._format_some([line], clients[number : number + 1], console, file)
            return
        if self._file is not None and self._conversation:
            file += format_kept(stored, lines)
        if self._messages:
            for spoken, count in zip(lines, clients, strict=True):
                console += self._summary.add(spoken, count)

    def _write_console(self, lines: Iterable[str]) -> None:
        if self._console is not None and (text := "".join(lines)):
            try:
                self._console.write(text)
                self._console.flush()
            except (OSError, ValueError):  # nobody reads it any more
                self._console = None


def _count(item: _Item) -> int:
    """The lines that an item counts for; see `_Writer.take`."""
    return sum(len(run) for run, _ in item) if isinstance(item, list) else int(isinstance(item, _Event))


class _Summary:
    """Console lines of messages: each its own while they are few, else one a second and room."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self._rooms: dict[str, tuple[int, int]] = {}

    @property
    def is_open(self) -> bool:
        """Something is counted that has no line yet."""
        return bool(self._rooms)

    def add(self, line: Spoken, clients: int) -> list[str]:
        """Lines for a message; none if it is only counted."""
        second = line.at // 1000
        lines = self.finish_if_due(second)
        self._count += 1
        if self._count > CONSOLE_MESSAGES_S:
            count, _clients = self._rooms.get(line.room, (0, 0))
            self._rooms[line.room] = (count + 1, clients)
            return lines
        at, name = stamp(second)[11:], f"{one_line(line.room)}/{line.id}"
        size = len(line.body.encode())
        lines.append(f"{at} received     {name} from {one_line(line.nick)}, {size} bytes\n")
        lines.append(f"{at} sent         {name} to {clients} {'client' if clients == 1 else 'clients'}\n")
        return lines

    def finish_if_due(self, now: float) -> list[str]:
        """What the second that is over counted."""
        if int(now) == self._second:
            return []
        lines = self.finish()
        self._second, self._count = int(now), 0
        return lines

    def finish(self) -> list[str]:
        """What was counted, and begin again."""
        at = stamp(self._second)[11:]
        rooms, self._rooms = self._rooms, {}
        return [
            f"{at} received     {count} more in {one_line(room)}, each sent to {clients} clients\n"
            for room, (count, clients) in rooms.items()
        ]


def _now() -> str:
    return stamp(int(time.time()))
