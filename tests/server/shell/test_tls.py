"""TLS over bytes in memory, against the standard library's client."""

import ssl
from pathlib import Path

import pytest

from chatroom_server.shell.identity import load_identity
from chatroom_server.shell.tls import TlsError, TlsStream


class Client:
    """The other end, in memory too."""

    def __init__(self, *, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = highest
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)

    def shake(self, server: TlsStream) -> None:
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                server.feed(self.outgoing.read())
                self.incoming.write(server.take_output())
        server.feed(self.outgoing.read())


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return load_identity(tmp_path).tls


def test_what_is_said_arrives_in_both_directions(context: ssl.SSLContext) -> None:
    server, client = TlsStream(context), Client()
    client.shake(server)
    assert server.is_open
    client.tls.write(b"hello")
    assert server.feed(client.outgoing.read()) == b"hello"
    long = bytes(range(256)) * 1000
    client.incoming.write(server.seal(long))
    heard = b""
    while len(heard) < len(long):
        heard += client.tls.read(65536)
    assert heard == long


def test_however_the_bytes_are_cut(context: ssl.SSLContext) -> None:
    server, client = TlsStream(context), Client()
    client.shake(server)
    client.tls.write(b"hello")
    client.tls.write(b" again")
    assert b"".join(server.feed(bytes([byte])) for byte in client.outgoing.read()) == b"hello again"


def test_garbage_is_an_error_that_is_answered(context: ssl.SSLContext) -> None:
    server = TlsStream(context)
    with pytest.raises(TlsError):
        server.feed(b"\x16\x03\x01" + b"\xff" * 100)


def test_an_older_tls_is_refused_with_an_alert(context: ssl.SSLContext) -> None:
    server, client = TlsStream(context), Client(highest=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(TlsError, match="protocol"):
        client.shake(server)
    assert server.take_output()[:1] == b"\x15"


def test_the_end_is_said_and_heard(context: ssl.SSLContext) -> None:
    server, client = TlsStream(context), Client()
    client.shake(server)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    assert server.feed(client.outgoing.read()) == b""
    assert server.is_finished
    client.incoming.write(server.finish())
    client.tls.unwrap()
