"""Whatever is wrong, the real programs say it in one sentence, without a traceback, with an exit code."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.terminal import PATIENCE_S, client_command, server_command
from tests.e2e.world import Person, Server, environment

COULD_NOT, WRONG_USAGE = 1, 2
MakePerson = Callable[..., Person]
_WITHOUT_PRIVILEGES = """
import ctypes, os, sys
last = int(open("/proc/sys/kernel/cap_last_cap").read())
for capability in range(last + 1):
    if ctypes.CDLL(None).prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
        sys.exit("the tests cannot give up root's privileges")
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Root may write everywhere; with this in front of a command, permissions count for it, too."""


def run(
    command: list[str], home: Path, *, patience_s: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    return subprocess.run(
        command,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one sentence that a program ended with."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr[:-1].isprintable(), "inert"
    return done.stderr


def unprivileged(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    return [sys.executable, "-c", _WITHOUT_PRIVILEGES, *command]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nope"], "--nope"),
        (["--por=9"], "--por"),
        (["nonsense"], "nonsense"),
        (["-v", "-q"], "--verbose and --quiet"),
        (["--fsync", "maybe"], "maybe"),
        (["-p", "99999"], "99999: a number from 0 to 65535"),
        (["-p", "ninety"], "ninety: a number from 0 to 65535"),
        (["-a", ""], "--address"),
        (["--config", "missing.conf"], "missing.conf cannot be read: No such file"),
        (["--config", "/"], "/ cannot be read: Is a directory"),
        (["status", "--nope"], "--nope"),
        (["--nope\x1b[31m"], "--nope"),
    ],
)
def test_the_server_says_what_is_wrong_with_its_command_line(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    said = sentence(run(server_command(*arguments), tmp_path / "home"), WRONG_USAGE)
    assert said.startswith("chatroom-server: ")
    assert words in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nope"], "--nope"),
        (["whoami", "--nope"], "chatroom whoami --help"),
        (["send"], "ROOM"),
        (["whoami", "general"], "an invitation begins with chatroom://"),
        (["whoami", "-p", "0"], "a port is a number from 1 to 65535"),
        (["history", "general", "--limit", "-3"], "--limit"),
        (["send", "general", "--timeout", "soon"], "seconds are wanted"),
        (["whoami", "--lang", "xx"], "'en', 'fr'"),
        (["whoami", "--nick", ""], "a nick is needed"),
        (["whoami", "--nick", "x" * 25], "24 characters"),
        (["whoami", "--nick", "a\x1b[31mb"], "control"),
        (["whoami", "--nick", "a\u202eb"], "control or invisible"),
        (["send", "a\nb", "text"], "a room's name cannot hold control"),
        (["send", "x" * 200, "text"], "room"),
        (["whoami", "chatroom://"], "names no host"),
        (["whoami", "chatroom://host:99999/"], "invitation"),
        (["--config", "missing.conf", "whoami"], "missing.conf does not exist"),
    ],
)
def test_the_client_says_what_is_wrong_with_its_command_line(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    said = sentence(run(client_command(*arguments), tmp_path / "home"), WRONG_USAGE)
    assert said.startswith("chatroom: ")
    assert words in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"HOST=127.0.0.1\nPROT=9\n", ["bad.conf", "line 2", "PROT", "did you mean PORT"]),
        (b"\n# comment\nPORT\n", ["bad.conf", "line 3"]),
        (b"PORT=-1\n", ["bad.conf", "PORT=-1", "a number from"]),
        (b"\xff\xfe\n", ["bad.conf", "UTF-8"]),
    ],
)
def test_both_name_the_line_of_a_file_that_is_wrong(content: bytes, words: list[str], tmp_path: Path) -> None:
    conf = tmp_path / "bad.conf"
    conf.write_bytes(content)
    for command in (
        server_command("--config", str(conf)),
        client_command("whoami", "--config", str(conf)),
    ):
        said = sentence(run(command, tmp_path / "home"), WRONG_USAGE)
        assert all(word in said for word in words), said


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    conf = tmp_path / "secret.conf"
    conf.touch(0o000)
    for command in (
        server_command("--config", str(conf)),
        client_command("whoami", "--config", str(conf)),
    ):
        said = sentence(run(unprivileged(command), tmp_path / "home"), WRONG_USAGE)
        assert "secret.conf cannot be read: Permission denied" in said


def test_a_port_or_folder_that_cannot_be_used_is_said(server: Server, tmp_path: Path) -> None:
    home = tmp_path / "home"

    def said(*arguments: str) -> str:
        return sentence(run(unprivileged(server_command(*arguments)), home), COULD_NOT)

    used = str(server.port)
    assert f"port {used} of 127.0.0.1 is in use; choose another one with -p" in said("-p", used)
    assert "192.0.2.77 is no address of this machine" in said("-a", "192.0.2.77", "-p", "0")
    assert "nowhere.invalid is no host" in said("-a", "nowhere.invalid", "-p", "0")
    assert str(server.data) in said("-p", "0", "--data", str(server.data)), "a second server on one folder"
    for kept in ("status", "stop", "invite"):
        assert "no server of yours runs here" in said(kept)


def test_a_folder_without_permission_is_said(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    (tmp_path / "file").touch()
    for data in (locked, locked / "inside", tmp_path / "file", Path("/proc/nope")):
        command = unprivileged(server_command("-p", "0", "--data", str(data)))
        done = run(command, tmp_path / "home")
        assert done.returncode == COULD_NOT
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("chatroom-server: ")
        assert str(data) in last
    home = run(unprivileged(client_command("whoami", "-p", "9")), locked)
    assert f"{locked}" in sentence(home, COULD_NOT)


@contextmanager
def something_else(first: bytes = b"", answer: bytes = b"") -> Iterator[int]:
    """A port where another kind of server answers; a silent one only listens."""
    listening = socket.create_server(("127.0.0.1", 0))
    links: list[socket.socket] = []

    def serve() -> None:
        try:
            while True:
                link, _peer = listening.accept()
                links.append(link)
                link.sendall(first)
                if answer:
                    link.recv(4096)
                    link.sendall(answer)
                    link.shutdown(socket.SHUT_WR)
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(PATIENCE_S)
        for link in links:
            link.close()


@pytest.mark.parametrize(
    ("first", "answer"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", b""),
        (b"", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        (bytes(range(256)) * 8, b""),
    ],
)
def test_another_kind_of_server_is_recognised(first: bytes, answer: bytes, tmp_path: Path) -> None:
    with something_else(first, answer) as port:
        for arguments in (["whoami"], ["send", "general", "hello", "--timeout", "5"], ["history", "general"]):
            done = run(client_command(*arguments, "-p", str(port)), tmp_path / "home")
            assert "what answers there is no chatroom server" in sentence(done, COULD_NOT)


@pytest.mark.parametrize("lines", [b"one\ntwo\n", b""])
def test_a_pipe_into_another_kind_of_server_ends(lines: bytes, tmp_path: Path) -> None:
    with something_else(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        done = subprocess.run(
            client_command("--plain", "--lang", "en", "-p", str(port)),
            env=environment(tmp_path / "home"),
            input=lines,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout == b"Not connected: what answers there is no chatroom server.\n"


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with something_else() as port:
        done = run(client_command("whoami", "-p", str(port)), tmp_path / "home", patience_s=25)
        assert "the server does not answer" in sentence(done, COULD_NOT)


def test_a_host_that_nobody_knows_and_a_port_where_nobody_is_are_said(tmp_path: Path) -> None:
    unknown = run(client_command("whoami", "-a", "nowhere.invalid"), tmp_path / "home")
    assert "no machine is known as nowhere.invalid" in sentence(unknown, COULD_NOT)
    with socket.socket() as taken:  # bound and not listening: nobody answers there, and nobody else gets it
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        nobody = run(client_command("whoami", "-p", port), tmp_path / "home")
    assert f"no server answers at 127.0.0.1:{port}" in sentence(nobody, COULD_NOT)


def test_a_nick_that_is_taken_is_said(person: MakePerson, server: Server, tmp_path: Path) -> None:
    assert person("it4").script("whoami").returncode == 0
    for nick in ("it4", "IT4"):
        command = client_command("whoami", "-p", str(server.port), "--nick", nick)
        said = sentence(run(command, tmp_path / "other"), COULD_NOT)
        assert f"the nick {nick} belongs to somebody else" in said
    assert [line["nick"] for line in person("it4").history()] == []


def test_a_file_that_is_no_picture_is_said(person: MakePerson, tmp_path: Path) -> None:
    it4 = person("it4")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    noise = Image.frombytes("RGB", (64, 64), os.urandom(64 * 64 * 3))
    noise.save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-4000])
    with (tmp_path / "huge.png").open("wb") as huge:
        huge.truncate(21 * 1024 * 1024)
    Image.new("1", (6000, 6000)).save(tmp_path / "wide.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name, words in (
        ("missing.png", "does not exist"),
        ("folder.png", "is a folder"),
        ("pipe.png", "is a device or a pipe"),
        ("text.png", "is no picture"),
        ("empty.png", "is no picture"),
        ("cut.png", "is damaged or was cut off"),
        ("huge.png", "is too large"),
        ("wide.png", "has too many pixels"),
    ):
        done = it4.script("send", "general", "--image", str(tmp_path / name), timeout_s=PATIENCE_S)
        assert done.returncode == WRONG_USAGE, (name, done.stderr)
        said = done.stderr.decode()
        assert said.count("\n") == 1
        assert name in said
        assert words in said
    assert it4.history() == []
