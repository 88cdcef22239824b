"""One link over a real socket: what waits, what is held up, and how it ends."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatroom.protocol import codec
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import AnyFrame, Failed, Hello, Ping, Pong
from chatroom.protocol.limits import DEAD_AFTER_S, HANDSHAKE_TIMEOUT_S, PING_AFTER_S
from chatroom_server.core.inputs import LinkId
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.frame_link import FrameLink
from chatroom_server.shell.identity import load_identity
from chatroom_server.shell.link import LINGER_S, QUEUE_MAX, QUEUE_PAUSE, READ_SIZE, Link, Phase
from chatroom_server.shell.tails import Sink

HELLO = codec.encode(Hello(versions=(1, 1), nonce=bytes(32)))
PING, PONG = codec.encode(Ping()), codec.encode(Pong())


class Owner:
    """A server that only notes what its link says."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext) -> None:
        self.loop, self.tls = loop, tls
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.fanout = Fanout(loop.call_soon)
        self.frames: list[AnyFrame] = []
        self.endings: list[str] = []
        self.has_arrived = False
        self._changed = asyncio.Event()

    def arrived(self, link: Link) -> None:
        self.has_arrived = True
        self._changed.set()

    def received(self, link: Link, frames: list[AnyFrame]) -> None:
        self.frames += frames
        self._changed.set()

    def has_output(self, link: Link) -> None:
        self.fanout.touch(link)

    def ending(self, link: Link) -> None:
        self.fanout.release(link)

    def heard_out(self, link: Link) -> None:
        """Nothing waits for it here."""

    def drained(self, link: Link) -> None:
        self.fanout.drained(link)
        self._changed.set()

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
    """A link and the other end of its socket."""

    def __init__(self, owner: Owner, *, local: bool = True) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.theirs.settimeout(10)
        self.owner = owner
        self.link = FrameLink(LinkId(1), ours, ("192.0.2.7", 5), local=local, owner=owner)

    async def say(self, data: bytes) -> None:
        await asyncio.to_thread(self.theirs.sendall, data)

    async def hear(self, size: int) -> bytes:
        heard = b""
        while len(heard) < size and (chunk := await asyncio.to_thread(self.theirs.recv, size - len(heard))):
            heard += chunk
        return heard

    async def hear_all(self) -> bytes:
        return await self.hear(1 << 30)

    def block(self, size: int) -> None:
        """Write more than the socket takes."""
        self.link.put(bytes(size))
        self.owner.fanout.run_round()
        assert self.link.blocked

    async def open(self) -> None:
        await self.say(HELLO)
        await self.owner.until(lambda: bool(self.owner.frames))


@pytest.fixture
async def owner(tmp_path: Path) -> Owner:
    return Owner(asyncio.get_running_loop(), load_identity(tmp_path).tls)


@pytest.fixture
def stage(owner: Owner) -> Iterator[Stage]:
    made = Stage(owner)
    yield made
    made.link.abort("the test is over")
    made.theirs.close()


async def test_a_plain_link_speaks_frames(stage: Stage) -> None:
    await stage.open()
    assert isinstance(stage.owner.frames[0], Hello)
    await stage.say(PING)
    assert await stage.hear(len(PONG)) == PONG


async def test_nothing_is_known_before_the_first_byte(stage: Stage) -> None:
    assert not stage.owner.has_arrived
    stage.link.tick(stage.owner.loop.time() + HANDSHAKE_TIMEOUT_S + 1)
    assert ErrorCode.HANDSHAKE_SLOW.encode() in await stage.hear_all()


def aim(link: Link) -> Sink | None:
    """Where a round writes by itself, as it is now."""
    return link.sink


async def test_a_round_may_write_by_itself_while_the_link_is_open_plain_and_not_blocked(stage: Stage) -> None:
    link = stage.link
    assert aim(link) is None  # nothing is known of it yet
    await stage.open()
    assert aim(link) is not None
    link.hold(stage.owner.loop.time() + 60)
    assert aim(link) is not None  # what it may not say does not change what it hears
    stage.block(8_000_000)
    assert aim(link) is None
    await stage.hear(8_000_000)
    await stage.owner.until(lambda: not link.blocked)
    assert aim(link) is not None
    link.end("the test wants it")
    assert aim(link) is None


async def test_a_lost_link_takes_nothing_of_a_round(stage: Stage) -> None:
    await stage.open()
    stage.link.broke()
    assert aim(stage.link) is None
    stage.link.abort("the test wants it")
    assert aim(stage.link) is None


async def test_a_foreign_peer_that_speaks_plainly_is_told_why_not(owner: Owner) -> None:
    stage = Stage(owner, local=False)
    await stage.say(HELLO + bytes(1000))
    said = await stage.hear_all()
    assert said == codec.encode(
        Failed(code="tls-required", text="from another machine this server only speaks TLS", fatal=True)
    )
    stage.theirs.close()
    await owner.until(lambda: bool(owner.endings))
    assert not owner.has_arrived


async def test_the_last_words_arrive_although_much_was_not_read(stage: Stage) -> None:
    await stage.open()
    stage.link.put(b"last words")
    stage.link.end("enough")
    await stage.say(bytes(100_000))
    assert await stage.hear_all() == b"last words"
    stage.theirs.close()
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.owner.endings == ["enough"]


async def test_who_never_hangs_up_is_hung_up_on(stage: Stage) -> None:
    await stage.open()
    stage.link.end("enough")
    await stage.hear_all()
    stage.link.tick(stage.owner.loop.time() + LINGER_S + 1)
    assert stage.owner.endings == ["enough"]


async def test_silence_is_asked_and_then_ends_the_link(stage: Stage) -> None:
    await stage.open()
    now = stage.owner.loop.time()
    stage.link.tick(now + PING_AFTER_S + 1)
    assert await stage.hear(len(PING)) == PING
    stage.link.tick(now + DEAD_AFTER_S + 1)
    assert stage.owner.endings == ["was silent for too long"]


async def test_a_process_that_slept_blames_nobody(stage: Stage) -> None:
    await stage.open()
    later = stage.owner.loop.time() + 3600
    stage.link.excuse(later)
    stage.link.tick(later + 1)
    assert stage.owner.endings == []


async def test_a_held_link_is_read_later_and_not_taken_for_dead(stage: Stage) -> None:
    await stage.open()
    loop = stage.owner.loop
    until = loop.time() + 0.1
    stage.link.hold(loop.time() + 0.01)
    stage.link.hold(until)
    stage.link.tick(loop.time() + DEAD_AFTER_S + 1)
    assert await stage.hear(len(PING)) == PING
    await stage.say(PING)
    assert await stage.hear(len(PONG)) == PONG
    assert loop.time() > until - 0.01
    assert stage.owner.endings == []


async def test_who_does_not_read_is_not_read_either(stage: Stage) -> None:
    await stage.open()
    stage.block(8_000_000)
    await stage.say(PING)
    stage.link.put(bytes(QUEUE_PAUSE + 1))
    size = 8_000_000 + QUEUE_PAUSE + 1
    assert await stage.hear(size + len(PONG)) == bytes(size) + PONG


async def test_a_queue_without_an_end_is_cut(stage: Stage) -> None:
    await stage.open()
    stage.block(8_000_000)
    for _ in range(9):
        stage.link.put(bytes(QUEUE_MAX // 8))
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.link.phase is Phase.GONE


async def test_a_peer_that_is_gone_is_noticed_while_writing(stage: Stage) -> None:
    await stage.open()
    stage.theirs.close()
    stage.link.put(b"anybody there?")
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.link.blocked


async def test_tls_says_exactly_what_waits(owner: Owner) -> None:
    stage = Stage(owner, local=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = await asyncio.to_thread(context.wrap_socket, stage.theirs)
    await asyncio.to_thread(tls.sendall, HELLO)
    await owner.until(lambda: bool(owner.frames))
    assert aim(stage.link) is None  # TLS lies between
    stage.block(4_000_000)
    heard = 0
    while heard < 4_000_000:
        heard += len(await asyncio.to_thread(tls.recv, 1 << 20))
    await owner.until(lambda: not stage.link.blocked)
    stage.link.put(b"more")
    assert await asyncio.to_thread(tls.recv, 10) == b"more"
    stage.link.end("enough")
    assert await asyncio.to_thread(tls.recv, 10) == b""
    tls.close()
    await owner.until(lambda: bool(owner.endings))


async def test_a_peer_that_breaks_tls_and_then_reads_harms_no_round(owner: Owner) -> None:
    stage = Stage(owner, local=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = await asyncio.to_thread(context.wrap_socket, stage.theirs)
    await asyncio.to_thread(tls.sendall, HELLO)
    await owner.until(lambda: bool(owner.frames))
    stage.link.write(bytes(4_000_000))  # as what a room says: it stops no reading
    assert stage.link.blocked
    stage.link.put(b"waits")
    plain = socket.socket(fileno=tls.detach())
    await asyncio.to_thread(plain.sendall, b"\x17\x03\x03\x00\x20" + bytes(32))
    await owner.until(lambda: stage.link.phase is not Phase.OPEN)
    assert stage.link.queued == 0
    while await asyncio.to_thread(plain.recv, 1 << 20):
        pass
    plain.close()
    await owner.until(lambda: bool(owner.endings))
    assert owner.endings[0].startswith("no TLS")


async def test_tls_that_takes_nothing_more_ends_the_link(owner: Owner) -> None:
    stage = Stage(owner, local=False)
    await stage.say(b"\x16\x03\x01\x00\x02\x01")
    await owner.until(lambda: stage.link.phase is Phase.SHAKING)
    stage.link.write(b"too early")
    assert stage.link.blocked
    await owner.until(lambda: bool(owner.endings))
    assert owner.endings[0].startswith("no TLS")
    stage.theirs.close()
