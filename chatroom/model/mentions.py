"""Whether a text means somebody, and where: people are called by their nick, with or without `@`."""

import re
import unicodedata
from functools import lru_cache


def mentions(text: str, nick: str) -> list[tuple[int, int]]:
    """Find where a text means a nick: `@nick`, `nick:`, or the nick as a word of its own.

    Case and the composition of accents make no difference.

    Returns:
        (start, end) of each place in the text, `@` included.
    """
    if not nick or not _may_mean(text, nick):
        return []
    return [match.span() for match in _pattern(nick).finditer(text)]


def is_meant(text: str, nick: str) -> bool:
    """Whether a text means a nick."""
    return bool(mentions(text, nick))


def _may_mean(text: str, nick: str) -> bool:
    """A quick look that spares most texts the pattern."""
    return not text.isascii() or nick.casefold() in text.casefold()


@lru_cache(maxsize=64)
def _pattern(nick: str) -> re.Pattern[str]:
    forms = {unicodedata.normalize(form, nick) for form in ("NFC", "NFD")}
    either = "|".join(re.escape(form) for form in sorted(forms))
    # A mark behind a letter belongs to it: `e` with an accent is no `e`.
    return re.compile(rf"(?<![\w@])@?(?:{either})(?![\w\u0300-\u036f])", re.IGNORECASE)
