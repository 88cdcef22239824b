"""What clients have observed, as lines of files: written before they go on, so that kill -9 loses no fact."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

ROOMS: Final = ("general", "lab")
MEANT, SAID, SHOWN, SEEN = "meant", "said", "shown", "seen"
"""About to say a run of numbers; the client has taken it; a state of a message; a line."""
JOINED, DONE, PROBLEM = "joined", "done", "problem"
"""A member of both rooms; all is stored; something that must not happen."""
_LONG: Final = {0: 3000, 50: 400}
"""Some numbers make long messages: modulo 100, how many bytes more."""


def body_of(nick: str, number: int) -> str:
    """A message that nobody else says, and its author only once."""
    return f"{nick} {number} " + "x" * _LONG.get(number % 100, 8)


def number_of(body: str) -> int:
    """The number of a message."""
    return int(body.split(" ")[1])


class Facts:
    """The file of one client, open for more. A last line that was cut off by a kill is taken back."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        data = path.read_bytes()
        os.ftruncate(self._file, data.rfind(b"\n") + 1)

    def write(self, *fact: str | int) -> None:
        """Note a fact: it outlives this process when this returns."""
        line = msgspec.json.encode(fact) + b"\n"
        written = os.write(self._file, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes were written")


class Reader:
    """Reads what was added to a file since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> Iterator[list[Any]]:
        """The facts that are new; a line that is not whole yet comes later."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                yield msgspec.json.decode(line)


@dataclass(slots=True)
class Story:
    """How far a client has come, over all its processes.

    Attributes:
        numbers: The last number that it may have used.
        said: How many messages it was told are in its outbox.
        seen: The last line of each room that it was given.
        is_in: It has become a member of both rooms.
        is_done: All that it had to say is stored.
    """

    numbers: int = 0
    said: int = 0
    seen: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROOMS, 0))
    is_in: bool = False
    is_done: bool = False
    problems: list[str] = field(default_factory=list)

    def take(self, reader: Reader) -> "Story":
        """Go on with what is new."""
        for kind, *rest in reader.read():
            if kind == SEEN:
                self.seen[rest[0]] = rest[1]
            elif kind == MEANT:
                self.numbers = rest[1] + rest[2] - 1
            elif kind == SAID:
                self.said += rest[2]
            elif kind == PROBLEM:
                self.problems.append(rest[0])
            elif kind == JOINED:
                self.is_in = True
            elif kind == DONE:
                self.is_done = True
        return self
