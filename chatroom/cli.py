"""The command line of the client: reads it, picks what to run, and imports that only then."""

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

from chatroom import __version__
from chatroom.cli_options import parse
from chatroom.common.arguments import WrongUsageError, wanted_language
from chatroom.languages import load_texts

_REASON_MAX = 200


def run(argv: Sequence[str]) -> int:
    """Run the client's command line.

    Returns:
        The exit code: 0 done, 1 could not, 2 wrong usage.
    """
    try:
        options = parse(argv, load_texts(wanted_language(argv, os.environ), os.environ))
        from chatroom.launch import launch

        return launch(options)
    except WrongUsageError as error:
        _say(f"chatroom: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # the outermost loop: a person gets a sentence, not a traceback
        _say(_unexpected(error))
        return 1


def _unexpected(error: Exception) -> str:
    """One line to report a fault of ours with."""
    from chatroom.common.inert import one_line

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}chatroom{os.sep}" in frame.filename]
    at = f" at {_place(ours[-1])}" if ours else ""
    sentence = f"chatroom: unexpected {type(error).__name__}{at}: {one_line(str(error))[:_REASON_MAX]}"
    return f"{sentence} (chatroom {__version__}; this is a fault in the program, please report this line)"


def _place(frame: traceback.FrameSummary) -> str:
    name = frame.filename.rpartition(f"{os.sep}chatroom{os.sep}")[2]
    return f"chatroom/{name}:{frame.lineno}"


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr)  # noqa: T201  # the edge where sentences are shown
