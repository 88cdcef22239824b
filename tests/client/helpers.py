"""What several tests of the client library use: waiting for things, and a fast clock."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from chatroom.client.events import SessionEvent
from chatroom.client.profile import Profile
from chatroom.client.session import Session, connect
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.testing import FakeServer

E = TypeVar("E", bound=SessionEvent)
FAST = Timing(random=lambda: 0.0)
"""The shortest waits that there are."""


class Connects(Protocol):
    """Connects a profile to the fake server."""

    def __call__(self, **options: object) -> AbstractAsyncContextManager[Session]: ...


def session_on(
    server: FakeServer, profile: Profile, **options: object
) -> AbstractAsyncContextManager[Session]:
    """Connect a profile to a fake server."""
    arguments: dict[str, object] = {
        "nick": "it4",
        "trust": Trust.PIN_IF_LOCAL,
        "texts": Texts(),
        "timing": FAST,
    }
    return connect(server.address, profile, **(arguments | options))  # type: ignore[arg-type]  # a test's own


async def next_event(session: Session, kind: type[E], accept: Callable[[E], bool] = lambda _event: True) -> E:
    """The next event of a kind; those in front of it are passed over."""
    async with asyncio.timeout(10):
        async for event in session:
            if isinstance(event, kind) and accept(event):
                return event
    raise AssertionError(f"the session ended without {kind.__name__}")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # whatever it is that changes
            await asyncio.sleep(0.002)
