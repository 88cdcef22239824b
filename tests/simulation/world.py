"""A server and its clients in one process, in simulated time: what one seed makes of an evening of chat.

The product's own code runs: the server's engine (its log, hub and runner with its links) and the client
library. They get a clock, chance, a disk and a network from here, and do not know.
"""

import asyncio
import errno
import logging
import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from chatroom.client.errors import ClientError
from chatroom.client.session import Session
from chatroom_server.history.errors import HistoryError
from chatroom_server.shell import fanout, tails
from chatroom_server.shell.tasks import Tasks
from tests.server.history.simfiles import SimFiles
from tests.simulation.checker import CaughtUp, Record, check
from tests.simulation.loop import Process, SimLoop
from tests.simulation.memory import SimProfile
from tests.simulation.network import SimSocket
from tests.simulation.person import ROOMS, SimClient
from tests.simulation.server import SimServer

SETTLE_S: Final = 300.0
_LIKELY: Final = {
    "say": 60,
    "kill client": 4,
    "kill server": 8,
    "stop server": 3,
    "start": 20,
    "cut": 7,
    "stall": 4,
    "disk": 6,
    "unheard": 3,
    "down": 1,
}
_LIKELY_WITH_BACKUPS: Final = _LIKELY | {"back up": 4, "put back": 3}


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


class World:
    """Everything that one seed makes."""

    def __init__(self, seed: int, plan: Plan | None = None, faults: Faults | None = None) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.plan = plan or Plan()
        self.faults = faults or Faults()
        self.loop = SimLoop(self.rng)
        self.is_tight = self.rng.random() < 0.5
        self._likely = _LIKELY_WITH_BACKUPS if self.rng.random() < 0.4 else _LIKELY
        self.loop.network.window = 1500 if self.is_tight else 32 * 1024
        self.record = Record()
        self.problems: list[str] = []
        self.is_mended = False
        self.tasks = Tasks(self.crashed)
        self.loop.set_exception_handler(self._loop_failed)
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

    def _loop_failed(self, _loop: object, context: dict[str, Any]) -> None:
        """A callback raised; what a task raised that nobody has asked for is told when it is collected."""
        error = context.get("exception")
        if error is not None and "future" not in context and not isinstance(error, OSError):
            self.broken(f"a callback failed: {context['message']}: {error!r}")

    def broken(self, problem: str) -> None:
        """Something that nobody expected was seen; said once, however often."""
        if problem not in self.problems:
            self.problems.append(problem)

    def run_behind(self, process: Process) -> str:
        """Which run of the server is at the other end of a client's newest link."""
        ends = [server for client, server in self.loop.network.pairs if client.process is process]
        return ends[-1].process.name if ends and ends[-1].process is not None else ""

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
        match rng.choices(list(self._likely), list(self._likely.values()))[0]:
            case "say":
                for _ in range(rng.choice([1, 1, 1, 2, 5])):
                    client.say(rng.choice(ROOMS))
            case "kill client":
                client.kill(power=rng.random() < 0.5)
            case "kill server":
                self._kill_server()
            case "stop server":
                self._stop_server()
            case "back up":
                self.server.back_up()
            case "put back":
                self._put_back()
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
        if rng.random() < 0.3 or not server.is_up:
            server.kill(power=rng.random() < 0.6)
            return
        if rng.random() < 0.7:
            self._kill_in_a_round()
            self._all_talk()
            return
        disk = server.disk
        disk.dies_at = len(disk.calls) + rng.randint(1, 12)
        power = rng.random() < 0.5
        self.loop.in_world(rng.uniform(0.05, 0.5), lambda: server.kill(power=power))

    def _kill_in_a_round(self, times: int = 2) -> None:
        """Between a write and its fsync, which tears what was written where the power goes.

        Somebody starts the server again at once; and soon after it has stored something, it is killed again.
        """
        disk, rng, server = self.server.disk, self.rng, self.server
        power, rounds = rng.random() < 0.7, [None] * rng.randint(0, 2)

        def die(call: str, name: str) -> int | None:
            if call != "sync" or not name.endswith(".journal"):
                return None
            if rounds:
                return rounds.pop()
            disk.dies_at = len(disk.calls)
            self.loop.in_world(0.001, partial(server.kill, power=power))
            self.loop.in_world(0.002, server.start)
            if times > 1:
                self.loop.in_world(0.003, self._kill_in_a_round, times - 1)
                self.loop.in_world(rng.uniform(0.1, 0.3), self._all_talk)
                self.loop.in_world(rng.uniform(2.0, 4.0), partial(server.kill, power=True))
            return errno.EIO

        disk.fail = die

    def _all_talk(self) -> None:
        """Everybody comes back at once, and says something."""
        for client in self.clients:
            client.hurry()
            client.say(self.rng.choice(ROOMS))

    def _stop_server(self) -> None:
        """SIGTERM, while people talk: at any time, or while a round is on its way to a slow disk."""
        rng, server = self.rng, self.server
        back_in_s = rng.choice([0.0, rng.uniform(0.5, 8.0)])
        for client in self.clients:
            for _ in range(rng.choice([0, 1, 3])):
                client.say(rng.choice(ROOMS))

        def stop() -> None:
            server.stop(back_in_s)
            if back_in_s:
                self.loop.in_world(back_in_s * rng.uniform(0.5, 1.5), server.start)

        if rng.random() < 0.3:
            self.loop.in_world(rng.uniform(0.0, 0.1), stop)
            return
        server.slowness = rng.choice([1.0, 20.0, 50.0])
        self.loop.in_world(2.0, setattr, server, "slowness", 1.0)
        server.in_a_round = partial(self.loop.in_world, rng.uniform(0.0, 0.01) * server.slowness, stop)

    def _put_back(self) -> None:
        """The folder is what it was at a backup; the server was ended for that, well or badly."""
        server, rng = self.server, self.rng
        if not server.backups:
            return
        copy = rng.choice(server.backups[-3:])

        def put_back() -> None:
            server.kill(power=False)
            server.put_back(copy)
            self.loop.in_world(rng.uniform(0.0, 1.0), server.start)

        if rng.random() < 0.5:
            server.stop(rng.choice([0.0, 5.0]))
            self.loop.in_world(rng.uniform(3.5, 6.0), put_back)
        else:
            put_back()

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
        await asyncio.sleep(9.0)  # what was planned for the disk and the server is over
        self.loop.network.is_down = False
        if self.server.disk.dies_at < 1 << 40:
            self.server.kill(power=True)
        self.server.disk.free = 1 << 40
        self.server.disk.fail = lambda _call, _name: None
        self.is_mended = True
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
        lasts = self.server.lasts()
        return self.server.engine is not None and all(client.is_settled(lasts) for client in self.clients)

    def _note_views(self) -> None:
        for client in self.clients:
            for room, (view, _last) in client.views.items():
                self.record.add(CaughtUp(view, room))

    async def _read_the_end(self) -> None:
        """From the disk, after one more power cut: what is there then is what was kept."""
        for client in self.clients:
            client.kill(power=False)
        self.server.kill(power=True)
        self.server.start()
        await asyncio.sleep(5.0)
        self.record.past = self.server.past
        try:
            self.record.history = await self.server.history()
        except (HistoryError, OSError) as error:
            self.broken(f"the history cannot be read at the end: {error}")

    def found_out(self) -> list[str]:
        """Each broken promise as a sentence; without a history that can be read, just that."""
        is_readable = not any("cannot be read at the end" in problem for problem in self.problems)
        return self.problems + (check(self.record) if is_readable else [])


def run(seed: int, plan: Plan | None = None, faults: Faults | None = None) -> World:
    """Play one seed to its end."""
    logging.disable()
    world = World(seed, plan, faults)
    with ExitStack() as patches:
        if world.is_tight:
            patches.enter_context(patch.multiple(tails, WRITE_MAX=500, TAIL_BYTES_MAX=1000))
            patches.enter_context(patch.object(fanout, "FAREWELL_MAX", 500))
        try:
            world.loop.run(world.play())
        finally:
            world.loop.end()
            logging.disable(logging.NOTSET)
    return world
