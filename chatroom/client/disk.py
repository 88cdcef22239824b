"""One thread for the files of a session: what is asked first is done first; the event loop never waits."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_CLOSE_TIMEOUT_S: Final = 15.0
"""Longer than SQLite waits for another program."""
_log = logging.getLogger(__name__)


class Disk:
    """Runs blocking calls in their order, on a thread of its own."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chatroom-disk")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call on the thread; it is done even where its caller no longer waits."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))

    async def close(self) -> None:
        """Finish what was asked, for a bounded time, then end the thread; the loop goes on meanwhile."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self.run(_nothing)
        except TimeoutError:
            _log.warning("the disk does not answer; its thread is left alone")
        finally:
            self._executor.shutdown(wait=False)


def _nothing() -> None:
    """Stands last in the queue."""
