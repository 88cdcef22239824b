"""A small world around the plain-text door: a real hub, a log in memory, and visitors without sockets.

What the hub sends a visitor waits in a queue of frames, as in the server; `House.settle` writes it, reads
pages and lets visitors go on, until nothing is left to do.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

from chatroom.common.texts import Texts
from chatroom.protocol import codec
from chatroom.protocol.frames import AnyFrame, Gap, Page
from chatroom.protocol.ids import RoomId
from chatroom_server.core.effects import Effect, FetchPage
from chatroom_server.core.inputs import Arrived, LinkId, PageSent
from chatroom_server.core.settings import HubSettings
from chatroom_server.gateways.text import TextConnection, TextSettings
from chatroom_server.history.memory import MemoryLog
from chatroom_server.shell.pages import page_frame
from tests.server.core.stage import GENERAL, Actor, Stage

_T = TypeVar("_T")
HOST = "192.0.2.7"
HERE = ("192.0.2.1", 9998)
PORT = 4321
ROUNDS_MAX = 20_000
PAGE_BYTES = 2048


class Visitor(Actor):
    """One plain-text link.

    Attributes:
        text: All that it was sent.
        ended: The door has hung up.
        most: How many of its messages waited for their storing at once.
    """

    def __init__(self, house: "House", id_: LinkId, host: str, port: int, settings: TextSettings) -> None:
        super().__init__(house, id_, None, bytes(32))
        self.house, self.host, self.port = house, host, port
        self.heard: list[tuple[str, bool]] = []
        self.door = TextConnection((host, port), HERE, settings, lambda *heard: self.heard.append(heard))
        self.text = ""
        self.most = 0
        self.ended = self.arrived = False
        self._queue: list[bytes] = []
        self._seen = 0

    # --- what the client does ------------------------------------------------------------------------
    def send(self, data: bytes | str) -> "Visitor":
        """Send bytes in one chunk, and wait for all that comes of them."""
        self.door.feed(data.encode() if isinstance(data, str) else data, self.house.now)
        self.step()
        self.house.settle()
        return self

    def finish(self) -> None:
        """Send nothing more."""
        self.door.finish(self.house.now)
        self.step()
        self.house.settle()

    def hang_up(self) -> None:
        """Vanish."""
        if not self.ended:
            self._end()
        self.house.settle()

    def news(self) -> list[str]:
        """The lines that came since the last call."""
        fresh, self._seen = self.text[self._seen :], len(self.text)
        assert fresh == "" or fresh.endswith("\n")
        return fresh.splitlines()

    # --- what the link does ----------------------------------------------------------------------------
    def hear(self, frame: AnyFrame, body: bytes | None = None) -> None:
        super().hear(frame, body)
        self._queue.append(codec.encode(frame) if body is None else codec.frame_line(body))

    def put(self, data: bytes) -> None:
        self._queue.append(data)

    def miss(self, gap: Gap) -> None:
        """Lose what waits, as a link that does not read; then be told of it."""
        self._queue = [codec.encode(gap)]
        self.house.settle()

    def step(self) -> None:
        if self.ended or self.house.now < self.held_until:
            return
        asks = self.door.step(self.house.now)
        if output := self.door.take_output():
            self._queue.append(output)
        for frame in asks:
            if not self.arrived:
                self.arrived = True
                seed = bytes([self.id % 256]) * 64
                self.house.feed(Arrived(self.id, self.host, self.port, seed, False, False, True))
            if not self.ended:
                self.give(frame)
        waiting = [draft for draft in self.house.waiting if draft.ref is not None]
        self.most = max(self.most, len(waiting))
        if self.door.is_over or self.closed:
            self._end()

    @property
    def has_work(self) -> bool:
        return not self.ended and self.house.now >= self.held_until and self.door.has_work

    def write(self) -> bool:
        """Write what waits; whether there was something."""
        queue, self._queue = self._queue, []
        for data in queue:
            self.text += self.door.read(data).decode()
        return bool(queue)

    def _end(self) -> None:
        self.write()
        self.ended = True
        if self.arrived:
            self.leave(clean=True)


class House(Stage):
    """The door, the hub, the log, and everybody.

    Attributes:
        reads_pages: Pages are answered at once; else they wait in `asked`.
    """

    def __init__(self, settings: HubSettings | None = None) -> None:
        self.log = MemoryLog(lambda _outcome: None, lambda _action: None)
        self.reads_pages = True
        self.asked: list[FetchPage] = []
        super().__init__(settings)
        self.log.lines = self.disk

    def visit(
        self,
        first: bytes | str = b"",
        *,
        port: int = 0,
        host: str = HOST,
        history: int = 20,
        texts: Texts | None = None,
    ) -> Visitor:
        """Let somebody knock, and say this."""
        self._links += 1
        settings = TextSettings(texts or Texts(), lambda _at: "12:34", history, PORT)
        visitor = Visitor(self, LinkId(self._links), host, port or 4000 + self._links, settings)
        self.actors[visitor.id] = visitor
        self.rooms_open[visitor.id] = set()
        return visitor.send(first) if first else visitor

    @property
    def visitors(self) -> list[Visitor]:
        return [actor for actor in self.actors.values() if isinstance(actor, Visitor)]

    def settle(self) -> None:
        """Write and read until nothing is left to do."""
        for _round in range(ROUNDS_MAX):
            if self.reads_pages:
                self.read_pages()
            written = [visitor for visitor in self.visitors if not visitor.ended and visitor.write()]
            ready = [visitor for visitor in self.visitors if visitor.has_work]
            for visitor in ready:
                visitor.step()
            if not (written or ready) and not (self.reads_pages and self.asked):
                return
        raise AssertionError("it never ends")

    def read_pages(self, count: int = ROUNDS_MAX) -> None:
        """Answer the requests for pages that wait."""
        fetches, self.asked = self.asked[:count], self.asked[count:]
        for fetch in fetches:
            visitor = self.actors[fetch.link]
            if not isinstance(visitor, Visitor) or visitor.ended:
                continue
            page = _run(
                self.log.page(
                    fetch.room,
                    after=fetch.after,
                    before=fetch.before,
                    limit=fetch.limit,
                    max_bytes=PAGE_BYTES,
                )
            )
            frame = page_frame(fetch.rid, fetch.room, self.log.last_id(fetch.room), page.lines)
            (read, _error) = codec.FrameReader().feed(frame)
            assert isinstance(codec.decode_body(*read[0]), Page)
            visitor.put(frame)
            self.feed(PageSent(fetch.link))

    def wait(self, seconds: float) -> None:
        """Let time pass, in small steps, for the hub and for whoever waits for a time."""
        end = self.now + seconds
        while self.now < end:
            self.pass_time(min(0.5, end - self.now))
            for visitor in self.visitors:
                visitor.step()
            self.settle()

    def bodies(self, room: str = GENERAL) -> list[str]:
        """What is stored of a room."""
        return [codec.decode_line(line).body for line in self.disk.get(RoomId(room), [])]

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, FetchPage):
            self.asked.append(effect)
        else:
            super()._perform(effect)


def _run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """What a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    raise AssertionError("it waits")
