"""Sells products to many clients at once, with a readers-writer lock around its slow "database".

Run it: `python stock_server.py`, then `python stock_client.py` (or `nc 127.0.0.1 8890`) in other terminals.
With `--no-lock` it goes wrong: two clients order the last piece within `--wait` seconds, and both get it.

The protocol, in lines of UTF-8. After a wait the server sends the list, once, a product a line and `end`:

    1 30 apple      id, quantity, name (the rest of the line)
    2 12 pear
    end

The client then orders, as often as it likes, and gets one line for each order, in the same order:

    1 2             id, quantity
    ok: 2 apple sold, 28 left
    1 99
    error: only 28 apple left.

An order that the server has read is carried out as a whole, even if the client has left meanwhile.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import itertools
import math
import os
import re
import socket
import sys
from collections.abc import AsyncIterator

LINE_LIMIT = 256  # bytes
ORDER = re.compile(r"\s*([0-9]+)\s+([0-9]+)\s*")


@dataclasses.dataclass
class Product:
    """A row of the stock."""

    id: int
    name: str
    quantity: int


STOCK: list[Product] = [Product(1, "apple", 30), Product(2, "pear", 12), Product(3, "plum cake", 3)]


class ReadersWriterLock:
    """Many may read at once; one who writes is alone.

    Writers go first: once one waits, new readers wait behind it, or a crowd of readers that come and go
    would keep it out for ever. The price: readers wait as long as one writer follows another.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._readers = 0
        self._writers_waiting = 0
        self._writing = False

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold off those who write."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._writing and not self._writers_waiting)
            self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            await asyncio.shield(self._wake_all())

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Hold off everybody else."""
        async with self._changed:
            self._writers_waiting += 1
            try:
                await self._changed.wait_for(lambda: not self._writing and not self._readers)
                self._writing = True
            finally:
                self._writers_waiting -= 1
                self._changed.notify_all()  # if this one gave up, readers need not wait for it
        try:
            yield
        finally:
            self._writing = False
            await asyncio.shield(self._wake_all())

    async def _wake_all(self) -> None:
        # Shielded above: a task that is cancelled while it leaves must still tell those who wait.
        async with self._changed:
            self._changed.notify_all()


class NoLock(ReadersWriterLock):
    """Lets everybody in: this is what `--no-lock` shows."""

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold off nobody."""
        yield

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Hold off nobody."""
        yield


class StockError(Exception):
    """What is wrong with an order, in a sentence."""


class StockServer:
    """Serves the list, and sells from it."""

    def __init__(self, lock: ReadersWriterLock, wait_s: float) -> None:
        self._lock = lock
        self._wait_s = wait_s
        self._clients = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its connection to its end."""
        client = next(self._clients)
        say(f"client {client} connected from {address(writer)}")
        try:
            await self._converse(client, reader, writer)
            say(f"client {client} left")
        except OSError:
            say(f"client {client} left: the link broke")
        except asyncio.CancelledError:  # Ctrl+C: it ends here, as asyncio of 3.11 would complain about it
            say(f"client {client} is sent away: the server ends")
        finally:
            await hang_up(writer)

    async def _converse(
        self, client: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Outside of the lock: a client that reads slowly must not keep it.
        writer.write("".join(f"{line}\n" for line in await self._read_list(client)).encode())
        await writer.drain()
        async for line in lines(reader):
            try:
                answer = await self._order(client, line)
            except StockError as error:
                answer = f"error: {error}"
            say(f"client {client} <- {answer}")
            writer.write(f"{answer}\n".encode())
            await writer.drain()

    async def _read_list(self, client: int) -> list[str]:
        async with self._lock.reading():
            say(f"client {client} reads the list")
            await asyncio.sleep(self._wait_s)
            listed = [f"{product.id} {product.quantity} {product.name}" for product in STOCK]
            say(f"client {client} has read the list")
        return [*listed, "end"]

    async def _order(self, client: int, line: str | None) -> str:
        number, quantity = read_order(line)
        say(f"client {client} -> {number} {quantity}")
        async with self._lock.writing():
            product = find_product(number)
            if product.quantity < quantity:
                raise StockError(f"only {product.quantity} {product.name} left.")
            # Between the check and the change others may come in, but for the lock.
            say(f"client {client} buys")
            await asyncio.sleep(self._wait_s)
            product.quantity -= quantity
            say(f"client {client} has bought")
            return f"ok: {quantity} {product.name} sold, {product.quantity} left"


def read_order(line: str | None) -> tuple[int, int]:
    """Read a product's id and a quantity."""
    if line is None:
        raise StockError(f"a line has at most {LINE_LIMIT} bytes.")
    found = ORDER.fullmatch(line)
    if not found or int(found[2]) == 0:
        raise StockError("an order is a product's id and a quantity, both positive integers, as in: 1 2")
    return int(found[1]), int(found[2])


def find_product(number: int) -> Product:
    """The product with this id."""
    for product in STOCK:
        if product.id == number:
            return product
    raise StockError(f"there is no product {number}.")


def say(line: str) -> None:
    """Write a line into the journal; where nobody reads it any more, as behind `| head`, that is the end."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[str | None]:
    """The lines of a client; None for one that is too long to be kept."""
    too_long = False
    while True:
        try:
            line = await reader.readuntil()
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)  # thrown away, up to the line's end
            too_long = True
            continue
        except asyncio.IncompleteReadError:
            return  # it hung up; half a line is none
        yield None if too_long else line.decode("utf-8", "replace")
        too_long = False


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


async def listen(host: str, port: int, wait_s: float, *, locked: bool) -> None:
    """Serve until Ctrl+C."""
    stock = StockServer(ReadersWriterLock() if locked else NoLock(), wait_s)
    try:
        server = await asyncio.start_server(stock.serve, host, port, limit=LINE_LIMIT)
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
    """Read a duration from the command line."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise ValueError
    return number


def pieces(text: str) -> int:
    """Read a quantity from the command line."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Sells products to many clients at once.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8890, help="0 for a free one (8890)")
    parser.add_argument(
        "--wait", type=seconds, default=5.0, metavar="SECONDS", help='how slow the "database" is (5)'
    )
    parser.add_argument("--pieces", type=pieces, metavar="N", help="of the first product (30)")
    parser.add_argument("--no-lock", action="store_true", help="see how it goes wrong")
    wanted = parser.parse_args()
    if wanted.pieces is not None:
        STOCK[0].quantity = wanted.pieces
    asyncio.run(listen(wanted.host, wanted.port, wanted.wait, locked=not wanted.no_lock))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
