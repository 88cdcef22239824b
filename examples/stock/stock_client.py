"""Shows the list of `stock_server.py`, and orders from it: what `--order` says, or else what is typed.

Run it: `python stock_client.py`, with `python stock_server.py` running in another terminal; then type a
product's id and a quantity, as in `1 2`; Ctrl+D ends it. In one go: `python stock_client.py --order 1 2`,
which exits 1 if the order was refused.
"""

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from typing import BinaryIO

LINE_LIMIT = 1024  # bytes


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


class HungUpError(Exception):
    """The server said no more."""


def visible(text: str) -> str:
    """Escape control characters: what comes from a network must not steer the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def receive(answers: BinaryIO) -> str:
    """The next line of the server."""
    line = answers.readline(LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise HungUpError
    return visible(line.decode("utf-8", "replace").rstrip("\r\n"))


def show_list(answers: BinaryIO) -> None:
    """Print the products, up to the line that ends the list."""
    say("Waiting for the list…")
    while (line := receive(answers)) != "end":
        number, quantity, name = (*line.split(" ", 2), "", "")[:3]
        say(f"{number:>4} {name:<20} {quantity:>6}")


def order(link: socket.socket, answers: BinaryIO, wanted: str) -> bool:
    """Send an order, print the answer; True if it is confirmed."""
    link.sendall(f"{wanted}\n".encode())
    answer = receive(answers)
    say(answer)
    return answer.startswith("ok")


def typed_orders() -> Iterator[str]:
    """What is typed until Ctrl+D."""
    say("Order with: id quantity")
    for line in sys.stdin:
        if line.strip():
            yield line.strip()


def shop(host: str, port: int, wanted: list[str] | None) -> bool:
    """Connect, look at the list, order; False if the order of the command line was refused."""
    try:
        link = socket.create_connection((host, port))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        sys.exit(f"Cannot reach {host}:{port} ({why}): is stock_server.py running there?")
    with link, link.makefile("rb") as answers:
        try:
            show_list(answers)
            if wanted is not None:
                return order(link, answers, " ".join(wanted))
            for line in typed_orders():
                order(link, answers, line)
        except (HungUpError, ConnectionError):
            sys.exit(f"The server at {host}:{port} hung up: whether a last order counts, its list tells.")
    return True


def port_number(text: str) -> int:
    """Read a port from the command line."""
    number = int(text) if text.isdecimal() else -1
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return number


def main() -> None:
    """Read the command line and shop."""
    parser = argparse.ArgumentParser(description="Orders from stock_server.py.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8890, help="its port (8890)")
    parser.add_argument("--order", nargs=2, metavar=("ID", "QUANTITY"), help="order this, and leave")
    wanted = parser.parse_args()
    if not shop(wanted.host, wanted.port, wanted.order):
        sys.exit(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
