"""A first chat: clients take a nick, and what they write goes to one user or to all.

Run it: `python hello_server_3.py`, then `python hello_client_3.py` in two other terminals. Ctrl+C ends it.

    /login <nick>           take a nick, or change it
    /message <nick> <text>  to this user alone:   Private message from <sender>: <text>
    /text <text>            to all clients:       <sender>: <text>

`/text <nick> <text>` is good too, and goes to all as well: when the first word is the nick of a present user
and more follows, that word is left out. Lines that are no command are shown here and go nowhere, as before.
The first clients end no lines, so what comes in one piece is taken as complete, and split at its line ends.
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
MOST_UNSENT = 1_000_000  # bytes a client may leave unread before it is dropped
MOST_NICK = 20  # letters of a nick


def say(text: str) -> None:
    """Print a line; where nobody reads them any more, as behind `| head`, that is the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(0)  # not by way of Python, which would print once more what is left


class Client:
    """A connection, with its number and its nick."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        connection.setblocking(False)  # a client that reads nothing must not stop the others
        self.connection = connection
        self.name = f"client {number}"
        self.nick: str | None = None
        self.unsent = bytearray()
        # The bytes of one letter may come in two pieces: this decoder keeps the first for the second.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def receive(self) -> list[str] | None:
        """Give the lines that came, harmless to terminals; None when it has left."""
        try:
            chunk = self.connection.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None  # it left without a goodbye
        return [shown(line) for line in self._decoder.decode(chunk).splitlines()] if chunk else None

    def send(self, line: str) -> None:
        """Send a line as soon as the client takes it."""
        self.unsent += f"{line}\n".encode()
        self.send_on()

    def send_on(self) -> None:
        """Send what the client takes now."""
        try:
            del self.unsent[: self.connection.send(self.unsent)]
        except BlockingIOError:
            pass  # it is slow: select tells when it takes more
        except OSError:
            self.unsent.clear()  # it has left: receive is about to see that


class Chat:
    """All clients, by their connection and in the order they came."""

    def __init__(self) -> None:
        self.clients: dict[socket.socket, Client] = {}
        self._numbers = itertools.count(1)

    def serve(self, server: socket.socket) -> None:
        """Take new clients, hear the others, and send what waits."""
        while True:
            waiting = [*self.clients, server] if len(self.clients) < MOST_CLIENTS else [*self.clients]
            behind = [client.connection for client in self.clients.values() if client.unsent]
            readable, writable, _ = select.select(waiting, behind, [])
            for connection in writable:
                self.clients[connection].send_on()
            for connection in readable:
                if connection is server:
                    self.welcome(server.accept()[0])
                else:
                    self.hear(self.clients[connection])
            for client in list(self.clients.values()):
                if len(client.unsent) > MOST_UNSENT:
                    self.drop(client)

    def welcome(self, connection: socket.socket) -> None:
        """Number a new client."""
        client = self.clients[connection] = Client(connection, next(self._numbers))
        say(f"New client connected: {client.name}")

    def drop(self, client: Client) -> None:
        """Forget a client."""
        del self.clients[client.connection]
        client.connection.close()
        say(f"{client.name} disconnected")

    def hear(self, client: Client) -> None:
        """Print what a client sends, and do what it says."""
        lines = client.receive()
        if lines is None:
            self.drop(client)
            return
        for line in lines:
            say(f"{client.name}> {line}")
            if line.startswith("/") and (answer := self.answer(client, line)):
                client.send(answer)

    def answer(self, client: Client, line: str) -> str | None:
        """Do what a command says; give the sentence for its sender, if there is one."""
        command, _, rest = line.partition(" ")
        if command == "/login":
            return self.login(client, rest.strip())
        if command not in ("/message", "/text"):
            return f"There is no command {command}: use /login, /message or /text."
        if client.nick is None:
            return "You are not logged in: use /login <nick> first."
        if command == "/message":
            return self.message(client.nick, rest.strip())
        return self.text(client.nick, rest.strip())

    def user(self, nick: str) -> Client | None:
        """Find who has this nick."""
        return next((client for client in self.clients.values() if client.nick == nick), None)

    def login(self, client: Client, nick: str) -> str:
        """Take a nick."""
        if not nick or " " in nick or len(nick) > MOST_NICK:
            return f"A nick is one word of at most {MOST_NICK} letters: /login <nick>."
        if self.user(nick) not in (None, client):
            return f"The nick {nick} is taken: choose another."
        client.nick = nick
        return f"You are logged in as {nick}."

    def message(self, sender: str, rest: str) -> str | None:
        """Tell one user something."""
        nick, _, text = rest.partition(" ")
        if not text:
            return "Say to whom, and what: /message <nick> <text>."
        user = self.user(nick)
        if user is None:
            return f"Nobody here is called {nick}."
        user.send(f"Private message from {sender}: {text.strip()}")
        return None

    def text(self, sender: str, rest: str) -> str | None:
        """Tell all something."""
        nick, _, text = rest.partition(" ")
        if not text or self.user(nick) is None:
            text = rest
        if not text:
            return "Say what: /text <text>."
        for client in self.clients.values():
            client.send(f"{sender}: {text.strip()}")
        return None


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


def port_number(text: str) -> int:
    """Read a port, for argparse."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main() -> None:
    """Serve all clients at once, with one thread."""
    parser = argparse.ArgumentParser(description="A first chat, with /login, /message and /text.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8080, help="0 for a free one (8080)")
    options = parser.parse_args()
    chat = Chat()
    with socket.socket() as server:
        listen(server, options.host, options.port)
        try:
            chat.serve(server)
        finally:
            for connection in chat.clients:
                connection.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
