"""A guest of the plain-text door is written to from the full screen and the plain client, and answers."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.e2e.terminal import PATIENCE_S
from tests.e2e.test_full_screen import in_general
from tests.e2e.world import Person, Server

MakePerson = Callable[..., Person]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with a port for plain text."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "server.conf").write_text("TEXT_PORT=0\nHISTORY_FLUSH_S=0.2\nLANG=en\n")
    server = Server(folder, "--config", str(folder / "server.conf")).start()
    yield server
    server.kill()


@contextmanager
def caller(server: Server, nick: str) -> Iterator[tuple[socket.socket, BinaryIO]]:
    with socket.create_connection(("127.0.0.1", server.text_port), PATIENCE_S) as link:
        link.sendall(f"Hello|{nick}\n/text I am here\n".encode())
        with link.makefile("rb") as lines:
            wait_for(lines, "I am here")
            yield link, lines


def wait_for(lines: BinaryIO, wanted: str) -> str:
    while wanted not in (line := lines.readline().decode()):
        assert line, f"the end came before: {wanted}"
    return line


def test_a_guest_is_written_to_from_the_full_screen_and_the_plain_client(
    person: MakePerson, server: Server
) -> None:
    with in_general(person("zoé")) as zoe, person("kate").plain() as kate:
        kate.wait_for("#general")
        with caller(server, "gil") as (gil, lines):
            zoe.type("/msg gil hello from the screen\r")
            assert "zoé" in wait_for(lines, "hello from the screen")
            zoe.wait_for("gil ›")
            kate.type("/msg gil hello from the lines\r")
            assert "kate" in wait_for(lines, "hello from the lines")
            kate.wait_for("@gil")
            gil.sendall("/message zoé hello screen\n/message kate hello lines\n".encode())
            zoe.wait_for("hello screen")
            kate.wait_for("hello lines")
            gil.sendall(b"/quit\n")
            assert lines.read() is not None
        kate.wait_for("gil left")
        for terminal in (zoe, kate):
            terminal.type("still there?\r")
            terminal.wait_for("nobody would read this")
            assert "gil was a guest and has left" in " ".join(terminal.text().split())
