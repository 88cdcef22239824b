"""Bounds the sockets that the hub does not know yet, so that peers who say nothing use up no descriptors."""

import resource
from collections import Counter
from contextlib import suppress
from typing import Final

SPARE_FILES: Final = 256
"""Open files beside the sockets of links: the journal, rooms, logs, the control socket."""
SOCKETS_BEYOND_LINKS: Final = 2048
"""Sockets beyond the links that the hub admits: they have not said anything yet, or are ending."""
NEWCOMERS_MAX: Final = 2048
"""Sockets at once that have said nothing yet, or shake hands of TLS."""
NEWCOMERS_PER_ADDRESS_MAX: Final = 64
"""As many of them from one address that is not this machine."""


def sockets_max(max_links: int) -> int:
    """How many sockets to have at most, so that enough files can be opened beside them."""
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max_links + SOCKETS_BEYOND_LINKS
    if files == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(files - SPARE_FILES, files // 2))


def allow_files(max_links: int) -> None:
    """Let this process open as many files as so many links need, as far as the system allows."""
    wanted = max_links + SOCKETS_BEYOND_LINKS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


class Newcomers:
    """Counts them, by address."""

    def __init__(self) -> None:
        self._by_host: Counter[str] = Counter()
        self._count = 0

    def admit(self, host: str, *, local: bool) -> bool:
        """Count one more; False when there are too many already, and it is not counted."""
        if self._count >= NEWCOMERS_MAX:
            return False
        if not local and self._by_host[host] >= NEWCOMERS_PER_ADDRESS_MAX:
            return False
        self._by_host[host] += 1
        self._count += 1
        return True

    def leave(self, host: str) -> None:
        """One has arrived at the hub, or is gone."""
        self._count -= 1
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
