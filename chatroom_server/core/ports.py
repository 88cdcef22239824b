"""What the core needs of the world, as Protocol classes that a backend fills: the log of all rooms.

A log takes drafts and, later and in the same order, yields what became of them: `inputs.Stored` when the
lines are on disk, `inputs.Refused` when they are not and never will be. All that waits when something is
refused is refused with it: nothing passes what came before. Nothing outside a log may assume that numbers
are given in this process.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from chatroom.protocol.ids import Epoch, MessageId, RoomId

ACCOUNTS: Final = RoomId("@")
"""The account log: users, nicks, memberships and rooms are lines of this one; it has no room file."""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A line without its number.

    A msgspec struct, as one is made for each message: a frozen dataclass takes ten times as long.

    Attributes:
        rest: The line's JSON from `"at":…` to the closing `}`, without a newline.
        ref: Given back untouched.
    """

    room: RoomId
    rest: bytes
    ref: object = None


class StoredRun(msgspec.Struct, frozen=True, gc=False):
    """Lines that are on disk: of one room, next to each other in the order of all rooms.

    Attributes:
        first: The number of the first; each has the next one.
        lines: All of their JSON, `{"id":…}`, without a newline.
        refs: Those of their drafts.
    """

    room: RoomId
    first: MessageId
    lines: list[bytes]
    refs: list[object]


class Page(msgspec.Struct, frozen=True):
    """Consecutive lines of a room, oldest first.

    Attributes:
        first: Number of the first line, 0 when there are none.
        last: Number of the last line, 0 when there are none.
    """

    first: MessageId
    last: MessageId
    lines: list[bytes]


class Log(Protocol):
    """The ordered, durable lines of all rooms. One event loop uses it."""

    @property
    def epoch(self) -> Epoch:
        """The word that changes when the past was replaced."""

    @property
    def is_busy(self) -> bool:
        """Drafts are on their way to the disk."""

    def append(self, drafts: Sequence[Draft]) -> None:
        """Take lines to store; never blocks. Outcomes come through the callback given at opening."""

    def last_id(self, room: RoomId) -> MessageId:
        """The number of the room's last *stored* line, 0 for none."""

    def rooms(self) -> Mapping[RoomId, MessageId]:
        """The last stored number of each room that has lines; the account log is no room."""

    async def page(
        self, room: RoomId, *, after: MessageId | None, before: MessageId | None, limit: int, max_bytes: int
    ) -> Page:
        """Read stored lines of a room.

        Args:
            after: The lines that follow this number. Goes before `before` when both are given.
            before: The last lines in front of this number. With neither: the newest lines.
            limit: At most so many lines.
            max_bytes: At most so many bytes, newlines not counted; lines are left out at the far end, but one
                line always comes.

        Raises:
            OSError: The disk does not give them.
        """

    async def flush(self, replaced: Mapping[str, bytes], appended: Mapping[str, bytes]) -> None:
        """Write projections: everything that the log has yielded up to this call is in them.

        What the disk refuses is kept and written with the next call.

        Args:
            replaced: Whole contents of files, by name.
            appended: Whole lines to put behind what a file holds, by name.
        """

    async def drain(self) -> None:
        """Take no more drafts, and wait for the outcome of those that were given."""

    async def close(self) -> None:
        """Drain, write what waits, and let go of the files."""
