"""Tells about the machine of a run, so that nobody compares two of them."""

import os
import platform
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.suite.results import Machine

_TURNS: Final = 30
_CPUS: Final = Path("/proc/cpuinfo")
_MOUNTS: Final = Path("/proc/mounts")


def machine(folder: Path) -> Machine:
    """What it is, with its disk at this folder."""
    return Machine(
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        python=platform.python_version(),
        disk=_file_system(folder),
        sync_ms=_sync_ms(folder),
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    if _CPUS.exists():
        for line in _CPUS.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of the file system that the folder is on."""
    if not _MOUNTS.exists():
        return "unknown"
    kinds = {}
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _device, place, kind, *_ = line.split()
        kinds[place] = kind
    where = folder.resolve()
    return next((kinds[str(path)] for path in (where, *where.parents) if str(path) in kinds), "unknown")


def _sync_ms(folder: Path) -> float:
    """What one small durable write takes there."""
    path, taken = folder / "sync-probe", []
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    try:
        for _ in range(_TURNS):
            began = time.perf_counter()
            os.write(fd, b"x" * 256)
            sync(fd)
            taken.append(time.perf_counter() - began)
    finally:
        os.close(fd)
        path.unlink()
    return statistics.median(taken) * 1000
