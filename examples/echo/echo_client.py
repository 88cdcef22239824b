"""Sends a string to the echo server and waits for its return: asyncio streams, one connection.

Run it: `python echo_client.py Hello`, next to `echo_server.py`.
"""

import argparse
import asyncio
import contextlib
import os
import sys


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def shown(text: str) -> str:
    """Give text that cannot command the terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


async def echo(host: str, port: int, message: bytes, wait_s: float) -> None:
    """Open the connection, send the message, print what comes back, close."""
    say(f"Opening a connection to {host}:{port}")
    try:
        async with asyncio.timeout(wait_s):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        sys.exit(f"Cannot connect to {host}:{port} (no answer): check --host and --port.")
    except (OSError, UnicodeError) as error:
        reason = "nobody listens there" if isinstance(error, ConnectionRefusedError) else error
        sys.exit(
            f"Cannot connect to {host}:{port} ({reason}): start the server, or give its --host and --port."
        )
    say(f"Connected to {host}:{port}")
    try:
        async with asyncio.timeout(wait_s):
            await there_and_back(reader, writer, message)
    except TimeoutError:
        sys.exit("The message did not come back in time: is this the echo server?")
    except (OSError, EOFError):
        sys.exit("The connection was lost before the message came back: try again.")
    finally:
        writer.transport.abort()  # all is said: there is nothing to wait for
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        say("Disconnected")


async def there_and_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> None:
    """Send the message and print what comes back."""
    say(f"Sent: {shown(message.decode('utf-8', 'replace'))}")
    writer.write(message)
    # TCP may deliver it in pieces, so count. No drain() before: a long message comes back while it goes.
    back = await reader.readexactly(len(message))
    say(f"Received: {shown(back.decode('utf-8', 'replace'))}")


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def seconds(text: str) -> float:
    """Read a time, for argparse."""
    if not 0 <= float(text) <= 86400:
        raise argparse.ArgumentTypeError("this takes 0 to 86400 seconds")
    return float(text)


def main() -> None:
    """Send one message."""
    parser = argparse.ArgumentParser(description="Sends a string to the echo server and back.")
    parser.add_argument("message", nargs="?", default="Hello", help="what to send (Hello)")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8888, help="its port (8888)")
    parser.add_argument("--wait", type=seconds, default=10, metavar="SECONDS", help="at most (10)")
    options = parser.parse_args()
    asyncio.run(echo(options.host, options.port, os.fsencode(options.message), options.wait))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
