"""Links: who answers there and how that is said, TLS and its key, silence and cuts."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatroom.client import login
from chatroom.client.address import Address
from chatroom.client.errors import CannotConnect, NoChatroom, NotTheServer
from chatroom.client.events import Offline
from chatroom.client.link import Link, LinkCut, open_link
from chatroom.client.login import greet
from chatroom.client.profile import Profile
from chatroom.client.timing import Timing
from chatroom.common.texts import Texts
from chatroom.protocol.codec import encode
from chatroom.protocol.frames import Hello, Login, Ping, ServerHello
from chatroom.testing import Clock, FakeServer
from tests.client.helpers import next_event, session_on, until

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _program(handler: Handler) -> AsyncIterator[Address]:
    """Some program that listens on this machine."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def _link(address: Address, timing: Timing | None = None, *, tls: bool = False) -> AsyncIterator[Link]:
    link = await open_link(address, tls=tls, timing=timing or Timing(), texts=Texts())
    try:
        yield link
    finally:
        await link.close()


def _tls(folder: Path, key: Ed25519PrivateKey) -> ssl.SSLContext:
    """A server's TLS with a self-signed certificate of a key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chatroom")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    path = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_nobody_there_is_said(server: FakeServer) -> None:
    await server.stop()
    with pytest.raises(CannotConnect, match=r"no server answers at 127\.0\.0\.1:\d+"):
        await open_link(server.address, tls=False, timing=Timing(), texts=Texts())


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid", "x..y"])
async def test_an_unknown_host_is_said(host: str) -> None:
    with pytest.raises(CannotConnect, match="no machine is known as"):
        await open_link(Address(host), tls=False, timing=Timing(), texts=Texts())


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 50]
)
async def test_another_program_is_no_server(answer: bytes) -> None:
    async def program(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await reader.read()

    async with _program(program) as address, _link(address) as link:
        with pytest.raises(NoChatroom, match="what answers there is no chatroom server"):
            await greet(link, Texts(), agent="test")


@pytest.mark.parametrize(
    ("ignored", "reason"),
    [(Hello, "the server does not answer"), (Login, "the server no longer answers")],
)
async def test_silence_is_no_proof_that_it_is_no_server(
    server: FakeServer,
    profile: Profile,
    monkeypatch: pytest.MonkeyPatch,
    ignored: type,
    reason: str,
) -> None:
    monkeypatch.setattr(login, "HANDSHAKE_TIMEOUT_S", 0.2)
    server.ignores.add(ignored)
    async with session_on(server, profile) as session:
        offline = await next_event(session, Offline)
        assert (offline.reason, offline.is_no_chatroom) == (reason, False)
        server.ignores.clear()
        await session.ready()


async def test_a_program_that_hangs_up_is_said(profile: Profile) -> None:
    async def program(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    async with _program(program) as address, _link(address) as link:
        with pytest.raises(LinkCut, match=r"closed|cut"):
            await greet(link, Texts(), agent="test")


async def test_a_tls_server_of_another_kind_is_no_server() -> None:
    async def program(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp ready\r\n")
        await reader.read()

    async with _program(program) as address:
        with pytest.raises(NoChatroom, match="no chatroom server"):
            await open_link(address, tls=True, timing=Timing(), texts=Texts())


async def test_tls_shows_the_servers_key(tmp_path: Path, profile: Profile) -> None:
    key = Ed25519PrivateKey.generate()
    async with FakeServer(key, tls=_tls(tmp_path, key)) as server:
        async with _link(server.address, tls=True) as link:
            assert link.tls_key == server.public_key
        async with session_on(server, profile, tls=True) as session:
            await session.ready()


async def test_a_certificate_of_another_key_gets_nothing(tmp_path: Path, profile: Profile) -> None:
    """A relay with a certificate of its own, in front of the server that is meant."""
    tls = _tls(tmp_path, Ed25519PrivateKey.generate())
    async with FakeServer(tls=tls) as relay, session_on(relay, profile, tls=True) as session:
        with pytest.raises(NotTheServer):
            await session.ready()
        assert all(isinstance(frame, Hello) for frame in relay.received)


async def test_a_certificate_of_an_unknown_kind_has_no_key_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _Odd:
        def public_key(self) -> None:
            raise UnsupportedAlgorithm("a curve of their own")

    monkeypatch.setattr(x509, "load_der_x509_certificate", lambda _der: _Odd())
    key = Ed25519PrivateKey.generate()
    async with FakeServer(key, tls=_tls(tmp_path, key)) as server, _link(server.address, tls=True) as link:
        assert link.tls_key == b""


async def test_a_silent_server_is_asked_and_then_given_up() -> None:
    clock, heard = Clock(), bytearray()

    async def program(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1000):
            heard.extend(chunk)

    async with _program(program) as address, _link(address, Timing(clock.now, clock.sleep)) as link:
        reading = asyncio.gather(link.receive(), return_exceptions=True)
        for _second in range(11):
            await clock.move(1)
        await until(lambda: heard == encode(Ping()))
        for _second in range(15):
            await clock.move(1)
        (cut,) = await reading
        assert str(cut) == "the server no longer answers"


async def test_a_server_that_speaks_is_not_silent(server: FakeServer, profile: Profile) -> None:
    clock = Clock()
    timing = Timing(clock.now, clock.sleep, lambda: 0.0)
    async with session_on(server, profile, timing=timing) as session:
        await session.ready()
        for _second in range(60):
            await clock.move(1)
            await session.rooms()
        assert not any(isinstance(event, Offline) for event in session.events_nowait())


async def test_a_silent_server_is_left_and_found_again(server: FakeServer, profile: Profile) -> None:
    clock = Clock()
    timing = Timing(clock.now, clock.sleep, lambda: 0.0)
    async with session_on(server, profile, timing=timing) as session:
        await session.ready()
        server.is_deaf = True
        for _second in range(26):
            await clock.move(1)
        assert (await next_event(session, Offline)).reason == "the server no longer answers"
        server.is_deaf = False
        while not session.online:
            await clock.move(0.01)
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("broken", [b"\x00\x00", encode(Login(nick="it4"))])
async def test_what_came_in_front_of_a_broken_frame_is_taken_and_then_the_link_is_over(broken: bytes) -> None:
    async def program(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode(ServerHello(1, b"n" * 32, b"k" * 32, b"s" * 64)) + broken)
        await reader.read()

    async with _program(program) as address, _link(address) as link:
        link.send(Hello((1, 1), b"c" * 32))
        assert isinstance((await link.receive_one()).frame, ServerHello)
        for _time in range(2):
            with pytest.raises(LinkCut, match="cannot be read"):
                async with asyncio.timeout(5):
                    await link.receive()


async def test_a_link_that_is_over_takes_nothing_more(server: FakeServer) -> None:
    async with _link(server.address) as link:
        await greet(link, Texts(), agent="test")
        server.drop_links()
        with pytest.raises(LinkCut):
            await link.receive()
        with pytest.raises(LinkCut):
            link.send(Login(nick="it4"))
