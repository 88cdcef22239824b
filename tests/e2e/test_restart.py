"""The server ends and comes back: what clients are told, that nothing is lost, and that nobody storms in."""

import asyncio
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from chatroom.client.tasks import Tasks
from tests.e2e.crowd import Member
from tests.e2e.terminal import PATIENCE_S
from tests.e2e.world import Person, Server

_CROWD = 1_000
_BACK_IN_S = 2
_SPEAKERS = 20


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers with these settings; none outlives the test."""
    servers: list[Server] = []

    def make(*settings: str) -> Server:
        folder = tmp_path / "server"
        folder.mkdir()
        (folder / "server.conf").write_text("\n".join(settings), encoding="utf-8")
        servers.append(Server(folder, "--config", str(folder / "server.conf")))
        return servers[-1].start()

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may open as many files as a crowd needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CROWD + 512
    if 0 <= hard < wanted:
        pytest.skip(f"a process may open {hard} files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted) if soft >= 0 else soft, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def until(holds: Callable[[], object], what: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what()
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("many_files")
async def test_a_crowd_comes_back_without_a_stampede(make_server: Callable[..., Server]) -> None:
    server = make_server(f"RESTART_S={_BACK_IN_S}", "HISTORY_FLUSH_S=3600")
    crowd = [Member(number, server.port) for number in range(_CROWD)]
    speakers = crowd[:: _CROWD // _SPEAKERS]
    async with Tasks("crowd") as tasks:
        for first in range(0, _CROWD, 100):
            some = crowd[first : first + 100]
            for member in some:
                tasks.start(member.live(), name=f"m{member.number}")
            await until(partial(_are_in, some), lambda: "they come in")
        for speaker in speakers:
            speaker.say("before")
        await until(lambda: all(len(member.lines) == _SPEAKERS for member in crowd), lambda: "all hear it")
        for speaker in speakers:
            speaker.say("meanwhile")
        assert await asyncio.to_thread(server.stop_for_restart) == 0
        await until(lambda: not any(member.is_online for member in crowd), lambda: "all are cut")
        for speaker in speakers:
            speaker.say("while it was away")
        await asyncio.to_thread(server.start)
        await until(
            lambda: all(member.is_online for member in crowd),
            lambda: f"{sum(member.is_online for member in crowd)} are back",
        )
        crowd[-1].say("after")
        expected = list(range(1, 3 * _SPEAKERS + 2))
        await until(
            lambda: all(len(member.lines) >= len(expected) for member in crowd),
            lambda: sorted({len(member.lines) for member in crowd}),
        )
        for member in crowd:
            await member.leave()
    assert all(sorted(member.ids) == expected for member in crowd), "no gap, nothing twice"
    assert len({tuple(sorted((line.id, line.body) for line in member.lines)) for member in crowd}) == 1
    assert [goodbye.back_in_s for member in crowd for goodbye in member.told] == [_BACK_IN_S] * _CROWD
    assert [code for member in crowd for code in member.refusals] == []
    assert sum(member.presences for member in crowd) < _CROWD * _CROWD / 5, "returns are told together"
    assert all(len(member.logins) == 2 for member in crowd), "nobody is cut twice"
    assert _most_within([wait for member in crowd for wait in member.waits], 0.1) <= _CROWD / 10
    assert all(_BACK_IN_S <= wait <= 2 * _BACK_IN_S for member in crowd for wait in member.waits)


def _are_in(some: list[Member]) -> bool:
    return all(member.is_in for member in some)


@pytest.mark.parametrize(
    ("end", "plain", "full", "script"),
    [
        ("stop_for_restart", "Offline (the server restarts)", "the server restarts, again in", "restarts"),
        ("stop", "Offline (the server stops)", "no server answers at", "stops"),
    ],
)
def test_every_front_end_says_it_and_comes_back(
    make_server: Callable[..., Server], tmp_path: Path, end: str, plain: str, full: str, script: str
) -> None:
    server = make_server("RESTART_S=1")
    people = [Person(tmp_path / nick, server, nick) for nick in ("ann", "bob", "eve")]
    with people[0].plain() as line, people[1].full_screen() as screen:
        line.wait_for("#general")
        screen.wait_for("Trust it")
        screen.press("tab", "enter")
        screen.wait_for("Where do you want to begin?")
        screen.press("enter")
        screen.wait_for("#general ›")
        with people[2].start_script("tail", "general") as tail:
            assert tail.stdout is not None
            assert tail.stderr is not None
            assert people[2].script("send", "general", "before").returncode == 0
            assert tail.stdout.readline().endswith(b"before\n")
            for terminal in (line, screen):
                terminal.wait_for("before")
            assert getattr(server, end)() == 0
            line.wait_for(plain)
            screen.wait_for(full)
            line.type("meanwhile\n")
            server.start()
            for terminal in (line, screen):
                terminal.wait_for("meanwhile")
            assert tail.stdout.readline().endswith(b"meanwhile\n")
            tail.terminate()
            assert f"chatroom: the server {script}" in tail.stderr.read().decode()


def _most_within(times: list[float], seconds: float) -> int:
    """The most of them that any window of so many seconds holds."""
    times, first, most = sorted(times), 0, 0
    for last, at in enumerate(times):
        while at - times[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
