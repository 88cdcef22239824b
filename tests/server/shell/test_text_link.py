"""One link of the plain-text door over a real socket: its turns, how it is held, and how it ends."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from chatroom.common.texts import Texts
from chatroom.protocol.frames import Ack, AnyFrame, Join, Joined, Login, RoomInfo, Send, Welcome
from chatroom.protocol.ids import Epoch, RoomId, UserId
from chatroom_server.core.inputs import LinkId
from chatroom_server.gateways.text import TextConnection, TextSettings
from chatroom_server.gateways.text.settings import IN_FLIGHT_MAX, LINES_A_STEP
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.link import READ_SIZE, Link
from chatroom_server.shell.text_link import TextLink

ROOM = RoomId("general")


class Owner:
    """A server whose hub lets everybody in, and stores at once unless it is slow."""

    tls: ssl.SSLContext

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.fanout = Fanout(loop.call_soon)
        self.frames: list[AnyFrame] = []
        self.said: list[str] = []
        self.endings: list[str] = []
        self.is_slow = False
        self.has_arrived = False
        self._waiting: list[tuple[Link, Send]] = []
        self._changed = asyncio.Event()

    def arrived(self, link: Link) -> None:
        self.has_arrived = True

    def received(self, link: Link, frame: AnyFrame) -> None:
        self.frames.append(frame)
        match frame:
            case Login(nick):
                link.send(Welcome(UserId("me"), nick, "#fff", Epoch("e"), default_room=ROOM))
            case Join(rid):
                link.send(Joined(rid, RoomInfo(ROOM, "general")))
            case Send():
                self.said.append(frame.body)
                self._waiting.append((link, frame))
        if not self.is_slow:
            self.store()
        self._changed.set()

    def store(self) -> None:
        for link, frame in self._waiting:
            link.send(Ack(frame.dev, frame.n, frame.room))
        self._waiting.clear()

    def has_output(self, link: Link) -> None:
        self.fanout.touch(link)

    def ending(self, link: Link) -> None:
        self.fanout.release(link)

    def drained(self, link: Link) -> None:
        self.fanout.drained(link)

    def lost(self, link: Link, why: str) -> None:
        self.fanout.drop(link)
        self.endings.append(why)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Stage:
    """A link, and the other end of its socket."""

    def __init__(self, owner: Owner) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.theirs.settimeout(10)
        self.owner = owner
        settings = TextSettings(Texts(), lambda _at: "12:34")
        self.connection = TextConnection(
            ("192.0.2.7", 5), ("192.0.2.1", 9998), settings, lambda _line, _is_nameless: None
        )
        self.link = TextLink(LinkId(1), ours, ("192.0.2.7", 5), self.connection, local=False, owner=owner)

    async def say(self, text: str) -> None:
        await asyncio.to_thread(self.theirs.sendall, text.encode())

    async def hear_all(self) -> str:
        heard = b""
        while chunk := await asyncio.to_thread(self.theirs.recv, 1 << 16):
            heard += chunk
        return heard.decode()

    async def enter(self) -> None:
        await self.say("Hello|zoé\nsalut\n")
        await self.owner.until(lambda: self.owner.said == ["salut"])
        self.owner.said.clear()


@pytest.fixture
async def owner() -> Owner:
    return Owner(asyncio.get_running_loop())


@pytest.fixture
def stage(owner: Owner) -> Iterator[Stage]:
    made = Stage(owner)
    yield made
    made.link.abort("the test is over")
    made.theirs.close()


# --- turns -----------------------------------------------------------------------------------------
async def test_many_lines_are_taken_in_turns_with_all_other_work(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    step = stage.connection.step

    def counted(now: float, *, hears: bool = True) -> list[AnyFrame]:
        frames = step(now, hears=hears)
        taken.append(len(frames))
        return frames

    monkeypatch.setattr(stage.connection, "step", counted)
    await stage.enter()
    await stage.say("".join(f"{n}\n" for n in range(1000)))
    await stage.owner.until(lambda: len(stage.owner.said) == 1000)
    assert stage.owner.said == [str(n) for n in range(1000)]
    assert max(taken) == LINES_A_STEP
    assert stage.owner.endings == []


async def test_a_link_whose_messages_wait_for_the_disk_does_nothing(stage: Stage) -> None:
    await stage.enter()
    stage.owner.is_slow = True
    await stage.say("x\n" * 1000)
    await stage.owner.until(lambda: len(stage.owner.said) == IN_FLIGHT_MAX)
    assert not stage.connection.has_work
    while len(stage.owner.said) < 1000:
        expected = min(1000, len(stage.owner.said) + IN_FLIGHT_MAX)
        stage.owner.store()
        await stage.owner.until(partial(_has_said, stage.owner, expected))


def _has_said(owner: Owner, count: int) -> bool:
    return len(owner.said) == count
