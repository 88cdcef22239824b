"""Ctrl+P: finds keys' actions, commands and rooms by a few of their letters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found.

    Attributes:
        name: What is searched and shown; inert, and never markup.
        hint: Its key or its usage, shown behind it.
    """

    name: str
    hint: str
    run: Callable[[], object]


@runtime_checkable
class HasEntries(Protocol):
    """A screen whose actions can be found."""

    def palette_entries(self) -> Iterable[Entry]:
        """Everything that can be done now."""
        ...


class EntriesProvider(Provider):
    """Offers what the screen can do."""

    async def discover(self) -> Hits:
        """Everything, before a letter is typed."""
        for entry in self._entries():
            yield DiscoveryHit(_shown(entry), entry.run, text=entry.name)

    async def search(self, query: str) -> Hits:
        """What has the letters of a query, best first."""
        matcher = self.matcher(query)
        for entry in self._entries():
            if score := matcher.match(entry.name):
                yield Hit(score, _shown(entry), entry.run, text=entry.name)

    def _entries(self) -> Iterable[Entry]:
        return self.screen.palette_entries() if isinstance(self.screen, HasEntries) else ()


def _shown(entry: Entry) -> Text:
    """As `Text`: the palette would read a string as markup."""
    return Text.assemble(entry.name, "  ", (entry.hint, "dim"))
