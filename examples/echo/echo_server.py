"""Sends back what comes, to as many clients as there are: asyncio streams, one coroutine for each client.

Run it: `python echo_server.py`, then `python echo_client.py Hello` in another terminal. Ctrl+C ends it.
"""

import argparse
import asyncio
import codecs
import contextlib
import errno
import os
import sys
from collections.abc import Callable


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def shown(text: str) -> str:
    """Give text that cannot command the terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


Welcome = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


async def serve(host: str, port: int) -> None:
    """Listen until Ctrl+C."""
    async with asyncio.TaskGroup() as clients:  # it ends them all before it ends

        def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            clients.create_task(attend(reader, writer))

        server = await listen(welcome, host, port)
        try:
            await asyncio.Event().wait()  # nobody sets it: Ctrl+C cancels this
        finally:
            server.close()


async def listen(welcome: Welcome, host: str, port: int) -> asyncio.Server:
    """Take the port, or say why not."""
    try:
        server = await asyncio.start_server(welcome, host, port)
    except (OSError, UnicodeError) as error:
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "another program has it" if in_use else error
        sys.exit(f"Cannot listen on {host}:{port} ({reason}): choose another --host or --port.")
    host, port = server.sockets[0].getsockname()[:2]
    say(f"Listening on {host}:{port}")
    return server


async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client."""
    host, port = writer.get_extra_info("peername")[:2]
    name = f"{host}:{port}"
    say(f"Client connected: {name}")
    try:
        await echo(name, reader, writer)
        writer.close()
        await writer.wait_closed()  # until the client has all that was sent back
    except OSError:
        pass  # it left without a goodbye
    finally:
        writer.transport.abort()  # on Ctrl+C nobody waits for clients that read nothing
        say(f"Client disconnected: {name}")


async def echo(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back all that comes from one client, until it leaves."""
    # The bytes of one letter may come in two pieces: this decoder keeps the first for the second.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := await reader.read(4096):
        say(f"Message from {name}: {shown(decoder.decode(chunk))}")
        writer.write(chunk)
        await writer.drain()  # no more is read from a client that takes nothing back


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description="Sends back what comes.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="0 for a free one (8888)")
    options = parser.parse_args()
    asyncio.run(serve(options.host, options.port))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
