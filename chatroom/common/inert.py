"""The one function that makes the text of others harmless on a terminal.

Terminals obey what they are shown: escape sequences (ECMA-48) move the cursor, write to the clipboard, or
answer as if they had been typed; bidirectional controls (UAX #9) make a text read otherwise than it is
written; invisible characters hide one. All of this is taken out; everything that people write stays.
"""

import re
import unicodedata
from typing import Final

_REMOVED: Final = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u200b\u2060-\u2065\u3164\ufeff\uffa0"  # invisible
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional controls, and deprecated ones
    "\ud800-\udfff\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # surrogates, noncharacters, annotations
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # controls of shorthand and of music
    "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
) + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
_SPACED: Final = "\t\x0b\x0c\x85\u2028\u2029"
_HIDDEN: Final = "\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
"""Joiners, variation selectors and tags: they stay where the characters around them need them."""
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0e31\u0e34-\u0e39\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_MARKS_MAX: Final = 8
"""Combining marks in a row; Zalgo text has hundreds."""

_ANY_REMOVED: Final = re.compile(f"[{_REMOVED}]+")
_ANY_SPACED: Final = re.compile(f"[{_SPACED}]")
_HIDDEN_RUN: Final = re.compile(f"[{_HIDDEN}]+")
_MARK_RUN: Final = re.compile(f"[{_MARKS}][{_MARKS}]{{{_MARKS_MAX},}}")
# The far planes as a whole, since each range costs time at every character.
_BMP_REMOVED: Final = _REMOVED[: _REMOVED.index("\U0001bca0")]
_SUSPECT: Final = re.compile(
    f"[{_BMP_REMOVED}\r{_SPACED}\u180b-\u180f\u200c\u200d\ufe00-\ufe0f{_MARKS}"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U00033500-\U0010ffff]"
)
"""A single search for it tells a plain text, in any script, from one that needs work."""

_LATIN: Final = re.compile("[\n -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u202f-\u205e\u20a0-\u20cf]*")
"""Letters and signs of the west of Europe, none of them suspect: looked for first, as that is quicker."""

_SEQUENCE: Final = re.compile(
    r"""
      (?: \x1b[PX^_\]] | [\x90\x98\x9d\x9e\x9f] )      # DCS, SOS, PM, APC, OSC: a string of any length …
          [^\x07\x18\x1a\x1b\x9c\n]* (?: \x07 | \x9c | \x1b\\ )?  # … to its terminator, or its cut
    | (?: \x1b\[ | \x9b ) [0-?\x00-\x09\x0b-\x17\x19\x1c-\x1f]* [ -/]* [@-~]?  # CSI, controls may stand in it
    | \x1b [ -/]* [0-~]?                                # every other escape sequence
    """,
    re.VERBOSE,
)
_BLACK_FLAG: Final = "\U0001f3f4"
_FLAG_TAGS: Final = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
"""A subdivision behind a black flag: England, Scotland, Texas (UTS #51, annex C)."""
_ZWNJ: Final = "\u200c"
_ZWJ: Final = "\u200d"
_JOINED_SCRIPTS: Final = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1700-\u17ff\u1820-\u18af\u1900-\u1aaf\u1b00-\u1cff"
    "\ua800-\ua8ff\ua930-\uaadf\uaae0-\uaaff\uabc0-\uabff\U00010a00-\U00011fff]"
)
"""Scripts in which a joiner changes how letters are drawn: Arabic, those of India, Mongolian."""
_IDEOGRAPH: Final = re.compile("[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_MONGOLIAN: Final = re.compile("[\u1820-\u18aa]")
_VIRAMA: Final = 9
"""Its canonical combining class."""


def inert(text: str, *, newlines: bool = True) -> str:
    """Take everything out of a text that a terminal would obey, or that hides or turns it.

    Whole escape sequences vanish, also those cut off, but never more than their line; a tab becomes a space;
    newlines stay unless `newlines` is false, when they become spaces. Takes time in proportion to the text,
    and changes nothing the second time.
    """
    if text.isascii() and text.isprintable():
        return text
    if not _LATIN.fullmatch(text) and _SUSPECT.search(text):
        text = _cleaned(text)
    return text if newlines else text.replace("\n", " ")


def one_line(text: str) -> str:
    """An inert text without newlines: for names, logs and everything that is one line by its nature."""
    return inert(text, newlines=False).strip()


def _cleaned(text: str) -> str:
    """Each step leaves nothing behind that an earlier one would take out."""
    text = _SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _ANY_SPACED.sub(" ", _ANY_REMOVED.sub("", text))
    text = _HIDDEN_RUN.sub(_kept, text)
    return _MARK_RUN.sub(lambda found: found[0][:_MARKS_MAX], text)


def _kept(found: re.Match[str]) -> str:
    """What stays of a run of invisible characters: at most one selector and one joiner, or a flag's tags."""
    run, text = found[0], found.string
    before, after = text[max(0, found.start() - 1) : found.start()], text[found.end() : found.end() + 1]
    if before == _BLACK_FLAG and (tags := _FLAG_TAGS.match(run)):
        return tags[0]
    selector = run[0] if _varies(before, run[0]) else ""
    joiner = next((character for character in run if character in (_ZWNJ, _ZWJ)), "")
    return selector + joiner if _joins(before, joiner, after) else selector


def _varies(base: str, selector: str) -> bool:
    """Whether a selector changes how the character before it looks."""
    if not base:
        return False
    if selector in "\ufe0e\ufe0f":
        category = unicodedata.category(base)
        return base in "#*0123456789\u2139" or (category in ("So", "Sm", "Po") and base > "\x7f")
    if selector >= "\U000e0100":
        return bool(_IDEOGRAPH.match(base))
    return "\u180b" <= selector <= "\u180f" and bool(_MONGOLIAN.match(base))


def _joins(before: str, joiner: str, after: str) -> bool:
    """Whether a joiner has something to join or to part: emoji, or letters of such a script."""
    if not before or not joiner:
        return False
    if joiner == _ZWJ and unicodedata.combining(before) == _VIRAMA:
        return True
    if not after:
        return False
    if joiner == _ZWJ and _is_emoji(before) and _is_emoji(after):
        return True
    return bool(_JOINED_SCRIPTS.match(before) and _JOINED_SCRIPTS.match(after))


def _is_emoji(character: str) -> bool:
    if "\u2190" <= character <= "\u2bff" or "\U0001f000" <= character <= "\U0001faff":
        return True
    return character > "\x7f" and unicodedata.category(character) == "So"
