"""Standard output that a script may close at any moment, written off the event loop."""

import asyncio
import contextlib
import os
import re
import select
import sys
from collections.abc import Iterable

from chatroom.client.errors import ClientError
from chatroom.common.inert import inert
from chatroom.common.texts import Sentence

_WATCH_MS = 500
_BLANK = re.compile(r"[\t\n\r]")
_OTHER = re.compile(r"[^ -~]")


class OutputClosed(Exception):  # noqa: N818  # reads as what happened
    """Whoever read our output has gone: end quietly."""


class OutputError(ClientError):
    """What was asked for could not be written; the text says why."""


class Output:
    """Writes bytes to standard output, on a thread, and notices when nobody reads them any more."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor

    async def write_lines(self, lines: Iterable[bytes]) -> None:
        """Write lines, each with a newline behind it.

        Raises:
            OutputClosed: The reader has closed its end.
            OutputError: The lines cannot be written, as on a full disk.
        """
        data = b"".join(line + b"\n" for line in lines)
        if data:
            await asyncio.to_thread(self._write, data)

    async def write_json(self, documents: Iterable[bytes]) -> None:
        """Write JSON documents, one a line.

        Raises:
            OutputClosed: The reader has closed its end.
        """
        await self.write_lines(inert_json(document) for document in documents)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except BrokenPipeError as error:
                raise OutputClosed from error
            except OSError as error:
                raise OutputError(
                    Sentence("standard output cannot be written ({reason})", reason=error.strerror)
                ) from error

    async def closed(self) -> None:
        """Return when the reader has closed its end; never, where that cannot be seen."""
        poll = select.poll()
        poll.register(self._descriptor, 0)
        while not await asyncio.to_thread(_is_closed, poll):
            pass


def inert_json(document: bytes) -> bytes:
    """A JSON document as one line that says the same, with escapes where a terminal would obey it.

    A server has cleaned what it stored, so that this changes nothing; another's need not have.
    """
    text = document.decode("utf-8", "replace")
    if inert(text, newlines=False) == text:
        return document
    return _OTHER.sub(_escape, _BLANK.sub(" ", text)).encode()


def _escape(found: re.Match[str]) -> str:
    """One character as JSON escapes it: characters that are not ASCII stand in strings only."""
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _is_closed(poll: select.poll) -> bool:
    return any(
        event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in poll.poll(_WATCH_MS)
    )


def say_problem(sentence: str) -> None:
    """Tell a person one sentence on standard error, and who says it, whatever has become of it."""
    with contextlib.suppress(OSError, ValueError):
        print(f"chatroom: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  # the one place where scripts speak
