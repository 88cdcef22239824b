"""Two machines talk both ways at once: one thread sends what is typed, another prints what comes.

Run it: `python duplex.py --listen` in one terminal, `python duplex.py` in another. Between two machines:
`python duplex.py --listen --host 0.0.0.0` on the first, `python duplex.py --host <the first>` on the second.
Ctrl+D ends what one side sends, and the other side is told; when both have ended, so do the programs.
Ctrl+C ends at once.
"""

import argparse
import contextlib
import os
import socket
import sys
import threading

LONGEST_LINE = 4096  # bytes; longer ones are shown in pieces


def shown(text: str) -> str:
    """Give text that cannot command the terminal: control characters are escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def say(line: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        # In one piece: print writes the end of a line by itself, and another thread may come between.
        print(f"{line}\n", end="", flush=True)
    except BrokenPipeError:
        os._exit(0)  # both threads, and without Python, which would print once more what is left


def send(connection: socket.socket) -> None:
    """Send each line that is typed, until Ctrl+D."""
    while True:
        try:
            line = input()
        except EOFError:
            break
        except UnicodeDecodeError:
            say("This line is no text, and was not sent")
            continue
        try:
            connection.sendall(f"{line}\n".encode(errors="replace"))
        except OSError:
            say("The other end has left, this line was not sent")
            break
    with contextlib.suppress(OSError):  # the other end may have left
        connection.shutdown(socket.SHUT_WR)  # only this direction: what comes is still received
    say(f"Thread {threading.current_thread().name} ends: no more is sent")


def receive(connection: socket.socket) -> None:
    """Print each line that comes, until the other end sends no more."""
    # makefile puts the lines together again: TCP may deliver one in pieces, or two at once.
    with contextlib.suppress(OSError), connection.makefile("rb") as lines:
        while line := lines.readline(LONGEST_LINE):
            text = line.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
            say(f"Received: {shown(text)}")
    say(f"Thread {threading.current_thread().name} ends: no more comes")


def talk(connection: socket.socket) -> None:
    """Send and receive at the same time."""
    envoi = threading.Thread(target=send, args=[connection], name="envoi")
    recep = threading.Thread(target=receive, args=[connection], name="recep")
    try:
        recep.start()
        envoi.start()
        envoi.join()
        recep.join()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)  # the other end is told at once
        # Nothing wakes envoi from input(), and Python waits for its threads: so end without Python.
        os._exit(0)


def wait_for_other(host: str, port: int) -> socket.socket:
    """Listen until the other machine connects; there is only one."""
    with socket.socket() as server:
        if os.name == "posix":  # without this, the port stays taken for a minute behind a server's end
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, port))
            server.listen()
        except OSError as error:
            sys.exit(f"Cannot listen on {host}:{port} ({error.strerror}): choose another --host or --port.")
        host, port = server.getsockname()
        say(f"Listening on {host}:{port}")
        connection, _ = server.accept()
        return connection


def connect(host: str, port: int) -> socket.socket:
    """Connect to the machine that listens."""
    try:
        return socket.create_connection((host, port))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a host"
        sys.exit(
            f"Cannot connect to {host}:{port} ({reason}): start the other with --listen, or give its --host."
        )


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Connect the two machines, and talk."""
    parser = argparse.ArgumentParser(description="Two machines talk both ways at once.")
    parser.add_argument("--listen", action="store_true", help="wait for the other machine")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen or connect to (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=63001, help="likewise (63001)")
    options = parser.parse_args()
    meet = wait_for_other if options.listen else connect
    with meet(options.host, options.port) as connection:
        say("Connected: type lines, Ctrl+D ends")
        talk(connection)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
