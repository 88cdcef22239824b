"""The course's syntax of settings: `KEY=VALUE` lines and `#` comments."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from chatroom.common.inert import one_line

_QUOTED: Final = re.compile(r"""(["'])(.*?)\1\s*(?:#.*)?""")
_COMMENT: Final = re.compile(r"\s#.*")


class SettingsError(ValueError):
    """Settings cannot be used; for each a line of the text says which, where it is, and what is allowed.

    Attributes:
        problems: These lines.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as it was written.

    Attributes:
        origin: Where it stands: `server.conf, line 3`.
    """

    key: str
    value: str
    origin: str


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


def parse_all(text: str, source: str, known: Collection[str]) -> tuple[list[Entry], list[str]]:
    """Read settings as `parse` does, those that are good; returns what is wrong with the others, too."""
    entries: list[Entry] = []
    problems: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        try:
            entry = _parse_line(line.strip(), f"{source}, line {number}", known)
        except SettingsError as error:
            problems += error.problems
            continue
        if entry is not None:
            entries.append(entry)
    return entries, problems


def _parse_line(line: str, origin: str, known: Collection[str]) -> Entry | None:
    if not line or line.startswith("#"):
        return None
    key, separator, value = line.partition("=")
    key = key.strip().upper()
    if not separator or not key:
        raise SettingsError(one_line(f"{origin}: {line[:60]!r} is no setting; write KEY=VALUE"))
    if key not in known:
        raise SettingsError(one_line(f"{origin}: there is no {one_line(key)[:60]}{suggest(key, known)}"))
    return Entry(key, _unquoted(value), origin)


def suggest(key: str, known: Collection[str]) -> str:
    """`; did you mean PORT?`, or nothing."""
    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _unquoted(value: str) -> str:
    """The value without its quotes, within which a # is no comment, or without its comment."""
    if quoted := _QUOTED.fullmatch(value.strip()):
        return quoted[2]
    return _COMMENT.sub("", value).strip()
