"""`client.log`: what was said and who came and went, one event a line, written off the event loop."""

import contextlib
import os
import queue
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.model.sentences import LineFormat
from chatroom.protocol.frames import Line, Person, PresenceEvent
from chatroom.protocol.ids import UserId

FILE_NAME: Final = "client.log"
SIZE_MAX: Final = 8 * 1024 * 1024
"""Bytes after which the file is set aside as `client.log.1`, that as `.2`, and so on."""
OLD_FILES: Final = 4
_WAITING_MAX: Final = 20_000
_TOGETHER_MAX: Final = 64 * 1024
_CLOSE_TIMEOUT_S: Final = 5.0


class ConversationLogError(Exception):
    """The log cannot be written there; the sentence says why."""


class ConversationLog:
    """Writes the conversation to `client.log` in a folder.

    Several programs may write to one file: each notices when another has set it aside. What comes faster
    than the disk takes it is left out and counted; nobody waits for it.

    Args:
        folder: Made when it is missing.
        texts: The language of the sentences.
        day: The server's time (ms since 1970, UTC) as `2026-11-21` in the reader's zone.
        clock: The same as `09:00`.

    Raises:
        ConversationLogError: The file is somebody else's, or no file, or cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        texts: Texts,
        *,
        day: Callable[[int], str],
        clock: Callable[[int], str],
        size_max: int = SIZE_MAX,
    ) -> None:
        self._day, self._clock = _once_a_minute(day), _once_a_minute(clock)
        self._form = LineFormat(texts, self._clock, newline=" ⏎ ")
        self._file = _RotatedFile(folder / FILE_NAME, size_max)
        self._waiting: queue.Queue[str | None] = queue.Queue(_WAITING_MAX)
        self._left_out = 0
        self._together_max = min(_TOGETHER_MAX, size_max // 8)
        self._thread = threading.Thread(target=self._write_all, name="conversation-log", daemon=True)
        self._thread.start()

    def know(self, me: UserId) -> None:
        """Say whose messages are one's own."""
        self._form = LineFormat(self._form.texts, self._clock, me=me, newline=self._form.newline)

    def said(self, room: str, line: Line) -> None:
        """A stored line of a room, by the name that is shown."""
        self._put(line.at, room, self._form.text(line))

    def noticed(self, room: str, at_ms: int, event: PresenceEvent, people: list[Person]) -> None:
        """People came, left or changed."""
        if notice := self._form.notice(event, people):
            self._put(at_ms, room, f"[{self._clock(at_ms)}] {notice}")

    def close(self) -> None:
        """Write what waits, and end. Blocking, for a bounded time."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=_CLOSE_TIMEOUT_S)
            self._thread.join(_CLOSE_TIMEOUT_S)

    def _put(self, at_ms: int, room: str, sentence: str) -> None:
        text = f"{self._day(at_ms)} {one_line(room)} {one_line(sentence)}\n"
        try:
            self._waiting.put_nowait(text)
        except queue.Full:
            self._left_out += 1

    def _write_all(self) -> None:
        while (text := self._waiting.get()) is not None:
            texts, is_over = self._gather(text)
            left_out, self._left_out = self._left_out, 0
            if left_out:
                texts.insert(0, f"… {left_out} …\n")
            with contextlib.suppress(OSError):  # a full disk costs the log, never the conversation
                self._file.write("".join(texts).encode("utf-8", "replace"))
            if is_over:
                break
        self._file.close()

    def _gather(self, first: str) -> tuple[list[str], bool]:
        """What else waits, to be written at once: a thread that wakes for each line slows the screen down."""
        texts, size = [first], len(first)
        with contextlib.suppress(queue.Empty):
            while size < self._together_max:
                text = self._waiting.get_nowait()
                if text is None:
                    return texts, True
                texts.append(text)
                size += len(text)
        return texts, False


class _RotatedFile:
    """A file of limited size and its older parts; only its owner reads them."""

    def __init__(self, path: Path, size_max: int) -> None:
        self._path = path
        self._size_max = size_max
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = self._open()
        except OSError as error:
            raise ConversationLogError(f"{path}: {error.strerror or error}") from error

    def write(self, data: bytes) -> None:
        if self._was_moved():
            os.close(self._fd)
            self._fd = self._open()
        elif os.fstat(self._fd).st_size + len(data) > self._size_max:
            self._rotate()
        os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        fd = os.open(self._path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or _is_foreign(found):
            os.close(fd)
            raise ConversationLogError(f"{self._path} is not a file of yours")
        if _has_modes():
            os.fchmod(fd, 0o600)
        return fd

    def _was_moved(self) -> bool:
        try:
            return self._path.stat().st_ino != os.fstat(self._fd).st_ino
        except FileNotFoundError:
            return True

    def _rotate(self) -> None:
        os.close(self._fd)
        for number in range(OLD_FILES - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._old(number).replace(self._old(number + 1))
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(self._old(1))
        self._fd = self._open()

    def _old(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _once_a_minute(tell: Callable[[int], str]) -> Callable[[int], str]:
    """The same, computed anew with each minute only: zones cost more than all else of a line."""
    known, told = -1, ""

    def remembered(at_ms: int) -> str:
        nonlocal known, told
        if at_ms // 60_000 != known:
            known, told = at_ms // 60_000, tell(at_ms)
        return told

    return remembered


def _is_foreign(found: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and found.st_uid != os.geteuid()


def _has_modes() -> bool:
    """Whether this system has the file modes of POSIX."""
    return hasattr(os, "fchmod")


def open_conversation_log(
    folders: Sequence[Path], texts: Texts, *, day: Callable[[int], str], clock: Callable[[int], str]
) -> ConversationLog | None:
    """Open the log in the first folder where it can be written; None where it can be in none. Blocking.

    Args:
        folders: `LOG_DIR` alone where it is set, else those of `chatroom.home.Home.logs`.
        day, clock: See `ConversationLog`.
    """
    for folder in folders:
        with contextlib.suppress(ConversationLogError):
            return ConversationLog(folder, texts, day=day, clock=clock)
    return None
