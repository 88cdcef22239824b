"""Fetches one web page and writes it to a file, and lets the loop go on while it waits (aiohttp, aiofiles).

Run it: `python web_async.py https://example.org`, then look into /tmp/web_page.
It needs aiohttp and aiofiles: `pip install '.[examples]'` in the project's folder.
"""

import argparse
import asyncio
import contextlib
import errno
import os
import sys
from pathlib import Path

try:
    import aiofiles
    import aiohttp
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is missing: run pip install '.[examples]' in the project's folder.")

PAGE_MAX_MIB = 10


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, the work goes on without."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class FetchError(Exception):
    """A page cannot be had; the text says why."""


async def get_content(url: str, wait_s: float = 10.0) -> bytes:
    """Fetch a page."""
    content = bytearray()
    limit = aiohttp.ClientTimeout(total=wait_s)
    try:
        # trust_env: take the proxy of the environment, as requests does without being told
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=True) as session,
            session.get(url, raise_for_status=True) as response,
        ):
            async for chunk in response.content.iter_chunked(65536):  # no page may fill our memory
                content += chunk
                if len(content) > PAGE_MAX_MIB * 1024 * 1024:
                    raise FetchError(f"the page is larger than {PAGE_MAX_MIB} MiB")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(why(error)) from None
    return bytes(content)


async def write_content(content: bytes, file: Path) -> None:
    """Write a page to a file: aiofiles does it in a thread, as a slow disk would hold up the loop."""
    async with aiofiles.open(file, "wb", opener=open_no_link) as target:
        await target.write(content)


def open_no_link(path: str, flags: int) -> int:
    """Open a file to write to it, unless it is a link or a pipe that nobody reads."""
    # /tmp is everybody's: a link that somebody else put there would have us overwrite a file of our own.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)


def why(error: Exception) -> str:
    """Say in a few words why a page did not come."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the server answered {error.status} {error.message}"
    if isinstance(error, TimeoutError):
        return "the page did not come in time; try again later, or with a longer --wait"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no safe connection to the server; check its certificate"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the server hung up in the middle of the page; try again"
    if isinstance(error, OSError | aiohttp.ClientConnectionError):
        return "the server cannot be reached, or hung up; check the address and the network"
    if isinstance(error, ValueError | aiohttp.NonHttpUrlClientError):
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


async def fetch_and_write(url: str, file: Path, wait_s: float) -> None:
    """Fetch, then write: `await` still means one after the other; only others may run meanwhile."""
    content = await get_content(url, wait_s)
    await write_content(content, file)
    say(printable(f"Wrote {len(content)} bytes to {file}"))


def main() -> None:
    """Read the command line, and run the coroutine on a loop."""
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
        asyncio.run(fetch_and_write(options.url, options.out, options.wait))
    except FetchError as error:
        sys.exit(printable(f"Cannot fetch {options.url[:200]}: {error}") + ".")
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        sys.exit(printable(f"Cannot write {options.out}: {reason}; choose another file with --out") + ".")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
