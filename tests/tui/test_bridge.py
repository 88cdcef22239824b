"""Events reach the screen in order, a lone one at once and a burst in few batches."""

from collections.abc import AsyncIterator

from chatroom.client.events import Connecting, SessionEvent
from chatroom.tui.bridge import BATCH_MAX, Bridge


class Source:
    """Gives out batches as a session does."""

    def __init__(self, *batches: list[SessionEvent]) -> None:
        self._batches = list(batches)

    async def __aiter__(self) -> AsyncIterator[SessionEvent]:
        while self._batches:
            batch = self._batches[0]
            if not batch:
                self._batches.pop(0)
                continue
            yield batch.pop(0)

    def events_nowait(self) -> list[SessionEvent]:
        taken, self._batches[0][:] = list(self._batches[0]), []
        return taken


class Taken:
    """A screen that remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[SessionEvent]] = []
        self.more: list[bool] = []

    async def take(self, batch: list[SessionEvent], more: bool) -> None:
        self.batches.append(batch)
        self.more.append(more)


async def delivered(*batches: list[SessionEvent]) -> list[list[SessionEvent]]:
    taken = Taken()
    times = iter(float(second) for second in range(1000))
    await Bridge(taken.take, clock=lambda: next(times)).run(Source(*batches))
    return taken.batches


async def test_a_lone_event_is_delivered_alone() -> None:
    assert await delivered([Connecting(1)], [Connecting(2)]) == [[Connecting(1)], [Connecting(2)]]


async def test_a_burst_comes_in_bounded_batches_in_order() -> None:
    burst: list[SessionEvent] = [Connecting(number) for number in range(BATCH_MAX + 10)]
    batches = await delivered(list(burst))
    assert [event for batch in batches for event in batch] == burst
    assert [len(batch) for batch in batches] == [BATCH_MAX, 10]


async def test_what_comes_soon_after_waits_for_the_next_batch() -> None:
    now = 0.0
    taken = Taken()
    await Bridge(taken.take, clock=lambda: now).run(Source([Connecting(1)], [Connecting(2), Connecting(3)]))
    assert taken.batches == [[Connecting(1)], [Connecting(2), Connecting(3)]]


async def test_of_a_burst_only_the_last_batch_has_nothing_behind_it() -> None:
    taken = Taken()
    burst: list[SessionEvent] = [Connecting(number) for number in range(2 * BATCH_MAX + 1)]
    await Bridge(taken.take, clock=lambda: 0.0).run(Source(burst))
    assert taken.more == [True, True, False]
