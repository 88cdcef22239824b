"""Whatever dies, and whenever: what was said to be stored is there, once, under its number."""

import json
import random
from pathlib import Path

import pytest

from chatroom.protocol.ids import RoomId
from chatroom_server.core.ports import ACCOUNTS, Draft
from chatroom_server.history import HistoryError
from tests.server.history.harness import Rig, draft
from tests.server.history.simfiles import SimFiles

FOLDER = Path("/sim/data")
ROOMS = [RoomId(name) for name in ("general", "b", "c", "d", "e")]


class Server:
    """A stand-in for the hub: it folds all lines into `users.json` and adds each to `devices.jsonl`."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        projections = rig.recovery.projections
        self.folded = json.loads(projections.get("users.json", b"[]"))
        self.added = [json.loads(line) for line in projections.get("devices.jsonl", b"").splitlines()]
        replayed = [[room, number] for room, number, _ in rig.recovery.lines]
        self.folded += replayed
        self.unsaid = list(replayed)
        self.added += replayed
        self._seen = 0

    def take_in(self) -> None:
        """Fold what the log has yielded."""
        stored = self.rig.stored()
        fresh = [[line.room, line.id] for line in stored[self._seen :]]
        self._seen = len(stored)
        self.folded += fresh
        self.unsaid += fresh
        self.added += fresh

    async def flush(self, rng: random.Random) -> None:
        """Hand over the projections, the second one sometimes whole."""
        self.take_in()
        replaced = {"users.json": json.dumps(self.folded).encode()}
        appended = {"devices.jsonl": b"".join(json.dumps(each).encode() + b"\n" for each in self.unsaid)}
        if rng.random() < 0.2:
            replaced["devices.jsonl"] = b"".join(json.dumps(each).encode() + b"\n" for each in self.added)
            appended = {}
        self.unsaid = []
        await self.rig.log.flush(replaced, appended)


class World:
    """One disk over several lives of a server, and what was promised on it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.files = SimFiles()
        self.files.make_folder(FOLDER.parent)
        self.files.sync_folder(Path("/"))
        self.promised: dict[RoomId, dict[int, bytes]] = {}
        self.given: set[bytes] = set()
        self.epochs: set[str] = set()
        self._count = 0

    async def live(self, steps: int) -> None:
        """A server runs until the power fails or so many things were done."""
        try:
            rig = await Rig.open(FOLDER, self.files)
        except HistoryError:
            assert len(self.files.calls) >= self.files.dies_at
            return
        server = Server(rig)
        left = self.files.dies_at - len(self.files.calls)
        if left > 0:
            self.files.dies_at = 1 << 40
            await self.check(rig, server)
            self.files.dies_at = len(self.files.calls) + left
        try:
            for _ in range(steps):
                await self._step(rig, server)
            if self.rng.random() < 0.3:
                await server.flush(self.rng)
                await rig.log.close()
        finally:
            self.remember(rig)
            await rig.die()

    async def _step(self, rig: Rig, server: Server) -> None:
        if self.rng.random() < 0.25:
            await server.flush(self.rng)
        else:
            rig.give([self.draft() for _ in range(self.rng.choice([1, 2, 5, 20]))])
            if self.rng.random() < 0.2:
                await server.flush(self.rng)
            await rig.answered()

    def draft(self) -> Draft:
        """Something that nobody said before."""
        self._count += 1
        room = self.rng.choice([*ROOMS[: self.rng.choice([1, 5])], ACCOUNTS])
        text = f"{self._count}:" + "x" * self.rng.choice([0, 10, 100])
        said = draft(text, room)
        self.given.add(said.rest)
        return said

    def remember(self, rig: Rig) -> None:
        """What was shown as stored has to be there for ever."""
        for line in rig.stored():
            self.promised.setdefault(line.room, {})[line.id] = line.line

    async def check(self, rig: Rig, server: Server) -> None:
        """The new server has all that was promised, and nothing twice."""
        self.epochs.add(rig.log.epoch)
        assert len(self.epochs) == 1
        seen: set[bytes] = set()
        for room in ROOMS:
            lines = await rig.all_lines(room)
            assert len(lines) == rig.log.last_id(room)
            for number, line in self.promised.get(room, {}).items():
                assert lines[number - 1] == line
            for number, line in enumerate(lines, 1):
                assert line.startswith(b'{"id":%d,' % number)
                rest = line.partition(b",")[2]
                assert rest in self.given
                assert rest not in seen
                seen.add(rest)
            self.promised[room] = dict(enumerate(lines, 1))
        assert rig.log.last_id(ACCOUNTS) >= max(self.promised.get(ACCOUNTS, {0: b""}))
        self.check_projections(rig, server)

    def check_projections(self, rig: Rig, server: Server) -> None:
        """What was flushed and what is replayed make each stored line exactly once, in its order."""
        for folded in (server.folded, server.added):
            for room in [*ROOMS, ACCOUNTS]:
                numbers = [number for name, number in folded if name == room]
                assert numbers == list(range(1, rig.log.last_id(room) + 1))


@pytest.mark.parametrize("seed", range(60))
async def test_power_cuts(seed: int) -> None:
    world = World(seed)
    for _ in range(4):
        world.files.dies_at = len(world.files.calls) + world.rng.randint(1, 300)
        await world.live(15)
        world.files = world.files.power_cut(world.rng)
    await world.live(2)


@pytest.mark.parametrize("seed", range(20))
async def test_kills(seed: int) -> None:
    world = World(1000 + seed)
    for _ in range(4):
        world.files.dies_at = len(world.files.calls) + world.rng.randint(1, 200)
        await world.live(15)
        world.files = world.files.killed() if world.rng.random() < 0.7 else world.files.power_cut(world.rng)
    await world.live(2)
