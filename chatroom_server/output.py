"""Where the commands write: a reader that has seen enough is no fault, a full disk is one sentence."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Final, TextIO

_FLAGS: Final = {"stdin": os.O_RDONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}
"""How nothing is opened in place of a stream; on standard output writing fails, as data would be lost."""


class OutputError(Exception):
    """What was to be written cannot be; the text says why."""


def hold_streams() -> None:
    """Make sure of the three standard streams, also where whoever called closed some of them (`>&-`).

    Their numbers are taken then: no file that is opened later gets them, and with them what others write.
    """
    for name, flags in _FLAGS.items():
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, flags)  # takes the lowest free number: that of the stream
            mode = "r" if name == "stdin" else "w"
            stream = open(nowhere, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays to the end
            setattr(sys, name, stream)


def say(text: str) -> None:
    """Write to standard output.

    Raises:
        OutputError: It cannot be written.
        BrokenPipeError: Nobody reads it any more.
    """
    with output_errors():
        sys.stdout.write(text)


def end_output() -> None:
    """Write what still waits; raises as `say` does."""
    with output_errors():
        sys.stdout.flush()


def complain(text: str) -> None:
    """Write to standard error; where that cannot be, the exit status alone tells."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _let_go_of(sys.stderr)


def let_go_of_output() -> None:
    """Forget what cannot be written to standard output."""
    _let_go_of(sys.stdout)


def _let_go_of(stream: TextIO) -> None:
    """The interpreter would try once more at its end, and change the exit status."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def output_errors() -> Iterator[None]:
    """Tell errors in writing from those in reading, which stand beside them."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error
