"""How a server ends: what clients are told, what is stored, how long it takes, and what more signals do."""

import asyncio
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import chatroom_server.signals
from chatroom.client.tasks import Tasks
from chatroom.common.texts import Texts
from chatroom.protocol.frames import Goodbye, Line
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.signals import Signals
from tests.conformance.peer import Peer, Person
from tests.conformance.server import ServerProcess, environment, running

_ENDS_WITHIN_S = 8.0
Start = Callable[..., ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on one data folder; none outlives the test."""
    servers: list[ServerProcess] = []

    def make(*arguments: str, **environ: str) -> ServerProcess:
        servers.append(ServerProcess(tmp_path, *arguments, **environ))
        return servers[-1]

    yield make
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


async def goodbye_of(peer: Peer) -> Goodbye:
    """What the server says at its end, which must come behind it."""
    goodbye = await peer.expect(Goodbye)
    await peer.expect_end()
    return goodbye


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `chatroom-server` with these arguments to its end."""
    return subprocess.run(
        [sys.executable, "-m", "chatroom_server", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("number", "restart_s", "told"),
    [
        (signal.SIGTERM, None, ("restarting", 5.0)),
        (signal.SIGTERM, "0.5", ("restarting", 0.5)),
        (signal.SIGTERM, "0", ("stopped", 0.0)),
        (signal.SIGINT, "7", ("stopped", 0.0)),
    ],
)
async def test_a_signal_says_whether_it_is_the_end(
    start: Start, number: signal.Signals, restart_s: str | None, told: tuple[str, float]
) -> None:
    server = start(**({} if restart_s is None else {"CHATROOM_RESTART_S": restart_s}))
    async with await Peer.connect(server.port) as inside, await Peer.connect(server.port) as outside:
        await inside.log_in(Person("ann"))
        await outside.greet()
        server.process.send_signal(number)
        for peer in (inside, outside):
            goodbye = await goodbye_of(peer)
            assert (goodbye.code, goodbye.back_in_s) == told
    status, errors = await asyncio.to_thread(server.wait)
    assert status == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "told"), [([], ("stopped", 0.0)), (["--restart-in", "2.5"], ("restarting", 2.5))]
)
async def test_the_command_says_whether_it_is_the_end(
    start: Start, tmp_path: Path, arguments: list[str], told: tuple[str, float]
) -> None:
    server = start()
    async with await Peer.connect(server.port) as peer:
        await peer.log_in(Person("ann"))
        stopping = asyncio.to_thread(command, tmp_path, "stop", *arguments)
        goodbye, done = await asyncio.gather(goodbye_of(peer), stopping)
    assert (goodbye.code, goodbye.back_in_s) == told
    assert done.returncode == 0
    assert (await asyncio.to_thread(server.wait))[0] == 0


async def test_what_was_delivered_is_stored_and_what_was_heard_is_answered(start: Start) -> None:
    server = start(CHATROOM_BURST="0", CHATROOM_RATE="0")
    people = [Person(f"p{number}") for number in range(4)]
    async with AsyncExitStack() as hung_up, Tasks("talk") as tasks:
        peers = [await hung_up.enter_async_context(await Peer.connect(server.port)) for _person in people]
        for peer, person in zip(peers, people, strict=True):
            await peer.log_in(person)
            await peer.join()
        is_lively = asyncio.Event()
        talking = [
            tasks.start(_talk(peer, person.nick, is_lively), name=person.nick)
            for peer, person in zip(peers, people, strict=True)
        ]
        await asyncio.wait_for(is_lively.wait(), 20)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*talking)
    status, errors = await asyncio.to_thread(server.wait)
    assert (status, "Traceback" in errors) == (0, False)
    assert time.monotonic() - began < _ENDS_WITHIN_S
    shown = [{line.id: line.body for line in peer.seen if isinstance(line, Line)} for peer in peers]
    assert all(isinstance(peer.seen[-1], Goodbye) for peer in peers), "nothing comes behind it"
    again = start()
    async with await Peer.connect(again.port) as reader:
        welcome = await reader.log_in(people[0])
        stored: dict[int, str] = {}
        while page := await reader.page(after=len(stored), limit=512):
            stored |= {line.id: line.body for line in page}
    assert sorted(stored) == list(range(1, len(stored) + 1))
    for lines in shown:
        assert lines.items() <= stored.items(), "who was shown it can rely on it"
        assert sorted(lines) == list(range(min(lines), max(lines) + 1)), "no hole"
    assert max(max(lines) for lines in shown) == len(stored), "all that is stored was delivered"
    mine = [body for body in stored.values() if body.startswith("p0 ")]
    assert mine == [f"p0 {number}" for number in range(1, len(mine) + 1)]
    assert welcome.devices == {"d1": len(mine)}


async def _talk(peer: Peer, nick: str, is_lively: asyncio.Event) -> None:
    """Say something whenever something is heard, until the server ends the link."""
    while not peer.is_closed:
        if not isinstance(peer.seen[-1], Goodbye):
            peer.say(f"{nick} {peer.n + 1}")
        await peer.read_some()
        if peer.n > 100:
            is_lively.set()


async def test_it_accepts_nobody_while_it_ends_and_a_second_signal_is_heard(start: Start) -> None:
    server = start("--text-port", "0")
    text_port = server.facts["text_port"]
    assert isinstance(text_port, int)
    async with await Peer.connect(server.port) as peer:
        await peer.log_in(Person("ann"))
        await peer.join()
        await peer.say_and_wait("kept")
        server.process.send_signal(signal.SIGTERM)
        await goodbye_of(peer)  # it does not hang up, for which the server waits a little
        for port in (server.port, text_port):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)
        assert server.process.poll() is None
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status, errors = await asyncio.to_thread(server.wait)
    assert time.monotonic() - began < 1.5
    assert status == 1
    assert "a second signal ends the server at once; what is stored is safe" in errors
    again = start()
    async with await Peer.connect(again.port) as peer:
        await peer.log_in(Person("bob"))
        await peer.join()
        assert [line.body for line in await peer.page(after=0)] == ["kept"]


async def test_who_does_not_hang_up_is_waited_for_not_long(start: Start) -> None:
    server = start()
    async with await Peer.connect(server.port) as peer:
        await peer.log_in(Person("ann"))
        began = time.monotonic()
        status, _errors = await asyncio.to_thread(server.end)
        assert (status, time.monotonic() - began < _ENDS_WITHIN_S) == (0, True)


async def test_an_end_that_takes_too_long_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatroom_server.signals, "END_S", 0.05)
    left: list[int] = []
    gone = asyncio.Event()

    def leave(status: int) -> None:
        left.append(status)
        gone.set()

    async with running(tmp_path) as server:
        Signals(server, OperatorLog(), Texts(), leave).watch_end()
        await asyncio.wait_for(gone.wait(), 10)
    assert left == [1]


def test_a_window_that_is_closed_ends_the_server(tmp_path: Path) -> None:
    """A terminal that hangs up sends SIGHUP, which elsewhere asks to read the settings again."""
    ready, announce = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        words = ["-m", "chatroom_server", "-p", "0", "--announce-ready", str(announce)]
        os.set_inheritable(announce, True)
        os.execve(sys.executable, [sys.executable, *words], environment(tmp_path))
    os.close(announce)
    with os.fdopen(ready) as line:
        assert '"port"' in line.readline()
    os.close(master)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    if ended == (0, 0):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert ended[0] == pid
    assert os.waitstatus_to_exitcode(ended[1]) == 0
