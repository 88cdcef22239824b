"""Calculates for its clients: each says what (somme, moyenne, écart-type, min, max), then numbers, then `=`.

Run it: `python maths_server.py`, then `python maths_client.py` (or `nc 127.0.0.1 8889`) in other terminals.

The protocol, in lines of UTF-8:

    somme           an action: somme, moyenne, écart-type, min, max, or in English sum, mean, stdev, min, max;
                    capitals and accents do not matter
    1 2             numbers, one or several a line, with a point or a comma for the decimals
    3,5
    =               now comes the answer: `somme = 6.5`; then the next action may follow

An answer is `<action> = <number>`, with a decimal point and at most 15 digits. écart-type is that of the
whole population (divided by n, not by n - 1). Whatever is wrong gets one line, `error: …`: then nothing
of that line counts, and the calculation goes on. A `=` always ends it.
"""

import argparse
import asyncio
import contextlib
import itertools
import math
import os
import re
import socket
import statistics
import sys
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence

LINE_LIMIT = 4096  # bytes
MOST_NUMBERS = 1000
LARGEST = 1e12  # a sum of so many still has all its digits

ACTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "somme": math.fsum,
    "moyenne": statistics.fmean,
    "écart-type": statistics.pstdev,
    "min": min,
    "max": max,
    "sum": math.fsum,
    "mean": statistics.fmean,
    "stdev": statistics.pstdev,
}
NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


class MathsError(Exception):
    """What is wrong with a line, in a sentence."""


class Calculation:
    """What one client has said so far."""

    def __init__(self) -> None:
        self._action: str | None = None
        self._numbers: list[float] = []

    def take(self, line: str) -> str | None:
        """Take a line; give the answer if there is one."""
        try:
            return self._take(line.strip())
        except MathsError as error:
            return f"error: {error}"

    def _take(self, line: str) -> str | None:
        if not line:
            return None
        if self._action is None:
            self._action = find_action(line)
            return None
        words, ends = line.removesuffix("=").split(), line.endswith("=")
        numbers = [read_number(word) for word in words]
        if len(self._numbers) + len(numbers) > MOST_NUMBERS:
            raise MathsError(f"{MOST_NUMBERS} numbers are the most that a calculation takes.")
        self._numbers += numbers
        return self._answer(self._action) if ends else None

    def _answer(self, action: str) -> str:
        numbers = self._numbers
        self._action, self._numbers = None, []
        if not numbers:
            raise MathsError(f"{action} needs at least one number; choose an action again.")
        return f"{action} = {ACTIONS[action](numbers) + 0.0:.15g}"  # + 0.0 makes -0 a 0


def find_action(line: str) -> str:
    """Which action is meant: `ECART-TYPE` is `écart-type`."""
    for action in ACTIONS:
        if bare(action) == bare(line):
            return action
    wanted = "choose one of " + ", ".join(ACTIONS)
    raise MathsError(f"{quoted(line)} is no action; {wanted}.")


def bare(name: str) -> str:
    """A name without capitals and accents."""
    letters = unicodedata.normalize("NFD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def read_number(word: str) -> float:
    """Read a number with a point or a comma; `float` alone would take `nan`, `1_000` and more."""
    if not NUMBER.fullmatch(word):
        raise MathsError(f"{quoted(word)} is not a number.")
    number = float(word.replace(",", "."))
    if abs(number) > LARGEST:
        raise MathsError(f"{quoted(word)} is too large: numbers go from {-LARGEST:g} to {LARGEST:g}.")
    return number


def visible(text: str) -> str:
    """Escape control characters: what comes from a network must not steer the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def quoted(text: str) -> str:
    """What a client wrote, fit for an answer."""
    return f"'{visible(text if len(text) <= 40 else text[:39] + '…')}'"


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
        yield None if too_long else line.decode("utf-8", "replace").rstrip("\r\n")
        too_long = False


async def converse(client: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one client until it hangs up."""
    calculation = Calculation()
    async for line in lines(reader):
        if line is None:
            answer: str | None = f"error: a line has at most {LINE_LIMIT} bytes."
        else:
            say(f"client {client} -> {visible(line)}")
            answer = calculation.take(line)
        if answer is not None:
            say(f"client {client} <- {answer}")
            writer.write(f"{answer}\n".encode())
            await writer.drain()


class MathsServer:
    """Numbers its clients."""

    def __init__(self) -> None:
        self._clients = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its connection to its end."""
        client = next(self._clients)
        say(f"client {client} connected from {address(writer)}")
        try:
            await converse(client, reader, writer)
            say(f"client {client} left")
        except OSError:
            say(f"client {client} left: the link broke")
        except asyncio.CancelledError:  # Ctrl+C: it ends here, as asyncio of 3.11 would complain about it
            say(f"client {client} is sent away: the server ends")
        finally:
            await hang_up(writer)


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


async def listen(host: str, port: int) -> None:
    """Serve until Ctrl+C."""
    try:
        server = await asyncio.start_server(MathsServer().serve, host, port, limit=LINE_LIMIT)
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


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Calculates for its clients.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8889, help="0 for a free one (8889)")
    wanted = parser.parse_args()
    asyncio.run(listen(wanted.host, wanted.port))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
