"""Sends what is typed and prints what comes, at once: `select` watches the keyboard and the socket.

Run it: `python hello_client_3.py`, next to `hello_server_3.py`, and type `/login <nick>`.
Ctrl+D or Ctrl+C ends it. It is for Linux and macOS: on Windows, select watches sockets alone.
"""

import argparse
import codecs
import contextlib
import os
import select
import socket
import sys


def say(text: str) -> None:
    """Print; where nobody reads it any more, as behind `| head`, that is the end."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def shown(text: str) -> str:
    """Give text that cannot command the terminal: control characters but line ends are escaped."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def connect(host: str, port: int) -> socket.socket:
    """Open the connection, or say why not."""
    try:
        return socket.create_connection((host, port))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a host"
        sys.exit(
            f"Cannot connect to {host}:{port} ({reason}): start the server, or give its --host and --port."
        )


def talk(server: socket.socket, keyboard: int) -> None:
    """Carry lines both ways until both sides have ended."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    watched: list[socket.socket | int] = [server, keyboard]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if server in ready:
            chunk = server.recv(4096)
            say(shown(decoder.decode(chunk)))
            if not chunk:
                return
        if keyboard in ready:
            # Not input(): what that reads ahead, select does not see.
            typed = os.read(keyboard, 4096)
            server.sendall(typed)
            if not typed:  # Ctrl+D: the server is told, and what it still sends is printed
                server.shutdown(socket.SHUT_WR)
                watched.remove(keyboard)


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Connect, and talk."""
    parser = argparse.ArgumentParser(description="Sends what is typed and prints what comes.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8080, help="its port (8080)")
    options = parser.parse_args()
    if os.name != "posix":
        sys.exit("This client needs Linux or macOS: here, select cannot watch the keyboard.")
    with connect(options.host, options.port) as server:
        host, port = server.getpeername()[:2]
        say(f"Connected to {host}:{port}\n")
        try:
            talk(server, sys.stdin.fileno())
        except ConnectionError:
            sys.exit("The connection is lost: start this client again.")
    say("Disconnected\n")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
