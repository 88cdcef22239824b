"""A thread that does jobs one after another and tells the event loop of each."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol, TypeVar

T = TypeVar("T")


class Jobs(Protocol):
    """Does blocking jobs one after another, beside the event loop."""

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run a job, which must not raise, then `done` with its result on the loop."""

    def stop(self) -> None:
        """End after the jobs that were given, and wait for that."""


StartJobs = Callable[[str, asyncio.AbstractEventLoop], Jobs]
"""Makes them: under this name, for this loop."""


class Worker:
    """One thread; cheaper a job than an executor, as there is one for each round of the journal.

    Args:
        name: Of the thread.
        loop: Where results are handed over.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run a job, which must not raise, on the thread, then `done` with its result on the loop."""
        self._jobs.put(lambda: self._report(done, job()))

    def stop(self) -> None:
        """End the thread after the jobs it was given, and wait for that."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _report(self, done: Callable[[T], None], result: T) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(done, result)
