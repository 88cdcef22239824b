"""Step 2 of the chat: a client that says Hello, prints the server's answer and ends.

Run it: `python chat_client_ii_2.py`, while `chat_server_ii_2.py` runs.
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
    """The text with control characters escaped: a server must not command our terminal."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text)


async def say_hello(host: str, port: int) -> str:
    """What the server answers; empty if it does not."""
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        writer.write(b"Hello\n")
        try:
            answer = await reader.readline()
        except (OSError, ValueError):  # it vanished, or its line does not end
            return ""
    return answer.decode("utf-8", "replace").strip()


def port_number(text: str) -> int:
    """A port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Read the command line, and talk."""
    parser = argparse.ArgumentParser(description="Says Hello to the server of step 2.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="its port (8888)")
    options = parser.parse_args()
    where = f"{options.host}:{options.port}"
    try:
        answer = asyncio.run(say_hello(options.host, options.port))
    except (OSError, UnicodeError) as error:  # UnicodeError: what no name of a host can be
        sys.exit(f"Cannot connect to {where} ({error}). Start the server first, or give --host and --port.")
    if not answer:
        sys.exit(f"The server at {where} did not answer. Is it a chat server?")
    say(printable(answer))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
