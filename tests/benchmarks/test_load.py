"""The load generator counts what comes however it is cut, keeps its window, and notices what is wrong."""

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import naive_server
from benchmarks.load import __main__ as load
from benchmarks.load import links
from benchmarks.load.crowd import Crowd, room_name
from benchmarks.load.links import Link
from benchmarks.load.machine import cpu_s, memory_mb
from benchmarks.load.talk import Checker, Outcome, Plan, Room, Talk
from benchmarks.load.wire import DIALECTS, MARK, Chatroom, RefusedError, Said, fetch, framed
from chatroom.protocol.frames import AnyFrame, Fetch, Send
from chatroom.protocol.ids import DeviceId, RoomId
from tests.benchmarks.test_suite import heeded_signals as heeded_signals
from tests.conformance.server import port_of, running

OPTIONS = {"GUESTS": "yes", "RATE": "0", "BURST": "0"}
MESSAGES = 30
TYPES: dict[bytes, type[AnyFrame]] = {b"S": Send, b"F": Fetch}


def stream(count: int) -> bytes:
    """Lines as the server sends them."""
    bodies = (MARK + b"%016x%08x text" % (number, number) for number in range(1, count + 1))
    return b"".join(
        framed(b"m", b'{"id":%d,"room":"general","body":"%b"}' % (n, b)) for n, b in enumerate(bodies, 1)
    )


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    marks = sorted({0, len(data), *(place % len(data) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(marks)]


def link(number: int = 0) -> Link:
    """One that is in."""
    return Link(number, 0, f"guest{number}", DIALECTS["chatroom"])


def fed(one: Link, take: Callable[[int], object], pieces: list[bytes]) -> None:
    """Read pieces as if they came from the socket."""
    for piece in pieces:
        links._buffer[: len(piece)] = piece
        take(len(piece))


@given(st.integers(1, 5), st.lists(st.integers(0, 2000)))
def test_messages_are_counted_however_they_are_cut(count: int, places: list[int]) -> None:
    one = link()
    fed(one, one.count, cut(stream(count), places))
    assert one.got == count


@given(st.integers(1, 5), st.lists(st.integers(0, 2000)))
def test_lines_are_the_same_however_they_are_cut(count: int, places: list[int]) -> None:
    one, found = link(), list[Said]()
    fed(one, lambda size: found.extend(one.lines(size)), cut(stream(count), places))
    assert [line.id for line in found] == list(range(1, count + 1))


@given(st.integers(0, 70_000))
def test_frames_are_those_of_the_protocol(size: int) -> None:
    frame = framed(b"m", b"x" * size)
    buffer = bytearray(frame + b"m")
    taken = Chatroom().take(buffer)
    assert taken is not None
    assert taken == (b"m", b"x" * size)
    assert bytes(buffer) == b"m"
    assert all(Chatroom().take(bytearray(frame[:end])) is None for end in range(min(9, len(frame))))
    assert Chatroom().take(bytearray(frame[:-1])) is None


def test_the_protocol_reads_what_is_written() -> None:
    data = Chatroom().say("general", 7, b"~@body") + fetch(1, "general", 9, 50)
    buffer, read = bytearray(data), []
    while frame := Chatroom().take(buffer):
        read.append(msgspec.json.decode(frame.body, type=TYPES[frame.kind]))
    assert read == [
        Send(room=RoomId("general"), dev=DeviceId("load"), n=7, body="~@body"),
        Fetch(rid=1, room=RoomId("general"), before=9, limit=50),
    ]


@given(st.lists(st.integers(0, 3), max_size=200), st.integers(1, 4))
def test_a_window_waits_for_the_slowest(turns: list[int], members: int) -> None:
    everyone = [link(number) for number in range(members)]
    room, had = Room(everyone, "general"), [0] * members
    for turn in turns:
        place = turn % members
        if had[place] < room.sent:
            room.heard(everyone[place], 1)
            had[place] += 1
        else:
            room.sent += 1
        assert room.in_flight == room.sent - min(had)
    assert room.missing() == sum(room.sent - count for count in had)


@pytest.mark.parametrize(
    "numbers",
    [[1, 3], [1, 1], [2, 1], [2]],
    ids=["missing", "twice", "other order", "first missing"],
)
def test_the_checker_notices(numbers: list[int]) -> None:
    one = link()
    checker = Checker([[one]])
    for number in numbers:
        checker.take(one, Said(number, "general", f"{MARK.decode()}{0:016x}{number:08x} text"))
    assert checker.faults


def test_the_checker_notices_ids_with_a_hole_and_members_that_get_something_else() -> None:
    one, other = link(0), link(1)
    checker = Checker([[one, other]])
    for member, words in ((one, "text"), (other, "else")):
        checker.take(member, Said(5, "general", f"{MARK.decode()}{0:016x}{1:08x} {words}"))
    assert checker.faults == []
    assert len(checker.finish([[one, other]])) == 1
    checker.take(one, Said(7, "general", f"{MARK.decode()}{0:016x}{2:08x} text"))
    assert len(checker.faults) == 2


def talk(port: int, dialect: str, plan: Plan, members: int = 8, *, checks: bool = True) -> Outcome:
    """A whole one, on a thread."""
    crowd = Crowd(("127.0.0.1", port), dialect)
    try:
        crowd.enter(1, members, checks=checks)
        return Talk(crowd, plan, [room_name(0)]).run()
    finally:
        crowd.close()


@pytest.mark.parametrize("plan", [Plan(window=4, messages=MESSAGES), Plan(rate=1000, messages=MESSAGES)])
async def test_each_member_gets_each_message_once_and_in_order(tmp_path: Path, plan: Plan) -> None:
    async with running(tmp_path, **OPTIONS) as server:
        outcome = await asyncio.to_thread(talk, port_of(server), "chatroom", plan)
    assert (outcome.deliveries, outcome.lost, outcome.faults) == (8 * MESSAGES, 0, [])
    assert outcome.checked
    assert 0 < outcome.p50_ms <= outcome.p99_ms <= outcome.worst_ms
    assert outcome.bytes_per_delivery > len(MARK)


async def test_a_talk_ends_after_its_time(tmp_path: Path) -> None:
    async with running(tmp_path, **OPTIONS) as server:
        plan = Plan(window=4, seconds=0.05, warm_s=0.01)
        outcome = await asyncio.to_thread(talk, port_of(server), "chatroom", plan, checks=False)
    assert outcome.messages > 0
    assert outcome.lost == 0
    assert outcome.seconds >= 0.05


async def test_the_naive_server_brings_everything() -> None:
    naive_server.rooms.clear()
    server = await asyncio.start_server(naive_server.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        outcome = await asyncio.to_thread(talk, port, "naive", Plan(window=4, messages=MESSAGES))
    finally:
        server.close()
        await server.wait_closed()
    assert (outcome.deliveries, outcome.lost, outcome.faults) == (8 * MESSAGES, 0, [])


async def test_those_who_are_cut_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.load.crowd._BACK_MIN_S", 0.05)
    async with running(tmp_path, **OPTIONS) as server:
        port = port_of(server)
        crowd = Crowd(("127.0.0.1", port), "chatroom")
        try:
            await asyncio.to_thread(crowd.enter, 1, 3, checks=True, comes_back=True)
            for one in list(server.runner.links.values()):
                one.abort("cut")
            await asyncio.to_thread(crowd.wait_for_return)
            outcome = await asyncio.to_thread(Talk(crowd, Plan(window=1, messages=2), ["general"]).run)
        finally:
            crowd.close()
    assert (outcome.deliveries, outcome.lost) == (6, 0)


async def test_a_room_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    async with running(tmp_path, **OPTIONS) as server:
        crowd = Crowd(("127.0.0.1", port_of(server)), "chatroom")
        with pytest.raises(RefusedError, match="there is no room room1"):
            await asyncio.to_thread(crowd.enter, 2, 1)
        crowd.close()


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    crowd = Crowd(("127.0.0.1", port), "chatroom")
    with pytest.raises(RefusedError, match="is not there"):
        crowd.enter(1, 1)
    crowd.close()


def test_a_process_tells_its_time_and_memory() -> None:
    before = cpu_s(os.getpid())
    while cpu_s(os.getpid()) - before < 0.02:
        sum(range(10_000))
    assert 1 < memory_mb(os.getpid()) < 10_000


@pytest.mark.parametrize(
    "words",
    [
        ["--members", "0"],
        ["--members", "-4"],
        ["--rooms", "x"],
        ["--window", "0"],
        ["--rate", "-1"],
        ["--seconds", "nan"],
        ["--at-once", "0"],
        ["--pid", "-1"],
        ["--port", "99999"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_sentence(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["load", "--port", "1", *words])
    with pytest.raises(SystemExit) as ended:
        load.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f'{words[0]}: "{words[1]}" is no' in told
    assert told.count("\n") == 1


def commanded(port: int) -> subprocess.Popen[bytes]:
    """A generator that waits for what it is to do."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        "--port",
        str(port),
        "--dialect",
        "naive",
        "--commands",
    ]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
    )


def ask(generator: subprocess.Popen[bytes], **given: object) -> None:
    """Have it do something."""
    assert generator.stdin is not None
    generator.stdin.write(json.dumps(given).encode() + b"\n")
    generator.stdin.flush()


@pytest.mark.usefixtures("heeded_signals")
def test_an_interrupted_generator_ends_without_a_word() -> None:
    with commanded(1) as generator:
        ask(generator, do="knock", seconds=0, at_once=1)
        assert generator.stdout is not None
        assert b"seconds" in generator.stdout.readline()
        generator.send_signal(signal.SIGINT)
        assert generator.communicate(timeout=30) == (b"", b"")
    assert generator.returncode == 128 + signal.SIGINT


def test_a_generator_that_nobody_reads_ends_without_a_word() -> None:
    with commanded(1) as generator:
        assert generator.stdout is not None
        assert generator.stderr is not None
        generator.stdout.close()
        ask(generator, do="knock", seconds=0, at_once=1)
        assert generator.stderr.read() == b""
    assert generator.returncode == 1
