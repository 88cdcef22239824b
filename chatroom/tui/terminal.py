"""The one place that touches Textual's private parts, so that a new version can break nothing else.

Each use has a fallback, and a canary in `tests/tui/test_terminal.py` that notices when Textual changes:

- A terminal that takes no output (a dead ssh, Ctrl+S, a suspended tmux) would freeze the event loop, since
  Textual's writer blocks once its queue is full. `SteadyApp` paints nothing while the queue is not empty, and
  everything once it is.
- Alt+Enter arrives as Enter on terminals without the kitty protocol, and would send what is half written
  (textual#6577). `teach_keys` makes it a key of its own.
- tmux tells Shift+Enter from Enter only when asked to. `ChatroomDriver` asks, and takes it back on leaving.
- Textual stops its own process only, and also where no shell could bring it back. `SteadyApp` stops its whole
  job, as a terminal does, and only where there is a shell.
"""

import os
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.driver import Driver
    from textual.screen import Screen

_Result = TypeVar("_Result")

REPAINT_AFTER_S: Final = 0.02
"""How often a stalled terminal is looked at again."""

MODIFY_KEYS_ON: Final = "\x1b[>4;1m"
"""xterm's modifyOtherKeys, level 1: keys that are ambiguous otherwise carry their modifiers."""
MODIFY_KEYS_OFF: Final = "\x1b[>4m"


_SEQUENCES: Final = {
    "\x1b\r": "alt+enter",
    "\x1b[27;2;13~": "shift+enter",
    "\x1b[27;3;13~": "alt+enter",
    "\x1b[27;5;13~": "ctrl+enter",
}
"""What Textual takes for something else: legacy terminals, and xterm's modifyOtherKeys."""


def teach_keys(parser: type = XTermParser) -> bool:
    """Make Enter with a modifier a key of its own on every terminal that tells it apart.

    Returns:
        Whether Textual's parser is as it was when this was written.
    """
    known = getattr(parser, "_sequence_to_key_events", None)
    if known is None or getattr(known, "is_taught", False):
        return known is not None

    def taught(self: object, sequence: str, alt: bool = False) -> "Iterable[events.Key]":
        if key := _SEQUENCES.get(sequence):
            return (events.Key(key, None),)
        found: Iterable[events.Key] = known(self, sequence, alt)
        return found

    taught.is_taught = True  # type: ignore[attr-defined]  # so that it is done once
    parser._sequence_to_key_events = taught  # type: ignore[attr-defined]  # noqa: SLF001  # see the module
    return True


def queued_writes(driver: "Driver | None") -> int:
    """How many writes wait for the terminal; 0 where that cannot be known."""
    queue = getattr(getattr(driver, "_writer_thread", None), "_queue", None)
    qsize = getattr(queue, "qsize", None)
    return int(qsize()) if callable(qsize) else 0


def driver_class() -> "type[Driver] | None":
    """The driver that asks tmux for modified keys; None (Textual's choice) where it is not needed."""
    if sys.platform == "win32" or "TMUX" not in os.environ or "TEXTUAL_DRIVER" in os.environ:
        return None
    from textual.drivers.linux_driver import LinuxDriver

    class ChatroomDriver(LinuxDriver):
        """Textual's driver, with Shift+Enter under tmux."""

        def start_application_mode(self) -> None:
            super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's is untyped
            self.write(MODIFY_KEYS_ON)

        def stop_application_mode(self) -> None:
            self.write(MODIFY_KEYS_OFF)
            super().stop_application_mode()

    return ChatroomDriver


def is_job() -> bool:
    """Whether a shell runs this program as a job, and so can bring it back once it has stopped."""
    return sys.platform != "win32" and os.getpgrp() != os.getsid(0)


class SteadyApp(App[_Result], Generic[_Result]):
    """An app whose event loop never waits for a terminal that takes no output; its shell can stop it."""

    _skipped_frame = False

    @property
    def terminal_stalls(self) -> bool:
        """Whether the terminal has not taken yet what it was last sent."""
        return queued_writes(self._driver) > 0

    @property
    def can_stop(self) -> bool:
        """Whether Ctrl+Z may stop this program until its shell brings it back."""
        return self._driver is not None and self._driver.can_suspend and is_job()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the key to others where it cannot stop this program."""
        if action == "suspend_process":
            return self.can_stop
        return super().check_action(action, parameters)

    def action_suspend_process(self) -> None:
        """Stop this job until its shell brings it back; those it was started through, too."""
        if self.can_stop:
            with self.suspend():  # the terminal is as it was before any of them stops
                os.killpg(os.getpgrp(), signal.SIGTSTP)

    def _display(self, screen: "Screen[object]", renderable: "RenderableType | None") -> None:
        if not self.terminal_stalls:
            super()._display(screen, renderable)
        elif not self._skipped_frame:
            self._skipped_frame = True
            self.set_timer(REPAINT_AFTER_S, self._paint_skipped)

    def _paint_skipped(self) -> None:
        """Paint all that changed while the terminal stalled, or look again later."""
        if self.terminal_stalls:
            self.set_timer(REPAINT_AFTER_S, self._paint_skipped)
            return
        self._skipped_frame = False
        self.refresh()

    def bell(self) -> None:
        """Ring, unless the terminal would make us wait for it."""
        if not self.terminal_stalls:
            super().bell()
