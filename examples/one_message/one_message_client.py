"""Sends one message: text becomes bytes, and bytes travel.

Run it: `python one_message_client.py "Ça va ?"`, next to `one_message_server.py`.
"""

import argparse
import contextlib
import os
import socket
import sys


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


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Send the message, and close."""
    parser = argparse.ArgumentParser(description="Sends one message.")
    parser.add_argument("text", help="what to send")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=63000, help="its port (63000)")
    options = parser.parse_args()
    message = os.fsencode(options.text)  # text.encode(), and it also takes what the shell passed as no UTF-8
    with connect(options.host, options.port) as server:
        try:
            server.sendall(message)
        except OSError as error:
            sys.exit(f"The message was not sent ({error.strerror}): start the server again, and try again.")
    say(f"Sent {len(message)} bytes")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
