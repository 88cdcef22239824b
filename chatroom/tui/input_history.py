"""What one has sent before, for Up and Down in the composer."""

from typing import Final

KEPT_MAX: Final = 200


class InputHistory:
    """Walks back and forth through sent texts; what was being written waits at the end."""

    def __init__(self) -> None:
        self._sent: list[str] = []
        self._at = 0
        self._draft = ""

    def add(self, text: str) -> None:
        """Remember a text that was sent, and stand at the end again."""
        if not self._sent or self._sent[-1] != text:
            self._sent.append(text)
        del self._sent[:-KEPT_MAX]
        self.stand_at_end()

    def stand_at_end(self) -> None:
        """Begin at the newest the next time."""
        self._at = len(self._sent)
        self._draft = ""

    def back(self, current: str) -> str | None:
        """The text before; None at the oldest. `current` is kept for the way back."""
        if self._at == 0:
            return None
        if self._at == len(self._sent):
            self._draft = current
        self._at -= 1
        return self._sent[self._at]

    def forth(self) -> str | None:
        """The text after, at last what was being written; None when standing there already."""
        if self._at >= len(self._sent):
            return None
        self._at += 1
        return self._draft if self._at == len(self._sent) else self._sent[self._at]
