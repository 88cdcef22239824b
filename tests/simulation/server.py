"""The simulated server: the engine of the real one, run after run, on one disk; and the backups of that."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.protocol.codec import decode_line
from chatroom.protocol.ids import MessageId
from chatroom_server.core.settings import HubSettings
from chatroom_server.history.backup import Backup
from chatroom_server.history.errors import HistoryError, NotWritableError
from chatroom_server.history.settings import LogSettings
from chatroom_server.shell.engine import Engine, Seams
from chatroom_server.shell.identity import Identity
from chatroom_server.shell.logs import OperatorLog
from tests.server.history.simfiles import Folder, Inode, SimFiles
from tests.simulation.checker import NOBODY, Backed, Began, Kept, Stopped, Stopping
from tests.simulation.loop import Process, SimJobs

if TYPE_CHECKING:
    from tests.simulation.world import World

ADDRESS: Final = ("127.0.0.1", 9999)
DATA: Final = Path("/data")
COPY: Final = Path("/copy")
JOURNAL_THREAD: Final = "chatroom-journal"
SECTOR: Final = 64
"""As on real disks, the first batch of a segment begins in the sector that its header stands in."""
STOP_MAX_S: Final = 8.0
"""A server that was told to stop and then takes longer is ended by its signals."""
_SMALL: Final = LogSettings(journal_segment=3000, room_segment=1500, flush_due=4000, unsynced_max=2000)
_WALL_NS: Final = 1_763_705_123_000_000_000


class _Operator:
    """Stands for the operator's log; tasks that crash are told there."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return _nothing

    def problem(self, sentence: str) -> None:
        """Something to act upon."""
        if " crashed: " in sentence:
            self._world.problems.append(f"the server's {sentence}")


def _nothing(*_args: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup, on another disk."""

    number: int
    folder: Folder


class SimServer:
    """The server's processes, one after the other, on one disk.

    Attributes:
        engine: While it takes connections.
        backups: Those that were made.
        slowness: How many times as long as usual the disk takes.
        in_a_round: Called once, when the next round of the journal has begun.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.disk = SimFiles()
        self.disk.sector, self.disk.tears_inside = SECTOR, True
        self.process: Process | None = None
        self.engine: Engine | None = None
        self.starts = 0
        self.backups: list[Copy] = []
        self.back_in_s: dict[str, float] = {}
        self.slowness = 1.0
        self.in_a_round: Callable[[], object] | None = None
        self._put_back: Copy | None = None
        self._past = ""
        self._names: dict[str, str] = {}
        self._lasts: dict[str, int] = {}
        self._is_stopping = False
        private = Ed25519PrivateKey.from_private_bytes(world.rng.randbytes(32))
        key = private.public_key().public_bytes_raw()
        self._identity = Identity(key, private.sign, cast("Any", None), b"guests", "")

    @property
    def is_up(self) -> bool:
        """Whether there is a process, be it only about to serve."""
        return self.process is not None and self.process.is_alive

    def lasts(self) -> dict[str, int]:
        """The last stored line of each room, as far as the server has said so."""
        if self.engine is not None:
            self._lasts = {str(room): int(last) for room, last in self.engine.log.rooms().items()}
        return self._lasts

    # --- starting --------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin a process, unless there is one."""
        if self.is_up:
            return
        self.starts += 1
        self._is_stopping = False
        process = self.process = Process(f"server {self.starts}")
        process.run(lambda: self.world.tasks.start(self._serve(process), name="serve"))

    async def _serve(self, process: Process) -> None:
        world = self.world
        engine = self._make_engine()
        try:
            await engine.open(DATA, settings=_SMALL)
        except HistoryError as error:
            if self.disk.is_dead:
                self._end(process, power=True)
            elif world.is_mended or not isinstance(error, NotWritableError):
                world.broken(f"{process.name} refused to start: {error}")
            world.loop.kill(process)
            return
        self._enter_past(engine)
        engine.prepare(
            self._identity, HubSettings(burst=0, rate=0), is_local=lambda _host: True, max_links=1000
        )
        self.engine = engine
        world.faults.server(self)
        await engine.begin()
        world.loop.network.listen(ADDRESS, cast("Any", engine.runner.accept), process)

    def _make_engine(self) -> Engine:
        world = self.world
        seams = Seams(
            wall_ns=lambda: _WALL_NS + int(world.loop.time() * 1e9),
            entropy=world.rng.randbytes,
            pause=lambda _seconds: None,  # the world would stand still
            pid=self.starts,
            files=world.faults.files(self.disk),
            start_jobs=self._start_jobs,
        )
        logs = cast("OperatorLog", _Operator(world))
        return Engine(world.loop, logs, seams, flush_s=world.rng.choice([0.3, 2.0, 5.0]))

    def _start_jobs(self, name: str, loop: AbstractEventLoop) -> SimJobs:
        def begins() -> float:
            if name == JOURNAL_THREAD and (begun := self.in_a_round) is not None:
                self.in_a_round = None
                begun()
            return self.slowness

        return SimJobs(loop, begins)

    def _enter_past(self, engine: Engine) -> None:
        epoch = str(engine.log.epoch)
        is_new = epoch not in self._names
        self._past = self._names.setdefault(epoch, f"past {len(self._names)}")
        if is_new:
            self.world.record.add(Began(self._past, self._put_back.number if self._put_back else NOBODY))
        self._put_back = None

    # --- the end ---------------------------------------------------------------------------------
    def kill(self, *, power: bool) -> None:
        """kill -9 or, with `power`, the machine goes dark: what was not synced may be gone."""
        if self.process is not None and self.process.is_alive:
            self._end(self.process, power=power)

    def stop(self, back_in_s: float) -> None:
        """SIGTERM: end by yourself, and say when you are back; 0 for not at all."""
        process, engine = self.process, self.engine
        if process is None or engine is None or self._is_stopping:
            return
        self._is_stopping = True
        self.back_in_s[process.name] = back_in_s
        self.world.loop.network.close(ADDRESS)
        self.world.record.add(Stopping(process.name, self._past, self.lasts()))
        process.run(lambda: self.world.tasks.start(self._stop(process, engine, back_in_s), name="stop"))
        self.world.loop.in_world(STOP_MAX_S, self._end_now, process)

    async def _stop(self, process: Process, engine: Engine, back_in_s: float) -> None:
        await engine.stop(back_in_s)
        self.world.record.add(Stopped(process.name, self.lasts()))
        self._end(process, power=False)

    def _end_now(self, process: Process) -> None:
        if process.is_alive:
            self.world.problems.append(
                f"{process.name} had not ended {STOP_MAX_S:.0f} s after it was told to"
            )
            self._end(process, power=False)

    def _end(self, process: Process, *, power: bool) -> None:
        world = self.world
        self.lasts()
        world.loop.kill(process, silently=power)
        world.loop.network.close(ADDRESS)
        self.engine = None
        self.disk = self.disk.power_cut(world.rng) if power else self.disk.killed()

    # --- backups ---------------------------------------------------------------------------------
    def back_up(self) -> None:
        """Copy the data folder, whether or not a server runs; a copy that fails is thrown away."""
        if self._put_back is not None or not self._past or (self.is_up and self.engine is None):
            return
        number, lasts = len(self.backups), dict(self.lasts())
        try:
            self.disk.make_folder(COPY)
            Backup(self.disk, DATA, COPY, is_live=self.is_up).run()
        except (HistoryError, OSError):
            self._take_away(COPY)
            return
        self.backups.append(Copy(number, self._take_away(COPY)))
        self.world.record.add(Backed(number, self._past, lasts))

    def put_back(self, copy: Copy) -> None:
        """Have a backup where the data folder was; the server must be down."""
        assert not self.is_up
        self._take_away(DATA)
        again = _copied(copy.folder)
        for names in (self.disk.root.names, self.disk.root.durable):
            names[DATA.name] = again
        self._put_back = copy

    def _take_away(self, path: Path) -> Folder:
        root, name = self.disk.root, path.name
        gone = root.names.pop(name, None)
        root.durable.pop(name, None)
        root.changes = [change for change in root.changes if name not in change]
        return gone if isinstance(gone, Folder) else Folder()

    # --- what it holds ---------------------------------------------------------------------------
    async def history(self) -> list[Kept]:
        """All lines of all rooms, read from the log.

        Raises:
            HistoryError: No server has started.
            OSError: The disk does not give them.
        """
        if self.engine is None:
            raise HistoryError("no server has started")
        log, kept = self.engine.log, []
        for room, last in sorted(log.rooms().items()):
            after = 0
            while after < last:
                page = await log.page(room, after=MessageId(after), before=None, limit=100, max_bytes=1 << 20)
                for data in page.lines:
                    line = decode_line(data)
                    kept.append(Kept(room, line.id, line.user, line.body))
                after = page.last or last
        return kept

    @property
    def past(self) -> str:
        """That of the log that was opened last."""
        return self._past

    def past_of(self, epoch: str) -> str:
        """A past by its epoch; those that no server has opened are unknown."""
        return self._names.get(epoch, "unknown")


def _copied(folder: Folder) -> Folder:
    """The same files once more, all of them on the disk."""
    copy = Folder()
    for name, node in folder.names.items():
        data = node.data if isinstance(node, Inode) else b""
        copy.names[name] = _copied(node) if isinstance(node, Folder) else Inode(bytearray(data), bytes(data))
    copy.durable = dict(copy.names)
    return copy
