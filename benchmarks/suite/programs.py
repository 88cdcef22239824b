"""The programs of a measurement: the server, the naive one, and the load generator, on their own cores."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.load.crowd import room_name
from benchmarks.load.machine import on_cores, split_cores
from benchmarks.load.talk import Outcome
from benchmarks.make_room import account_lines, make_users, store_accounts
from chatroom.protocol.ids import RoomId
from tests.e2e.world import Server

PATIENCE_S: Final = 30.0
_ENDED: Final = "the load generator ended; what it wrote stands above"
_SETTINGS: Final = """GUESTS=yes
BURST=1000000000
RATE=1000000000
MAX_LINKS={links}
MAX_LINKS_PER_ADDRESS={links}
LOG_DIR={logs}
"""
"""Limits are kept count of, but never reached; conversations are logged, and the disk is waited for."""


class BenchError(Exception):
    """A measurement could not be done."""


def pid_of(process: subprocess.Popen[bytes] | None) -> int:
    """Its id."""
    if process is None:
        raise BenchError("the server does not run")
    return process.pid


def make_server(folder: Path, *arguments: str, rooms: int = 1, links: int = 10_000) -> Server:
    """A server that is not started yet, with its rooms."""
    settings = folder / "server.conf"
    settings.write_text(_SETTINGS.format(links=links, logs=folder / "logs"), encoding="utf-8")
    if rooms > 1:
        users, lines = make_users(1, random.Random(1)), []
        for place in range(rooms):
            lines += account_lines(users, RoomId(room_name(place)))[len(users) if place else 0 :]
        asyncio.run(store_accounts(folder / "data", lines))
    return Server(folder, "--config", str(settings), "--quiet", *arguments)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run it on its cores; afterwards it has ended."""
    try:
        with on_cores(split_cores()[0]):
            server.start()
        yield server
    finally:
        _end(server)


def _end(server: Server) -> None:
    """End it, by force if it does not listen."""
    if server.process is not None:
        try:
            server.stop()
        except subprocess.TimeoutExpired:
            server.kill()


@contextmanager
def naive() -> Iterator[tuple[int, int]]:
    """Run the naive server; its port and process."""
    with on_cores(split_cores()[0]):
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.naive_server"],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl+C is for the suite alone, which ends it
        )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        process.stdout.close()


def verify(server: Server) -> list[str]:
    """What `chatroom-server verify` finds in the folder of a server that has ended."""
    done = subprocess.run(
        [sys.executable, "-m", "chatroom_server", "verify", str(server.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        []
        if done.returncode == 0
        else [f"verify: {line}" for line in (done.stdout + done.stderr).splitlines()]
    )


class Generator:
    """The load generator, in a process of its own, that does what it is told."""

    def __init__(self, port: int, dialect: str = "chatroom", *, tls: bool = False, at_once: int = 64) -> None:
        command = [sys.executable, "-m", "benchmarks.load", "--port", str(port), "--dialect", dialect]
        command += ["--commands", "--at-once", str(at_once), *(["--tls"] if tls else [])]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl+C is for the suite alone, which ends it
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is not None:
            self._process.terminate()  # it may be in the midst of something long
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ask(self, do: str, **given: Any) -> dict[str, Any]:
        """Have it do something, and wait for what came of it.

        Raises:
            BenchError: It could not.
        """
        self.tell(do, **given)
        return self.answer()

    def tell(self, do: str, **given: Any) -> None:
        """Have it begin with something.

        Raises:
            BenchError: It has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **given}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise BenchError(_ENDED) from error

    def answer(self) -> dict[str, Any]:
        """Wait for what came of it.

        Raises:
            BenchError: It could not.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(_ENDED)
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise BenchError(f"the load generator could not do it: {told['error']}")
        return told

    def talk(self, **plan: Any) -> Outcome:
        """Talk; see `benchmarks.load.talk.Plan`."""
        return Outcome(**self.ask("talk", **plan))
