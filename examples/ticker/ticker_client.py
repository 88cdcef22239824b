"""Prints the numbers that `ticker_server.py` sends, until Ctrl+C, the server's end, or `--count` of them.

Run it: `python ticker_client.py`, with `python ticker_server.py` running in another terminal.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys

LINE_LIMIT = 1024  # bytes; who sends more without a line end is no ticker


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def visible(text: str) -> str:
    """Escape control characters: what comes from a network must not steer the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


async def print_numbers(reader: asyncio.StreamReader, count: int | None) -> None:
    """Print what comes, a line each."""
    received = 0
    while received != count:
        line = await reader.readline()
        if not line:
            say("The server hung up.")
            return
        received += 1
        say(visible(line.decode("utf-8", "replace").rstrip("\r\n")))


def reason(error: OSError | UnicodeError) -> str:
    """Say in short why there is no link (asyncio's own words repeat the address)."""
    if isinstance(error, socket.gaierror | UnicodeError) or not error.errno:
        return getattr(error, "strerror", None) or str(error)
    return os.strerror(error.errno)


async def listen_to(host: str, port: int, count: int | None) -> None:
    """Connect, print, hang up."""
    try:
        reader, writer = await asyncio.open_connection(host, port, limit=LINE_LIMIT)
    except (OSError, UnicodeError) as error:
        sys.exit(f"Cannot reach {host}:{port} ({reason(error)}): is ticker_server.py running there?")
    try:
        await print_numbers(reader, count)
    except ConnectionError:
        sys.exit(f"The link to {host}:{port} broke: connect again.")
    except ValueError:
        sys.exit(f"{host}:{port} sent a line of more than {LINE_LIMIT} bytes: that is no ticker_server.py.")
    finally:
        writer.close()


def port_number(text: str) -> int:
    """Read a port from the command line."""
    number = int(text) if text.isdecimal() else -1
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return number


def at_least_one(text: str) -> int:
    """Read a count from the command line."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def main() -> None:
    """Read the command line and listen."""
    parser = argparse.ArgumentParser(description="Prints the numbers that ticker_server.py sends.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="its port (8888)")
    parser.add_argument("--count", type=at_least_one, help="leave after so many numbers (never)")
    wanted = parser.parse_args()
    asyncio.run(listen_to(wanted.host, wanted.port, wanted.count))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
