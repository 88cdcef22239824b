"""Runs the hub: brings it what happens on links, in the log and in time, and performs what it decides."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatroom.protocol import LocalProtocolError, codec
from chatroom.protocol.frames import AnyFrame, Send
from chatroom_server.core.effects import (
    Append,
    Broadcast,
    BroadcastLines,
    Close,
    Deliver,
    DeliverLine,
    Effect,
    FetchPage,
    Hold,
    Report,
    Subscribe,
    Unsubscribe,
    WakeAt,
)
from chatroom_server.core.hub import Hub
from chatroom_server.core.inputs import Arrived, Input, Left, LinkId, PageSent, Received, Woke
from chatroom_server.core.ports import Log
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.frame_link import FrameLink
from chatroom_server.shell.identity import Identity
from chatroom_server.shell.link import READ_SIZE, Link
from chatroom_server.shell.logs import OperatorLog, Said
from chatroom_server.shell.newcomers import Newcomers, sockets_max
from chatroom_server.shell.pace import Appender
from chatroom_server.shell.pages import PageSender
from chatroom_server.shell.tasks import Tasks

_log = logging.getLogger(__name__)

SWEEP_S: Final = 2.0
_LATE_S: Final = 5.0
"""A sweep that comes so late: the process did not run, and no peer is to blame for silence."""
BEHIND_HOLD_S: Final = 0.5
"""So long nothing is read from who sends while the disk is behind, lest messages have to be refused."""
_SEED_SIZE: Final = 64

LinkEffect = DeliverLine | Subscribe | Unsubscribe | FetchPage | Hold | Close
MakeLink = Callable[[LinkId, socket.socket, tuple[str, int], bool], Link]
"""Makes a link of a socket and its peer, which does or does not count as this machine."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """A port, as far as its clients differ from those of others."""

    make: MakeLink
    newcomers: Newcomers


class Runner:
    """Everything between the sockets, the log, the clock and the hub. One event loop uses it.

    Attributes:
        links: Every connection, also those that have said nothing yet.
        all_gone: There is none.

    Args:
        is_local: Whether a peer's address counts as this machine.
        is_behind: Whether so much waits for the disk that senders have to be slower.
        max_links: As many links as the hub admits.
        wall_ns: Nanoseconds since 1970, UTC.
        entropy: Gives so many random bytes.
        pause: Does nothing for so many seconds.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        hub: Hub,
        log: Log,
        identity: Identity,
        logs: OperatorLog,
        tasks: Tasks,
        *,
        is_local: Callable[[str], bool],
        is_behind: Callable[[], bool],
        max_links: int,
        wall_ns: Callable[[], int] = time.time_ns,
        entropy: Callable[[int], bytes] = os.urandom,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.loop = loop
        self.tls = identity.tls
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.fanout = Fanout(loop.call_soon)
        self.links: dict[LinkId, Link] = {}
        self.all_gone = asyncio.Event()
        self.all_gone.set()
        self._hub, self._log, self._logs = hub, log, logs
        self._appender = Appender(loop, log, pause)
        self._pages = PageSender(loop, log, tasks, self._page_sent)
        self._is_local, self._is_behind = is_local, is_behind
        self._wall_ns, self._entropy = wall_ns, entropy
        self._sockets_max = sockets_max(max_links)
        self._entrance = Entrance(self._make_link, Newcomers())
        self._waiting: dict[LinkId, Newcomers] = {}
        self._last_link = 0
        self._turned_away = 0
        self._unheard: set[LinkId] = set()
        self._all_heard = asyncio.Event()
        self._said: list[Said] = []
        self._wake: TimerHandle | None = None
        self._sweep = loop.call_later(SWEEP_S, self._tick)
        self._swept = loop.time()

    def admit(self, max_links: int) -> None:
        """Have as many sockets as so many links need; those that are here stay."""
        self._sockets_max = sockets_max(max_links)

    # --- inputs ----------------------------------------------------------------------------------
    def feed(self, input_: Input) -> None:
        """Tell the hub what happened, and do what it says."""
        for effect in self._hub.handle(input_, self.loop.time(), self._wall_ns() // 1_000_000):
            self._perform(effect)

    def take_outcome(self, outcome: Input) -> None:
        """The log's word on drafts that were given to it."""
        self.fanout.postpone_round()
        try:
            self.feed(outcome)
        finally:
            self.fanout.run_round()  # not one turn of the loop later
        said, self._said = self._said, []
        messages = deliveries = 0
        for lines, links in said:
            messages += len(lines)
            deliveries += len(lines) * links
        if messages:
            self._appender.stored(messages, deliveries)
            self._logs.said(said)

    def accept(self, sock: socket.socket, peer: tuple[str, int], entrance: Entrance | None = None) -> None:
        """Take a connection, of clients that speak frames unless an entrance is given."""
        entrance = entrance or self._entrance
        local, newcomers = self._is_local(peer[0]), entrance.newcomers
        if not self._has_place(peer[0], newcomers, local=local):
            sock.close()
            self._turned_away += 1
            return
        self._last_link += 1
        link_id = LinkId(self._last_link)
        try:
            link = entrance.make(link_id, sock, peer, local)
        except OSError:  # the peer is gone already
            sock.close()
            return
        newcomers.enter(link_id, peer[0], self.loop.time())
        self._waiting[link_id] = newcomers
        self.all_gone.clear()
        self.links[link_id] = link
        self._logs.connected(peer)

    def _has_place(self, host: str, newcomers: Newcomers, *, local: bool) -> bool:
        if not newcomers.has_place(host, local=local):
            longest = newcomers.to_replace(host, self.loop.time())
            if longest is not None:
                self.links[longest].abort("said nothing, and others wanted its place")
        return len(self.links) < self._sockets_max and newcomers.has_place(host, local=local)

    def _is_no_newcomer(self, link: Link) -> None:
        if (newcomers := self._waiting.pop(link.id, None)) is not None:
            newcomers.leave(link.id)

    def _make_link(self, link_id: LinkId, sock: socket.socket, peer: tuple[str, int], local: bool) -> Link:
        return FrameLink(link_id, sock, peer, local=local, owner=self)

    # --- what links say (LinkOwner) ---------------------------------------------------------------
    def arrived(self, link: Link) -> None:
        """A link speaks frames from here on."""
        link.is_known = True
        self._is_no_newcomer(link)
        seed = self._entropy(_SEED_SIZE)
        kind = {"local": link.local, "tls": link.tls, "foreign": link.is_foreign}
        self.feed(Arrived(link.id, link.host, link.port, seed, **kind))

    def received(self, link: Link, frames: list[AnyFrame]) -> None:
        """Legal frames came."""
        try:
            self.feed(Received(link.id, frames))
            if self._is_behind() and any(type(frame) is Send for frame in frames):
                link.hold(self.loop.time() + BEHIND_HOLD_S)
        except Exception:  # noqa: BLE001 - one frame must not end the server
            kinds = ", ".join(sorted({type(frame).__name__ for frame in frames}))
            _log.exception("link %d: one of its frames could not be handled (%s)", link.id, kinds)
            link.end("an error in the server")

    def has_output(self, link: Link) -> None:
        """Something waits for the link alone."""
        self.fanout.touch(link)

    def ending(self, link: Link) -> None:
        """The link ends when what waits for it has been written."""
        self._pages.drop(link)
        self.fanout.release(link)
        self.heard_out(link)

    def drained(self, link: Link) -> None:
        """The link's socket takes bytes again."""
        self.fanout.drained(link)
        self._pages.go_on(link)

    def heard_out(self, link: Link) -> None:
        """All that was read from the link before the end is heard."""
        self._unheard.discard(link.id)
        if not self._unheard:
            self._all_heard.set()

    def lost(self, link: Link, why: str) -> None:
        """The link is gone."""
        self.heard_out(link)
        self.fanout.drop(link)
        self._pages.drop(link)
        del self.links[link.id]
        if not self.links:
            self.all_gone.set()
        self._logs.disconnected((link.host, link.port), why)
        self._is_no_newcomer(link)
        if link.is_known:
            self.feed(Left(link.id, clean=link.is_clean))

    # --- effects -----------------------------------------------------------------------------------
    def _perform(self, effect: Effect) -> None:
        match effect:  # the frequent ones first
            case Append(drafts):
                self._appender.append(drafts)
            case BroadcastLines(room, first, lines):
                links = self.fanout.broadcast_lines(room, first, codec.frame_lines(lines))
                self._said.append((lines, links))
            case Deliver():
                self._deliver(effect)
            case WakeAt(at):
                self._wake_at(at)
            case Broadcast(room, frame):
                self.fanout.broadcast(room, codec.encode(frame))
            case Report():
                self._report(effect)
            case _:
                if (link := self.links.get(effect.link)) is not None:
                    self._perform_on(link, effect)

    def _perform_on(self, link: Link, effect: LinkEffect) -> None:
        match effect:
            case DeliverLine(_, line):
                link.send_encoded(codec.frame_line(line))
            case Subscribe(_, room):
                self.fanout.subscribe(link, room, self._log.last_id(room))
            case Unsubscribe(_, room):
                self.fanout.unsubscribe(link, room)
            case FetchPage():
                self._pages.ask(link, effect)
            case Hold(_, until):
                link.hold(until)
            case Close():
                link.end("closed")

    def _deliver(self, effect: Deliver) -> None:
        link = self.links.get(effect.link)
        if link is None:
            return
        try:
            link.send(effect.frame)
        except LocalProtocolError:
            _log.exception("link %d: a frame could not be sent", link.id)
            link.end("an error in the server")

    def _wake_at(self, at: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = self.loop.call_at(at, self._woke)

    def _report(self, effect: Report) -> None:
        link = self.links.get(effect.link) if effect.link is not None else None
        self._logs.happened(effect, (link.host, link.port) if link else None)

    # --- time ----------------------------------------------------------------------------------------
    def _woke(self) -> None:
        self._wake = None
        self.feed(Woke())

    def _tick(self) -> None:
        now = self.loop.time()
        links = list(self.links.values())
        if now - self._swept > SWEEP_S + _LATE_S:
            for link in links:
                link.excuse(now)
        self._swept = now
        for link in links:
            link.tick(now)
        if self._turned_away:
            _log.warning("connections turned away: %d; no place, too many say nothing", self._turned_away)
            self._turned_away = 0
        self._sweep = self.loop.call_later(SWEEP_S, self._tick)

    def _page_sent(self, link: Link) -> None:
        self.feed(PageSent(link.id))

    # --- the end ---------------------------------------------------------------------------------------
    async def stop_reading(self, patience_s: float) -> None:
        """Hear nothing more from anybody; what was heard goes to the log.

        Args:
            patience_s: How long it may take to hear what has come already.
        """
        for link in list(self.links.values()):
            if link.read_last():
                self._unheard.add(link.id)
        if self._unheard:
            self._all_heard.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_heard.wait(), patience_s)
            self._unheard.clear()
            for link in list(self.links.values()):
                link.stop_reading()
        self._appender.release()

    def stop_timers(self) -> None:
        """Let no more time pass for the hub."""
        self._sweep.cancel()
        if self._wake is not None:
            self._wake.cancel()

    def abort_all(self) -> None:
        """Hang up on everybody at once."""
        for link in list(self.links.values()):
            link.abort("the server stops")
