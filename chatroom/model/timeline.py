"""A room's endless history as one can look at it: what is at hand, what to fetch, what is not sent yet.

A *position* counts everything in the order of the screen: the ids of the stored lines, 1 to `last`, and
behind them the messages of one's own that are not stored yet, to `end`. Notices stand between positions.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from chatroom.model.chunks import CHUNK_LINES, RESIDENT_CHUNKS_MAX, Chunks
from chatroom.model.notices import Notice, Notices
from chatroom.protocol.codec import decode_line
from chatroom.protocol.errors import ErrorCode, RemoteProtocolError
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import RoomId, UserId

NAMES_MAX: Final = 1024
"""Messages that are recognised when they come back under another id."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message of one's own that is not stored: it waits, or was refused.

    Attributes:
        key: Its name in the outbox; the same when it is tried again.
        dev, n: How its line will be recognised.
        failed: Refused, for the reason given in the user's language.
    """

    key: str
    dev: str
    n: int
    body: str
    kind: str = ""
    grid: str = ""
    failed: bool = False
    reason: str = ""


class _Name(msgspec.Struct, frozen=True, gc=False):
    """As much of a line as tells which one it is: decoding only this is quick."""

    id: int
    user: str
    dev: str = ""
    n: int = 0


_NAME_DECODER: Final = msgspec.json.Decoder(_Name)


class Timeline:
    """One room's lines, holes, unsent messages and notices.

    Attributes:
        room: The room's id.
        me: Whose messages are one's own; unsent ones vanish when their line comes.
        version: Another number after every change.
        generation: Another number when stored lines may have become others.
        new_after: The line behind which the 'new messages' mark stands; None for no mark.
    """

    def __init__(
        self, room: RoomId, me: UserId, last: int = 0, *, resident_chunks: int = RESIDENT_CHUNKS_MAX
    ) -> None:
        self.room = room
        self.me = me
        self.version = 0
        self.generation = 0
        self._new_after: int | None = None
        self._last = last
        self._chunks = Chunks(resident_chunks)
        self._asked: set[tuple[int, int]] = set()
        self._unsent: dict[str, Unsent] = {}
        self._unsent_order: tuple[Unsent, ...] | None = None
        self._names: OrderedDict[tuple[str, str, int], int] = OrderedDict()
        self._notices = Notices()

    # --- looking ---------------------------------------------------------------------------------
    @property
    def last(self) -> int:
        """The id of the newest stored line; 0 in a room without any."""
        return self._last

    @property
    def end(self) -> int:
        """The last position: the newest stored line, or what waits behind it."""
        return self._last + len(self._unsent)

    @property
    def unsent(self) -> tuple[Unsent, ...]:
        """One's own messages that are not stored, oldest first."""
        if self._unsent_order is None:
            self._unsent_order = tuple(self._unsent.values())
        return self._unsent_order

    @property
    def new_after(self) -> int | None:
        """The line behind which the 'new messages' mark stands."""
        return self._new_after

    @new_after.setter
    def new_after(self, line_id: int | None) -> None:
        self._new_after = line_id
        self.version += 1

    @property
    def resident_chunks(self) -> int:
        """How many chunks of lines are at hand."""
        return self._chunks.resident

    def data(self, line_id: int) -> bytes | None:
        """The bytes of a stored line; None where it is not at hand."""
        return self._chunks.get(line_id) if 1 <= line_id <= self._last else None

    def line(self, line_id: int) -> Line | None:
        """A stored line; None where it is not at hand."""
        found = self.data(line_id)
        return None if found is None else decode_line(found)

    def unsent_at(self, position: int) -> Unsent | None:
        """The unsent message at a position behind the stored lines."""
        place = position - self._last - 1
        if not 0 <= place < len(self._unsent):
            return None
        return self.unsent[place]

    def notices_after(self, line_id: int) -> tuple[Notice, ...]:
        """The notices between a line and the next."""
        return self._notices.after(line_id)

    # --- fetching --------------------------------------------------------------------------------
    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """What to fetch before these ids can be shown, each asked for once until answered or failed.

        Whole chunks are asked for, so that scrolling costs one page now and then.

        Returns:
            (first, last) of each run, at most 256 lines; answer with `fill`, or `failed`.
        """
        first, last = max(1, first), min(last, self._last)
        if first > last:
            return []
        low = (first - 1) // CHUNK_LINES * CHUNK_LINES + 1
        high = min(self._last, ((last - 1) // CHUNK_LINES + 1) * CHUNK_LINES)
        wanted = [gap for gap in self._chunks.gaps(low, high) if not self._is_asked(*gap)]
        self._asked.update(wanted)
        return wanted

    def failed(self, first: int, last: int) -> None:
        """A request for these lines came to nothing: they may be asked for again."""
        self._asked = {gap for gap in self._asked if gap[1] < first or gap[0] > last}

    def failed_all(self) -> None:
        """The link is gone, and all requests with it."""
        self._asked.clear()

    def _is_asked(self, first: int, last: int) -> bool:
        return any(low <= last and first <= high for low, high in self._asked)

    # --- changing --------------------------------------------------------------------------------
    def append(self, data: bytes) -> None:
        """Take a stored line as it arrives; ids that were passed over are a hole.

        A message that is known under another id has moved: its old place is a hole, too.

        Raises:
            RemoteProtocolError: These bytes are no line.
        """
        name = _name(data)
        before = self._names.get((name.user, name.dev, name.n)) if name.n else None
        if before is not None and before != name.id:
            self._chunks.forget(before)
            self.generation += 1
        self._take(name, data)

    def fill(self, lines: Iterable[bytes | msgspec.Raw]) -> None:
        """Take the lines of a page, in any order, known or not.

        Raises:
            RemoteProtocolError: One of them is no line; those before it are kept.
        """
        low = high = 0
        for raw in lines:
            data = bytes(raw)
            name = _name(data)
            self._take(name, data)
            low, high = min(low or name.id, name.id), max(high, name.id)
        if high:
            self.failed(low, high)

    def extend_to(self, last: int) -> None:
        """The server has lines up to `last`; those that are not at hand are holes."""
        if last > self._last:
            self._last = last
            self.version += 1

    def reset(self, last: int = 0) -> None:
        """The log has another past: forget what lies behind its last common line, notices included."""
        self._last = min(self._last, last)
        self._chunks.forget_after(last)
        self._notices.forget_after(last)
        self._asked.clear()
        self._names = OrderedDict((name, at) for name, at in self._names.items() if at <= last)
        if self._new_after is not None and self._new_after > last:
            self._new_after = None
        self.generation += 1
        self.version += 1

    def put_unsent(self, message: Unsent) -> None:
        """Show a message of one's own behind all lines; under a known key, change it where it stands."""
        known = self._names.get((self.me, message.dev, message.n)) if message.n else None
        if known is None:
            self._unsent[message.key] = message
            self._unsent_order = None
            self.version += 1

    def drop_unsent(self, key: str) -> None:
        """It is stored, or discarded."""
        if self._unsent.pop(key, None):
            self._unsent_order = None
            self.version += 1

    def note(self, notice: Notice) -> None:
        """Say something behind the newest line."""
        self._notices.add(self._last, notice)
        self.version += 1

    def trim(self, chunks: int = 1) -> None:
        """Nobody looks at this room: keep only so many chunks."""
        self._chunks.trim(chunks)

    def _take(self, name: _Name, data: bytes) -> None:
        if name.n:
            self._recognise(name)
        if name.id > self._last:
            self._last = name.id
            self.version += 1
        if self._chunks.put(name.id, data):
            self.version += 1

    def _recognise(self, name: _Name) -> None:
        self._names[name.user, name.dev, name.n] = name.id
        if len(self._names) > NAMES_MAX:
            self._names.popitem(last=False)
        if name.user != self.me or not self._unsent:
            return
        for message in self.unsent:
            if (message.dev, message.n) == (name.dev, name.n):
                self.drop_unsent(message.key)


def _name(data: bytes) -> _Name:
    try:
        name = _NAME_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteProtocolError(ErrorCode.BAD_FRAME, f"Line: {error}") from error
    if not 1 <= name.id < 2**53:
        raise RemoteProtocolError(ErrorCode.BAD_FRAME, f"Line: no id can be {name.id}")
    return name
