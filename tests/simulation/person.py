"""One person of a simulated world, and the program that runs for them now and then."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chatroom.client.address import Address
from chatroom.client.errors import ClientError, PastReplacedError, RequestFailed
from chatroom.client.events import MessageChanged, NickRefused, Offline, Online, PastReplaced, SessionEvent
from chatroom.client.login import goodbye
from chatroom.client.session import Session, connect
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol import ERRORS, ErrorCode
from chatroom.protocol.frames import Goodbye
from chatroom.protocol.ids import MessageId, RoomId
from tests.simulation.checker import Entered, Parted, Said, Seen, Shown, Typed, Warned
from tests.simulation.loop import Process
from tests.simulation.memory import SimProfile
from tests.simulation.server import ADDRESS

if TYPE_CHECKING:
    from tests.simulation.world import World

ROOMS: Final = (RoomId("general"), RoomId("lab"))
_GOODBYES: Final = {
    str(goodbye(Goodbye(code, ERRORS[code].sentence), Texts()))
    for code in (ErrorCode.RESTARTING, ErrorCode.STOPPED)
}


@dataclass(eq=False)
class SimClient:
    """One person, and the program that runs for them now and then.

    Attributes:
        views: What the program that runs now reads of each room, and up to which line.
    """

    world: "World"
    name: str
    profile: SimProfile
    process: Process | None = None
    session: Session | None = None
    starts: int = 0
    said: int = 0
    views: dict[RoomId, tuple[str, int]] = field(default_factory=dict)
    _run: str = ""
    _past: str = ""

    @property
    def is_up(self) -> bool:
        """Whether the program runs."""
        return self.process is not None and self.process.is_alive

    @property
    def user(self) -> str:
        """The id by which histories know the person."""
        return self.profile.user_id

    def start(self) -> None:
        """Begin a process."""
        self.starts += 1
        self.views = {}
        self._run = self._past = ""
        process = self.process = Process(f"{self.name} {self.starts}")
        process.run(lambda: self.world.tasks.start(self._live(process), name=self.name))

    def kill(self, *, power: bool) -> None:
        """kill -9 or, with `power`, the machine goes dark."""
        if self.process is None or not self.process.is_alive:
            return
        self.world.loop.kill(self.process, silently=power)
        self.session = None
        if power:
            self.profile.lose_power()

    async def _live(self, process: Process) -> None:
        world = self.world
        timing = Timing(world.loop.time, asyncio.sleep, world.rng.random)
        trust, address = Trust.PIN_IF_LOCAL, Address(*ADDRESS)
        async with connect(
            address, self.profile, trust=trust, texts=Texts(), nick=self.name, tls=False, timing=timing
        ) as session:
            world.faults.client(session)
            self.session = session
            for room in ROOMS:
                world.tasks.start(self._read(session, room), name=f"{self.name} reads {room}")
            async for event in session:
                self._note(process, event)

    def _note(self, process: Process, event: SessionEvent) -> None:
        world = self.world
        match event:
            case MessageChanged(message):
                state = message.state.value
                world.record.add(Shown(self.user, message.body, state, event.id or 0, self._past))
            case Online(welcome):
                self._past, self._run = world.server.past_of(welcome.epoch), world.run_behind(process)
                world.record.add(Entered(process.name, self.user, self._run, self._past))
            case Offline():
                self._note_goodbye(event)
            case PastReplaced():
                world.record.add(Warned(process.name))
            case NickRefused():
                world.problems.append(f"{self.name} was told NickRefused")
            case _:
                pass

    def _note_goodbye(self, event: Offline) -> None:
        run, self._run = self._run, ""
        if not run or event.reason not in _GOODBYES:
            return
        if not self.world.is_tight:  # there a link takes few bytes to its end
            self.world.record.add(Parted(self.user, run))
        if event.retry_in_s < self.world.server.back_in_s[run]:
            self.world.problems.append(f"{self.name} comes back before {run} wants it to")

    # --- reading -----------------------------------------------------------------------------------
    async def _read(self, session: Session, room: RoomId) -> None:
        """Be a member, and follow the room from its begin; once more when its past was replaced."""
        part = 0
        while True:
            await self._join(session, room)
            part += 1
            with suppress(PastReplacedError, RequestFailed):
                await self._follow(session, room, f"{self.name}/{self.starts}/{room}/{part}")
            self.views.pop(room, None)

    async def _join(self, session: Session, room: RoomId) -> None:
        creates = False
        while True:
            try:
                await session.ready()
                await session.join(room, create=creates)
                return
            except RequestFailed:
                creates = not creates and room != ROOMS[0]
            except ClientError:
                pass
            await asyncio.sleep(0.2)

    async def _follow(self, session: Session, room: RoomId, view: str) -> None:
        self.views[room] = (view, 0)
        async for line, _body in session.follow(room, after=MessageId(0)):
            self.views[room] = (view, line.id)
            self.world.record.add(Seen(view, room, 0, line.id, line.user, line.body, self._past))

    # --- saying ------------------------------------------------------------------------------------
    def say(self, room: RoomId) -> None:
        """Type something, if the program runs."""
        session = self.session
        if session is None or not self.is_up or self.process is None:
            return
        self.said += 1
        body = f"{self.name}-{self.said}" + "x" * self.world.rng.choice([0, 0, 0, 40, 200])
        self.world.record.add(Typed(self.user, room, body))
        self.process.run(lambda: self.world.tasks.start(self._say(session, room, body), name="say"))

    async def _say(self, session: Session, room: RoomId, body: str) -> None:
        with suppress(ClientError):
            await session.say(room, body)
            self.world.record.add(Said(self.user, room, body))

    def hurry(self) -> None:
        """Try to come back at once, also from a machine that has lost its power and is there again."""
        if self.session is None or not self.is_up or self.process is None:
            return
        for sock in self.process.sockets:
            if sock.peer.is_dark:
                sock.reset()
        self.process.run(self.session.reconnect_now)

    def is_settled(self, lasts: dict[str, int]) -> bool:
        """Online in the log that there is, nothing waits, and every view has all."""
        session = self.session
        if session is None or len(self.views) < len(ROOMS) or self._past != self.world.server.past:
            return False
        pending = [message for message in session.unsent() if message.state.value == "pending"]
        return not pending and all(last >= lasts.get(room, 0) for room, (_view, last) in self.views.items())
