"""Drafts and read markers reach the shelf: the newest state, in order, off the loop."""

import asyncio
import contextlib
import threading

from chatroom.protocol.ids import MessageId, RoomId
from chatroom.tui.keeper import Keeper

GENERAL = RoomId("general")


class MemoryShelf:
    """Remembers what was written, and by which thread."""

    def __init__(self) -> None:
        self.written: list[tuple[str, object]] = []
        self.threads: set[int] = set()

    def save_draft(self, room: RoomId, text: str) -> None:
        self.written.append((room, text))
        self.threads.add(threading.get_ident())

    def save_marker(self, room: RoomId, read: MessageId) -> None:
        self.written.append((room, read))
        self.threads.add(threading.get_ident())

    def save_window(self, name: str, value: str) -> None:
        self.written.append((name, value))


async def test_the_newest_state_is_written_off_the_loop() -> None:
    keeper, shelf = Keeper(), MemoryShelf()
    keeper.keep_draft(GENERAL, "h")
    keeper.keep_draft(GENERAL, "hi")
    keeper.keep_read(GENERAL, 7)
    keeper.keep_current(GENERAL)
    await keeper.finish()
    assert shelf.written == []
    keeper.shelf = shelf
    await keeper.finish()
    assert shelf.written == [(GENERAL, "hi"), (GENERAL, 7), ("room", GENERAL)]
    assert threading.get_ident() not in shelf.threads


async def test_it_writes_by_itself_when_something_changed() -> None:
    keeper, shelf = Keeper(), MemoryShelf()
    keeper.shelf = shelf
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(keeper.run())
        keeper.keep_draft(GENERAL, "hi")
        for _turn in range(500):
            await asyncio.sleep(0.002)
            if shelf.written:
                break
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert shelf.written == [(GENERAL, "hi")]


async def test_an_unchanged_draft_is_not_written_again() -> None:
    keeper, shelf = Keeper(), MemoryShelf()
    keeper.shelf = shelf
    keeper.keep_draft(GENERAL, "hi")
    await keeper.finish()
    keeper.keep_draft(GENERAL, "hi")
    await keeper.finish()
    assert shelf.written == [(GENERAL, "hi")]
