"""Counts to ten, twice, both at once on one event loop: while one count sleeps, the other prints (about 5 s).

Run it: `python sleep_and_print_async.py`, after `sleep_and_print.py`, which takes twice the time.
"""

import argparse
import asyncio
import contextlib
import os


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


async def sleep_and_print(name: str, pause_s: float) -> None:
    """Print 1 to 10 behind the name of this count, with a pause behind each."""
    for number in range(1, 11):
        say(f"{name} {number}")
        await asyncio.sleep(pause_s)  # "wake me later": the loop runs the other count meanwhile


async def count_twice(pause_s: float) -> None:
    """Let both counts run, and wait until both are through."""
    await asyncio.gather(sleep_and_print("first", pause_s), sleep_and_print("second", pause_s))


def seconds(text: str) -> float:
    """Read a pause from the command line: argparse makes a sentence of a ValueError."""
    pause_s = float(text)
    if not 0 <= pause_s <= 3600:
        raise ValueError
    return pause_s


def main() -> None:
    """Make a loop, run both counts on it, and say how long that took."""
    parser = argparse.ArgumentParser(description="Counts to ten, twice, both at once.")
    parser.add_argument(
        "--pause", type=seconds, default=0.5, metavar="SECONDS", help="between two numbers (0.5)"
    )
    pause_s = parser.parse_args().pause
    # A runner owns a loop: `run` is `loop.run_until_complete`, except that Ctrl+C cancels what still runs.
    # It also closes the loop at the end, which `asyncio.new_event_loop()` leaves to us.
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        start = loop.time()
        runner.run(count_twice(pause_s))
        say(f"Took {loop.time() - start:.1f} s")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
