"""What the whole server does for a message, in counts: calls, encodings, writes and syncs."""

import asyncio
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from benchmarks.load.crowd import Crowd
from benchmarks.load.talk import Outcome, Plan, Talk
from chatroom_server.history.files import OsFiles
from chatroom_server.shell import runner
from tests.conformance.server import port_of, running

ROOT: Final = str(Path(__file__).parents[2])
FEW, MANY = 5, 50
MESSAGES: Final = 20
OPTIONS: Final = {"GUESTS": "yes", "RATE": "0", "BURST": "0"}
INNER: Final = ("chatroom/protocol", "chatroom_server/core", "chatroom_server/history")
"""What must not do more where more people listen."""


@pytest.fixture(autouse=True)
def _no_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is counted: nothing may come from a timer."""
    monkeypatch.setattr(runner, "SWEEP_S", 3600.0)


class Calls:
    """Counts the calls of one thread: Python's by package, those of C by name, where our code makes them."""

    def __init__(self) -> None:
        self.python: Counter[str] = Counter()
        self.c: Counter[str] = Counter()

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        """A call."""
        name = frame.f_code.co_filename
        if not name.startswith(ROOT) or "/tests/" in name:
            return
        if event == "call":
            self.python["/".join(name.removeprefix(ROOT + "/").split("/")[:2])] += 1
        elif event == "c_call":
            self.c[argument.__name__] += 1

    @property
    def inner(self) -> int:
        """Calls in what must not do more where more people listen."""
        return sum(self.python[package] for package in INNER)


async def said(folder: Path, members: int, *, window: int = 1) -> tuple[Outcome, Calls]:
    """Say some things to so many; what the server's loop called for it."""
    async with running(folder, **OPTIONS) as server:
        crowd = Crowd(("127.0.0.1", port_of(server)), "chatroom")
        calls = Calls()
        try:
            await asyncio.to_thread(crowd.enter, 1, members)
            talk = Talk(crowd, Plan(window=window, messages=MESSAGES), ["general"])
            sys.setprofile(calls.note)
            outcome = await asyncio.to_thread(talk.run)
        finally:
            sys.setprofile(None)
            crowd.close()
    assert outcome.lost == 0
    assert outcome.deliveries == members * MESSAGES
    return outcome, calls


async def test_the_core_the_log_and_the_wire_do_not_work_more_for_more_members(tmp_path: Path) -> None:
    _few, little = await said(tmp_path / "few", FEW)
    _many, much = await said(tmp_path / "many", MANY)
    more = (MANY - FEW) * MESSAGES
    assert little.inner > MESSAGES
    assert much.inner - little.inner < more / 20


async def test_a_delivery_takes_no_call_of_python(tmp_path: Path) -> None:
    _few, little = await said(tmp_path / "few", FEW)
    _many, much = await said(tmp_path / "many", MANY)
    more = sum(much.python.values()) - sum(little.python.values())
    assert sum(little.python.values()) > MESSAGES
    assert more < (MANY - FEW) * MESSAGES / 20


async def test_a_line_is_encoded_once_however_many_hear_it(tmp_path: Path) -> None:
    _few, little = await said(tmp_path / "few", FEW)
    _many, much = await said(tmp_path / "many", MANY)
    assert little.c["encode"] >= MESSAGES
    assert much.c["encode"] - little.c["encode"] < MESSAGES


async def test_a_delivery_is_one_write(tmp_path: Path) -> None:
    _outcome, calls = await said(tmp_path, MANY)
    assert MANY * MESSAGES <= calls.c["send"] <= MANY * MESSAGES + MESSAGES


async def test_what_comes_together_is_brought_together(tmp_path: Path) -> None:
    _outcome, calls = await said(tmp_path, MANY, window=MESSAGES)
    assert MANY <= calls.c["send"] <= 3 * MANY


@pytest.mark.parametrize(("window", "syncs_max"), [(1, MESSAGES), (MESSAGES, 3)])
async def test_a_round_is_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, syncs_max: int
) -> None:
    syncs: list[int] = []
    sync = OsFiles.sync

    def counting(files: OsFiles, fd: int) -> None:
        syncs.append(fd)
        sync(files, fd)

    async with running(tmp_path, **OPTIONS) as server:
        crowd = Crowd(("127.0.0.1", port_of(server)), "chatroom")
        try:
            await asyncio.to_thread(crowd.enter, 1, FEW)
            talk = Talk(crowd, Plan(window=window, messages=MESSAGES), ["general"])
            monkeypatch.setattr(OsFiles, "sync", counting)
            outcome = await asyncio.to_thread(talk.run)
            monkeypatch.setattr(OsFiles, "sync", sync)
        finally:
            crowd.close()
    assert outcome.deliveries == FEW * MESSAGES
    assert 1 <= len(syncs) <= syncs_max


async def test_a_link_takes_few_blocks_of_memory(tmp_path: Path) -> None:
    async with running(tmp_path, **OPTIONS) as server:
        crowd = Crowd(("127.0.0.1", port_of(server)), "chatroom")
        try:
            await asyncio.to_thread(crowd.enter, 1, FEW)
            tracemalloc.start()
            await asyncio.to_thread(_enter_again, crowd)
            kept = tracemalloc.take_snapshot().filter_traces(
                [
                    tracemalloc.Filter(True, f"{ROOT}/{package}/*")
                    for package in ("chatroom", "chatroom_server")
                ]
            )
        finally:
            tracemalloc.stop()
            crowd.close()
    size = sum(each.size for each in kept.statistics("filename"))
    assert 0 < size / MANY < 4_000


def _enter_again(crowd: Crowd) -> None:
    """More guests into the same room."""
    crowd.rooms.clear()
    crowd.enter(1, MANY)
