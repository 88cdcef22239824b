"""The one helper that starts tasks: each has a name, and the youngest ends first."""

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Tasks:
    """A group of named tasks that all end with its `async with` block.

    Unlike `asyncio.TaskGroup`, which cancels in the order of a set, it ends the youngest task first, and a
    task that fails does not take the others down by itself: whoever waits for it gets the error.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cancel_all()

    def start(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start a task."""
        task = asyncio.create_task(work, name=f"{self._name}.{name}")  # noqa: TID251  # the one place for it
        self._tasks.append(task)
        task.add_done_callback(self._forget)
        return task

    async def first_of(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait until one of the tasks is done; raises what it raised."""
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:  # never in the order of a set
            if task.done():
                task.result()

    async def cancel_all(self) -> None:
        """End all tasks, the youngest first, and wait until each has ended."""
        ending = [task for task in reversed(self._tasks) if task is not asyncio.current_task()]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.debug("%s failed", task.get_name(), exc_info=error)
