"""The exchange in docs/protocol.md is a real one: both ends of a link accept it."""

from chatroom.protocol import Connection, Role, auth
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import AnyFrame, Hello, Line, Login, Send, ServerHello, Welcome
from docs import make_exchange


def _frames() -> list[tuple[str, bytes]]:
    document = make_exchange.DOCUMENT.read_text(encoding="utf-8")
    return list(make_exchange.read_dump(make_exchange.recorded(document)))


def _play(frames: list[tuple[str, bytes]]) -> list[AnyFrame]:
    """Let each end read what the other sent, and write what it sent itself."""
    client, server = Connection(Role.CLIENT, now=0.0), Connection(Role.SERVER, now=0.0)
    said: list[AnyFrame] = []
    for sender, data in frames:
        speaker, listener = (client, server) if sender == "client" else (server, client)
        (event,) = listener.feed(data, now=0.0)
        assert isinstance(event, FrameReceived)
        speaker.send(event.frame)
        said.append(event.frame)
    return said


def test_the_recorded_exchange_is_one() -> None:
    said = _play(_frames())
    kinds = [type(frame) for frame in said]
    assert kinds[:4] == [Hello, ServerHello, Login, Welcome]
    assert kinds.index(Send) < kinds.index(Line)
    line = next(frame for frame in said if isinstance(frame, Line))
    assert line.body == "été à la plage 🏖"


def test_its_signatures_hold() -> None:
    hello, server_hello, login, welcome = _play(_frames())[:4]
    assert isinstance(hello, Hello)
    assert isinstance(server_hello, ServerHello)
    assert isinstance(login, Login)
    assert isinstance(welcome, Welcome)
    served = auth.server_transcript(server_hello.version, hello.nonce, server_hello.nonce)
    assert auth.is_signed(server_hello.key, server_hello.signature, served)
    entered = auth.login_transcript(
        server_hello.version, hello.nonce, server_hello.nonce, server_hello.key, login.nick, login.devices
    )
    assert auth.is_signed(login.key, login.signature, entered)
    assert welcome.user == auth.user_id(login.key)
