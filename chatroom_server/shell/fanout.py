"""Brings what is said in rooms to their links: one write a link and round, however much was said.

Each room has a *tail*, the frames that were put into it and are still to be brought to somebody. A link that
keeps up needs no more than its place among the room's links. A link whose socket is full falls *behind*: its
cursor stays where it was, and the tail is kept for it, within bounds. When its socket takes bytes again it
gets what it missed, piece by piece; when the tail does not reach back so far any more, it gets a `Gap`
and fetches the rest from history. Nobody waits for it.

Links that stand at the same place are given the very same bytes object.
"""

import logging
from collections.abc import Callable
from typing import Final

from chatroom.protocol import codec
from chatroom.protocol.frames import Gap
from chatroom.protocol.ids import RoomId
from chatroom_server.shell import tails
from chatroom_server.shell.tails import KIB, Cursor, Outlet, Tail

_log = logging.getLogger(__name__)

TAILS_BYTES_MAX: Final = 64 * 1024 * KIB
"""Bytes that all rooms together keep for those who are behind."""
FAREWELL_MAX: Final = 64 * KIB
"""Bytes of a room that still go to a link which closes it; beyond that it is told of a gap."""


class Fanout:
    """All tails.

    Args:
        call_soon: Calls a function in the next turn; asked once for each round.

    Attributes:
        writes: How often a link was written to.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self.writes = 0
        self._call_soon = call_soon
        self._scheduled = False
        self._tails: dict[RoomId, Tail] = {}
        self._dirty: dict[Tail, None] = {}
        self._touched: dict[Outlet, None] = {}
        self._kept = 0

    def touch(self, link: Outlet) -> None:
        """Something waits in a link's queue: the next round writes it."""
        self._touched[link] = None
        self._plan()

    def broadcast(self, room: RoomId, frame: bytes) -> None:
        """Put a frame that is no line at the end of a room's tail."""
        tail = self._tails.get(room)
        if tail is not None:
            tail.put(frame)
            self._soil(tail)

    def broadcast_lines(self, room: RoomId, first_id: int, frames: list[bytes]) -> int:
        """Put the frames of lines with consecutive numbers there; returns how many links will get them."""
        tail = self._tails.get(room)
        if tail is None:
            return 0
        tail.put_lines(frames, first_id)
        self._soil(tail)
        return len(tail.links)

    def subscribe(self, link: Outlet, room: RoomId, last_id: int) -> None:
        """Open a room on a link: it gets what is put into the tail after this.

        Args:
            last_id: The number of the room's newest line.
        """
        tail = self._tails.get(room)
        if tail is None:
            tail = self._tails[room] = Tail(room, last_id)
        if link in tail.links:
            return
        tail.links[link] = None
        link.rooms.append(tail)
        if tail.end > tail.fresh:
            self._fall_behind(link, tail, tail.cursor(tail.end))

    def unsubscribe(self, link: Outlet, room: RoomId) -> None:
        """Close a room on a link; what was put into the tail before this still goes out to it."""
        tail = self._tails.get(room)
        if tail is not None and link in tail.links:
            farewell = self._farewell(link, tail)
            self._part(link, tail)
            if farewell:
                link.queue.append(farewell)
                link.queued += len(farewell)
                self.touch(link)

    def release(self, link: Outlet) -> None:
        """Close all rooms of a link that will end; if it keeps up it still gets what was put into them."""
        for tail in list(link.rooms):
            if link.behind is None or tail not in link.behind:
                self.unsubscribe(link, tail.room)
            else:
                self._part(link, tail)

    def drop(self, link: Outlet) -> None:
        """Forget a link."""
        for tail in list(link.rooms):
            self._part(link, tail)
        self._touched.pop(link, None)
        link.queue.clear()
        link.queued = 0

    def drained(self, link: Outlet) -> None:
        """The link's socket takes bytes again."""
        if link.queue or link.behind:
            self.touch(link)

    def postpone_round(self) -> None:
        """Plan no round: the caller is about to run one."""
        self._scheduled = True

    def run_round(self) -> None:
        """Write everything new to everybody, once."""
        self._scheduled = False
        if not (self._dirty or self._touched):
            return
        dirty, self._dirty = self._dirty, {}
        is_all = len(dirty) == 1 and not self._touched
        for tail in dirty:
            self._spread(tail, is_all=is_all)
        touched, self._touched = self._touched, {}
        for link in touched:
            if not link.blocked:
                try:
                    self._write(link)
                except Exception:  # noqa: BLE001 - one link must not break the round of all
                    _broke(link)
        for tail in dirty:
            self._settle(tail)

    def _spread(self, tail: Tail, *, is_all: bool) -> None:
        """Give what is fresh to the links that keep up; note where the others stand.

        Args:
            is_all: Nothing else is to be written in this round.
        """
        if tail.fresh == tail.end:
            return
        data, end = tail.piece(tail.fresh)
        size, fits = len(data), end == tail.end
        for link in tail.links:
            sink = link.sink  # this loop is most of what Python does for a delivery
            if sink is None or not fits or link.behind is not None:
                self._spread_slowly(link, tail, data if fits else b"")
            elif is_all or (len(link.rooms) == 1 and not link.queue):
                self.writes += 1
                try:
                    if (sent := sink.send(data)) != size:
                        link.not_taken(data, sent)
                except OSError as error:
                    _refused(link, data, error)
                except Exception:  # noqa: BLE001 - as in `run_round`
                    _broke(link)
            else:
                link.queue.append(data)
                self._touched[link] = None

    def _spread_slowly(self, link: Outlet, tail: Tail, data: bytes) -> None:
        """Give it to a link whose socket may not be written to right away.

        Args:
            data: Empty when it is too much for one write.
        """
        if data and link.behind is None and not link.blocked:
            link.queue.append(data)
            self._touched[link] = None
        elif link.behind is None or tail not in link.behind:
            self._fall_behind(link, tail, tail.cursor(tail.fresh))

    def _write(self, link: Outlet) -> None:
        if link.behind is not None:
            self._catch_up(link)
        queue = link.queue
        if not queue:
            return
        data = queue[0] if len(queue) == 1 else b"".join(queue)
        queue.clear()
        link.queued = 0
        self.writes += 1
        link.write(data)
        if link.behind is not None and not link.blocked:
            self.touch(link)

    def _catch_up(self, link: Outlet) -> None:
        """Put what a link missed behind what waits for it alone, as far as one write goes."""
        size, behind = link.queued, link.behind or {}
        for tail, cursor in list(behind.items()):
            if size >= tails.WRITE_MAX:
                return
            if cursor.position < tail.base:
                data, position = _gap(tail, cursor), tail.end
            else:
                data, position = tail.piece(cursor.position)
            if data:
                link.queue.append(data)
                size += len(data)
            if position < tail.end:
                behind[tail] = tail.cursor(position)
            else:
                self._keep_up(link, tail)

    def _fall_behind(self, link: Outlet, tail: Tail, cursor: Cursor) -> None:
        if link.behind is None:
            link.behind = {}
        link.behind[tail] = cursor
        tail.lagging += 1
        if not link.blocked:
            self.touch(link)

    def _keep_up(self, link: Outlet, tail: Tail) -> None:
        assert link.behind is not None
        del link.behind[tail]
        tail.lagging -= 1
        if not link.behind:
            link.behind = None
        if not tail.lagging and tail.fresh == tail.end:
            self._settle(tail)

    def _settle(self, tail: Tail) -> None:
        tail.advance()
        if self._kept - tail.kept + tail.size > TAILS_BYTES_MAX:
            tail.forget()
        self._kept += tail.size - tail.kept
        tail.kept = tail.size

    def _farewell(self, link: Outlet, tail: Tail) -> bytes:
        cursor = (link.behind or {}).get(tail) or tail.cursor(tail.fresh)
        if cursor.position >= tail.base:
            data, end = tail.piece(cursor.position)
            if end == tail.end and len(data) <= FAREWELL_MAX:
                return data
        return _gap(tail, cursor)

    def _part(self, link: Outlet, tail: Tail) -> None:
        if link.behind is not None and tail in link.behind:
            self._keep_up(link, tail)
        del tail.links[link]
        link.rooms.remove(tail)
        if not tail.links:
            del self._tails[tail.room]
            self._dirty.pop(tail, None)
            self._kept -= tail.kept

    def _soil(self, tail: Tail) -> None:
        if tail not in self._dirty:
            self._dirty[tail] = None
            self._plan()

    def _plan(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self.run_round)


def _refused(link: Outlet, data: bytes, error: OSError) -> None:
    try:
        link.not_taken(data, 0, error)
    except Exception:  # noqa: BLE001 - as in `Fanout.run_round`
        _broke(link)


def _broke(link: Outlet) -> None:
    _log.exception("a link could not be written to")
    link.broke()


def _gap(tail: Tail, cursor: Cursor) -> bytes:
    return codec.encode(Gap(room=tail.room, after=cursor.after, last=tail.last_id))
