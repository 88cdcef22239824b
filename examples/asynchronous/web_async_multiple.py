"""Fetches many web pages and writes each to a file, all at once on one event loop (aiohttp, aiofiles).

Run it: `python web_async_multiple.py urls.txt`, then look for /tmp/web_*. The file has one address a line.
It needs aiohttp and aiofiles: `pip install '.[examples]'` in the project's folder.
"""

import argparse
import asyncio
import contextlib
import errno
import hashlib
import os
import sys
import time
from pathlib import Path
from urllib.parse import quote

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


async def get_content(session: aiohttp.ClientSession, url: str) -> bytes:
    """Fetch a page."""
    content = bytearray()
    try:
        async with session.get(url, raise_for_status=True) as response:
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


def read_urls(file: Path) -> list[str]:
    """Read the addresses, one a line and each once; empty lines and lines that begin with # are skipped."""
    with file.open(encoding="utf-8-sig", errors="backslashreplace") as lines:
        urls = [line.strip() for line in lines]
    return list(dict.fromkeys(url for url in urls if url and not url.startswith("#")))


def file_name(url: str) -> str:
    """Name the file of an address: web_<URL without https://>, without a character that would harm.

    `quote` escapes / and its like, and never gives two addresses one name. But a name may have no more than
    255 bytes, and a disk may take a and A for the same: then a hash tells the addresses apart (behind a +,
    which `quote` would have escaped).
    """
    name = "web_" + quote(url.removeprefix("https://"), safe="")
    if len(name) > 200 or url != url.lower():
        name = f"{name[:180]}+{hashlib.sha256(url.encode()).hexdigest()[:20]}"
    return name


async def fetch_and_write(session: aiohttp.ClientSession, url: str, file: Path) -> bool:
    """Fetch a page, then write it; say what failed, as the others shall still get through."""
    try:
        content = await get_content(session, url)
        await write_content(content, file)
        say(printable(f"Wrote {file}"))
        return True
    except FetchError as error:
        failure = f"Cannot fetch {url[:200]}: {error}."
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        failure = f"Cannot write {file}: {reason}; choose another folder with --out-dir."
    print(printable(failure), file=sys.stderr, flush=True)
    return False


async def fetch_all(urls: list[str], folder: Path, wait_s: float, at_once: int) -> int:
    """Fetch and write all pages together: the waits overlap. Returns how many were written."""
    turns = asyncio.Semaphore(at_once)  # a server would take a thousand requests at once for an attack

    async def take_turn(url: str) -> bool:
        async with turns:
            return await fetch_and_write(session, url, folder / file_name(url))

    # trust_env: take the proxy of the environment, as requests does without being told
    limit = aiohttp.ClientTimeout(total=wait_s)
    async with aiohttp.ClientSession(timeout=limit, trust_env=True) as session:
        return sum(await asyncio.gather(*(take_turn(url) for url in urls)))


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


def number(text: str) -> int:
    """Read how many pages may be on their way at once."""
    at_once = int(text)
    if not 1 <= at_once <= 100:
        raise ValueError
    return at_once


def main() -> None:
    """Read the command line, and fetch all."""
    parser = argparse.ArgumentParser(description="Fetches web pages, many at once.")
    parser.add_argument("file", type=Path, metavar="FILE", help="one address a line; # begins a comment")
    parser.add_argument("--out-dir", type=Path, default=Path("/tmp"), metavar="DIR", help="(/tmp)")
    parser.add_argument("--wait", type=seconds, default=10.0, metavar="SECONDS", help="for each page (10)")
    parser.add_argument("--at-once", type=number, default=20, metavar="N", help="pages on their way (20)")
    options = parser.parse_args()
    try:
        urls = read_urls(options.file)
    except OSError as error:
        sys.exit(printable(f"Cannot read {options.file}: {error.strerror}; give a file of addresses") + ".")
    if not urls:
        sys.exit(printable(f"There is no address in {options.file}; write one a line") + ".")
    if not options.out_dir.is_dir():
        sys.exit(printable(f"{options.out_dir} is no folder; make it, or choose another --out-dir") + ".")
    start = time.perf_counter()
    written = asyncio.run(fetch_all(urls, options.out_dir, options.wait, options.at_once))
    took_s = time.perf_counter() - start
    say(f"Wrote {written} of {len(urls)} pages in {took_s:.2f} s")
    if written < len(urls):
        sys.exit(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
