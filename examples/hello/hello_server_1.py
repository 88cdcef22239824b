"""Prints what its clients send, one client after the other: a socket that binds, listens, accepts, receives.

Run it: `python hello_server_1.py`, then `python hello_client_1.py` in another terminal. Ctrl+C ends it.
A second client waits, unheard, until the first has left: `hello_server_2.py` hears them all.
"""

import argparse
import codecs
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


def print_all(client: socket.socket) -> None:
    """Print what this client sends, until it leaves."""
    # The bytes of one letter may come in two pieces: this decoder keeps the first for the second.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := receive(client):
        for line in decoder.decode(chunk).splitlines():
            say(shown(line))
    say("Client disconnected")


def receive(client: socket.socket) -> bytes:
    """Wait for what comes next; nothing means that the client has left."""
    try:
        return client.recv(4096)
    except OSError:
        return b""  # it left without a goodbye


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Serve one client after the other."""
    parser = argparse.ArgumentParser(description="Prints what its clients send, one after the other.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8080, help="0 for a free one (8080)")
    options = parser.parse_args()
    with socket.socket() as server:
        listen(server, options.host, options.port)
        while True:
            client, _ = server.accept()
            with client:
                say("New client connected")
                print_all(client)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
