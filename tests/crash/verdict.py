"""What a run has shown: the facts of all clients against the history, read with nothing of the product."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.facts import MEANT, ROOMS, SAID, SEEN, SHOWN, Reader, body_of, number_of
from tests.simulation.checker import CaughtUp, Kept, Record, Said, Seen, Shown, check


@dataclass(slots=True)
class Verdict:
    """Counts, and each broken promise as a sentence."""

    messages: int = 0
    lines_seen: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    problems: list[str] = field(default_factory=list)


def judge(data: Path, users: dict[str, Path]) -> Verdict:
    """Compare what clients have noted with what the server has kept.

    Args:
        data: The server's data folder.
        users: The files of facts, by nick.
    """
    history = read_history(data)
    record = Record(history=history)
    authors = {line.body.split(" ")[0]: line.author for line in history}
    meant: set[str] = set()
    for nick, path in users.items():
        meant |= _take(record, nick, authors.get(nick, nick), path)
    verdict = _count(record)
    verdict.problems += check(record)
    verdict.problems += [f"{line.body[:40]!r} was never said" for line in history if line.body not in meant]
    verdict.problems += [
        f"{fact.body[:40]!r} of {fact.author} failed"
        for fact in record.facts
        if isinstance(fact, Shown) and fact.state == "failed"
    ]
    return verdict


def read_history(data: Path) -> list[Kept]:
    """All lines of all rooms, as they stand in the files."""
    kept = []
    for path in sorted((data / "rooms").glob("*/*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                kept.append(
                    Kept(line["room"], line["id"], sys.intern(line["user"]), sys.intern(line["body"]))
                )
    return kept


def _take(record: Record, nick: str, author: str, path: Path) -> set[str]:
    """Add one client's facts; returns what it may have said."""
    meant: set[str] = set()
    for kind, *rest in Reader(path).read():
        match kind, rest:
            case (str(), [str(room), int(first), int(count)]) if kind in (MEANT, SAID):
                bodies = [sys.intern(body_of(nick, number)) for number in range(first, first + count)]
                if kind == MEANT:
                    meant.update(bodies)
                else:
                    for body in bodies:
                        record.add(Said(author, room, body))
            case (str(), [str(body), str(state), int(number)]) if kind == SHOWN:
                record.add(Shown(author, sys.intern(body), state, number))
            case (str(), [str(room), int(number), str(user), str(body)]) if kind == SEEN:
                view = sys.intern(f"{nick}/{room}")
                record.add(Seen(view, sys.intern(room), 0, number, sys.intern(user), sys.intern(body)))
    for room in ROOMS:
        record.add(CaughtUp(f"{nick}/{room}", room))
    return meant


def _count(record: Record) -> Verdict:
    """Count what is broken, apart from the checker's way of doing so."""
    bodies = Counter(line.body for line in record.history)
    shown = {f.body for f in record.facts if isinstance(f, Shown) and f.state == "stored"}
    said = {f.body for f in record.facts if isinstance(f, Said)}
    seen = {f.body for f in record.facts if isinstance(f, Seen)}
    views = Counter((f.view, f.body) for f in record.facts if isinstance(f, Seen))
    return Verdict(
        messages=len(record.history),
        lines_seen=views.total(),
        lost=len((shown | said | seen) - bodies.keys()),
        duplicated=bodies.total() - len(bodies) + views.total() - len(views),
        out_of_order=_falling(
            (line.room + " " + line.author, number_of(line.body)) for line in record.history
        )
        + _falling((fact.view, fact.id) for fact in record.facts if isinstance(fact, Seen)),
    )


def _falling(numbers: Iterable[tuple[str, int]]) -> int:
    """How often a number is not above the one before it, of each kind."""
    last: dict[str, int] = {}
    count = 0
    for kind, number in numbers:
        count += number <= last.get(kind, 0)
        last[kind] = number
    return count
