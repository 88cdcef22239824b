"""What the machine tells: CPU time and memory of a process, cores, open files."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_SPARE_FILES: Final = 64


def cpu_s(pid: int) -> float:
    """The CPU seconds that a process and its children have used, in user and in kernel mode."""
    if not (PROC / "self/stat").exists():
        return _asked_of_ps(pid)
    fields = (PROC / f"{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS + sum(map(cpu_s, _children(pid)))


def _children(pid: int) -> list[int]:
    found = []
    for path in (PROC / f"{pid}/task").glob("*/children"):
        found += [int(word) for word in path.read_text(encoding="ascii").split()]
    return found


def _asked_of_ps(pid: int) -> float:
    """The same where there is no /proc: hours, minutes and seconds with colons between them."""
    told = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)
    seconds = 0.0
    for part in told.stdout.strip().replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def memory_mb(pid: int) -> float:
    """The memory that a process has in use, in MB of 1,000,000 bytes."""
    if (PROC / f"{pid}/statm").exists():
        return int((PROC / f"{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE / 1e6
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(told.stdout) * 1024 / 1e6


def busy_s() -> float:
    """The CPU seconds that all programs of this machine have used together; 0 where it does not tell."""
    if not (PROC / "stat").exists():
        return 0.0
    user, nice, system, _idle, _waiting, *other = (
        int(word) for word in (PROC / "stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    )
    return (user + nice + system + sum(other)) / _TICKS


def split_cores() -> tuple[set[int], set[int]]:
    """Cores for a server, and one for the generator; none where that cannot be said."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    cores = sorted(os.sched_getaffinity(0))
    return (set(cores[:-1]), {cores[-1]}) if len(cores) > 1 else (set(), set())


def own_core(cores: set[int]) -> None:
    """Keep this process on these cores, where the system can do that."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Let this process, and what it starts meanwhile, run on these cores only; on any for an empty set."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_files(wanted: int) -> int:
    """Let this process open so many files, as far as the system allows; how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    goal = wanted + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < goal:
        soft = goal if hard == resource.RLIM_INFINITY else min(goal, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft - _SPARE_FILES)
