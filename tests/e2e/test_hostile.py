"""Whatever others type is inert: cleaned by the server, and again by the client."""

import asyncio
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import msgspec
import pytest

from chatroom.protocol.frames import (
    AnyFrame,
    Failed,
    Joined,
    Line,
    Presence,
    PresenceEvent,
    Refusal,
    RoomInfo,
)
from chatroom.protocol.frames import Person as Seen
from chatroom.protocol.ids import RoomId, UserId
from chatroom.testing import FakeServer
from tests.conformance.peer import GENERAL, Peer, RefusedError
from tests.conformance.peer import Person as Key
from tests.e2e.terminal import PATIENCE_S, Terminal, client_command
from tests.e2e.world import Person, Server, environment

MARK = "landmark"
HOSTILE = (
    "\x1b]52;c;aGFja2Vk\x07clipboard",
    "\x1b]0;title\x1b\\window",
    "\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[1;1Hcleared",
    "\x9b31mred\x9d52;c;eA==\x9c",
    "\x1bP+q544e\x1b\\asked",
    "\u202egnp.exe\u2066isolated",
    "[@click=app.quit]press[/]",
    "[/red] [bold",
    "zero\u200bwidth\u2060 \U000e0041tag",
    "a" + "\u0301" * 30_000,
    "one\n[09:00] admin said: two",
)
FORBIDDEN = re.compile(
    "\x1b\\]52|\x1b\\]0;title|evil\\.example/\x1b|\x1b\\[2J\x1b\\[1;1Hcleared|\x1bP\\+q544e"
    "|[\x80-\x9f\u202a-\u202e\u2066-\u2069\u200b\u2060\U000e0041]|\u0301{20}"
)
FAKED = re.compile(r"^\[09:00\] admin said", re.MULTILINE)
"""A message must not be able to look like two."""

MakePerson = Callable[..., Person]


def assert_inert(raw: bytes | bytearray) -> None:
    """Nothing of what is forbidden reached the terminal, or the file."""
    found = FORBIDDEN.search(bytes(raw).decode("utf-8", "replace"))
    assert found is None, (found, bytes(raw)[max(0, found.start() - 80) : found.end() + 80])


async def _say_it_all(port: int) -> None:
    async with await Peer.connect(port) as peer:
        await peer.log_in(Key("[/red]"))
        await peer.join()
        for text in HOSTILE:
            await peer.say_and_wait(text)
        await peer.say_and_wait(MARK)


@pytest.mark.parametrize("front_end", ["full_screen", "plain"])
def test_a_client_that_cleans_nothing_reaches_no_terminal(
    front_end: str, person: MakePerson, server: Server
) -> None:
    victim = person("victim")
    with victim.plain("--room", "general") as first:  # trusts the server, and takes the nick
        first.wait_for("#general")
        first.type("/quit\r")
        first.wait_end()
    with getattr(victim, front_end)() as terminal:
        terminal.wait_for("general")
        terminal.wait_for("Welcome back")
        asyncio.run(_say_it_all(server.port))
        terminal.wait_for(MARK)
        assert not FAKED.search(terminal.text())
        terminal.type("still alive\r")
        wait_until_stored(victim, "still alive")
        assert_inert(terminal.raw)
    server.stop()
    assert_inert(server.log.read_bytes())
    for path in (*server.data.rglob("server.log"), *victim.home.rglob("client.log")):
        assert_inert(path.read_bytes())
        assert all(line.startswith("20") for line in path.read_text(encoding="utf-8").splitlines())


def test_scripts_print_it_inert(person: MakePerson, server: Server) -> None:
    reader = person("reader")
    asyncio.run(_say_it_all(server.port))
    for words in (("history", "general"), ("history", "general", "--json"), ("rooms",), ("who", "general")):
        done = reader.script(*words)
        assert done.returncode == 0, done.stderr
        assert_inert(done.stdout)
        assert not FAKED.search(done.stdout.decode())
    for form in ([], ["--json"]):
        printed = wait_until_stored(reader, MARK, "-n", "50", *form)
        assert printed.count(b"\n") > len(HOSTILE)
        assert_inert(printed)
        assert not FAKED.search(printed.decode())


def wait_until_stored(person: Person, text: str, *options: str) -> bytes:
    """What `chatroom tail` prints, up to a text."""
    printed = b""
    with person.start_script("tail", "general", *options) as tail:
        assert tail.stdout is not None
        while text.encode() not in printed:
            line = tail.stdout.readline()
            assert line, printed
            printed += line
        tail.kill()
    return printed


NICKS = (
    "[/b]",
    "[@click=app.quit]",
    "\x1b]52;c;eA==\x07",
    "a\x1b[2J\x1b[1;1Hcleared",
    "\u202enick",
    "zero\u200bwidth",
    "n" + "\u0301" * 1_500,
    "two\nlines",
    "\x9b31m",
    "",
    " ",
    "\ud7ff\ufdd0\U000e0041",
)


async def _take_names(port: int) -> list[str]:
    """Log in with each of the nicks, and talk; returns those that were taken."""
    taken = []
    for nick in NICKS:
        async with await Peer.connect(port) as peer:
            try:
                welcome = await peer.log_in(Key(nick))
                await peer.join()
                await peer.say_and_wait(MARK)
            except RefusedError:
                continue
            taken.append(welcome.nick)
    return taken


def test_no_name_and_no_message_harms_the_servers_console(tmp_path: Path) -> None:
    server = Server(tmp_path, "--verbose").start()
    try:
        taken = asyncio.run(_take_names(server.port))
        asyncio.run(_say_it_all(server.port))
        reader = Person(tmp_path / "reader", server, "reader")
        who = reader.script("who", "general")
        assert who.returncode == 0, who.stderr
    finally:
        assert server.stop() == 0
    assert taken == ["[/b]", "[@click=app.quit]"]
    console = server.console()
    assert_inert(server.log.read_bytes())
    assert "from [/red]" in console
    assert "Traceback" not in console
    events = console.partition("stops it.\n")[2].splitlines()
    assert len(events) > 4 * len(HOSTILE)
    assert [line for line in events if not re.match(r"\d\d:\d\d:\d\d [^\x00-\x1f]+$", line)] == []


class _FakeServerThread:
    """A server that sends whatever it likes, on a loop of its own."""

    def __init__(self) -> None:
        self.port = 0
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: FakeServer | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)

    def attack(self) -> None:
        """Say everything that a server can, with each of the hostile texts; then something harmless."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._attack)

    def _attack(self) -> None:
        assert self._server is not None
        for number, text in enumerate(HOSTILE):
            room = RoomInfo(RoomId(f"r{number}"), text[:64], topic=text[:64])
            person = Seen(UserId(f"{number:a>16}"), text[:64], text[:64], was=text[:64])
            for frame in _frames(room, person, text[:64]):
                self._server.tell_all(frame)
            for kind in ("", "me", "image", "topic", text[:64]):
                _publish(self._server, person, kind, text)
        self._server.say("friend", "general", "the end")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with FakeServer() as server:
            self._server = server
            self._fill(server)
            self.port = server.address.port
            self._ready.set()
            await self._stop.wait()

    def _fill(self, server: FakeServer) -> None:
        room = server.world.add_room("general")
        author = server.world.add_user("\x1b]52;c;eA==\x07[/red]\u202e")
        room.members.add(author.user)
        room.topic = "\x1b]0;title\x07topic"
        for number, text in enumerate((*HOSTILE, MARK), start=1):
            line = Line(number, server.world.at, room.id, author.user, author.nick, "#\x1b[2J", body=text)
            room.lines.append(msgspec.json.encode(line))


def _frames(room: RoomInfo, person: Seen, text: str) -> Iterator[AnyFrame]:
    """What a server says of its own accord."""
    yield Joined(0, room, [person])
    for event in PresenceEvent:
        yield Presence(GENERAL, event, [person])
    yield Failed(text, text, 0, {"nick": text, "reason": text})
    yield Refusal("d", 1, text, text, {"reason": text})


def _publish(server: FakeServer, author: Seen, kind: str, text: str) -> None:
    """Store a line, and send it to all, as no honest server would."""
    lines, at = server.world.rooms[GENERAL].lines, server.world.at
    line = Line(
        len(lines) + 1,
        at,
        GENERAL,
        author.user,
        text[:64],
        text[:64],
        "d",
        kind=kind,
        body=text,
        grid=text[:99],
        target=1,
    )
    lines.append(msgspec.json.encode(line))
    server.tell_all(line, GENERAL)


@pytest.fixture
def fake() -> Iterator[_FakeServerThread]:
    with _FakeServerThread() as thread:
        yield thread


def test_a_server_that_cleans_nothing_reaches_no_terminal(fake: _FakeServerThread, tmp_path: Path) -> None:
    where = ("-a", "127.0.0.1", "-p", str(fake.port), "--nick", "victim")
    with Terminal(client_command("--plain", *where), env=environment(tmp_path)) as plain:
        plain.wait_for("[y/n]")
        plain.type("y\r")
        plain.wait_for(MARK)
        assert_inert(plain.raw)
        assert not FAKED.search(plain.text())
        plain.type("/quit\r")
        assert plain.wait_end() == 0
    with Terminal(client_command(*where), env=environment(tmp_path)) as screen:
        screen.wait_for(MARK)
        screen.type("still alive\r")
        screen.wait_for("still alive")
        assert_inert(screen.raw)
        screen.press("ctrl+q")
        assert screen.wait_end() == 0


def test_scripts_trust_no_server_to_have_cleaned(fake: _FakeServerThread, tmp_path: Path) -> None:
    where = ("-a", "127.0.0.1", "-p", str(fake.port), "--nick", "reader")
    for words in (("history", "general"), ("history", "general", "--json"), ("rooms",), ("who", "general")):
        done = subprocess.run(
            client_command(*words, *where),
            env=environment(tmp_path),
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert_inert(done.stdout)
        assert_inert(done.stderr)
        assert not FAKED.search(done.stdout.decode())


@pytest.mark.parametrize("arguments", [["--plain"], []], ids=["plain", "full_screen"])
def test_nothing_that_a_server_says_reaches_a_terminal(
    fake: _FakeServerThread, tmp_path: Path, arguments: list[str]
) -> None:
    where = ("-a", "127.0.0.1", "-p", str(fake.port), "--nick", "victim")
    with Terminal(client_command("--plain", *where), env=environment(tmp_path)) as first:
        first.wait_for("[y/n]")
        first.type("y\r")
        first.wait_for(MARK)
        first.type("/quit\r")
        assert first.wait_end() == 0
    with Terminal(client_command(*arguments, *where), env=environment(tmp_path), rows=50) as terminal:
        terminal.wait_for(MARK)
        fake.attack()
        terminal.wait_for("the end")
        for command in ("/who", "/rooms"):
            terminal.type(f"{command}\r")
            if not arguments:
                terminal.wait_for("Esc closes")
                terminal.press("escape")
                terminal.wait_gone("Esc closes")
        terminal.type("still alive\r")
        terminal.wait_for("still alive")
        assert_inert(terminal.raw)
        assert not FAKED.search(terminal.text())
        terminal.type("/quit\r")
        assert terminal.wait_end() == 0
    for path in tmp_path.rglob("client.log"):
        assert_inert(path.read_bytes())
