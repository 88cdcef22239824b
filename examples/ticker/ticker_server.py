"""Sends each client a random number every second until it leaves or crashes: then its work really ends.

Run it: `python ticker_server.py`, then `python ticker_client.py` (or `nc 127.0.0.1 8888`) in other terminals.

A client says nothing: whatever it sends is thrown away. It left when it hung up, when the link broke, or
when it read nothing for so long (`--patience`) that a number could not be sent.
"""

import argparse
import asyncio
import contextlib
import itertools
import math
import os
import random
import socket
import sys

SEND_BUFFER = 1024  # bytes; numbers are short, so a small one shows soon who stopped reading


def say(line: str) -> None:
    """Write a line into the journal; where nobody reads it any more, as behind `| head`, that is the end."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


class Ticker:
    """What all clients share: their numbering, the random numbers, and how the journal is written."""

    def __init__(self, every_s: float, patience_s: float, seed: int | None, *, quiet: bool) -> None:
        self._every_s = every_s
        self._patience_s = patience_s
        self._random = random.Random(seed)
        self._quiet = quiet
        self._clients = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Work for one client, from its connection to its end."""
        client = next(self._clients)
        say(f"client {client} connected from {address(writer)}")
        try:
            await self._send_numbers(client, reader, writer)
            say(f"client {client} left")
        except TimeoutError:
            say(f"client {client} left: it stopped reading")
        except OSError:
            say(f"client {client} left: the link broke")
        except asyncio.CancelledError:  # Ctrl+C: it ends here, as asyncio of 3.11 would complain about it
            say(f"client {client} is sent away: the server ends")
        finally:
            await hang_up(writer)
            say(f"work for client {client} ended")

    async def _send_numbers(
        self, client: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        writer.transport.set_write_buffer_limits(high=0)  # drain() then waits for every byte
        while True:
            number = self._random.randint(1, 100)
            writer.write(f"{number}\n".encode())
            async with asyncio.timeout(self._patience_s):
                await writer.drain()
            if not self._quiet:
                say(f"client {client} <- {number}")
            if await hung_up_within(self._every_s, reader):
                return


async def hung_up_within(wait_s: float, reader: asyncio.StreamReader) -> bool:
    """Wait between two numbers, but no longer than the client stays: nobody works for one who left."""
    try:
        async with asyncio.timeout(wait_s):
            while await reader.read(1024):
                pass
            return True
    except TimeoutError:
        return False


def address(writer: asyncio.StreamWriter) -> str:
    """Where the client comes from."""
    peer = writer.get_extra_info("peername")  # None if it was gone before we looked
    return f"{peer[0]}:{peer[1]}" if peer else "somewhere"


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close the link; bytes that the client does not take are given up after a second."""
    writer.close()
    try:
        async with asyncio.timeout(1):
            await writer.wait_closed()
    except (OSError, asyncio.CancelledError):  # a time-out is an OSError too; Ctrl+C may come just now
        writer.transport.abort()


def reason(error: OSError | UnicodeError) -> str:
    """Say in short why there is no link (asyncio's own words repeat the address)."""
    if isinstance(error, socket.gaierror | UnicodeError) or not error.errno:
        return getattr(error, "strerror", None) or str(error)
    return os.strerror(error.errno)


async def listen(host: str, port: int, ticker: Ticker) -> None:
    """Serve until Ctrl+C."""
    try:
        server = await asyncio.start_server(ticker.serve, host, port)
    except (OSError, UnicodeError) as error:
        sys.exit(f"Cannot listen on {host}:{port} ({reason(error)}): choose another --host or --port.")
    for listener in server.sockets:
        say("Listening on {}:{}".format(*listener.getsockname()[:2]))
    try:
        await asyncio.Event().wait()
    finally:
        server.close()


def port_number(text: str) -> int:
    """Read a port from the command line."""
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def seconds(text: str) -> float:
    """Read a positive duration from the command line."""
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Sends each client a random number every second.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="0 for a free one (8888)")
    parser.add_argument("--every", type=seconds, default=1.0, metavar="SECONDS", help="between numbers (1)")
    parser.add_argument(
        "--patience", type=seconds, default=5.0, metavar="SECONDS", help="with one who stopped reading (5)"
    )
    parser.add_argument("--seed", type=int, help="an integer: the same numbers at every run")
    parser.add_argument("--quiet-numbers", action="store_true", help="leave the numbers out of the journal")
    wanted = parser.parse_args()
    ticker = Ticker(wanted.every, wanted.patience, wanted.seed, quiet=wanted.quiet_numbers)
    asyncio.run(listen(wanted.host, wanted.port, ticker))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
