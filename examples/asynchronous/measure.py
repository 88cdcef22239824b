"""Measures what asyncio saves: fetches the same pages with web_sync_multiple.py and web_async_multiple.py.

Run it: `python measure.py` (10 pages of a local server that needs 0.5 s for each; about 10 s in all),
or `python measure.py --url-file urls.txt` for pages of the Internet.
It needs requests, aiohttp and aiofiles: `pip install '.[examples]'` in the project's folder.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = ("web_sync_multiple.py", "web_async_multiple.py")


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python prints once more what is left
        sys.exit()


class MeasureError(Exception):
    """A program that is measured failed; the text says which."""


@contextlib.contextmanager
def slow_server(delay_s: float) -> Iterator[str]:
    """Run the slow web server, and give its address."""
    command = [sys.executable, str(HERE / "slow_web_server.py"), "--port", "0", "--delay", str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            words = server.stdout.readline().split()
            if not words:
                raise MeasureError("slow_web_server.py did not start")
            yield f"http://{words[-1]}"
        finally:
            server.terminate()


def time_of(program: str, url_file: Path, folder: Path, delay_s: float) -> float:
    """Run a program into a new folder, and give the seconds that it says it took."""
    folder.mkdir()
    run = subprocess.run(
        [sys.executable, HERE / program, url_file, "--out-dir", folder, "--wait", str(delay_s + 10)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        # the local server is not behind the proxy, if there is one
        env={**os.environ, "NO_PROXY": os.environ.get("NO_PROXY", "") + ",127.0.0.1"},
    )
    took = re.search(r" pages in ([\d.]+) s$", run.stdout.rstrip())
    if run.returncode or took is None:
        raise MeasureError(f"{program} did not get all pages; what it said is above")
    return float(took[1])


def measure(url_file: Path, folder: Path, delay_s: float) -> None:
    """Time both programs, and print the table."""
    say(f"{'program':24}{'seconds':>8}")
    times = []
    for program in PROGRAMS:
        times.append(time_of(program, url_file, folder / program, delay_s))
        say(f"{program:24}{times[-1]:8.2f}")
    say(f"Waiting for all at once is {times[0] / max(times[1], 0.01):.1f} times as fast.")


def measure_locally(pages: int, folder: Path, delay_s: float) -> None:
    """Time both programs on pages of our own server."""
    with slow_server(delay_s) as address:
        url_file = folder / "urls.txt"
        url_file.write_text("".join(f"{address}/page/{number}\n" for number in range(1, pages + 1)))
        say(f"{pages} pages of {address}, {delay_s:g} s each:")
        measure(url_file, folder, delay_s)


def seconds(text: str) -> float:
    """Read a delay from the command line: argparse makes a sentence of a ValueError."""
    delay_s = float(text)
    if not 0 <= delay_s <= 60:
        raise ValueError
    return delay_s


def number(text: str) -> int:
    """Read how many pages there shall be."""
    pages = int(text)
    if not 1 <= pages <= 1000:
        raise ValueError
    return pages


def main() -> None:
    """Measure on the pages of a file, or on our own."""
    parser = argparse.ArgumentParser(description="Compares fetching one by one with fetching together.")
    parser.add_argument("--url-file", type=Path, metavar="FILE", help="fetch these, not our own pages")
    parser.add_argument("--pages", type=number, default=10, metavar="N", help="of our own (10)")
    parser.add_argument("--delay", type=seconds, default=0.5, metavar="SECONDS", help="of each (0.5)")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="measure_") as folder:
            if options.url_file is not None:
                measure(options.url_file, Path(folder), options.delay)
            else:
                measure_locally(options.pages, Path(folder), options.delay)
    except MeasureError as error:
        sys.exit(f"Cannot measure: {error}.")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
