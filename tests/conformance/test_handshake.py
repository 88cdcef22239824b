"""docs/protocol.md, sections Handshake, TLS and Frames: who may come in, and what ends a link."""

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from chatroom.protocol import codec
from chatroom.protocol.errors import ErrorCode
from chatroom.protocol.frames import Failed, Hello, Line, Login, ServerHello, Who
from chatroom.protocol.limits import HANDSHAKE_TIMEOUT_S
from tests.conformance.peer import Peer, PeerClosedError, Person, RefusedError
from tests.conformance.server import port_of, running

FOREIGN = {"LOCAL_PEERS": "127.0.0.1/32"}
"""With this setting a client that comes from 127.0.0.2 is one from another machine."""


async def test_two_people_talk(tmp_path: Path) -> None:
    """Handshake, Rooms, Messages."""
    async with (
        running(tmp_path) as server,
        await Peer.connect(port_of(server)) as ada,
        await Peer.connect(port_of(server)) as bob,
    ):
        welcome = await ada.log_in(Person("ada"))
        assert (welcome.nick, welcome.back, welcome.default_room) == ("ada", False, "general")
        await bob.log_in(Person("bob"))
        await ada.join()
        await bob.join()
        stored = await ada.say_and_wait("hello, é 🏖")
        heard = await bob.expect(Line)
        assert heard == stored
        assert (heard.id, heard.nick, heard.body) == (1, "ada", "hello, é 🏖")
        await ada.leave()


async def test_a_signature_of_another_key_is_refused(tmp_path: Path) -> None:
    """Handshake: the login transcript."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        await peer.greet()
        good = peer.login_of(Person("ada"))
        peer.send(
            Login(nick=good.nick, key=Person("eve").public, signature=good.signature, devices=good.devices)
        )
        with pytest.raises(RefusedError) as refused:
            await peer.expect(Line)
        assert refused.value.code == ErrorCode.BAD_SIGNATURE
        await peer.expect_end()


async def test_a_login_cannot_be_replayed(tmp_path: Path) -> None:
    """Handshake: the nonces."""
    async with running(tmp_path) as server:
        async with await Peer.connect(port_of(server)) as first:
            await first.greet()
            login = first.login_of(Person("ada"))
            first.send(login)
        async with await Peer.connect(port_of(server)) as second:
            await second.greet()
            second.send(login)
            with pytest.raises(RefusedError, match=ErrorCode.BAD_SIGNATURE):
                await second.expect(Line)


async def test_no_common_version_is_said(tmp_path: Path) -> None:
    """Handshake: versions."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        peer.send(Hello(versions=(7, 9), nonce=bytes(32)))
        with pytest.raises(RefusedError) as refused:
            await peer.expect(ServerHello)
        assert refused.value.code == ErrorCode.VERSION
        assert refused.value.failed.args == {"min": "1", "max": "1"}


async def test_tls_speaks_with_the_servers_key(tmp_path: Path) -> None:
    """TLS: the certificate's key is the server's."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server), tls=True) as peer:
        hello = await peer.greet()
        assert peer.server_key() == hello.key == server.public_key
        await peer.log_in(Person("ada"))
        await peer.join()
        assert (await peer.say_and_wait("x" * 60_000)).body == "x" * 60_000
        tls = peer.writer.get_extra_info("ssl_object")
        assert tls.version() == "TLSv1.3"


async def test_a_foreign_peer_must_speak_tls(tmp_path: Path) -> None:
    """TLS: peers that are not on loopback."""
    async with (
        running(tmp_path, **FOREIGN) as server,
        await Peer.connect(port_of(server), source="127.0.0.2") as peer,
    ):
        peer.send(Hello(versions=(1, 1), nonce=bytes(32)))
        with pytest.raises(RefusedError, match=ErrorCode.TLS_REQUIRED):
            await peer.expect(ServerHello)
        await peer.expect_end()


async def test_a_foreign_newcomer_needs_the_invitation(tmp_path: Path) -> None:
    """Who may come in."""
    async with running(tmp_path, PUBLIC="chat.example.org:9999", **FOREIGN) as server:
        ada = Person("ada")
        for secret, code in (("", ErrorCode.INVITATION_NEEDED), ("guess", ErrorCode.INVITATION_WRONG)):
            async with await Peer.connect(port_of(server), tls=True, source="127.0.0.2") as peer:
                with pytest.raises(RefusedError, match=code):
                    await peer.log_in(ada, secret=secret)
        (invitation,) = server.invitations()
        assert urlsplit(invitation).netloc == "chat.example.org:9999"
        secret = parse_qs(urlsplit(invitation).query)["key"][0]
        async with await Peer.connect(port_of(server), tls=True, source="127.0.0.2") as peer:
            await peer.log_in(ada, secret=secret)
        async with await Peer.connect(port_of(server), tls=True, source="127.0.0.2") as peer:
            assert (await peer.log_in(ada)).back


async def test_an_open_server_needs_none(tmp_path: Path) -> None:
    """Who may come in: OPEN=yes."""
    async with (
        running(tmp_path, OPEN="yes", **FOREIGN) as server,
        await Peer.connect(port_of(server), tls=True, source="127.0.0.2") as peer,
    ):
        await peer.log_in(Person("ada"))


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (b"GET / HTTP/1.1\r\n" + b"Accept: text/html\r\n" * 100, ErrorCode.UNKNOWN_KIND),
        (b"GET / HTTP/1.1\r\n\r\n", ErrorCode.UNKNOWN_KIND),
        (b"SSH-2.0-client\r\n", ErrorCode.OUT_OF_ORDER),
        (b"z", ErrorCode.UNKNOWN_KIND),
        (b"z\x00", ErrorCode.UNKNOWN_KIND),
        (b"H\x02{}", ErrorCode.BAD_FRAME),
        (b"L\x02{}", ErrorCode.OUT_OF_ORDER),
        (b"H\xbf\xff\xff\xff", ErrorCode.TOO_LONG),
    ],
)
async def test_garbage_gets_one_error_and_the_end(tmp_path: Path, garbage: bytes, code: str) -> None:
    """Frames, Errors."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        peer.writer.write(garbage)
        data = await asyncio.wait_for(peer.reader.read(), HANDSHAKE_TIMEOUT_S / 2)  # not when that is over
        assert data[:1] == b"e"
        failed = msgspec.json.decode(data[data.index(b"{") :], type=Failed)
        assert (failed.code, failed.fatal) == (code, True)


async def test_what_comes_before_its_turn_ends_the_link_without_a_word_to_the_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Handshake, Errors: a login in the same packet as the hello, whose answer it has not seen."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        hello = codec.encode(Hello(versions=(1, 1), nonce=bytes(32)))
        peer.writer.write(hello + codec.encode(Login(nick="ada")))
        assert (await peer.expect(Failed)).code == ErrorCode.OUT_OF_ORDER
        await peer.expect_end()
    assert not caplog.records


async def test_garbage_after_tls_begins_ends_the_link(tmp_path: Path) -> None:
    """TLS: the first byte is 0x16, and nothing that follows makes sense."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        peer.writer.write(b"\x16" + b"\xff" * 500)
        await peer.reader.read()
        assert peer.reader.at_eof()


async def test_an_unknown_kind_after_the_login_is_skipped(tmp_path: Path) -> None:
    """Frames: how old and new versions talk."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        await peer.join()
        peer.writer.write(b"Z\x04rest")
        with pytest.raises(RefusedError, match=ErrorCode.UNKNOWN_KIND):
            await peer.expect(Line)
        assert (await peer.say_and_wait("still here")).body == "still here"


async def test_a_frame_too_long_for_its_kind_ends_the_link(tmp_path: Path) -> None:
    """Frames: a length over the kind's maximum."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        peer.writer.write(b"W" + codec.encode_length(3000))
        with pytest.raises((RefusedError, PeerClosedError), match=ErrorCode.TOO_LONG):
            await peer.expect(Line)


async def test_however_the_bytes_are_cut(tmp_path: Path) -> None:
    """Frames: one byte at a time."""
    async with running(tmp_path) as server, await Peer.connect(port_of(server)) as peer:
        await peer.log_in(Person("ada"))
        for byte in codec.encode(Who(rid=3, room="general")):
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
        await peer.join()
