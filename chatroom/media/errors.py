"""Why a file could not be shown as a picture, as a sentence for the one who chose it."""

from enum import StrEnum
from pathlib import Path
from typing import Final


class Problem(StrEnum):
    """What is wrong with the file; `SENTENCES` says it."""

    MISSING = "missing"
    FOLDER = "folder"
    NO_FILE = "no-file"
    NOT_PERMITTED = "not-permitted"
    NO_PICTURE = "no-picture"
    TOO_MANY_BYTES = "too-many-bytes"
    TOO_MANY_PIXELS = "too-many-pixels"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"


SENTENCES: Final = {
    Problem.MISSING: "{name} does not exist; check the path",
    Problem.FOLDER: "{name} is a folder; name a picture in it",
    Problem.NO_FILE: "{name} is a device or a pipe; save the picture as a file first",
    Problem.NOT_PERMITTED: "{name} may not be read by you; ask its owner, or change its permissions",
    Problem.NO_PICTURE: "{name} is no picture; PNG, JPEG, GIF and WebP can be sent",
    Problem.TOO_MANY_BYTES: "{name} is too large; pictures of less than 20 MiB can be sent",
    Problem.TOO_MANY_PIXELS: "{name} has too many pixels; make it smaller than 16 megapixels",
    Problem.DAMAGED: "{name} is damaged or was cut off; save or download it again",
    Problem.UNREADABLE: "{name} could not be read ({reason}); copy it elsewhere and try again",
}
"""One sentence for each problem, to be translated with `{name}` and `{reason}` still open."""

_NAME_MAX: Final = 200


class PictureError(Exception):
    """The file cannot be sent as a picture; the text names the file and says what to do.

    Args:
        problem: What is wrong.
        path: The file, as it was named.
        reason: The system's words, for `Problem.UNREADABLE`.
    """

    def __init__(self, problem: Problem, path: Path, reason: str = "") -> None:
        self.problem = problem
        self.name = shown(str(path))
        self.reason = reason
        super().__init__(SENTENCES[problem].format(name=self.name, reason=reason))


def shown(name: str) -> str:
    """Give a file's name as it may be shown and sent: valid Unicode, inert, and not endless.

    Names of files are bytes that anybody may have chosen: they can hold escape sequences.
    """
    inert = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name
    )
    return inert if len(inert) <= _NAME_MAX else "…" + inert[1 - _NAME_MAX :]
