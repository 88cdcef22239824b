"""Sends back what comes, to as many clients as there are: asyncio streams, one coroutine for each client.

Run it: `python echo_server.py`, then `python echo_client.py Hello` in another terminal. Ctrl+C ends it.
"""

import argparse
import asyncio
import codecs
import contextlib
import errno
import sys


def shown(text: str) -> str:
    """Give text that cannot command the terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class EchoServer:
    """A server that knows who is connected."""

    def __init__(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, host: str, port: int) -> None:
        """Listen until Ctrl+C."""
        try:
            server = await asyncio.start_server(self.welcome, host, port)
        except (OSError, UnicodeError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "another program has it" if in_use else error
            sys.exit(f"Cannot listen on {host}:{port} ({reason}): choose another --host or --port.")
        host, port = server.sockets[0].getsockname()[:2]
        print(f"Listening on {host}:{port}", flush=True)
        try:
            await asyncio.Event().wait()  # nobody sets it: Ctrl+C cancels this
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()  # close() would wait for clients that read nothing

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        host, port = writer.get_extra_info("peername")[:2]
        name = f"{host}:{port}"
        print(f"Client connected: {name}", flush=True)
        self._writers.add(writer)
        try:
            await self.echo(name, reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)
            print(f"Client disconnected: {name}", flush=True)

    async def echo(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send back all that comes from one client, until it leaves."""
        # The bytes of one letter may come in two pieces: this decoder keeps the first for the second.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while chunk := await receive(reader):
            print(f"Message from {name}: {shown(decoder.decode(chunk))}", flush=True)
            writer.write(chunk)
            with contextlib.suppress(OSError):
                await writer.drain()  # no more is read from a client that takes nothing back


async def receive(reader: asyncio.StreamReader) -> bytes:
    """Wait for what comes next; nothing means that the client has left."""
    try:
        return await reader.read(4096)
    except OSError:
        return b""  # it left without a goodbye


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description="Sends back what comes.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="0 for a free one (8888)")
    options = parser.parse_args()
    asyncio.run(EchoServer().serve(options.host, options.port))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
