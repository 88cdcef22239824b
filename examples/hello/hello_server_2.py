"""Prints what many clients send, each with its number: `select` tells which of the sockets have something.

Run it: `python hello_server_2.py`, then `python hello_client_1.py` in two other terminals. Ctrl+C ends it.
Clients are numbered as they come, and keep their number when another leaves. The first clients end no lines,
so what comes in one piece is taken as complete, and split where it has line ends.
"""

import argparse
import codecs
import contextlib
import itertools
import os
import select
import socket
import sys

MOST_CLIENTS = 100  # more wait until one leaves; select cannot watch many more


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


class Client:
    """A connection, with its number."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.connection = connection
        self.name = f"client {number}"
        # The bytes of one letter may come in two pieces: this decoder keeps the first for the second.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def receive(self) -> list[str] | None:
        """Give the lines that came; None when it has left."""
        try:
            chunk = self.connection.recv(4096)
        except OSError:
            return None  # it left without a goodbye
        return self._decoder.decode(chunk).splitlines() if chunk else None


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


def serve(server: socket.socket, clients: dict[socket.socket, Client]) -> None:
    """Take new clients, and print what the others send."""
    numbers = itertools.count(1)
    while True:
        waiting = [*clients, server] if len(clients) < MOST_CLIENTS else [*clients]
        ready, _, _ = select.select(waiting, [], [])
        for connection in ready:
            if connection is server:
                accepted, _ = server.accept()
                client = clients[accepted] = Client(accepted, next(numbers))
                say(f"New client connected: {client.name}")
            else:
                hear(clients, clients[connection])


def hear(clients: dict[socket.socket, Client], client: Client) -> None:
    """Print what a client sends, or that it left."""
    lines = client.receive()
    if lines is None:
        del clients[client.connection]
        client.connection.close()
        say(f"{client.name} disconnected")
        return
    for line in lines:
        say(f"{client.name}> {shown(line)}")


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Serve all clients at once, with one thread."""
    parser = argparse.ArgumentParser(description="Prints what many clients send, each with its number.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8080, help="0 for a free one (8080)")
    options = parser.parse_args()
    clients: dict[socket.socket, Client] = {}
    with socket.socket() as server:
        listen(server, options.host, options.port)
        try:
            serve(server, clients)
        finally:
            for connection in clients:
                connection.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
