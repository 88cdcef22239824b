"""A question that comes up by itself, perhaps while somebody writes: only what is meant for it answers it."""

from collections.abc import Callable
from time import monotonic
from typing import Final, TypeVar

from textual import events
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

SETTLE_S: Final = 0.6
"""So long nothing may be typed before a key is an answer."""

Answer = TypeVar("Answer")


class Interruption(ModalScreen[Answer]):
    """Gives away what is written while it stands there, and takes no answer from a hand that still writes.

    Args:
        clock: Monotonic, in seconds.
    """

    class Typed(Message):
        """Something was written that is no answer.

        Attributes:
            event: The key or paste, for whoever it was meant for.
        """

        def __init__(self, event: events.Key | events.Paste) -> None:
            super().__init__()
            self.event = event

    def __init__(self, *, clock: Callable[[], float] = monotonic, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._clock = clock
        self._stirred_at = float("-inf")

    @property
    def is_settled(self) -> bool:
        """Whether a key is an answer by now."""
        return self._clock() - self._stirred_at >= SETTLE_S

    def stir(self) -> None:
        """Begin to wait anew until nothing is typed."""
        self._stirred_at = self._clock()

    def on_key(self, event: events.Key) -> None:
        """Give a letter away, and what takes one back; other keys have a meaning here, when it is settled."""
        is_text = event.is_printable or event.key == "backspace"
        if is_text and not isinstance(self.focused, Input):
            event.stop()
            self.stir()
            self.post_message(self.Typed(events.Key(event.key, event.character)))
        elif not self.is_settled:
            self.stir()

    def on_paste(self, event: events.Paste) -> None:
        """Give away what was pasted."""
        event.stop()
        self.stir()
        self.post_message(self.Typed(events.Paste(event.text)))
