"""An event loop on a virtual clock: asyncio runs on it unchanged, and nothing waits for real.

Time stands still while anything can run, and jumps to the next timer when nothing can. Sockets are those of
`network`; blocking work runs when its time has come, whole. Whatever a simulated process has begun dies with
it: its callbacks are not called any more. All of it is decided by one `random.Random`.
"""

import asyncio
import contextlib
import contextvars
import random
import selectors
import socket
import warnings
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from tests.simulation.network import Network, SimSocket

T = TypeVar("T")
_START_S: Final = 1_000.0
_EMPTY: Final = contextvars.Context()


@dataclass(eq=False)
class Process:
    """Something that can be killed."""

    name: str
    is_alive: bool = True
    sockets: list[SimSocket] = field(default_factory=list)

    def run(self, call: Callable[[], T]) -> T:
        """Call something as this process."""
        context = contextvars.copy_context()
        context.run(_current.set, self)
        return context.run(call)


_current: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class DeadlockError(Exception):
    """Nothing can run, and no timer is set."""


class _Selector(selectors.BaseSelector):
    """Knows which sockets are ready; waiting moves the clock."""

    def __init__(self) -> None:
        self.now = _START_S
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        fd = _fd(fileobj)
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(_fd(fileobj))

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self.register(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys[_fd(fileobj)]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._ready()
        if not ready and timeout != 0:
            if timeout is None:
                raise DeadlockError("nothing can run, and no timer is set")
            self.now += max(0.0, timeout)
        return ready

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for fd in sorted(self._keys):
            sock = SimSocket.by_fd.get(fd)
            if sock is None:
                continue
            key = self._keys[fd]
            mask = (sock.is_readable and selectors.EVENT_READ) | (sock.is_writable and selectors.EVENT_WRITE)
            if mask & key.events:
                found.append((key, mask & key.events))
        return found


def _fd(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


class SimLoop(asyncio.SelectorEventLoop):
    """The loop of one simulated world.

    Args:
        disk_s: How long a piece of blocking work takes, at least and at most.
    """

    def __init__(self, rng: random.Random, *, disk_s: tuple[float, float] = (0.0001, 0.004)) -> None:
        self.sim_selector = _Selector()
        super().__init__(self.sim_selector)
        self.rng = rng
        self.disk_s = disk_s
        self.network = Network(self, rng)
        self.graveyard: list[asyncio.Task[Any]] = []
        self._executor_ends: dict[object, float] = {}
        self._made_transports: list[Any] = []
        self.set_task_factory(self._make_task)
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        return self.sim_selector.now

    # --- processes -----------------------------------------------------------------------------------
    def kill(self, process: Process, *, silently: bool = False) -> None:
        """End a process at once; `silently` its peers are told nothing, as when a machine loses power."""
        process.is_alive = False
        for sock in list(process.sockets):
            sock.die(silently=silently)

    @staticmethod
    def current() -> Process | None:
        """The process that runs just now."""
        return _current.get()

    def in_world(self, delay: float, call: Callable[..., object], *args: object) -> asyncio.TimerHandle:
        """Call something that is part of no process, after a delay."""
        return super().call_at(self.time() + delay, call, *args, context=_EMPTY.copy())

    # --- what asyncio asks of a loop -----------------------------------------------------------------
    def call_soon(  # type: ignore[override]  # arguments of any shape
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon(self._while_alive(callback, context), *args, context=context)

    def call_at(  # type: ignore[override]  # arguments of any shape
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return super().call_at(when, self._while_alive(callback, context), *args, context=context)

    def _add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        return super()._add_reader(fd, self._while_alive(callback, None), *args)  # type: ignore[misc]

    def _add_writer(self, fd: Any, callback: Any, *args: Any) -> Any:
        return super()._add_writer(fd, self._while_alive(callback, None), *args)  # type: ignore[misc]

    def _while_alive(self, callback: Any, context: contextvars.Context | None) -> Any:
        process = _current.get() if context is None else context.get(_current)
        if process is None:
            return callback

        def call(*args: Any) -> None:
            if process.is_alive:
                callback(*args)

        return call

    def _write_to_self(self) -> None:
        """There is one thread: nobody sleeps who had to be woken."""

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, **kwargs)
        self.graveyard.append(task)  # a task of the dead must not be collected: its `finally` would run
        return task

    def run_in_executor(self, executor: Executor | None, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future: asyncio.Future[Any] = self.create_future()
        self._schedule(executor, lambda: _settle(future, func, args))
        return future

    def _schedule(self, queue: object | None, job: Callable[[], None], *, times: float = 1.0) -> None:
        """Run a job when its time has come, those of one queue in their order; None is a queue for each."""
        begin = self.time()
        if queue is not None:
            begin = max(begin, self._executor_ends.get(queue, 0.0))
        end = begin + times * self.rng.uniform(*self.disk_s)
        if queue is not None:
            self._executor_ends[queue] = end
        self.call_at(end, job)

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **kwargs: Any
    ) -> Any:
        if host is None:
            return await super().create_connection(protocol_factory, **kwargs)
        sock = await self.network.connect(str(host), int(port), _current.get())
        made = await super().create_connection(protocol_factory, sock=cast("socket.socket", sock))
        self._made_transports.append(made[0])
        return made

    # --- the end -------------------------------------------------------------------------------------
    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run the world until its main task is done."""
        return self.run_until_complete(main)

    def end(self) -> None:
        """Close the loop, and bury what is left without running it."""
        SimSocket.by_fd.clear()
        self.close()
        for transport in self._made_transports:
            transport._sock = None  # those of the dead were never closed: nobody is to be warned of it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for task in self.graveyard:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is pending on purpose
                    with contextlib.suppress(BaseException):  # what its `finally` wants of a closed loop
                        task.get_coro().close()


class SimJobs:
    """The log's threads, without threads (`chatroom_server.history.worker.Jobs`).

    Args:
        begins: Called for each job; returns how many times as long as usual it takes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, begins: Callable[[], float]) -> None:
        assert isinstance(loop, SimLoop)
        self._loop, self._begins = loop, begins

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do a job when its time has come."""
        self._loop._schedule(self, lambda: done(job()), times=self._begins())

    def stop(self) -> None:
        """There is nothing to end."""


def _settle(future: asyncio.Future[Any], func: Any, args: Any) -> None:
    try:
        result = func(*args)
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
        if not future.cancelled():
            future.set_exception(error)
    else:
        if not future.cancelled():
            future.set_result(result)
