"""What a refusal that only means "not now" does to the pace of sending: a rest, then one message at a time.

The same number is sent again, as what the server's disk refused may have reached it after all. Until it has
its outcome nothing newer of its device is sent: once that is stored, the server takes no older one.
"""

from collections.abc import Callable, Iterable
from typing import Final

from chatroom.client.events import ServerProblem, SessionEvent
from chatroom.client.sentences import explain
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Refusal

IN_FLIGHT: Final = 128
"""Messages of a device that wait for the server: half of what it allows."""
REST_S: Final = {ErrorCode.TOO_MANY_IN_FLIGHT: 0.25, ErrorCode.NOT_STORED: 2.0}
"""For how long nothing is sent after such a refusal."""


class Resting:
    """When something may be sent, and how much of a device at once.

    Attributes:
        is_on: Whether nothing may be sent just now.

    Args:
        tell: Takes the events.
        over: Called when a rest is over.
        tasks: Where it is waited for that.
    """

    def __init__(
        self,
        texts: Texts,
        timing: Timing,
        tell: Callable[[SessionEvent], None],
        over: Callable[[], None],
        tasks: Tasks,
    ) -> None:
        self.is_on = False
        self._texts = texts
        self._timing = timing
        self._tell = tell
        self._over = over
        self._tasks = tasks
        self._careful: set[str] = set()
        self._told = ""

    def at_once(self, device: str) -> int:
        """How many messages of a device may be in flight."""
        return 1 if device in self._careful else IN_FLIGHT

    def begin(self, refusal: Refusal) -> None:
        """Something was refused for now."""
        self._careful.add(refusal.dev)
        if self.is_on:
            return
        self.is_on = True
        if refusal.code == ErrorCode.NOT_STORED:
            self._explain(refusal)
        self._tasks.start(self._rest(REST_S[ErrorCode(refusal.code)]), name="rest")

    def be_careful(self, devices: Iterable[str]) -> None:
        """What an earlier program left may have been refused: it goes one by one, until one is stored."""
        self._careful.update(devices)

    def settled(self, device: str) -> None:
        """The server has taken a message of a device, or refused it for good."""
        self._careful.discard(device)

    def news(self) -> None:
        """Something is stored, or new: what is refused from now on is told, be it for the same reason."""
        self._told = ""

    def _explain(self, refusal: Refusal) -> None:
        """Say why something waits; not at each rest of a long trouble."""
        reason = explain(self._texts, refusal.code, refusal.text, refusal.args)
        sentence = self._texts._("{reason}; it waits in the outbox and is sent again").format(reason=reason)
        if sentence != self._told:
            self._told = sentence
            self._tell(ServerProblem(refusal.code, sentence))

    async def _rest(self, wait_s: float) -> None:
        await self._timing.sleep(wait_s)
        self.is_on = False
        self._over()
