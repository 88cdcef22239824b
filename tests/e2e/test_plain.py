"""The line client as a real program: terminals, pipes, signals, and what it leaves behind."""

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.terminal import PATIENCE_S, Terminal, client_command
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]


def piped(person: Person, server: Server, data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the line client with standard input from a pipe, and wait for its end."""
    address = ["-a", "127.0.0.1", "-p", str(server.port), "--nick", person.nick]
    return subprocess.run(
        client_command("--plain", *address, *arguments),
        input=data,
        capture_output=True,
        env=environment(person.home),
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_pipe_is_sent_whole(person: MakePerson, server: Server) -> None:
    it4 = person("it4")
    long = "é" * 50_000
    done = piped(it4, server, f"one\n/quit\n{long}\nlast".encode() + b"\xff")
    assert (done.returncode, done.stderr) == (0, b"")
    bodies = [line["body"] for line in it4.history()]
    assert (bodies[:2], "".join(bodies[2:4]), bodies[4:]) == (["one", "/quit"], long, ["last\ufffd"])
    assert done.stdout.decode().count("You said: ") == 5
    wrong = piped(it4, server, b"lost?\n", "--room", "genral")
    assert wrong.returncode == 1
    assert b"genral" in wrong.stdout


def test_files_may_be_its_input_and_output(person: MakePerson, server: Server, tmp_path: Path) -> None:
    it4 = person("it4")
    (tmp_path / "in").write_text("from a file\nand more")
    address = ["-a", "127.0.0.1", "-p", str(server.port), "--nick", "it4"]
    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        done = subprocess.run(
            client_command(*address),
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment(it4.home),
            timeout=PATIENCE_S,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert [line["body"] for line in it4.history()] == ["from a file", "and more"]
    assert "You said: and more" in (tmp_path / "out").read_text()


def test_a_server_of_somebody_else_on_this_machine_is_asked_about(server: Server, tmp_path: Path) -> None:
    command = client_command("--plain", "-p", str(server.port), "--nick", "it4")
    with Terminal(command, env=environment(tmp_path / "home")) as it4:
        it4.wait_for("[y/n]")
        it4.type("n\n")
        it4.wait_for("Nobody has vouched for the server")


@pytest.mark.parametrize("front_end", [["--plain"], []], ids=["plain", "full_screen"])
def test_ones_own_server_is_not_asked_about(server: Server, front_end: list[str]) -> None:
    command = client_command(*front_end, "-p", str(server.port), "--nick", "it4", "--room", "general")
    with Terminal(command, env=environment(server.folder)) as it4:
        it4.wait_for("#general")
        assert "Trust it" not in it4.text()
        assert "[y/n]" not in it4.text()


def test_a_closed_output_ends_it_quietly(person: MakePerson, server: Server) -> None:
    process = subprocess.Popen(
        client_command("--plain", "-a", "127.0.0.1", "-p", str(server.port), "--nick", "it4"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(person("it4").home),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"Connected")
    process.stdout.close()
    process.stdout = None
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stdin.close()
    process.stderr.close()


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda process, typed: os.write(typed, b"\x04"), 0),
        (lambda process, typed: process.send_signal(signal.SIGINT), 130),
        (lambda process, typed: os.write(typed, b"/quit\n"), 0),
        (lambda process, typed: process.send_signal(signal.SIGTERM), 143),
    ],
    ids=["ctrl+d", "interrupted", "quit", "terminated"],
)
def test_the_terminal_is_left_as_it_was(
    person: MakePerson, server: Server, end: Callable[[subprocess.Popen[bytes], int], object], code: int
) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        client_command("--plain", server.invitation, "--nick", "it4"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(person("it4").home),
        start_new_session=True,
    )
    shown = b""
    while b"#general:" not in shown:
        shown += os.read(master, 4096)
    assert not os.get_blocking(slave)
    end(process, master)
    assert process.wait(PATIENCE_S) == code
    assert os.get_blocking(slave)
    os.close(slave)
    try:
        while chunk := os.read(master, 4096):
            shown += chunk
    except OSError:
        pass
    os.close(master)
    assert b"Traceback" not in shown
    assert b"\x1b" not in shown


def test_pictures_are_captions_until_one_asks(person: MakePerson, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    zoe, it4 = person("zoé"), person("it4", "fr")
    with it4.plain() as terminal:
        terminal.wait_for("#general")
        assert zoe.script("send", "general", "--image", str(tmp_path / "red.png")).returncode == 0
        terminal.wait_for("/show 1")
        assert b"\x1b" not in terminal.raw
        terminal.type("/show 1\n")
        terminal.wait_for(lambda _text: b"\x1b[38;2;" in terminal.raw)


def test_a_question_to_a_terminal_that_is_dumb(person: MakePerson, server: Server) -> None:
    """Without a nick one is asked for it, line by line, because TERM says so."""
    command = client_command(server.invitation)
    home = person("nobody").home
    with Terminal(command, env=environment(home, TERM="dumb", LANG="en_US.ISO-8859-1")) as terminal:
        terminal.wait_for("What should the others call you?")
        terminal.type("it4\n")
        terminal.wait_for("#general")
        terminal.type("hello\n")
        terminal.wait_for("You said: hello")
        assert b"\x1b" not in terminal.raw
        assert b"\a" not in terminal.raw
