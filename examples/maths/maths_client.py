"""Sends what is typed to `maths_server.py`, and prints its answers: `somme`, then numbers, then `=`.

Run it: `python maths_client.py`, with `python maths_server.py` running in another terminal; Ctrl+D ends it.
In one go: `printf 'moyenne\n1 2 3,5\n=\n' | python maths_client.py`.

Two things happen at once here, as an answer may come at any line: a thread reads the keyboard, and the
main program reads the answers.
"""

import argparse
import contextlib
import os
import socket
import sys
import threading

LINE_LIMIT = 4096  # bytes; who sends more without a line end is no maths_server.py


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


def visible(text: str) -> str:
    """Escape control characters: what comes from a network must not steer the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def send_what_is_typed(link: socket.socket) -> None:
    """Send the keyboard's bytes as they come; Ctrl+D says to the server that no more will."""
    with contextlib.suppress(OSError):  # the server hung up: the main program says so
        while typed := os.read(sys.stdin.fileno(), 4096):
            link.sendall(typed)
        link.shutdown(socket.SHUT_WR)


def print_answers(link: socket.socket) -> None:
    """Print what comes until the server hangs up."""
    with link.makefile("rb") as answers:
        while answer := answers.readline(LINE_LIMIT):
            say(visible(answer.decode("utf-8", "replace").rstrip("\r\n")))


def talk(host: str, port: int) -> None:
    """Connect, and talk until one of the two hangs up."""
    try:
        link = socket.create_connection((host, port))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        sys.exit(f"Cannot reach {host}:{port} ({why}): is maths_server.py running there?")
    with link:
        say(f"Connected to {host}:{port}: type an action, then numbers, then =")
        # A daemon, as a thread that waits for a key cannot be told to end: it ends with the program.
        threading.Thread(target=send_what_is_typed, args=(link,), daemon=True).start()
        try:
            print_answers(link)
        except ConnectionError:
            sys.exit(f"The link to {host}:{port} broke: connect again.")
    say("The link is closed.")


def port_number(text: str) -> int:
    """Read a port from the command line."""
    number = int(text) if text.isdecimal() else -1
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return number


def main() -> None:
    """Read the command line and talk."""
    parser = argparse.ArgumentParser(description="Sends what is typed to maths_server.py.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8889, help="its port (8889)")
    wanted = parser.parse_args()
    talk(wanted.host, wanted.port)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
