"""What a plain-text guest has asked the hub, and what is to be done with each answer."""

from collections.abc import Callable

from chatroom.protocol.frames import AnyFrame

Answer = Callable[[AnyFrame], None]


class Requests:
    """Questions that are not answered yet."""

    __slots__ = ("_answers", "_awaited", "_last")

    def __init__(self) -> None:
        self._answers: dict[int, tuple[Answer, bool]] = {}
        self._last = 0
        self._awaited = 0

    @property
    def is_empty(self) -> bool:
        """All answers are there."""
        return not self._answers

    @property
    def is_awaited(self) -> bool:
        """The next line has to wait for an answer."""
        return bool(self._awaited)

    def ask(
        self, make: Callable[[int], AnyFrame], then: Answer, *, waits: bool = True, explains: bool = False
    ) -> AnyFrame:
        """The frame of a question.

        Args:
            make: Makes it, of the number that its answer will have.
            then: Takes the answer.
            waits: The next line waits for it.
            explains: `then` itself says what went wrong.
        """
        self._last += 1
        self._answers[self._last] = (then, explains)
        if waits:
            self._awaited = self._last
        return make(self._last)

    def is_explained(self, rid: int) -> bool:
        """Whoever takes the answer says what went wrong."""
        _then, explains = self._answers.get(rid, (None, False))
        return explains

    def answer(self, rid: int, frame: AnyFrame) -> None:
        """The hub has answered; what nobody asked for is nothing."""
        if rid == self._awaited:
            self._awaited = 0
        then, _explains = self._answers.pop(rid, (None, False))
        if then is not None:
            then(frame)
