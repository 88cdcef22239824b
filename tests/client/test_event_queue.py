"""The queue of events is bounded, and folds what does not fit into what has to be fetched."""

import asyncio

import pytest

from chatroom.client.event_queue import EventQueue
from chatroom.client.events import (
    Connecting,
    LineArrived,
    LinesMissed,
    MessageChanged,
    OwnMessage,
    PresenceChanged,
)
from chatroom.protocol.frames import Line, PresenceEvent
from chatroom.protocol.ids import DeviceId, MessageId, RoomId, UserId

ROOM, OTHER = RoomId("general"), RoomId("dev")


def _arrived(number: int, room: RoomId = ROOM, size: int = 10) -> LineArrived:
    return LineArrived(Line(number, 0, room, UserId("u"), "nick"), b"x" * size)


async def test_events_come_in_their_order() -> None:
    queue = EventQueue()
    for number in range(3):
        queue.put(Connecting(number))
    assert [await queue.get() for _ in range(2)] == [Connecting(0), Connecting(1)]
    assert queue.take_all() == [Connecting(2)]
    assert queue.take_all() == []


async def test_lines_that_do_not_fit_are_named_as_missed() -> None:
    queue = EventQueue(events_max=3)
    for number in range(1, 10):
        queue.put(_arrived(number))
    queue.put(_arrived(5, OTHER))
    queue.put(PresenceChanged(ROOM, PresenceEvent.BACK, []))
    assert queue.take_all() == [
        *(_arrived(number) for number in range(1, 4)),
        LinesMissed(ROOM, MessageId(3), MessageId(9)),
        LinesMissed(OTHER, MessageId(4), MessageId(5)),
    ]
    queue.put(_arrived(10))
    assert queue.take_all() == [_arrived(10)]


async def test_a_room_stays_missed_until_that_was_told() -> None:
    queue = EventQueue(events_max=1)
    queue.put(_arrived(1))
    queue.put(_arrived(2))
    assert await queue.get() == _arrived(1)
    queue.put(_arrived(3))
    assert await queue.get() == LinesMissed(ROOM, MessageId(1), MessageId(3))
    queue.put(_arrived(4))
    assert await queue.get() == _arrived(4)


async def test_bytes_are_bounded_too() -> None:
    queue = EventQueue(bytes_max=1000)
    for number in range(1, 11):
        queue.put(_arrived(number, size=400))
    assert len(queue.take_all()) == 4


async def test_presence_that_does_not_fit_asks_for_a_look() -> None:
    queue = EventQueue(events_max=0)
    queue.put(PresenceChanged(ROOM, PresenceEvent.GONE, []))
    assert queue.take_all() == [LinesMissed(ROOM, MessageId(0), MessageId(0))]
    queue.put(PresenceChanged(ROOM, PresenceEvent.GONE, []))
    queue.put(_arrived(7))
    queue.put(LinesMissed(ROOM, MessageId(7), MessageId(9)))
    assert queue.take_all() == [LinesMissed(ROOM, MessageId(6), MessageId(9))]


async def test_what_concerns_ones_own_messages_always_fits() -> None:
    queue = EventQueue(events_max=0)
    changed = MessageChanged(OwnMessage("k", ROOM, DeviceId("a1"), 1, "text"))
    queue.put(changed)
    assert queue.take_all() == [changed]


async def test_waiting_ends_with_an_event_the_time_or_the_end() -> None:
    queue = EventQueue()
    await queue.wait(0)
    waiting = asyncio.gather(queue.wait(None))
    queue.put(Connecting(1))
    await waiting
    queue.take_all()
    queue.finish()
    await queue.wait(None)
    with pytest.raises(StopAsyncIteration):
        await queue.get()
