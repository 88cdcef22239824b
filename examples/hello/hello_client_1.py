"""Sends `hello world` every second: a socket that connects and sends.

Run it: `python hello_client_1.py`, next to one of the three servers. Ctrl+C ends it.
TCP carries bytes, not messages: without `--newline` nothing marks where one greeting ends.
"""

import argparse
import contextlib
import os
import socket
import sys
import time


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def connect(host: str, port: int) -> socket.socket:
    """Open the connection, or say why not."""
    try:
        return socket.create_connection((host, port))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a host"
        sys.exit(
            f"Cannot connect to {host}:{port} ({reason}): start the server, or give its --host and --port."
        )


def greet(server: socket.socket, greeting: str, every_s: float) -> None:
    """Send the greeting again and again."""
    try:
        while True:
            server.sendall(greeting.encode())
            say("Sent hello world")
            time.sleep(every_s)
    except ConnectionError:
        sys.exit("The server has closed the connection: start it again, then this client.")


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
    """Connect, and greet."""
    parser = argparse.ArgumentParser(description="Sends hello world every second.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8080, help="its port (8080)")
    parser.add_argument("--every", type=seconds, default=1, metavar="SECONDS", help="between two (1)")
    parser.add_argument("--newline", action="store_true", help="end each greeting with a newline")
    options = parser.parse_args()
    with connect(options.host, options.port) as server:
        greet(server, "hello world\n" if options.newline else "hello world", options.every)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
