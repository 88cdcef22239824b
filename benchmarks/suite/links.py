"""Cases of links that say little: idle ones, connections, and a crowd of ten thousand that comes back."""

import resource
import statistics
import time
from typing import Final

from benchmarks.load.machine import cpu_s, memory_mb
from benchmarks.suite.programs import Generator, make_server, naive, pid_of, running
from benchmarks.suite.results import CHATROOM, NAIVE, Figure
from benchmarks.suite.run import Run
from chatroom_server.shell.newcomers import SOCKETS_BEYOND_LINKS, SPARE_FILES
from tests.e2e.world import Server

IDLE_LINKS: Final = 1_000
CROWD: Final = 10_000
CROWD_MESSAGES: Final = 5
_FEWEST: Final = 10
_KNOCKS_AT_ONCE: Final = 32
_COMING_AT_ONCE: Final = 256
_SETTLE_S: Final = 0.5


def idle(case: str, run: Run) -> None:
    """What a link takes that only stays: memory of the server, without and with TLS, and its CPU."""
    for tls in (False, True):
        server = make_server(run.folder(), rooms=2)
        with running(server), Generator(server.port, tls=tls) as generator:
            _measure_idle(case, run, generator, pid_of(server.process), CHATROOM, " with TLS" if tls else "")
    with naive() as (port, pid), Generator(port, NAIVE) as generator:
        _measure_idle(case, run, generator, pid, NAIVE, "")


def _measure_idle(case: str, run: Run, generator: Generator, pid: int, server: str, how: str) -> None:
    generator.ask("enter", rooms=1, members=10)  # what the first ones take is not theirs
    before = memory_mb(pid)
    generator.ask("enter", rooms=1, members=IDLE_LINKS)
    time.sleep(_SETTLE_S)
    each = (memory_mb(pid) - before) * 1000 / IDLE_LINKS
    run.add(Figure(case, f"memory of an idle link{how}", each, "KB", server))
    began = cpu_s(pid)
    time.sleep(run.seconds)
    used = cpu_s(pid) - began
    what = f"CPU for {IDLE_LINKS:,} idle links{how}, a second"
    run.add(Figure(case, what, used * 1000 / run.seconds, "ms", server, used))


def knock(case: str, run: Run) -> None:
    """Connections a second: each is greeted with a signature, and goes without a login."""
    server = make_server(run.folder())
    with running(server), Generator(server.port) as generator:
        _measure_knocks(case, run, generator, pid_of(server.process), CHATROOM)
    with naive() as (port, pid), Generator(port, NAIVE) as generator:
        _measure_knocks(case, run, generator, pid, NAIVE)


def _measure_knocks(case: str, run: Run, generator: Generator, pid: int, server: str) -> None:
    began = cpu_s(pid)
    told = generator.ask("knock", seconds=run.seconds, at_once=_KNOCKS_AT_ONCE)
    used = cpu_s(pid) - began
    run.add(Figure(case, "connections greeted", told["links"] / told["seconds"], "a second", server))
    run.add(Figure(case, "CPU for a connection", used * 1000 / told["links"], "ms", server, used))
    run.add(Figure(case, "generator busy meanwhile", told["share"] * 100, "%", server))


def crowd_links(wanted: int, hard: int) -> int:
    """How many links one server process can have where so many open files are allowed at most.

    None where there would be too few to say who is back when.
    """
    if hard == resource.RLIM_INFINITY:
        return wanted
    possible = min(wanted, hard - SOCKETS_BEYOND_LINKS - SPARE_FILES)
    return possible if possible >= _FEWEST else 0


def _fewer(links: int, hard: int) -> str:
    crowd = f"{links:,} links" if links else "not done"
    return (
        f"crowd: {crowd}, as this machine allows a process {hard:,} open files (ulimit -Hn), of which the "
        f"server keeps back {SOCKETS_BEYOND_LINKS:,} for connections that are not links yet or are ending, "
        f"and {SPARE_FILES} for its own files"
    )


def crowd(case: str, run: Run) -> None:
    """Ten thousand in one room: how they come, what they take, one message to all, and a restart."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    links = crowd_links(CROWD, hard)
    if links < CROWD:
        run.note(_fewer(links, hard))
    if not links:
        return
    server = make_server(run.folder(), links=links + 16)
    with running(server), Generator(server.port, at_once=_COMING_AT_ONCE) as generator:
        pid = pid_of(server.process)
        before = memory_mb(pid)
        came = generator.ask("enter", rooms=1, members=links, checks=True, comes_back=True)
        run.add(Figure(case, f"{links:,} links come in", came["seconds"], "s"))
        run.add(Figure(case, "memory of a link", (memory_mb(pid) - before) * 1000 / links, "KB"))
        _say_to_all(case, run, generator, pid, "")
        _restart(case, run, generator, server)
        _say_to_all(case, run, generator, pid_of(server.process), " after the restart")


def _say_to_all(case: str, run: Run, generator: Generator, pid: int, when: str) -> None:
    outcome = generator.talk(window=1, messages=CROWD_MESSAGES, times_all=True, pid=pid)
    run.add(
        Figure(case, f"a message to the last one{when}, worst of {CROWD_MESSAGES}", outcome.worst_ms, "ms")
    )
    run.add(Figure(case, f"a message to half of them{when}", outcome.p50_ms, "ms"))
    faults = [*outcome.faults, *([f"{outcome.lost} deliveries were lost"] if outcome.lost else [])]
    run.add_faults(case, faults)


def _restart(case: str, run: Run, generator: Generator, server: Server) -> None:
    """Stop for a restart, start again, and wait for everybody."""
    generator.tell("return")
    began = time.monotonic()
    server.stop_for_restart()
    stopped = time.monotonic()
    server.start()
    started = time.monotonic()
    returns = sorted(generator.answer()["returns"])
    tenths = statistics.quantiles(returns, n=10)
    for what, value in (
        ("the server ends for a restart", stopped - began),
        ("the server starts", started - stopped),
        ("from the cut to the first who is back", returns[0]),
        ("from the cut to a tenth of them", tenths[0]),
        ("from the cut to half of them", tenths[4]),
        ("from the cut to nine tenths", tenths[8]),
        ("from the cut to the last", returns[-1]),
    ):
        run.add(Figure(case, what, value, "s"))
