"""Answers a single request with `Hello World!`, and ends: what a connection is to the system (`fileno`), and
how to end it without losing the answer.

Run it: `python one_answer_server.py`, then `curl --http0.9 http://127.0.0.1:4242` in another terminal: an
answer without headers is HTTP 0.9. Ctrl+C ends it before a request came.
"""

import argparse
import contextlib
import os
import socket
import sys
import time

MOST_BYTES = 8192  # of a request; what comes behind is read to the end, but not kept
ANSWER = b"Hello World!\n"


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


def receive(client: socket.socket, deadline: float) -> bytes:
    """Wait for what comes next; nothing means that the client has ended, or that the time is over."""
    try:
        client.settimeout(max(0.001, deadline - time.monotonic()))
        return client.recv(4096)
    except OSError:  # a time-out too
        return b""


def read_request(client: socket.socket, wait_s: float) -> bytes:
    """Read up to the blank line that ends a request's headers, or as long as the bounds allow."""
    deadline = time.monotonic() + wait_s
    request = b""
    while b"\n\n" not in request.replace(b"\r", b"") and len(request) < MOST_BYTES:
        if not (chunk := receive(client, deadline)):
            break
        request += chunk
    return request


def answer(client: socket.socket, wait_s: float) -> None:
    """Send the answer so that it arrives.

    Closing a socket with bytes left to read resets the connection, and the answer may be lost with it. So:
    say that this was all, and read until the client has closed too.
    """
    deadline = time.monotonic() + wait_s
    with contextlib.suppress(OSError):  # it has left already
        client.sendall(ANSWER)
        client.shutdown(socket.SHUT_WR)
    while time.monotonic() < deadline and receive(client, deadline):
        pass


def serve(client: socket.socket, wait_s: float) -> bool:
    """Show and answer a request; False when none came."""
    say(f"New client connected, its socket has fileno {client.fileno()}")
    request = read_request(client, wait_s)
    if not request:
        say("It sent no request: waiting for the next client")
        return False
    for line in request.decode("utf-8", "replace").splitlines():
        say(f"Request: {shown(line)}")
    answer(client, wait_s)
    say("Answered")
    return True


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
    """Wait for a request, answer it, end."""
    parser = argparse.ArgumentParser(description="Answers a single request, and ends.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=4242, help="0 for a free one (4242)")
    parser.add_argument("--wait", type=seconds, default=5, metavar="SECONDS", help="for a whole request (5)")
    options = parser.parse_args()
    with socket.socket() as server:
        listen(server, options.host, options.port)
        answered = False
        while not answered:
            client, _ = server.accept()
            with client:
                answered = serve(client, options.wait)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
