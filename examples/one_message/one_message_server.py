"""Receives one message, shows it as bytes and as text, and ends: bytes travel, text is a reading of them.

Run it: `python one_message_server.py`, then `python one_message_client.py "Ça va ?"` in another terminal.
Ctrl+C ends it before a message came. The message ends where the client closes, or says nothing for a while.
"""

import argparse
import contextlib
import os
import socket
import sys

MOST_BYTES = 65536  # of a message; what comes behind is left


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def shown(text: str) -> str:
    """Give text that cannot command the terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def listen(server: socket.socket, host: str, port: int) -> None:
    """Take the port, or say why not."""
    if os.name == "posix":  # without this, the port stays taken for a minute behind a server's end
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
        server.listen()
    except OSError as error:
        sys.exit(f"Cannot listen on {host}:{port} ({error.strerror}): choose another --host or --port.")
    host, port = server.getsockname()
    say(f"Listening on {host}:{port}")


def receive(client: socket.socket) -> bytes:
    """Wait for the whole message: one recv may give a part of it."""
    message = b""
    with contextlib.suppress(OSError):  # a time-out, or it left without a goodbye
        while len(message) < MOST_BYTES and (chunk := client.recv(4096)):
            message += chunk
    return message[:MOST_BYTES]


def show(message: bytes) -> None:
    """Print a message as it travelled, and as it reads."""
    say(f"As bytes: {message!r}")
    try:
        say(f"As text: {shown(message.decode())}")
    except UnicodeDecodeError as error:
        say(f"As text: this is no UTF-8 ({error.reason} at byte {error.start})")


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def seconds(text: str) -> float:
    """Read a time, for argparse."""
    if not 0 < float(text) <= 86400:
        raise argparse.ArgumentTypeError("this takes more than 0 and at most 86400 seconds")
    return float(text)


def main() -> None:
    """Wait for a message, show it, end."""
    parser = argparse.ArgumentParser(description="Receives one message, and ends.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=63000, help="0 for a free one (63000)")
    parser.add_argument("--wait", type=seconds, default=5, metavar="SECONDS", help="for the next bytes (5)")
    options = parser.parse_args()
    with socket.socket() as server:
        listen(server, options.host, options.port)
        message = b""
        while not message:  # who sends nothing is not the one that is waited for
            client, _ = server.accept()
            with client:
                say("New client connected")
                client.settimeout(options.wait)
                message = receive(client)
    show(message)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
