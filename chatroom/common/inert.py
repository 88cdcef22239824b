"""The one function that makes the text of others harmless on a terminal.

Terminals obey what they are shown: escape sequences (ECMA-48) move the cursor, write to the clipboard, or
answer as if they had been typed; bidirectional controls (UAX #9) make a text read otherwise than it is
written; invisible characters hide one. All of this is taken out; everything that people write stays.
"""

import re
import unicodedata
from typing import Final

_MARKS_MAX: Final = 8
"""Combining marks in a row; Zalgo text has hundreds."""

_SEQUENCE: Final = re.compile(
    r"""
      (?: \x1b[PX^_\]] | [\x90\x98\x9d\x9e\x9f] )      # DCS, SOS, PM, APC, OSC: a string of any length …
          [^\x07\x1b\x9c]* (?: \x07 | \x9c | \x1b\\ )?  # … to its terminator, or to where it was cut off
    | (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]?          # CSI
    | \x1b [ -/]* [0-~]?                                # every other escape sequence
    """,
    re.VERBOSE,
)
_HARMLESS: Final = re.compile(r"[ -~\n]*")
_RISKY: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufdd0-\ufdef\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    "|[\ufffe\uffff\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe\U0003ffff\U000efffe-\U000effff"
    "\U000ffffe\U000fffff\U0010fffe\U0010ffff]"
)
_JOINERS: Final = {"\u200c", "\u200d"}
_MARK_RUNS: Final = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{9,}"
)


def inert(text: str, *, newlines: bool = True) -> str:
    """Take everything out of a text that a terminal would obey, or that hides or turns it.

    Whole escape sequences vanish, also those cut off; a tab becomes a space; newlines stay unless `newlines`
    is false, when they become spaces. Takes time in proportion to the text, and changes nothing the second
    time.
    """
    if _HARMLESS.fullmatch(text):
        return text if newlines else text.replace("\n", " ")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    while True:
        cleaned = _clean(text)
        if cleaned == text:
            break
        text = cleaned
    return text if newlines else text.replace("\n", " ")


def one_line(text: str) -> str:
    """An inert text without newlines: for names, logs and everything that is one line by its nature."""
    return inert(text, newlines=False).strip()


def _clean(text: str) -> str:
    if "\x1b" in text or _has_c1(text):
        text = _SEQUENCE.sub("", text)
    text = _RISKY.sub(_replacement, text)
    return _MARK_RUNS.sub(lambda found: found[0][:_MARKS_MAX], text)


def _has_c1(text: str) -> bool:
    return any(character in text for character in "\x90\x98\x9b\x9d\x9e\x9f")


def _replacement(found: re.Match[str]) -> str:
    character = found[0]
    if character in "\t\x0b\x0c":
        return " "
    if character in "\u2028\u2029\x85":
        return " "
    if character in _JOINERS and _joins(found.string, found.start()):
        return character
    return ""


def _joins(text: str, at: int) -> bool:
    """Whether a joiner stands between two characters that it can join: emoji, or letters of a script."""
    if at == 0 or at + 1 >= len(text):
        return False
    return _is_joinable(text[at - 1]) and _is_joinable(text[at + 1])


def _is_joinable(character: str) -> bool:
    if character < "\u0300":
        return False
    if character == "\ufe0f":
        return True
    category = unicodedata.category(character)
    return category in ("So", "Sk", "Lo", "Mn", "Mc") or "\U0001f000" <= character <= "\U0001faff"
