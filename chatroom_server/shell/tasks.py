"""The one place that starts tasks: it knows their order, ends them in reverse, and reports crashes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


class Tasks:
    """The tasks of one owner.

    Args:
        report: Told the name and the error of a task that crashed; called on the event loop.
    """

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report
        self._running: dict[asyncio.Task[object], None] = {}

    def start(self, work: Coroutine[object, object, T], *, name: str) -> asyncio.Task[T]:
        """Start a task; it is kept from being collected while it runs."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 - this is the helper
        self._running[task] = None
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Cancel what still runs, last started first, and wait for each."""
        for task in reversed(list(self._running)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(task.get_name(), error)
