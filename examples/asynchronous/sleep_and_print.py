"""Counts to ten, twice, one after the other: nothing else happens while it sleeps (about 10 s).

Run it: `python sleep_and_print.py`. Then run `sleep_and_print_async.py`, which takes half the time.
"""

import argparse
import contextlib
import os
import sys
import time


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python prints once more what is left
        sys.exit()


def sleep_and_print(pause_s: float) -> None:
    """Print 1 to 10, with a pause behind each."""
    for number in range(1, 11):
        say(str(number))
        time.sleep(pause_s)


def seconds(text: str) -> float:
    """Read a pause from the command line: argparse makes a sentence of a ValueError."""
    pause_s = float(text)
    if not 0 <= pause_s <= 3600:
        raise ValueError
    return pause_s


def main() -> None:
    """Call it twice, and say how long that took."""
    parser = argparse.ArgumentParser(description="Counts to ten, twice, one after the other.")
    parser.add_argument(
        "--pause", type=seconds, default=0.5, metavar="SECONDS", help="between two numbers (0.5)"
    )
    pause_s = parser.parse_args().pause
    start = time.perf_counter()
    sleep_and_print(pause_s)
    sleep_and_print(pause_s)
    say(f"Took {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
