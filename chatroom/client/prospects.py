"""Whether there is hope of a link, for calls that wait for one."""

import asyncio
from collections.abc import Callable

from chatroom.client.errors import ClientError, NotConnected
from chatroom.client.events import Ended, NickRefused, Offline, SessionEvent
from chatroom.common.texts import Texts


class Prospects:
    """What the attempts have come to so far, and a bell for those who wait.

    Attributes:
        end: Why the session is over; None while it is not.
    """

    def __init__(self, texts: Texts) -> None:
        self.end: ClientError | None = None
        self._texts = texts
        self._tried, self._why = False, ""
        self._news = asyncio.Event()

    def note(self, event: SessionEvent) -> None:
        """What readers of events are told says whether an attempt has failed."""
        if isinstance(event, Offline | NickRefused | Ended):
            self._tried, self._why = True, event.reason
        self.ring()

    def begin_anew(self) -> None:
        """Attempts that failed count no more."""
        self._tried = False

    def finish(self, error: ClientError) -> ClientError:
        """The session is over; returns why, which was said at the first time."""
        self.end = self.end or error
        self.ring()
        return self.end

    def ring(self) -> None:
        """Something may be there that somebody waits for."""
        self._news.set()

    async def until(self, is_there: Callable[[], bool], *, wait: bool) -> None:
        """Wait for something: over any number of attempts or, without `wait`, while there is hope at once.

        Raises:
            NotConnected: An attempt has failed, and `wait` was not asked for.
            ClientError: The session is over: why.
        """
        while not is_there():
            if self.end is not None:
                raise self.end
            if self._tried and not wait:
                raise NotConnected(self._texts._("Not connected: {reason}.").format(reason=self._why))
            await self._next()

    async def until_over(self) -> None:
        """Wait for the end of the session."""
        while self.end is None:
            await self._next()

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()
