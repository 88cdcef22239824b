"""The course's syntax of settings: `KEY=VALUE` lines and `#` comments."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from chatroom.common.inert import one_line
from chatroom.common.texts import Lines, Sentence, SentenceError, Tellable

_QUOTED: Final = re.compile(r"""(["'])(.*?)\1\s*(?:#.*)?""")
_COMMENT: Final = re.compile(r"\s#.*")
_SHOWN_MAX: Final = 60


class SettingsError(SentenceError, ValueError):
    """Settings cannot be used; for each a line of the text says which, where it is, and what is allowed.

    Attributes:
        problems: These lines.
    """

    def __init__(self, *problems: Tellable) -> None:
        super().__init__(Lines(*problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as it was written.

    Attributes:
        source: The name of the file.
        line: Its line there; the first one is 1.
    """

    key: str
    value: str
    source: str
    line: int

    @property
    def origin(self) -> Sentence:
        """Where it stands: `server.conf, line 3`."""
        return _place(self.source, self.line)


def _place(source: str, line: int) -> Sentence:
    return Sentence("{source}, line {line}", source=one_line(source), line=line)


def parse(text: str, source: str, known: Collection[str]) -> list[Entry]:
    """Read settings, in the order of the file; of a key that is set twice the last one counts.

    Args:
        source: The file's name, for sentences.
        known: The keys that there are.

    Raises:
        SettingsError: A line is no setting, or names a key that there is not.
    """
    entries, problems = parse_all(text, source, known)
    if problems:
        raise SettingsError(*problems)
    return entries


def parse_all(text: str, source: str, known: Collection[str]) -> tuple[list[Entry], list[Tellable]]:
    """Read settings as `parse` does, those that are good; returns what is wrong with the others, too."""
    entries: list[Entry] = []
    problems: list[Tellable] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        try:
            entry = _parse_line(line.strip(), source, number, known)
        except SettingsError as error:
            problems += error.problems
            continue
        if entry is not None:
            entries.append(entry)
    return entries, problems


def _parse_line(line: str, source: str, number: int, known: Collection[str]) -> Entry | None:
    if not line or line.startswith("#"):
        return None
    key, separator, value = line.partition("=")
    key = key.strip().upper()
    if not separator or not key:
        shown = one_line(repr(line[:_SHOWN_MAX]))
        sentence = Sentence(
            "{place}: {line} is no setting; write KEY=VALUE", place=_place(source, number), line=shown
        )
        raise SettingsError(sentence)
    if key not in known:
        raise SettingsError(_unknown(key, _place(source, number), known))
    return Entry(key, _unquoted(value), source, number)


def _unknown(key: str, place: Sentence, known: Collection[str]) -> Sentence:
    shown, near = one_line(key)[:_SHOWN_MAX], nearest(key, known)
    if not near:
        return Sentence("{place}: there is no {key}", place=place, key=shown)
    return Sentence("{place}: there is no {key}; did you mean {near}?", place=place, key=shown, near=near)


def nearest(word: str, known: Collection[str]) -> str:
    """What somebody may have meant who wrote this word; empty when nothing is near."""
    return next(iter(difflib.get_close_matches(word, known, n=1)), "")


def _unquoted(value: str) -> str:
    """The value without its quotes, within which a # is no comment, or without its comment."""
    if quoted := _QUOTED.fullmatch(value.strip()):
        return quoted[2]
    return _COMMENT.sub("", value).strip()
