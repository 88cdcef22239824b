"""Step 2 of the chat: a server that prints what a client says, and answers with the client's address.

Run it: `python chat_server_ii_2.py`, then `python chat_client_ii_2.py` in another terminal.

It reads once: whatever a client's first packet brings is its message, with or without a line end.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import unicodedata


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def printable(text: str) -> str:
    """The text with control characters escaped: a client must not command the terminal of the server."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Print a client's message, answer it, and hang up."""
    host, port = writer.get_extra_info("peername")[:2]
    # OSError: the client has vanished; CancelledError: Ctrl+C (Python 3.11 shows a traceback if it gets out).
    with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
        message = (await reader.read(1024)).decode("utf-8", "replace").strip()
        if message:
            say(f"Message received from {host}:{port} : {printable(message)}")
            writer.write(f"Hello {host}:{port}\n".encode())
            await writer.drain()


async def serve(host: str, port: int) -> None:
    """Listen until Ctrl+C."""
    server = await asyncio.start_server(greet, host, port)
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
    parser = argparse.ArgumentParser(description="Answers Hello with the address of who said it.")
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
