"""How a run is ended from outside: signals become one KeyboardInterrupt, and no child outlives the run."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final, Self

_SIGNALLED: Final = 128
"""What shells add to the number of a signal that ended a program."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TASKS: Final = Path("/proc/self/task")


class Ending:
    """While it is entered, the first of these signals raises KeyboardInterrupt; those behind it do nothing.

    A terminal, `timeout` and make each send one to the whole group or hand theirs on, so that several come;
    a second one must not interrupt the cleaning up. What is ignored from the start (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self._number = signal.SIGINT
        self._is_over = self._was_ended = False
        self._before: dict[signal.Signals, object] = {}
        self._strangers: set[int] = set()

    def __enter__(self) -> Self:
        self._strangers = _children()
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            then = signal.SIG_IGN if self._was_ended else handler  # the last ones may come at the very exit
            signal.signal(number, then)  # type: ignore[arg-type]  # typeshed has no name for handlers

    @property
    def status(self) -> int:
        """The exit status of a run that was ended."""
        return _SIGNALLED + self._number

    def clean_up(self) -> None:
        """Signals do nothing from here on, and children since then are ended: their folder goes."""
        self._is_over = True
        for pid in _children() - self._strangers:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_over:
            self._is_over = self._was_ended = True
            self._number = signal.Signals(number)
            raise KeyboardInterrupt


def _children() -> set[int]:
    """Those of this process; none where the system does not tell."""
    found = set[int]()
    for path in _TASKS.glob("*/children"):
        with suppress(OSError):
            found.update(map(int, path.read_text(encoding="ascii").split()))
    return found
