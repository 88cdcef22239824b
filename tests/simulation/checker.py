"""Holds what was observed against what is promised. It knows nothing of the code under test.

Observers write facts down as they see them: what an author typed, what an author was shown of it, which
lines a reader was given, and in the end the histories. `check` says which promise is broken, and by what.

A log has one *past* until a backup is put back: from there on it has another one, which begins with what the
backup holds. What came after the backup is lost then, and only that; and whoever saw the past that was
replaced is told before anything of the new one is shown.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

NOBODY: Final = -1
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Typed:
    """An author typed something, whatever became of it."""

    author: str
    room: str
    body: str


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
    past: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reader was given a line. One `view` goes on over cuts, and begins behind the line `after`."""

    view: str
    room: str
    after: int
    id: int
    author: str
    body: str
    past: str = ""


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


@dataclass(frozen=True, slots=True)
class Backed:
    """A backup was made of a past, in which so many lines of each room had been stored."""

    backup: int
    past: str
    lasts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Began:
    """A server opened a past for the first time: of a new folder (`NOBODY`), or of a backup."""

    past: str
    backup: int = NOBODY


@dataclass(frozen=True, slots=True)
class Entered:
    """A program of an author is online, on a link to one run of the server."""

    program: str
    author: str
    run: str
    past: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """A program was told that the past was replaced."""

    program: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """A run of the server was told to stop, when so many lines of each room had been stored."""

    run: str
    past: str
    lasts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stopped:
    """It has ended by itself, and so many are."""

    run: str
    lasts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Parted:
    """An author's program heard a run of the server say goodbye."""

    author: str
    run: str


Fact = (
    Typed | Said | Shown | Seen | CaughtUp | Backed | Began | Entered | Warned | Stopping | Stopped | Parted
)


@dataclass(slots=True)
class Record:
    """All facts of a run, in their order; the histories in the end, and of which past they are."""

    facts: list[Fact] = field(default_factory=list)
    history: list[Kept] = field(default_factory=list)
    past: str = ""

    def add(self, fact: Fact) -> None:
        """Write something down."""
        self.facts.append(fact)


class _Pasts:
    """What of each past has to be in the history at the end."""

    def __init__(self, record: Record) -> None:
        backups = {fact.backup: (at, fact) for at, fact in _each(record, Backed)}
        begun = {fact.past: fact.backup for _at, fact in _each(record, Began)}
        self._last = record.past
        self._bounds: dict[str, tuple[int, Mapping[str, int]]] = {}
        past = record.past
        while (found := backups.get(begun.get(past, NOBODY))) is not None and found[1].past != past:
            at, backup = found
            if backup.past in self._bounds:
                break
            past = backup.past
            self._bounds[past] = (at, backup.lasts)

    def has_to_be_kept(self, past: str, at: int, room: str, id_: int) -> bool:
        """Whether a line of a past that was known at that place in the record must be there."""
        if past == self._last:
            return True
        backed_at, lasts = self._bounds.get(past, (0, {}))
        return at < backed_at or 0 < id_ <= lasts.get(room, 0)


def check(record: Record, *, all_has_settled: bool = True) -> list[str]:
    """Each broken promise as a sentence; none when all hold.

    Args:
        all_has_settled: Everything is mended and idle: what was said has to be stored, or shown as failed.
    """
    problems = [
        *_numbers_have_no_hole(record),
        *_nothing_stands_twice(record),
        *_nothing_was_invented(record),
        *_what_was_shown_is_kept(record),
        *_all_see_the_same(record),
        *_pasts_are_replaced_aloud(record),
        *_nobody_is_left_in_doubt(record),
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


def _nothing_was_invented(record: Record) -> list[str]:
    typed = {(fact.author, fact.room, fact.body) for _at, fact in _each(record, Typed)}
    return [
        f"{line.room}/{line.id} is {line.body!r} of {line.author!r}, who never typed that"
        for line in record.history
        if typed and (line.author, line.room, line.body) not in typed
    ]


def _what_was_shown_is_kept(record: Record) -> list[str]:
    """To its author as stored, to anybody as a line."""
    pasts = _Pasts(record)
    rooms = {(fact.author, fact.body): fact.room for _at, fact in _each(record, Said)}
    kept = {(line.room, line.id): line for line in record.history}
    bodies = {(line.author, line.body): line for line in record.history}
    problems = []
    for at, fact in enumerate(record.facts):
        if isinstance(fact, Shown) and fact.state == "stored":
            room = rooms.get((fact.author, fact.body), "")
            if not pasts.has_to_be_kept(fact.past, at, room, fact.id):
                continue
            line = bodies.get((fact.author, fact.body))
            if line is None:
                problems.append(
                    f"{fact.body!r} was shown to {fact.author} as stored, and is not in the history"
                )
            elif fact.id and fact.id != line.id:
                problems.append(f"{fact.body!r} was shown as line {fact.id}, and is line {line.id}")
        elif isinstance(fact, Seen) and pasts.has_to_be_kept(fact.past, at, fact.room, fact.id):
            found = kept.get((fact.room, fact.id))
            if found is None or (found.author, found.body) != (fact.author, fact.body):
                problems.append(
                    f"{fact.view} saw {fact.body!r} as {fact.room}/{fact.id}, where {found} is kept"
                )
    return problems


def _all_see_the_same(record: Record) -> list[str]:
    """In one past a number is one line, also where a backup has taken it away since."""
    seen: dict[tuple[str, str, int], tuple[str, str]] = {}
    problems = []
    for _at, fact in _each(record, Seen):
        first = seen.setdefault((fact.past, fact.room, fact.id), (fact.author, fact.body))
        if first != (fact.author, fact.body):
            problems.append(f"{fact.room}/{fact.id} is {first!r} to some and {fact.body!r} to {fact.view}")
    return problems


def _pasts_are_replaced_aloud(record: Record) -> list[str]:
    """A past begins with a backup; who knew another one is told, and nobody else; no view goes over."""
    begun = [fact for _at, fact in _each(record, Began)]
    problems = [
        f"the past {fact.past} began, and no backup was put back"
        for fact in begun[1:]
        if fact.backup == NOBODY
    ]
    names = {fact.past for fact in begun}
    problems += [
        f"the past {past} was never begun" for past in _entered(record) if begun and past not in names
    ]
    views: dict[str, str] = {}
    knows: dict[str, str] = {}
    warned: set[str] = set()
    for fact in record.facts:
        if isinstance(fact, Seen) and views.setdefault(fact.view, fact.past) != fact.past:
            problems.append(f"{fact.view} goes on from one past into another with {fact.room}/{fact.id}")
        elif isinstance(fact, Warned):
            warned.add(fact.program)
        elif isinstance(fact, Entered):
            is_other = knows.get(fact.program, fact.past) != fact.past
            if is_other != (fact.program in warned):
                problems.append(f"{fact.program} was {'not ' if is_other else ''}told of another past")
            warned.discard(fact.program)
            knows[fact.program] = fact.past
    return problems


def _entered(record: Record) -> list[str]:
    return sorted({record.past, *(fact.past for _at, fact in _each(record, Entered))})


def _nobody_is_left_in_doubt(record: Record) -> list[str]:
    """Who hears goodbye has heard before of all that is his and was stored while the server stopped."""
    pasts = _Pasts(record)
    stopped = {fact.run: fact.lasts for _at, fact in _each(record, Stopped)}
    parted = {(fact.run, fact.author): at for at, fact in _each(record, Parted)}
    links = Counter((fact.run, fact.author) for _at, fact in _each(record, Entered))
    told: dict[tuple[str, str], int] = {}
    for at, shown in _each(record, Shown):
        if shown.state == "stored":
            told.setdefault((shown.author, shown.body), at)
    problems = []
    for at, fact in _each(record, Stopping):
        lasts = stopped.get(fact.run, {})
        for line in record.history:
            first = fact.lasts.get(line.room, 0)
            goodbye = parted.get((fact.run, line.author))
            if not first < line.id <= lasts.get(line.room, 0) or goodbye is None:
                continue
            is_there = pasts.has_to_be_kept(fact.past, at, line.room, line.id)
            is_late = told.get((line.author, line.body), goodbye) >= goodbye
            if is_there and is_late and links[fact.run, line.author] == 1:
                problems.append(f"{line.author} heard goodbye, and not that {line.body!r} is stored")
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
    settled |= {
        (fact.author, fact.body)
        for _at, fact in _each(record, Shown)
        if fact.state == "failed" or (fact.state == "stored" and fact.past != record.past)
    }
    return [
        f"{fact.body!r} of {fact.author} was taken, and is neither stored nor failed"
        for fact in record.facts
        if isinstance(fact, Said) and (fact.author, fact.body) not in settled
    ]


def _each(record: Record, kind: type[F]) -> Iterator[tuple[int, F]]:
    """The facts of a kind, each with its place among all."""
    return ((at, fact) for at, fact in enumerate(record.facts) if isinstance(fact, kind))
