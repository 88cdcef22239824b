"""Many light clients in one loop: each stays in one room, resends what was not stored, and comes back."""

import random
from dataclasses import dataclass, field

import msgspec

from chatroom.client.timing import Timing
from chatroom.protocol.frames import Failed, Fetch, Goodbye, Join, Joined, Line, Page, Presence, Send, Welcome
from tests.conformance.peer import DEVICE, GENERAL, Peer, PeerClosedError, Person, RefusedError

_CUT = (OSError, TimeoutError, PeerClosedError, RefusedError)


@dataclass
class Member:
    """One client, over all its links; its first one is quiet: a thousand arrivals are told a million times.

    Attributes:
        lines: What it was shown of the room, in the order of arrival.
        unsent: By number, what it said and has not seen stored.
        waits: Seconds that it chose to wait where the server said when it is back.
        logins: The server's times of them, in seconds.
        presences: How often it was told who came or went.
        is_in: It is a member of the room.
        told: What the server said when it ended a link.
    """

    number: int
    port: int
    lines: list[Line] = field(default_factory=list)
    unsent: dict[int, str] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    told: list[Goodbye] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    presences: int = 0
    is_online: bool = False
    is_in: bool = False

    def __post_init__(self) -> None:
        self.person = Person(f"m{self.number}")
        self._timing = Timing(random=random.Random(self.number).random)
        self._said = self._missed_until = 0
        self._peer: Peer | None = None
        self._is_over = False

    @property
    def ids(self) -> list[int]:
        return [line.id for line in self.lines]

    def say(self, body: str) -> None:
        """Say something: now, or when there is a link."""
        self._said += 1
        self.unsent[self._said] = body
        if self._peer is not None and self.is_online:
            self._peer.send(Send(room=GENERAL, dev=DEVICE, n=self._said, body=body))

    async def live(self) -> None:
        """Be in the room until told to leave, over any number of links."""
        failures = 0
        while not self._is_over:
            told = len(self.told)
            try:
                await self._be_online()
                failures = 0
            except _CUT as error:
                failures += 1
                if isinstance(error, RefusedError):
                    self.refusals.append(error.code)
            goodbyes = self.told[told:]
            if goodbyes and goodbyes[-1].back_in_s:
                self.waits.append(self._timing.return_s(goodbyes[-1].back_in_s))
                await self._timing.sleep(self.waits[-1])
            elif not self._is_over:
                await self._timing.sleep(self._timing.backoff_s(max(1, failures)))

    async def leave(self) -> None:
        """End the link, and come back no more."""
        self._is_over = True
        if self._peer is not None:
            await self._peer.cut()

    async def _be_online(self) -> None:
        async with await Peer.connect(self.port) as peer:
            welcome = await peer.log_in(self.person, quiet=not self.logins)
            self.logins.append(welcome.at / 1000)
            self._peer, taken = peer, 0
            self._resume(peer, welcome)
            while not peer.is_closed:
                for frame in peer.seen[taken:]:
                    self._take(frame)
                taken = len(peer.seen)
                peer.inbox.clear()
                await self._read(peer)
            for frame in peer.seen[taken:]:
                self._take(frame)

    async def _read(self, peer: Peer) -> None:
        try:
            await peer.read_some()
        except TimeoutError:  # nothing was said for long
            return
        finally:
            self.is_online = not peer.is_closed

    def _resume(self, peer: Peer, welcome: Welcome) -> None:
        """Ask for what was missed, and say again what was not stored."""
        self.is_online = True
        room = next((room for room in welcome.rooms if room.id == GENERAL), None)
        if room is None:
            peer.send(Join(rid=1, room="general"))
        else:
            self._missed_until = room.last
        if room is not None and room.last > len(self.lines):
            peer.send(Fetch(rid=2, room=GENERAL, after=len(self.lines), limit=512))
        for n in sorted(self.unsent):
            if n > welcome.devices.get(DEVICE, 0):
                peer.send(Send(room=GENERAL, dev=DEVICE, n=n, body=self.unsent[n]))

    def _take(self, frame: object) -> None:
        match frame:
            case Line():
                self._take_line(frame)
            case Joined():
                self.is_in = True
            case Page(lines=lines):
                for line in [msgspec.json.decode(line, type=Line) for line in lines]:
                    if line.id <= self._missed_until:  # what is stored later comes by itself
                        self._take_line(line)
            case Presence():
                self.presences += 1
            case Goodbye():
                self.told.append(frame)
            case Failed(code=code):
                self.refusals.append(code)

    def _take_line(self, line: Line) -> None:
        self.lines.append(line)
        if line.nick == self.person.nick:
            self.unsent.pop(line.n, None)
