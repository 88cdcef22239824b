"""What a room says that is no line of it: who came and left, and answers of the program."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from chatroom.protocol.frames import Person, PresenceEvent

NOTICES_MAX: Final = 200
PEOPLE_MAX: Final = 100
"""People whom one notice knows by name."""
TOGETHER_MS: Final = 60_000
"""People who come so shortly after each other are said in one notice."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A short text between two lines; never stored.

    Attributes:
        at: When, in milliseconds since 1970, UTC.
        text: What is said; empty where it follows from the event.
        event, people: What happened to whom.
    """

    at: int
    text: str = ""
    event: PresenceEvent | None = None
    people: tuple[Person, ...] = ()

    def together_with(self, other: "Notice") -> "Notice | None":
        """Both in one, where they say the same of different people; else None."""
        if self.event is None or self.event is not other.event or self.event is PresenceEvent.RENAMED:
            return None
        if abs(other.at - self.at) > TOGETHER_MS:
            return None
        people = {person.user: person for person in (*self.people, *other.people)}
        return replace(self, people=tuple(people.values())[:PEOPLE_MAX])


class Notices:
    """The newest notices of a room, by the line that they follow."""

    def __init__(self, notices_max: int = NOTICES_MAX) -> None:
        self._max = notices_max
        self._after: OrderedDict[int, list[Notice]] = OrderedDict()
        self._count = 0

    def add(self, after: int, notice: Notice) -> None:
        """Put a notice behind the line `after`, into the last one there where both say the same."""
        here = self._after.setdefault(after, [])
        if here and (joint := here[-1].together_with(notice)):
            here[-1] = joint
            return
        here.append(notice)
        self._count += 1
        while self._count > self._max:
            self._drop_oldest()

    def after(self, line_id: int) -> tuple[Notice, ...]:
        """The notices that follow a line (0: before the first), oldest first."""
        return tuple(self._after.get(line_id, ()))

    def forget_after(self, line_id: int) -> None:
        """Let go of the notices behind a line that does not exist any more."""
        for after in [after for after in self._after if after > line_id]:
            self._count -= len(self._after.pop(after))

    def clear(self) -> None:
        """Let go of all."""
        self._after.clear()
        self._count = 0

    def _drop_oldest(self) -> None:
        after, notices = next(iter(self._after.items()))
        del notices[0]
        self._count -= 1
        if not notices:
            del self._after[after]
