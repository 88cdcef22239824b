"""Cases of a room of a million messages: the server's start, and pages from anywhere in it."""

import os
import random
import socket
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.load.wire import Chatroom, Frame, fetch
from benchmarks.make_room import make_room
from benchmarks.suite.programs import BenchError, make_server, running
from benchmarks.suite.results import Figure
from benchmarks.suite.run import Run
from chatroom.protocol.ids import RoomId

MESSAGES: Final = 1_000_000
PAGE: Final = 50
_WARM: Final = 200
_COLD: Final = 40
_PATIENCE_S: Final = 30.0


class Reader:
    """A guest who asks for pages and waits for each."""

    def __init__(self, port: int) -> None:
        self._dialect, self._buffer = Chatroom(), bytearray()
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_S)
        greeting = self._dialect.greet("reader", "general")
        self._socket.sendall(next(greeting))
        while True:
            try:
                self._socket.sendall(greeting.send(self._next()))
            except StopIteration:
                return

    def page_ms(self, before: int) -> float:
        """Ask for a page; how long it took.

        Raises:
            BenchError: It is not the page that was asked for.
        """
        began = time.perf_counter()
        self._socket.sendall(fetch(1, "general", before, PAGE))
        frame = self._next()
        while frame.kind not in b"fe":
            frame = self._next()
        taken = (time.perf_counter() - began) * 1000
        if frame.body.count(b'"id":') != PAGE or b'"id":%d,' % (before - 1) not in frame.body:
            raise BenchError(f"the page before {before} is not what was asked for: {frame.body[:200]!r}")
        return taken

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _next(self) -> Frame:
        while (frame := self._dialect.take(self._buffer)) is None:
            chunk = self._socket.recv(1 << 18)
            if not chunk:
                raise BenchError("the server ended the link")
            self._buffer += chunk
        return frame


def history(case: str, run: Run) -> None:
    """Make the room, start the server with it, and read."""
    folder = run.folder()
    make_room(folder / "data", RoomId("general"), messages=MESSAGES)
    server = make_server(folder)
    began = time.perf_counter()
    with running(server):
        run.add(Figure(case, f"start with {MESSAGES:,} messages", (time.perf_counter() - began) * 1000, "ms"))
        reader, rng = Reader(server.port), random.Random(1)
        places = [rng.randrange(PAGE + 1, MESSAGES) for _ in range(_WARM)]
        if _forget(server.data):
            cold = []
            for place in places[:_COLD]:
                _forget(server.data)
                cold.append(reader.page_ms(place))
            _add(case, run, "cold", cold)
        else:
            run.note("history: this system cannot be told to forget what it has read, so nothing was cold")
        for place in places:
            reader.page_ms(place)
        _add(case, run, "warm", [reader.page_ms(place) for place in places])
        reader.close()


def _add(case: str, run: Run, how: str, taken: list[float]) -> None:
    ordered = sorted(taken)
    run.add(Figure(case, f"{PAGE} lines from anywhere, {how}: median", statistics.median(ordered), "ms"))
    run.add(Figure(case, f"{PAGE} lines from anywhere, {how}: p99", ordered[len(ordered) * 99 // 100], "ms"))


def _forget(folder: Path) -> bool:
    """Have the system forget what it knows of these files; whether it can be told so."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)
    return True
