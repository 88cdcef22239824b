"""Bounds the sockets that the hub does not know yet, so that peers who say nothing use up no descriptors."""

import resource
from collections import Counter
from contextlib import suppress
from typing import Final

from chatroom_server.core.inputs import LinkId

SPARE_FILES: Final = 256
"""Open files beside the sockets of links: the journal, rooms, logs, the control socket."""
NEWCOMERS_MAX: Final = 2048
"""Sockets at once that have said nothing yet, or shake hands of TLS."""
NEWCOMERS_PER_ADDRESS_MAX: Final = 64
"""As many of them from one address that is not this machine."""
TEXT_NEWCOMERS_MAX: Final = 512
"""The same at the plain-text port, where silence is not over so soon."""
STAYS_S: Final = 2.0
"""So long a newcomer keeps its place although others want it: to shake hands takes less."""
SOCKETS_BEYOND_LINKS: Final = NEWCOMERS_MAX + TEXT_NEWCOMERS_MAX
"""Sockets beyond the links that the hub admits: they have not said anything yet, or are ending."""


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
    """Those of one port: who they are in the order they came, and how many come from an address.

    Args:
        most: So many at once.
        per_address: So many of them from one address that is not this machine.
        stays_s: Who has waited longest, and so long, is let go when a place is wanted and there is none.
    """

    def __init__(
        self,
        most: int = NEWCOMERS_MAX,
        per_address: int = NEWCOMERS_PER_ADDRESS_MAX,
        *,
        stays_s: float = STAYS_S,
    ) -> None:
        self._most, self._per_address, self._stays_s = most, per_address, stays_s
        self._hosts: dict[LinkId, str] = {}
        self._since: dict[LinkId, float] = {}
        self._by_host: Counter[str] = Counter()

    def has_place(self, host: str, *, local: bool) -> bool:
        """One more may come from this address."""
        return len(self._hosts) < self._most and (local or self._by_host[host] < self._per_address)

    def to_replace(self, host: str, now: float) -> LinkId | None:
        """Who has to go so that one of this address has a place: the first that came, unless just now."""
        is_full = len(self._hosts) >= self._most
        first = next((link for link, other in self._hosts.items() if is_full or other == host), None)
        return first if first is not None and now - self._since[first] >= self._stays_s else None

    def enter(self, link: LinkId, host: str, now: float) -> None:
        """Count one more."""
        self._hosts[link], self._since[link] = host, now
        self._by_host[host] += 1

    def leave(self, link: LinkId) -> None:
        """One has arrived at the hub, or is gone."""
        host = self._hosts.pop(link, None)
        if host is None:
            return
        del self._since[link]
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
