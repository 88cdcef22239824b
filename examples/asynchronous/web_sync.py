"""Fetches one web page and writes it to a file, and stands still while it waits for either (requests).

Run it: `python web_sync.py https://example.org`, then look into /tmp/web_page.
It needs requests: `pip install '.[examples]'` in the project's folder.
"""

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

try:
    import requests
except ModuleNotFoundError:
    sys.exit("requests is missing: run pip install '.[examples]' in the project's folder.")

PAGE_MAX_MIB = 10


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, the work goes on without."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class FetchError(Exception):
    """A page cannot be had; the text says why."""


def get_content(url: str, wait_s: float = 10.0) -> bytes:
    """Fetch a page."""
    content = bytearray()
    try:
        with time_limit(wait_s), requests.get(url, stream=True, timeout=wait_s) as response:
            response.raise_for_status()
            for chunk in response.iter_content(65536):  # in pieces: no page may fill our memory
                content += chunk
                if len(content) > PAGE_MAX_MIB * 1024 * 1024:
                    raise FetchError(f"the page is larger than {PAGE_MAX_MIB} MiB")
    except (requests.RequestException, OSError, ValueError) as error:
        raise FetchError(why(error)) from None
    return bytes(content)


def write_content(content: bytes, file: Path) -> None:
    """Write a page to a file."""
    with open(file, "wb", opener=open_no_link) as target:
        target.write(content)


def open_no_link(path: str, flags: int) -> int:
    """Open a file to write to it, unless it is a link or a pipe that nobody reads."""
    # /tmp is everybody's: a link that somebody else put there would have us overwrite a file of our own.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)


@contextlib.contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Break the block off after this time: requests limits each silence of a server, not the whole."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise FetchError("the page did not come in time; try again later, or with a longer --wait")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def why(error: Exception) -> str:
    """Say in a few words why a page did not come."""
    if isinstance(error, requests.HTTPError):
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the page did not come in time; try again later, or with a longer --wait"
    if isinstance(error, requests.exceptions.SSLError):
        return "no safe connection to the server; check its certificate"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the server hung up in the middle of the page; try again"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached, or hung up; check the address and the network"
    if isinstance(error, ValueError):
        return "this is no web address; write it like https://example.org/page"
    return str(error)


def printable(text: str) -> str:
    """The text, cut, with control characters escaped: no server may command our terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:500])


def seconds(text: str) -> float:
    """Read a time-out from the command line: argparse makes a sentence of a ValueError."""
    wait_s = float(text)
    if not 0.01 <= wait_s <= 3600:
        raise ValueError
    return wait_s


def main() -> None:
    """Fetch, then write."""
    parser = argparse.ArgumentParser(description="Fetches a web page and writes it to a file.")
    parser.add_argument("url", metavar="URL", help="such as https://example.org")
    parser.add_argument(
        "--out", type=Path, default=Path("/tmp/web_page"), metavar="FILE", help="(/tmp/web_page)"
    )
    parser.add_argument(
        "--wait", type=seconds, default=10.0, metavar="SECONDS", help="for the whole page (10)"
    )
    options = parser.parse_args()
    try:
        content = get_content(options.url, options.wait)
        write_content(content, options.out)
    except FetchError as error:
        sys.exit(printable(f"Cannot fetch {options.url[:200]}: {error}") + ".")
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        sys.exit(printable(f"Cannot write {options.out}: {reason}; choose another file with --out") + ".")
    say(printable(f"Wrote {len(content)} bytes to {options.out}"))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
