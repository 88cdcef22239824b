"""The first minute: nothing is set up, and two people talk."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE_S, Terminal, client_command, server_command
from tests.e2e.world import environment

USUAL_PORT = 9999


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine on which chatroom was never used.

    Attributes:
        home: Where everything of its user lands.
        runtime: Where running servers are found.
    """

    home: Path
    runtime: Path
    env: Mapping[str, str]

    def client(self, *arguments: str) -> Terminal:
        """`chatroom`, as somebody types it."""
        return Terminal(client_command("--lang", "en", *arguments), env=self.env)

    def server(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`chatroom-server`, as somebody types it."""
        return subprocess.run(
            server_command(*arguments),
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def servers(self) -> list[dict[str, object]]:
        """What the servers that run say of themselves."""
        return [json.loads(path.read_text()) for path in self.runtime.glob("*.server.json")]

    def end(self) -> None:
        """Stop what was started, also what does not listen any more."""
        pids = [int(str(server["pid"])) for server in self.servers()]
        if self.server("stop").returncode != 0:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=["CHATROOM_HOME", "HOME"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A fresh machine whose user has one folder for chatroom, or has nothing set at all."""
    home = Path(tempfile.mkdtemp(prefix="chatroom-"))
    env = environment(home)
    if request.param == "HOME":
        del env["CHATROOM_HOME"]
        # Else the servers and logs of whoever runs the tests would be used.
        env |= {"XDG_RUNTIME_DIR": str(home / "rt"), "CHATROOM_LOG_DIR": str(home / "log")}
        (home / "rt").mkdir(mode=0o700)
    runtime = home / ("run" if request.param == "CHATROOM_HOME" else "rt/chatroom")
    machine = Machine(home, runtime, env)
    yield machine
    machine.end()
    shutil.rmtree(home)


@pytest.fixture
def usual_port_is_taken() -> Iterator[None]:
    """The usual port belongs to another program: to this one, or to whichever was faster."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            other.bind(("127.0.0.1", USUAL_PORT))
            other.listen()
        yield


def name_oneself(terminal: Terminal, nick: str) -> str:
    """Answer the first question; returns what stood on the screen then."""
    terminal.wait_for("What shall others call you?")
    terminal.press("ctrl+u")
    terminal.wait_for("Your nick")
    terminal.type(nick)
    text = terminal.wait_for(f"▊  {nick}")
    terminal.press("enter")
    return text


def enter_general(terminal: Terminal) -> None:
    """Answer the second question."""
    terminal.wait_for("Where do you want to begin?")
    terminal.press("enter")
    terminal.wait_for("#general ›")


def notices(text: str) -> str:
    """The notices on the screen, without blanks: lines are broken anywhere."""
    rows = [line.split("▌")[-1] for line in text.splitlines() if "▌" in line]
    return re.sub(r"\s", "", "".join(rows))


@pytest.mark.usefixtures("usual_port_is_taken")
def test_chatroom_alone_starts_a_server_that_others_join_and_that_goes_on(machine: Machine) -> None:
    with machine.client() as it4:
        text = name_oneself(it4, "it4")
        (server,) = machine.servers()
        assert f"Startedaserveronthismachineat127.0.0.1:{server['port']}." in notices(text)
        assert "Toendit:chatroom-serverstop" in notices(text)
        for place in (str(server["data"]), str(server["log"])):
            assert place in notices(text)
            assert Path(place).exists()
            assert Path(place).is_relative_to(machine.home)
        enter_general(it4)
        with machine.client("--as", "bob") as bob:
            name_oneself(bob, "bob")
            enter_general(bob)
            bob.type("is this it?\r")
            it4.wait_for("bob │ is this it?")
            it4.type("it is\r")
            bob.wait_for("it4 │ it is")
            it4.press("ctrl+q")
            assert it4.wait_end() == 0
            assert f"The server at 127.0.0.1:{server['port']} goes on." in it4.text()
            assert "To stop it: chatroom-server stop" in it4.text()
            bob.type("still here\r")
            bob.wait_for("bob │ still here")
    assert machine.servers() == [server]


@pytest.mark.usefixtures("usual_port_is_taken")
def test_a_second_window_is_the_same_person_and_says_how_to_be_another(machine: Machine) -> None:
    with machine.client() as first:
        name_oneself(first, "it4")
        enter_general(first)
        with machine.client() as second:
            second.wait_for("#general ›")
            said = second.wait_for(lambda text: "NAME" in notices(text))
            assert "Youareheremorethanonce.Tobesomebodyelse:chatroom--asNAME" in notices(said)
            second.wait_for("ONLINE — 1")
            second.type("from both\r")
            first.wait_for("it4 │ from both")
    assert len(machine.servers()) == 1


@pytest.mark.usefixtures("usual_port_is_taken")
def test_the_servers_commands_find_it(machine: Machine) -> None:
    with machine.client() as it4:
        name_oneself(it4, "it4")
        (server,) = machine.servers()
        status = machine.server("status")
        assert status.returncode == 0, status.stderr
        assert f"127.0.0.1:{server['port']}" in status.stdout
        assert str(server["data"]) in status.stdout
        stopped = machine.server("stop")
        assert stopped.returncode == 0, stopped.stderr
        it4.wait_for("offline")
    assert machine.servers() == []
    assert machine.server("status").returncode == 1
    with machine.client() as it4:
        it4.wait_for(lambda text: "Startedaserver" in notices(text))
        it4.wait_for("Where do you want to begin?")


@pytest.mark.usefixtures("usual_port_is_taken")
def test_a_server_that_was_killed_is_started_again_by_those_who_miss_it(machine: Machine) -> None:
    with machine.client() as it4:
        name_oneself(it4, "it4")
        enter_general(it4)
        with machine.client("--as", "bob", "--plain") as bob:
            bob.wait_for("What should the others call you?")
            bob.type("bob\n")
            bob.wait_for("#general")
            it4.wait_for("ONLINE — 2")
            (killed,) = machine.servers()
            os.kill(int(str(killed["pid"])), signal.SIGKILL)
            bob.type("are you there?\n")
            it4.wait_for("bob │ are you there?")
            it4.type("again\r")
            bob.wait_for("it4 said: again")
            (server,) = machine.servers()
            assert server["pid"] != killed["pid"]
            assert (server["data"], server["key"]) == (killed["data"], killed["key"])
            assert machine.server("stop").returncode == 0
            it4.wait_for(lambda text: re.search(r"\(attempt ([3-9]|\d\d)\)", text))
            assert machine.servers() == [], "who stops it means it"
