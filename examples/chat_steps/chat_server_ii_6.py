"""Step 6 of the chat: a server that also tells who leaves, however they do.

Run it: `python chat_server_ii_6.py`, then `python chat_client_ii_6.py` in two other terminals.

TCP carries bytes, not messages: a line may come in pieces, or with the next one. So `read_lines` collects
bytes up to a line end. A client that ends none of its lines is taken to have said one when it falls silent.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import unicodedata
from collections.abc import AsyncIterator
from typing import TypedDict

LINE_MAX = 4096
SILENCE_S = 0.1
PATIENCE_S = 1.0
NICK_MAX = 40

Address = tuple[str, int]


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


class Client(TypedDict):
    """One client's ends of its connection, and its nick."""

    r: asyncio.StreamReader
    w: asyncio.StreamWriter
    pseudo: str


CLIENTS: dict[Address, Client] = {}


def printable(text: str) -> str:
    """The text with control characters escaped: nobody may command the terminal of somebody else."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text)


async def read_lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """What a client says, line by line, safe to print; empty lines are left out."""
    rest, ends_lines, is_open = b"", False, True
    while is_open:
        try:
            async with asyncio.timeout(SILENCE_S if rest and not ends_lines else None):
                chunk = await reader.read(1024)
        except TimeoutError:
            if not rest:
                raise  # not our time is over, but the network's: the client is lost
            lines, rest = [rest], b""
        else:
            *lines, rest = (rest + chunk).split(b"\n")
            ends_lines = ends_lines or bool(lines)
            is_open = bool(chunk)
            if not is_open or len(rest) > LINE_MAX:  # a line that never ends must not fill our memory
                lines, rest = [*lines, rest], b""
        for line in lines:
            if text := printable(line.decode("utf-8", "replace").rstrip("\r")):
                yield text


async def send(writer: asyncio.StreamWriter, text: str) -> None:
    """Send a line to a client; who takes nothing for a second is dropped, for it would hold up the others."""
    try:
        writer.write(f"{text}\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            await writer.drain()
    except OSError:  # it has vanished, or the time is over
        writer.transport.abort()


async def tell(text: str, *, but: Address | None = None) -> None:
    """Send a line to everybody, or to everybody but one, to all at the same time."""
    await asyncio.gather(*[send(client["w"], text) for addr, client in CLIENTS.items() if addr != but])


async def enter(addr: Address, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take in a client by its first line: `Hello|<nick>`, or `Hello` of a client of an earlier step."""
    host, port = addr
    word, _, nick = line.partition("|")
    if word != "Hello":
        await send(writer, "Say Hello|<nick> first.")
        return
    if "|" not in line:
        await send(writer, f"Hello {host}:{port}")
    pseudo = nick.strip()[:NICK_MAX] or f"{host}:{port}"
    CLIENTS[addr] = {"r": reader, "w": writer, "pseudo": pseudo}
    await tell(f"Annonce : {pseudo} a rejoint la chatroom")


async def leave(addr: Address) -> None:
    """Forget a client, and tell the others if it had entered."""
    if client := CLIENTS.pop(addr, None):
        await tell(f"Annonce : {client['pseudo']} a quitté la chatroom")


async def listen(addr: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take in a client, then pass on all that it says, until it leaves or vanishes."""
    host, port = addr
    with contextlib.suppress(OSError), contextlib.closing(writer):  # OSError: it has vanished
        async for line in read_lines(reader):
            say(f"Message received from {host}:{port} : {line}")
            if addr in CLIENTS:
                await tell(f"{CLIENTS[addr]['pseudo']} a dit : {line}", but=addr)
            else:
                await enter(addr, line, reader, writer)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client from its coming to its leaving."""
    addr = writer.get_extra_info("peername")[:2]
    # Ctrl+C cancels us: nobody is told then. (Python 3.11 shows a traceback if the CancelledError gets out.)
    with contextlib.suppress(asyncio.CancelledError):
        await listen(addr, reader, writer)
        await leave(addr)


async def serve(host: str, port: int) -> None:
    """Listen until Ctrl+C."""
    server = await asyncio.start_server(talk, host, port)
    host, port = server.sockets[0].getsockname()[:2]
    say(f"Listening on {host}:{port}")
    try:
        await asyncio.Event().wait()  # server.serve_forever() may wait for all clients to leave at the end
    finally:
        server.close()


def port_number(text: str) -> int:
    """A port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description="A chat whose people have nicks, come and leave.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="0 for a free one (8888)")
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.host, options.port))
    except (OSError, UnicodeError) as error:  # UnicodeError: what no name of a host can be
        sys.exit(
            f"Cannot listen on {options.host}:{options.port} ({error}). Choose another --host or --port."
        )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
