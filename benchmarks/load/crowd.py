"""All links of one process and their selector: they come in, stay, talk, and come back after a restart."""

import random
import selectors
import time
from collections.abc import Callable
from typing import Final

from benchmarks.load.links import Link, stamps
from benchmarks.load.machine import allow_files
from benchmarks.load.wire import DIALECTS, Greeting, RefusedError, Said

PATIENCE_S: Final = 120.0
PING_AFTER_S: Final = 7.0
_LOOK_S: Final = 1.0
"""How often silent links are looked for."""
_BACK_MIN_S: Final = 2.0

Heard = Callable[[Link, int, list[bytes]], None]
"""Told of messages: where, how many, and their stamps if the link is timed."""


class Crowd:
    """Guests in rooms, all of one process.

    Args:
        dialect: What the server speaks.
        at_once: How many come in at the same time.

    Attributes:
        links: In the order they came; those of one room stand together.
        rooms: Which links are in each.
        on_heard: Who is told of messages.
        on_line: Who is told of each line, of links that check.
        timed: Links whose stamps are wanted.
        returns: When each came back, since the first was cut.
    """

    def __init__(
        self, address: tuple[str, int], dialect: str, *, tls: bool = False, at_once: int = 64
    ) -> None:
        self.links: list[Link] = []
        self.rooms: list[list[Link]] = []
        self.on_heard: Heard | None = None
        self.on_line: Callable[[Link, Said], None] | None = None
        self.timed: set[Link] = set()
        self.returns: list[float] = []
        self.dialect = DIALECTS[dialect]
        self.selector = selectors.DefaultSelector()
        self._address, self._tls, self._at_once = address, tls, at_once
        self._coming: set[Link] = set()
        self._waiting: list[tuple[float, Link]] = []
        self._cut_at = self._looked_at = 0.0
        self._comes_back = False

    # --- coming in -------------------------------------------------------------------------------
    def enter(self, rooms: int, members: int, *, checks: bool = False, comes_back: bool = False) -> None:
        """Fill so many rooms, the first of which is `general`, with so many guests each.

        Raises:
            RefusedError: The server does not let them in.
            OSError: There is no server, or this machine does not allow so many links.
        """
        wanted = rooms * members
        if allow_files(wanted) < wanted:
            raise OSError(f"this machine does not allow {wanted} open files to one process (ulimit -n)")
        self._comes_back = comes_back
        new = []
        for _ in range(rooms):
            place = len(self.rooms)
            self.rooms.append([])
            for _ in range(members):
                number = len(self.links)
                link = Link(number, place, f"guest{number}", self.dialect)
                link.checks = checks
                self.links.append(link)
                self.rooms[place].append(link)
                new.append(link)
        self._bring_in(new[::-1])

    def _bring_in(self, links: list[Link]) -> None:
        until = time.monotonic() + PATIENCE_S
        while links or self._coming:
            while links and len(self._coming) < self._at_once:
                self._call(links.pop())
            self.turn(0.1)
            if time.monotonic() > until:
                raise RefusedError(
                    f"{len(links) + len(self._coming)} links did not come in in {PATIENCE_S:.0f} s"
                )

    def _call(self, link: Link, greeting: Greeting | None = None) -> None:
        link.call(self._address, tls=self._tls)
        link.begin(greeting or self.dialect.greet(link.nick, room_name(link.room)))
        self._coming.add(link)
        self.selector.register(link.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, link)

    def knock(self, links: list[Link]) -> None:
        """Be greeted on these links, and hang up.

        Raises:
            RefusedError: The server does not greet.
        """
        for link in links:
            self._call(link, self.dialect.knock())
        until = time.monotonic() + PATIENCE_S
        while self._coming and time.monotonic() < until:
            self.turn(0.1)
        if self._coming:
            raise RefusedError(f"{len(self._coming)} links were not greeted")
        for link in links:
            self.selector.unregister(link.socket)
            link.socket.close()

    # --- the loop --------------------------------------------------------------------------------
    def turn(self, timeout_s: float) -> bool:
        """Do what sockets are ready for, once; whether something else that waits is ready."""
        asked = False
        for key, events in self.selector.select(timeout_s):
            link: Link | None = key.data
            if link is None:
                asked = True
                continue
            if events & selectors.EVENT_WRITE:
                self._write(link)
            if events & selectors.EVENT_READ and not link.is_cut:
                self._read(link)
            if link.is_cut:
                self._forget(link)
        now = time.monotonic()
        if now - self._looked_at > _LOOK_S:
            self._looked_at = now
            self._ping(now)
        self._recall(now)
        return asked

    def send(self, link: Link, data: bytes) -> None:
        """Send, at once if the socket takes it."""
        link.output += data
        self._write(link)

    def _write(self, link: Link) -> None:
        waits = link.flush(time.monotonic())
        if not link.is_cut:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if waits else 0)
            if self.selector.get_key(link.socket).events != wanted:
                self.selector.modify(link.socket, wanted, link)

    def _read(self, link: Link) -> None:
        for size in link.read():
            if link.greeting is not None:
                if link.come_in(size):
                    self._is_in(link)
                elif link.output:
                    self._write(link)
                continue
            if self._told(link, size):
                continue
            count = link.count(size)
            if self.on_heard is not None and count:
                self.on_heard(link, count, stamps(size) if link in self.timed else [])

    def _told(self, link: Link, size: int) -> bool:
        """Look at the lines themselves; whether somebody wants that."""
        if not link.checks:
            return False
        count, found = link.count(size), stamps(size)
        for line in link.lines(size):
            if self.on_line is not None:
                self.on_line(link, line)
        if self.on_heard is not None and count:
            self.on_heard(link, count, found if link in self.timed else [])
        return True

    def _is_in(self, link: Link) -> None:
        self._coming.discard(link)
        if self._cut_at:
            self.returns.append(time.monotonic() - self._cut_at)

    def _ping(self, now: float) -> None:
        if not self.dialect.ping:
            return
        for link in self.links:
            if link.greeting is None and not link.is_cut and now - link.sent_at > PING_AFTER_S:
                self.send(link, self.dialect.ping)

    # --- cuts ------------------------------------------------------------------------------------
    def _forget(self, link: Link) -> None:
        """A link ended: it comes back as clients do, or that is a mistake."""
        self.selector.unregister(link.socket)
        link.socket.close()
        self._coming.discard(link)
        if not self._comes_back:
            host, port = self._address
            what = "ended a link" if link.greeting is None else "is not there, or lets nobody in"
            raise RefusedError(f"the server at {host}:{port} {what}")
        now = time.monotonic()
        self._cut_at = self._cut_at or now
        pause = link.back_in_s + random.random() * max(link.back_in_s, _BACK_MIN_S)
        self._waiting.append((now + pause, link))

    def _recall(self, now: float) -> None:
        if self._waiting:
            due = [link for at, link in self._waiting if at <= now]
            self._waiting = [(at, link) for at, link in self._waiting if at > now]
            for link in due:
                self._call(link)

    def wait_for_return(self) -> None:
        """Wait until all have been cut and have come back.

        Raises:
            RefusedError: They do not.
        """
        until = time.monotonic() + PATIENCE_S
        while len(self.returns) < len(self.links):
            self.turn(0.1)
            if time.monotonic() > until:
                raise RefusedError(f"{len(self.links) - len(self.returns)} links did not come back")

    def close(self) -> None:
        """Hang up everywhere."""
        for link in self.links:
            if not link.is_cut:
                link.socket.close()
        self.selector.close()


def room_name(place: int) -> str:
    """Which room it is: guests cannot make rooms, so these have to be there."""
    return "general" if place == 0 else f"room{place}"
