"""A server and its clients in one process, in simulated time: what one seed makes of an evening of chat.

The product's own code runs: the hub, the embedded log, the runner with its links, the client library. It gets
a clock, chance, a disk and a network from here, and does not know.
"""

import asyncio
import errno
import logging
import random
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.client.address import Address
from chatroom.client.errors import ClientError, RequestFailed
from chatroom.client.events import MessageChanged, NickRefused, PastReplaced
from chatroom.client.session import Session, connect
from chatroom.client.timing import Timing
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol.codec import decode_line
from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.accounts import Accounts
from chatroom_server.core.hub import DEVICES_FILE, USERS_FILE, Hub
from chatroom_server.core.inputs import Input, Started
from chatroom_server.core.settings import HubSettings, ServerIdentity
from chatroom_server.history.embedded import EmbeddedLog, open_log
from chatroom_server.history.errors import HistoryError
from chatroom_server.history.settings import LogSettings
from chatroom_server.shell import fanout
from chatroom_server.shell.identity import Identity
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.runner import Runner
from chatroom_server.shell.tasks import Tasks
from tests.server.history.simfiles import SimFiles
from tests.simulation.checker import CaughtUp, Kept, Record, Said, Seen, Shown
from tests.simulation.loop import Process, SimJobs, SimLoop
from tests.simulation.memory import SimProfile
from tests.simulation.network import SimSocket

ADDRESS: Final = ("127.0.0.1", 9999)
DATA: Final = Path("/data")
ROOMS: Final = (RoomId("general"), RoomId("lab"))
SETTLE_S: Final = 300.0
_SMALL: Final = LogSettings(journal_segment=3000, room_segment=1500, flush_due=4000, unsynced_max=2000)
_TIGHT: Final = {"WRITE_MAX": 500, "TAIL_BYTES_MAX": 1000, "FAREWELL_MAX": 500}
"""Sizes of fan-out in half of all worlds: so small that slow links fall behind, and off the tail."""
_WALL_NS: Final = 1_763_705_123_000_000_000


class _Silence:
    """Stands for the operator's log."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_args: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Plan:
    """How wild a world is.

    Attributes:
        clients: How many people.
        steps: How many things happen before all is mended.
        pause_s: Between two of them, on average.
    """

    clients: int = 3
    steps: int = 60
    pause_s: float = 0.3


@dataclass(slots=True)
class Faults:
    """What of the product is replaced, by tests that want to see it found out."""

    files: Callable[[SimFiles], Any] = lambda files: files
    profile: Callable[[SimProfile], None] = lambda profile: None
    server: Callable[["SimServer"], None] = lambda server: None
    client: Callable[[Session], None] = lambda session: None


class SimServer:
    """The server's processes, one after the other, on one disk."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.disk = SimFiles()
        self.process: Process | None = None
        self.log: EmbeddedLog | None = None
        self.runner: Runner
        self.hub: Hub
        self.starts = 0
        private = Ed25519PrivateKey.from_private_bytes(world.rng.randbytes(32))
        self.public_key = private.public_key().public_bytes_raw()
        self._sign = private.sign
        self._tasks: Tasks

    @property
    def is_up(self) -> bool:
        """Whether there is a process, be it only about to serve."""
        return self.process is not None and self.process.is_alive

    def start(self) -> None:
        """Begin a process, unless there is one."""
        if self.is_up:
            return
        self.starts += 1
        process = self.process = Process(f"server {self.starts}")
        self._tasks = Tasks(self.world.crashed)
        process.run(lambda: self._tasks.start(self._serve(process), name="serve"))

    async def _serve(self, process: Process) -> None:
        world = self.world
        try:
            log, recovery = await open_log(
                DATA,
                on_outcome=lambda outcome: self.runner.take_outcome(cast("Input", outcome)),
                files=world.faults.files(self.disk),
                settings=_SMALL,
                start_jobs=SimJobs,
            )
        except HistoryError:
            world.loop.kill(process)
            return
        contents = recovery.projections
        identity = ServerIdentity(self.public_key, self._sign, b"guests")
        self.log = log
        self.hub = Hub(
            identity,
            HubSettings(burst=0, rate=0),
            log.epoch,
            Accounts.from_json(contents.get(USERS_FILE, b"")),
            contents.get(DEVICES_FILE, b""),
        )
        self.hub.restore(recovery.lines, log.rooms())
        self.runner = Runner(
            world.loop,
            self.hub,
            log,
            Identity(self.public_key, self._sign, cast("Any", None), b"guests", ""),
            cast("OperatorLog", _Silence()),
            self._tasks,
            is_local=lambda _host: True,
            is_behind=lambda: log.flush_due,
            max_links=1000,
            wall_ns=lambda: _WALL_NS + int(world.loop.time() * 1e9),
            entropy=world.rng.randbytes,
        )
        world.faults.server(self)
        self.runner.feed(Started())
        await log.settle()
        world.loop.network.listen(ADDRESS, cast("Any", self.runner.accept), process)
        while True:
            await asyncio.sleep(world.rng.uniform(0.2, 2.0))
            projections = self.hub.take_projections()
            await log.flush(projections.replaced, projections.appended)

    def kill(self, *, power: bool) -> None:
        """kill -9 or, with `power`, the machine goes dark: what was not synced may be gone."""
        if self.process is None or not self.process.is_alive:
            return
        world = self.world
        world.loop.kill(self.process, silently=power)
        world.loop.network.close(ADDRESS)
        self.log = None
        self.disk = self.disk.power_cut(world.rng) if power else self.disk.killed()

    async def history(self) -> list[Kept]:
        """All lines of all rooms, read from the log."""
        assert self.log is not None
        kept = []
        for room, last in sorted(self.log.rooms().items()):
            after = 0
            while after < last:
                page = await self.log.page(
                    room, after=MessageId(after), before=None, limit=100, max_bytes=1 << 20
                )
                for data in page.lines:
                    line = decode_line(data)
                    kept.append(Kept(room, line.id, line.user, line.body))
                after = page.last or last
        return kept


@dataclass(eq=False)
class SimClient:
    """One person, and the program that runs for them now and then."""

    world: "World"
    name: str
    profile: SimProfile
    process: Process | None = None
    session: Session | None = None
    starts: int = 0
    said: int = 0
    views: dict[str, tuple[RoomId, int]] = field(default_factory=dict)

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
        process = self.process = Process(f"{self.name} {self.starts}")
        process.run(lambda: self.world.tasks.start(self._live(), name=self.name))

    def kill(self, *, power: bool) -> None:
        """kill -9 or, with `power`, the machine goes dark."""
        if self.process is None or not self.process.is_alive:
            return
        self.world.loop.kill(self.process, silently=power)
        self.session = None
        if power:
            self.profile.lose_power()

    async def _live(self) -> None:
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
                if isinstance(event, MessageChanged):
                    message = event.message
                    fact = Shown(self.user, message.body, message.state.value, event.id or 0)
                    world.record.add(fact)
                elif isinstance(event, PastReplaced | NickRefused):
                    world.problems.append(f"{self.name} was told {type(event).__name__}")

    async def _read(self, session: Session, room: RoomId) -> None:
        """Be a member, and follow the room from its begin."""
        view = f"{self.name}/{self.starts}/{room}"
        creates = False
        while True:
            try:
                await session.ready()
                await session.join(room, create=creates)
                break
            except RequestFailed:
                creates = not creates and room != ROOMS[0]
            except ClientError:
                pass
            await asyncio.sleep(0.2)
        self.views[view] = (room, 0)
        async for line, _body in session.follow(room, after=MessageId(0)):
            self.views[view] = (room, line.id)
            self.world.record.add(Seen(view, room, 0, line.id, line.user, line.body))

    def say(self, room: RoomId) -> None:
        """Type something, if the program runs."""
        session = self.session
        if session is None or not self.is_up or self.process is None:
            return
        self.said += 1
        body = f"{self.name}-{self.said}" + "x" * self.world.rng.choice([0, 0, 0, 40, 200])
        self.process.run(lambda: self.world.tasks.start(self._say(session, room, body), name="say"))

    async def _say(self, session: Session, room: RoomId, body: str) -> None:
        with suppress(ClientError):
            await session.say(room, body)
            self.world.record.add(Said(self.user, room, body))

    def is_settled(self, lasts: dict[RoomId, int]) -> bool:
        """Nothing waits, and every view has all."""
        session = self.session
        if session is None or len(self.views) < len(ROOMS):
            return False
        pending = [message for message in session.unsent() if message.state.value == "pending"]
        return not pending and all(last >= lasts.get(room, 0) for room, last in self.views.values())


class World:
    """Everything that one seed makes."""

    def __init__(self, seed: int, plan: Plan | None = None, faults: Faults | None = None) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.plan = plan or Plan()
        self.faults = faults or Faults()
        self.loop = SimLoop(self.rng)
        self.is_tight = self.rng.random() < 0.5
        self.loop.network.window = 1500 if self.is_tight else 32 * 1024
        self.record = Record()
        self.problems: list[str] = []
        self.tasks = Tasks(self.crashed)
        self.server = SimServer(self)
        self.clients = [self._client(f"p{number}") for number in range(self.plan.clients)]

    def _client(self, name: str) -> SimClient:
        profile = SimProfile(name, self.rng.randbytes(32))
        self.faults.profile(profile)
        return SimClient(self, name, profile)

    def crashed(self, name: str, error: BaseException) -> None:
        """A task ended with an error that nobody expected."""
        if not isinstance(error, ClientError):
            self.problems.append(f"{name} crashed: {error!r}")

    async def play(self) -> None:
        """Let things happen, mend everything, wait until all is settled, and read the history."""
        self.server.start()
        for client in self.clients:
            client.start()
        for _step in range(self.plan.steps):
            await asyncio.sleep(self.rng.expovariate(1 / self.plan.pause_s))
            self._something()
        await self._mend()
        if await self._settled():
            self._note_views()
        else:
            self.problems.append(f"nothing had settled {SETTLE_S:.0f} s after all was mended")
        await self._read_the_end()

    # --- what happens --------------------------------------------------------------------------------
    def _something(self) -> None:
        rng, client = self.rng, self.rng.choice(self.clients)
        match rng.choices(
            ["say", "kill client", "kill server", "start", "cut", "stall", "disk", "unheard", "down"],
            [60, 4, 5, 20, 7, 4, 6, 3, 1],
        )[0]:
            case "say":
                for _ in range(rng.choice([1, 1, 1, 2, 5])):
                    client.say(rng.choice(ROOMS))
            case "kill client":
                client.kill(power=rng.random() < 0.5)
            case "kill server":
                self._kill_server()
            case "start":
                self._start_what_is_down(rng.random())
            case "cut":
                self._with_pair(self.loop.network.cut)
            case "stall":
                self._with_pair(lambda pair: self.loop.network.stall(pair, rng.uniform(0.5, 40.0)))
            case "disk":
                self._trouble_disk()
            case "unheard":
                self._refuse_unheard(client)
            case "down":
                self.loop.network.is_down = not self.loop.network.is_down

    def _kill_server(self) -> None:
        """At once, or at one of the next calls to the disk, in the middle of what is written."""
        rng, server = self.rng, self.server
        if rng.random() < 0.4 or not server.is_up:
            server.kill(power=rng.random() < 0.6)
            return
        if rng.random() < 0.5:
            self._kill_in_a_round()
            return
        disk = server.disk
        disk.dies_at = len(disk.calls) + rng.randint(1, 12)
        power = rng.random() < 0.5
        self.loop.in_world(rng.uniform(0.05, 0.5), lambda: server.kill(power=power))

    def _kill_in_a_round(self) -> None:
        """Between a write and its fsync; somebody starts it again at once, and then the power goes."""
        disk, rng, server = self.server.disk, self.rng, self.server

        def die(call: str, name: str) -> int | None:
            if call != "sync" or not name.endswith(".journal"):
                return None
            disk.dies_at = len(disk.calls)
            self.loop.in_world(0.001, lambda: server.kill(power=False))
            self.loop.in_world(0.002, server.start)
            self.loop.in_world(rng.uniform(0.3, 1.5), lambda: server.kill(power=True))
            return errno.EIO

        disk.fail = die

    def _start_what_is_down(self, chance: float) -> None:
        if not self.server.is_up and chance < 0.8:
            self.server.start()
        for client in self.clients:
            if not client.is_up and self.rng.random() < 0.6:
                client.start()

    def _with_pair(self, act: Callable[[tuple[SimSocket, SimSocket]], None]) -> None:
        pairs = self.loop.network.alive()
        if pairs:
            act(self.rng.choice(pairs))

    def _refuse_unheard(self, client: SimClient) -> None:
        """The disk refuses a message and takes the next; the link is cut before anybody hears of it."""
        disk, room = self.server.disk, self.rng.choice(ROOMS)
        pairs = [pair for pair in self.loop.network.alive() if pair[0].process is client.process]
        for pair in pairs:
            pair[1].stalled_until = self.loop.time() + 5.0
            self.loop.in_world(0.5, self.loop.network.cut, pair)

        def mend() -> None:
            disk.fail = lambda _call, _name: None
            client.say(room)

        disk.fail = lambda call, _name: errno.EIO if call in ("write", "open") else None
        client.say(room)
        self.loop.in_world(0.2, mend)

    def _trouble_disk(self) -> None:
        """For a while calls fail: all of a kind, or some of all."""
        disk, rng = self.server.disk, self.rng
        kind = rng.choice(["sync", "write", "full", "any"])
        if kind == "full":
            free, disk.free = disk.free, rng.choice([0, 50, 300])
            self.loop.in_world(rng.uniform(0.2, 3.0), lambda: setattr(disk, "free", free))
            return
        share = rng.choice([0.2, 1.0]) if kind != "any" else 0.1

        def fail(call: str, _name: str) -> int | None:
            return 5 if (kind == "any" or call == kind) and rng.random() < share else None

        def mend() -> None:
            disk.fail = lambda _call, _name: None

        disk.fail = fail
        self.loop.in_world(rng.uniform(0.2, 2.0), mend)

    # --- the end -------------------------------------------------------------------------------------
    async def _mend(self) -> None:
        await asyncio.sleep(4.0)  # what was planned for the disk is over
        self.loop.network.is_down = False
        if self.server.disk.dies_at < 1 << 40:
            self.server.kill(power=True)
        self.server.disk.free = 1 << 40
        self.server.disk.fail = lambda _call, _name: None
        if not self.server.is_up:
            self.server.start()
        for client in self.clients:
            if not client.is_up:
                client.start()

    async def _settled(self) -> bool:
        deadline = self.loop.time() + SETTLE_S
        quiet = 0
        while self.loop.time() < deadline and quiet < 3:
            await asyncio.sleep(1.0)
            if not self.server.is_up:
                self.server.start()
            quiet = quiet + 1 if self._is_quiet() else 0
        return quiet >= 3

    def _is_quiet(self) -> bool:
        log = self.server.log
        if log is None:
            return False
        lasts = {room: int(last) for room, last in log.rooms().items()}
        return all(client.is_settled(lasts) for client in self.clients)

    def _note_views(self) -> None:
        for client in self.clients:
            for view, (room, _last) in client.views.items():
                self.record.add(CaughtUp(view, room))

    async def _read_the_end(self) -> None:
        """From the disk, after one more power cut: what is there then is what was kept."""
        for client in self.clients:
            client.kill(power=False)
        self.server.kill(power=True)
        self.server.start()
        await asyncio.sleep(5.0)
        self.record.history = await self.server.history()


def run(seed: int, plan: Plan | None = None, faults: Faults | None = None) -> World:
    """Play one seed to its end."""
    logging.disable()
    world = World(seed, plan, faults)
    sizes: Any = _TIGHT
    with patch.multiple(fanout, **sizes) if world.is_tight else nullcontext():
        try:
            world.loop.run(world.play())
        finally:
            world.loop.end()
            logging.disable(logging.NOTSET)
    return world
