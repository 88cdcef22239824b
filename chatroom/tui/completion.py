"""What Tab makes of the word before the cursor: a command, a room, or a nick."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chatroom.model.commands import COMMANDS, Argument, is_command


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that can be completed, likeliest first.

    Attributes:
        nicks: People of the current room.
        rooms: Rooms, without `#`.
    """

    nicks: Sequence[str] = ()
    rooms: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """The ways to go on from a place in a text.

    Attributes:
        start: Where the word begins that is replaced.
        choices: What can stand there instead, likeliest first.
    """

    start: int
    choices: tuple[str, ...]


@dataclass(slots=True)
class Cycle:
    """Steps through the choices while Tab is pressed again and again.

    Attributes:
        expected: The text before the cursor as the last step left it.
    """

    completion: Completion
    expected: str = ""
    _at: int = field(default=-1)

    def step(self, back: bool = False) -> str:
        """The next choice, or the one before."""
        self._at = (self._at + (-1 if back else 1)) % len(self.completion.choices)
        return self.completion.choices[self._at]


def complete(before: str, words: Vocabulary) -> Completion | None:
    """Find what the text before the cursor can go on with; None for nothing.

    A word that begins with `#` is a room, one with `@` a nick; `/` at the start is a command, whose words
    are what its row in the table says. Anything else is a nick, followed by `:` at the start of a message.
    """
    start = max(before.rfind(blank) for blank in " \n\t") + 1
    word = before[start:]
    if start == 0 and word.startswith("/"):
        return _completion(start, word, (f"/{name} " for name in _command_names()))
    argument = _argument(before)
    if word.startswith("#") or argument is Argument.ROOM:
        mark = "#" if word.startswith("#") else ""
        return _completion(start, word, (f"{mark}{room} " for room in words.rooms))
    if word.startswith("@"):
        return _completion(start, word, (f"@{nick} " for nick in words.nicks))
    if not word and argument is not Argument.NICK:
        return None
    tail = ": " if start == 0 else " "
    return _completion(start, word, (f"{nick}{tail}" for nick in words.nicks))


def _command_names() -> list[str]:
    return [name for name, info in COMMANDS.items() if not info.plain_only]


def _argument(before: str) -> Argument | None:
    """What the word at the end of a command is, when it is one."""
    if not is_command(before):
        return None
    typed, *words = before[1:].split(" ")
    info = COMMANDS.get(typed.casefold())
    if info is None or not words:
        return None
    at = min(len(words), len(info.arguments)) - 1
    return info.arguments[at] if at >= 0 else None


def _completion(start: int, word: str, choices: Iterable[str]) -> Completion | None:
    key = word.casefold()
    found = tuple(
        choice for choice in choices if choice.casefold().startswith(key) and choice.strip() != word
    )
    return Completion(start, found) if found else None
