"""The thread for files: in order, and never waited for by the event loop."""

import asyncio
import threading

import pytest

from chatroom.client.disk import Disk


async def test_what_was_asked_is_done_before_the_end_while_the_loop_goes_on() -> None:
    disk, gate, done = Disk(), threading.Event(), list[int]()
    waiting = asyncio.gather(disk.run(gate.wait), *(disk.run(done.append, n) for n in range(3)))
    closing = asyncio.gather(disk.close())
    for _turn in range(100):
        await asyncio.sleep(0)
    assert not closing.done()
    gate.set()
    async with asyncio.timeout(5):
        await closing
    await waiting
    assert done == [0, 1, 2]


async def test_a_disk_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatroom.client.disk._CLOSE_TIMEOUT_S", 0.01)
    disk, gate = Disk(), threading.Event()
    waiting = asyncio.gather(disk.run(gate.wait))
    async with asyncio.timeout(5):
        await disk.close()
    gate.set()
    await waiting
