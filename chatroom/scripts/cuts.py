"""Says that a link was cut, once for each time, to whoever started a script."""

from chatroom.client.events import Offline, Online, SessionEvent
from chatroom.scripts.output import say_problem


class CutTeller:
    """Looks at all events of a session for those that tell of its link.

    A server that was never there is no cut: what a script makes of that, it says itself.

    Args:
        from_start: That it is away is news from the start, as the script waits for it.

    Attributes:
        has_told: Something was said.
    """

    def __init__(self, *, from_start: bool = False) -> None:
        self.has_told = False
        self._is_told = not from_start

    def take(self, event: SessionEvent) -> None:
        """Say it on standard error, where it is news."""
        if isinstance(event, Online):
            self._is_told = False
        elif isinstance(event, Offline) and not self._is_told:
            self._is_told = self.has_told = True
            say_problem(event.reason)
