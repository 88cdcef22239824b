"""Times parts of a program that are functions of it, without a line of its own for that."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar
from unittest.mock import patch

T = TypeVar("T")

Stages: TypeAlias = Mapping[str, Sequence[tuple[object, str]]]
"""Which functions each stage is made of: the class or module that has them, and their names."""


class Stopwatch:
    """Adds up the time of calls by stage, each without that of the calls of other stages within it.

    Attributes:
        spent: Seconds, by stage.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.spent: dict[str, float] = {}
        self._clock = clock
        self._within = [0.0]

    def timed(self, stage: str, function: Callable[..., T]) -> Callable[..., T]:
        """The same function, its time added to a stage."""

        @functools.wraps(function)
        def measured(*args: Any, **options: Any) -> T:
            self._within.append(0.0)
            began = self._clock()
            try:
                return function(*args, **options)
            finally:
                taken = self._clock() - began
                self.spent[stage] = self.spent.get(stage, 0.0) + taken - self._within.pop()
                self._within[-1] += taken

        return measured

    @contextlib.contextmanager
    def watching(self, stages: Stages) -> Iterator[None]:
        """Time the calls of these stages meanwhile."""
        with contextlib.ExitStack() as stack:
            for stage, calls in stages.items():
                for owner, name in calls:
                    timed = self.timed(stage, getattr(owner, name))
                    stack.enter_context(patch.object(owner, name, timed))
            yield
