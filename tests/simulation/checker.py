"""Holds what was observed against what is promised. It knows nothing of the code under test.

Observers write facts down as they see them: what an author typed, what an author was shown of it, which
lines a reader was given, and in the end the histories. `check` says which promise is broken, and by what.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Said:
    """An author typed something, and the client took it. Bodies are unique in a run."""

    author: str
    room: str
    body: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An author was shown a state of a message: `pending`, `stored` (and as which line) or `failed`."""

    author: str
    body: str
    state: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A reader was given a line. One `view` goes on over cuts, and begins behind the line `after`."""

    view: str
    room: str
    after: int
    id: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """A reader has everything, it thinks: up to the newest line that the server has."""

    view: str
    room: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A line of a history at the end."""

    room: str
    id: int
    author: str
    body: str


@dataclass(slots=True)
class Record:
    """All facts of a run, in their order."""

    facts: list[Said | Shown | Seen | CaughtUp] = field(default_factory=list)
    history: list[Kept] = field(default_factory=list)

    def add(self, fact: Said | Shown | Seen | CaughtUp) -> None:
        """Write something down."""
        self.facts.append(fact)


def check(record: Record, *, all_has_settled: bool = True) -> list[str]:
    """Each broken promise as a sentence; none when all hold.

    Args:
        all_has_settled: Everything is mended and idle: what was said has to be stored, or shown as failed.
    """
    problems = [
        *_numbers_have_no_hole(record),
        *_nothing_stands_twice(record),
        *_what_was_shown_is_kept(record),
        *_views_are_the_log(record),
        *_authors_keep_their_order(record),
        *_states_go_forward(record),
    ]
    if all_has_settled:
        problems += _what_was_said_is_settled(record)
    return problems


def _numbers_have_no_hole(record: Record) -> list[str]:
    rooms: dict[str, list[int]] = defaultdict(list)
    for line in record.history:
        rooms[line.room].append(line.id)
    return [
        f"{room}: the history is numbered {ids[:20]}…"
        for room, ids in rooms.items()
        if ids != list(range(1, len(ids) + 1))
    ]


def _nothing_stands_twice(record: Record) -> list[str]:
    counts = Counter(line.body for line in record.history)
    return [f"{body!r} stands {count} times in the history" for body, count in counts.items() if count > 1]


def _what_was_shown_is_kept(record: Record) -> list[str]:
    """To its author as stored, to anybody as a line."""
    kept = {(line.room, line.id): line for line in record.history}
    bodies = {(line.author, line.body): line for line in record.history}
    problems = []
    for fact in record.facts:
        if isinstance(fact, Shown) and fact.state == "stored":
            line = bodies.get((fact.author, fact.body))
            if line is None:
                problems.append(
                    f"{fact.body!r} was shown to {fact.author} as stored, and is not in the history"
                )
            elif fact.id and fact.id != line.id:
                problems.append(f"{fact.body!r} was shown as line {fact.id}, and is line {line.id}")
        elif isinstance(fact, Seen):
            found = kept.get((fact.room, fact.id))
            if found is None or (found.author, found.body) != (fact.author, fact.body):
                problems.append(
                    f"{fact.view} saw {fact.body!r} as {fact.room}/{fact.id}, where {found} is kept"
                )
    return problems


def _views_are_the_log(record: Record) -> list[str]:
    """Each goes on where it stood, line by line; who has caught up has all."""
    last = {line.room: line.id for line in record.history}
    stands: dict[str, int] = {}
    problems = []
    for fact in record.facts:
        if isinstance(fact, Seen):
            before = stands.get(fact.view, fact.after)
            if fact.id != before + 1:
                problems.append(f"{fact.view} got {fact.room}/{fact.id} behind {before}")
            stands[fact.view] = fact.id
    finished = {fact.view: fact.room for fact in record.facts if isinstance(fact, CaughtUp)}
    for view, room in finished.items():
        if stands.get(view, 0) != last.get(room, 0):
            problems.append(
                f"{view} has {stands.get(view, 0)} lines of {room}, which has {last.get(room, 0)}"
            )
    return problems


def _authors_keep_their_order(record: Record) -> list[str]:
    place = {(line.author, line.body): (line.room, line.id) for line in record.history}
    before: dict[tuple[str, str], tuple[int, str]] = {}
    problems = []
    for fact in record.facts:
        if not isinstance(fact, Said) or (fact.author, fact.body) not in place:
            continue
        room, id_ = place[fact.author, fact.body]
        last, what = before.get((fact.author, room), (0, ""))
        if id_ < last:
            problems.append(
                f"{fact.author} said {what!r} before {fact.body!r}, and {room} has them the other way"
            )
        before[fact.author, room] = max((last, what), (id_, fact.body))
    return problems


def _states_go_forward(record: Record) -> list[str]:
    settled: dict[tuple[str, str], str] = {}
    problems = []
    for fact in record.facts:
        if isinstance(fact, Shown):
            was = settled.get((fact.author, fact.body))
            if was == "stored" and fact.state != "stored":
                problems.append(f"{fact.body!r} of {fact.author} was stored, then {fact.state}")
            settled[fact.author, fact.body] = fact.state
    return problems


def _what_was_said_is_settled(record: Record) -> list[str]:
    settled = {(line.author, line.body) for line in record.history}
    settled |= {(f.author, f.body) for f in record.facts if isinstance(f, Shown) and f.state == "failed"}
    return [
        f"{fact.body!r} of {fact.author} was taken, and is neither stored nor failed"
        for fact in record.facts
        if isinstance(fact, Said) and (fact.author, fact.body) not in settled
    ]
