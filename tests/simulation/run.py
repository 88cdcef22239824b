"""Plays seeds: `python -m tests.simulation.run 7`, or a range in parallel: `… 0 2000 --jobs 2`.

The same seed gives the same history, whatever PYTHONHASHSEED is. A broken promise is printed with its seed.
"""

import argparse
import hashlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.world import World, run


def play(seed: int) -> tuple[int, list[str], str, int]:
    """Play a seed: it, what was broken, a hash of all that was observed, and how often the server began."""
    world = run(seed)
    return seed, world.found_out(), digest(world), world.server.starts


def digest(world: World) -> str:
    """What tells two histories apart."""
    return hashlib.sha256(repr((world.record, world.loop.time())).encode()).hexdigest()[:16]


def main() -> int:
    """Read the command line, and play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int, help="the seed, or the first of several")
    parser.add_argument("end", type=int, nargs="?", help="behind the last one")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (2)")
    options = parser.parse_args()
    seeds = range(options.first, options.end if options.end is not None else options.first + 1)
    began, broken, starts = time.monotonic(), 0, 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for seed, problems, history, started in pool.map(play, seeds, chunksize=min(20, len(seeds))):
            starts += started
            if problems or len(seeds) == 1:
                sys.stdout.write(f"seed {seed}: history {history}\n")
            broken += bool(problems)
            sys.stdout.writelines(f"  {problem}\n" for problem in problems[:20])
    took = time.monotonic() - began
    sys.stdout.write(f"{len(seeds)} seeds, {starts} starts of the server, {broken} broken, {took:.0f} s\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
