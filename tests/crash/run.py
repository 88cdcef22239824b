"""Kills a server and its clients, cuts their links, and holds what people saw against what was kept.

    python -m tests.crash.run --kills 1000 --messages 150000 --clients 20 --cuts 2000 --seed 7

The processes are real, and so is the SIGKILL; the seed makes the same plan again, not the same instants.
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatroom.client.tasks import Tasks
from tests.crash.enter import Trials
from tests.crash.facts import ROOMS, Story
from tests.crash.processes import ClientProcess, ServerProcess, compile_once
from tests.crash.proxy import Proxy
from tests.crash.verdict import Verdict, judge

_SHOWN_MAX: Final = 20
_GAP_S: Final = 0.3
_SOON_S: Final = 0.5
_TORN_STARTS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """How wild a run is.

    Attributes:
        kills: How often the server is killed.
        client_kills: How often a client is.
        cuts: How many links are cut; a quarter as many are held up.
        messages: How many are said, by all clients together.
        enters: How often a full-screen client is killed around Enter, when all this is over.
        settle_s: How long it may take until all is settled, when all is mended.
    """

    kills: int
    client_kills: int
    cuts: int
    messages: int
    clients: int
    seed: int
    enters: int = 0
    settle_s: float = 180.0


class Run:
    """One run, in a folder of its own."""

    def __init__(self, plan: Plan, folder: Path, tell: Callable[[str], None]) -> None:
        self.plan = plan
        self.folder = folder
        self.problems: list[str] = []
        self.client_kills = 0
        self._rng = random.Random(plan.seed)
        self._tell = tell
        self._tasks = Tasks("run")
        self.proxy = Proxy(self._rng)
        self.server = ServerProcess(folder / "server")
        self.clients: list[ClientProcess] = []

    async def play(self) -> Verdict:
        """Let it all happen, and judge."""
        try:
            async with self.proxy, self._tasks:
                await self._begin()
                for number in range(self.plan.kills):
                    await self._kill_once(number)
                await self._mend()
                await self._settle()
                for client in self.clients:
                    await client.stop()
                await self.server.stop()
        finally:
            self.server.kill()
            for client in self.clients:
                client.kill()
        facts = {client.nick: client.facts for client in self.clients}
        verdict = await asyncio.to_thread(judge, self.server.data, facts)
        problems = self.problems + self.server.problems
        for client in self.clients:
            problems += client.problems + client.story.problems
        verdict.problems[:0] = problems
        return verdict

    async def _begin(self) -> None:
        await asyncio.to_thread(compile_once, self.folder)
        await self._start_server()
        each = -(-self.plan.messages // self.plan.clients)
        for number in range(self.plan.clients):
            client = ClientProcess(self.folder, f"c{number}", self.proxy.port, each)
            self.clients.append(client)
            client.start()
        await self._until(lambda stories: all(story.is_in for story in stories), "all are in the rooms")

    async def _start_server(self) -> None:
        self.server.start()
        if not await self.server.ready():
            raise RuntimeError(self.server.problems[-1])
        self.proxy.lead_to(self.server.port)

    async def _kill_once(self, number: int) -> None:
        """Kill the server at some instant, be it while it starts, and start it again; plan other faults."""
        share = (number + 1) / self.plan.kills
        for client in self.clients:
            client.allow(int(share * self.plan.messages / self.plan.clients))
        self._plan_others(share)
        await asyncio.sleep(self._rng.uniform(0, 2 * _GAP_S))
        self.proxy.lead_nowhere()
        self.server.kill()
        if self._rng.random() < _TORN_STARTS and number + 1 < self.plan.kills:
            self.server.start()
            await asyncio.sleep(self._rng.uniform(0, self.server.starts_s[-1]))
        else:
            await self._start_server()
        if (number + 1) % 50 == 0:
            self._tell(f"{number + 1} kills of the server, {self.client_kills} of clients")

    def _plan_others(self, share: float) -> None:
        """Within the next moments: what is due of the other faults."""
        plan = self.plan
        for _ in range(int(share * plan.client_kills) - self.client_kills):
            self.client_kills += 1
            self._later(self._kill_client)
        for _ in range(int(share * plan.cuts) - self.proxy.cuts):
            self._later(self._cut)
        for _ in range(int(share * plan.cuts / 4) - self.proxy.stalls):
            self._later(self._stall)

    def _later(self, act: Callable[[], Awaitable[None]]) -> None:
        self._tasks.start(self._after(self._rng.uniform(0, 2 * _GAP_S), act), name="later")

    @staticmethod
    async def _after(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(seconds)
        await act()

    async def _kill_client(self) -> None:
        client = self._rng.choice(self.clients)
        client.kill()
        await asyncio.sleep(self._rng.uniform(0, _SOON_S))
        client.start()

    async def _cut(self) -> None:
        self.proxy.cut()

    async def _stall(self) -> None:
        self.proxy.stall(self._rng.expovariate(1 / _SOON_S))

    # --- the end -------------------------------------------------------------------------------------
    async def _mend(self) -> None:
        """Everything runs, and nothing more happens to it."""
        self._tell("all is mended")
        await asyncio.sleep(2 * _GAP_S + _SOON_S)  # what was planned is over
        for client in self.clients:
            client.start()
            client.allow(self.plan.messages)

    async def _settle(self) -> None:
        """Wait until all that was said is stored, and everybody has read all of it."""
        await self._until(_are_settled, "all is settled")

    async def _until(self, holds: Callable[[Sequence[Story]], bool], what: str) -> None:
        deadline = time.monotonic() + self.plan.settle_s
        while not await asyncio.to_thread(lambda: holds([client.look() for client in self.clients])):
            if time.monotonic() > deadline:
                late = [f"{client.nick} {client.story}" for client in self.clients]
                self.problems.append(f"not so after {self.plan.settle_s:.0f} s: {what}: {late}")
                return
            await asyncio.sleep(0.2)


def _are_settled(stories: Sequence[Story]) -> bool:
    newest = {room: max(story.seen[room] for story in stories) for room in ROOMS}
    return all(story.is_done and story.seen == newest for story in stories)


def report(run: Run, verdict: Verdict, took_s: float) -> str:
    """What is printed in the end."""
    starts = run.server.starts_s
    rows = {
        "seed": run.plan.seed,
        "clients": run.plan.clients,
        "messages": verdict.messages,
        "lines seen": verdict.lines_seen,
        "kills of the server": run.plan.kills,
        "kills of clients": run.client_kills,
        "cuts": f"{run.proxy.cuts}, and {run.proxy.stalls} stalls",
        "lost": verdict.lost,
        "duplicated": verdict.duplicated,
        "out of order": verdict.out_of_order,
        "promises broken": len(verdict.problems),
        "a start of the server": f"{statistics.median(starts):.2f} s (median), {max(starts):.2f} s (longest)",
        "time": f"{took_s:.0f} s",
    }
    lines = [f"{name + ':':24}{value}" for name, value in rows.items()]
    return "\n".join([*lines, *(f"  {problem}" for problem in verdict.problems[:_SHOWN_MAX])])


def main() -> int:
    """Read the command line, run, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000, help="of the server (1000)")
    parser.add_argument("--client-kills", type=int, help="of clients (a quarter as many)")
    parser.add_argument("--cuts", type=int, help="of links (twice as many)")
    parser.add_argument("--messages", type=int, help="that are said (150 for each kill)")
    parser.add_argument("--clients", type=int, default=20, help="how many (20)")
    parser.add_argument("--enters", type=int, help="kills of a full screen around Enter (a tenth of --kills)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the plan (random)")
    given = parser.parse_args()
    kills = given.kills
    plan = Plan(
        kills,
        kills // 4 if given.client_kills is None else given.client_kills,
        2 * kills if given.cuts is None else given.cuts,
        150 * kills if given.messages is None else given.messages,
        given.clients,
        given.seed,
        kills // 10 if given.enters is None else given.enters,
    )
    if min(kills, plan.messages, plan.clients) < 1 or min(plan.client_kills, plan.cuts, plan.enters) < 0:
        parser.error("there have to be kills, messages and clients; no number may be below 0")
    print_now(f"seed {plan.seed}")
    return _run(plan, Path(tempfile.mkdtemp(prefix="chatroom-crash-")))


def _run(plan: Plan, folder: Path) -> int:
    began = time.monotonic()
    run = Run(plan, folder, lambda text: print_now(f"{time.monotonic() - began:6.0f} s  {text}"))
    verdict = asyncio.run(run.play())
    print_now(report(run, verdict, time.monotonic() - began))
    problems = verdict.problems
    if plan.enters:
        outcome = Trials(folder / "enter", random.Random(plan.seed)).play(plan.enters)
        print_now("\n  ".join([str(outcome), *outcome.problems]))
        problems = problems + outcome.problems
    if problems or verdict.lost or verdict.duplicated or verdict.out_of_order:
        print_now(f"kept for a look: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def seed_given() -> int:
    """The seed of this run of the tests: CRASH_SEED, or a random one."""
    return int(os.environ.get("CRASH_SEED") or random.randrange(1 << 32))


def print_now(text: str) -> None:
    """Print a line, whatever the output is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
