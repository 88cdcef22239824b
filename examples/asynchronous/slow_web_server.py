"""A web server that answers every page slowly, to measure waiting without the Internet (aiohttp).

Run it: `python slow_web_server.py --delay 0.5`, then open http://127.0.0.1:8891/any/page in a browser.
Pages below /missing do not exist; /stats tells how many pages were wanted, and how many of them at once.
It needs aiohttp: `pip install '.[examples]'` in the project's folder.
"""

import argparse
import asyncio
import contextlib
import html
import logging
import os
import sys

try:
    from aiohttp import web
except ModuleNotFoundError:
    sys.exit("aiohttp is missing: run pip install '.[examples]' in the project's folder.")


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


class SlowPages:
    """Answers after a delay, and counts who waits."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._waiting = 0
        self._pages = 0
        self._at_once = 0

    async def page(self, request: web.Request) -> web.Response:
        """Sleep, then answer: as it sleeps on the loop, it sleeps for many browsers at once."""
        self._pages += 1
        self._waiting += 1
        self._at_once = max(self._at_once, self._waiting)
        try:
            await asyncio.sleep(self._delay_s)
        finally:
            self._waiting -= 1
        if request.path.startswith("/missing"):
            raise web.HTTPNotFound
        return web.Response(text=f"<p>This is {html.escape(request.path)}.</p>\n", content_type="text/html")

    async def stats(self, _request: web.Request) -> web.Response:
        """Tell at once what was counted; `at_once` is the most that waited together."""
        return web.json_response({"pages": self._pages, "at_once": self._at_once})


async def serve(host: str, port: int, delay_s: float) -> None:
    """Answer until Ctrl+C."""
    pages = SlowPages(delay_s)
    app = web.Application()
    app.router.add_get("/stats", pages.stats)
    app.router.add_get("/{path:.*}", pages.page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)  # Ctrl+C need not wait for the slow pages
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        host, port = runner.addresses[0][:2]
        say(f"Listening on {host}:{port}")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def port_number(text: str) -> int:
    """Read a port from the command line."""
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def seconds(text: str) -> float:
    """Read a delay from the command line."""
    delay_s = float(text)
    if not 0 <= delay_s <= 3600:
        raise ValueError
    return delay_s


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description="A web server that answers slowly.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8891, help="0 takes a free one (8891)")
    parser.add_argument("--delay", type=seconds, default=0.5, metavar="SECONDS", help="per page (0.5)")
    options = parser.parse_args()
    # What is no HTTP gets its 400; aiohttp would also print a traceback for each, with what the client sent.
    logging.getLogger("aiohttp").addHandler(logging.NullHandler())
    try:
        asyncio.run(serve(options.host, options.port, options.delay))
    except (OSError, UnicodeError) as error:
        reason = "this is no host name"
        if isinstance(error, OSError) and error.errno is not None:
            # asyncio puts the address into its own text a second time; a host not found has a number below 0
            reason = os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
        sys.exit(f"Cannot listen on {options.host}:{options.port}: {reason}; try another --host or --port.")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
