"""One state machine, both ends of it joined in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol import (
    Connection,
    ErrorCode,
    LocalProtocolError,
    NotChatroomError,
    Role,
    State,
    codec,
    limits,
)
from chatroom.protocol.events import Event, FrameReceived, PeerBroke, PeerFinished, PeerSilent
from chatroom.protocol.frames import (
    AnyFrame,
    Bye,
    Failed,
    Hello,
    Join,
    Line,
    Login,
    Ping,
    Send,
    ServerHello,
    Welcome,
)
from chatroom.protocol.ids import DeviceId, Epoch, RoomId, UserId
from chatroom.protocol.kinds import KINDS

HELLO = Hello(versions=(1, 1), nonce=bytes(32))
SERVER_HELLO = ServerHello(version=1, nonce=bytes(32), key=bytes(32), signature=bytes(64))
WELCOME = Welcome(user=UserId("u"), nick="n", color="#ffffff", epoch=Epoch("e"))
MESSAGE = Send(room=RoomId("general"), dev=DeviceId("a1"), n=1, body="été à la plage 🏖")


class Pair:
    """A client and a server without sockets between them."""

    def __init__(self) -> None:
        self.client = Connection(Role.CLIENT, now=0.0)
        self.server = Connection(Role.SERVER, now=0.0)

    def say(self, speaker: Connection, frame: AnyFrame, *, now: float = 0.0) -> list[Event]:
        speaker.send(frame)
        return self.carry(speaker, now=now)

    def carry(self, speaker: Connection, *, now: float = 0.0) -> list[Event]:
        listener = self.server if speaker is self.client else self.client
        output = speaker.take_output()
        return listener.feed(output, now=now) if output else []

    def states(self) -> set[State]:
        return {self.client.state, self.server.state}

    def enter(self) -> "Pair":
        self.say(self.client, HELLO)
        self.say(self.server, SERVER_HELLO)
        self.say(self.client, Login(nick="n"))
        self.say(self.server, WELCOME)
        return self


def test_a_handshake_leads_both_ends_online() -> None:
    pair = Pair().enter()
    assert pair.client.state is pair.server.state is State.ONLINE
    (event,) = pair.say(pair.client, MESSAGE)
    assert isinstance(event, FrameReceived)
    assert event.frame == MESSAGE


def test_a_refused_login_may_be_tried_again() -> None:
    pair = Pair()
    pair.say(pair.client, HELLO)
    pair.say(pair.server, SERVER_HELLO)
    pair.say(pair.client, Login(nick="taken"))
    pair.say(pair.server, Failed(code=ErrorCode.NICK_TAKEN))
    assert pair.states() == {State.GREETED}
    pair.say(pair.client, Login(nick="free"))
    pair.say(pair.server, WELCOME)
    assert pair.states() == {State.ONLINE}


@pytest.mark.parametrize(
    ("role", "frame"),
    [
        (Role.CLIENT, Login()),
        (Role.CLIENT, MESSAGE),
        (Role.CLIENT, WELCOME),
        (Role.SERVER, HELLO),
        (Role.SERVER, WELCOME),
    ],
)
def test_frames_out_of_place_are_not_sent(role: Role, frame: AnyFrame) -> None:
    connection = Connection(role, now=0.0)
    with pytest.raises(LocalProtocolError):
        connection.send(frame)
    assert connection.take_output() == b""


@pytest.mark.parametrize("frame", [Login(), MESSAGE, Join(rid=1, room="general")])
def test_a_server_hangs_up_on_frames_out_of_place(frame: AnyFrame) -> None:
    server = Connection(Role.SERVER, now=0.0)
    (event,) = server.feed(codec.encode(frame), now=0.0)
    assert isinstance(event, PeerBroke)
    assert event.error.code is ErrorCode.OUT_OF_ORDER
    assert b'"fatal":true' in server.take_output()
    assert server.state is State.CLOSED
    assert server.feed(codec.encode(HELLO), now=0.0) == []


def test_a_frame_of_the_other_ends_kind_is_out_of_place() -> None:
    pair = Pair().enter()
    (event,) = pair.server.feed(codec.encode(WELCOME), now=0.0)
    assert isinstance(event, PeerBroke)


@pytest.mark.parametrize(
    "banner", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00"]
)
def test_a_client_notices_that_another_program_answers(banner: bytes) -> None:
    client = Connection(Role.CLIENT, now=0.0)
    client.send(HELLO)
    events = client.feed(banner, now=0.0)
    if events:
        assert isinstance(events[0], PeerBroke)
        assert isinstance(events[0].error, NotChatroomError)
    else:  # its length has not arrived: the handshake's time-out ends it
        assert client.state is State.GREETING


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b"Hello|it4\n"])
def test_a_server_refuses_what_is_no_hello(request_line: bytes) -> None:
    server = Connection(Role.SERVER, now=0.0)
    events = server.feed(request_line + bytes(2000), now=0.0)
    assert isinstance(events[-1], PeerBroke)


@pytest.mark.parametrize("stream", [b"G", b"S", b"z\xff", b"L\x02{}", b"m\xbf\xff\xff\xff", b"\xff" * 9])
def test_a_first_byte_out_of_place_is_refused_at_once_however_it_is_cut(stream: bytes) -> None:
    whole, begun = Connection(Role.SERVER, now=0.0), Connection(Role.SERVER, now=0.0)
    for server, chunk in ((whole, stream), (begun, stream[:1])):
        (broke,) = server.feed(chunk, now=0.0)
        assert isinstance(broke, PeerBroke)
        assert server.state is State.CLOSED
    assert begun.take_output() == whole.take_output() != b""


def test_a_first_byte_of_a_hello_waits_for_the_rest() -> None:
    server = Connection(Role.SERVER, now=0.0)
    for byte in codec.encode(Ping()) + codec.encode(HELLO)[:-1]:
        assert server.feed(bytes([byte]), now=0.0) == []


def test_an_unknown_kind_is_answered_and_skipped() -> None:
    pair = Pair().enter()
    stream = b"Z" + codec.encode_length(3) + b"{} " + codec.encode(MESSAGE)
    (event,) = pair.server.feed(stream, now=0.0)
    assert isinstance(event, FrameReceived)
    assert event.frame == MESSAGE
    (answer,) = pair.carry(pair.server)
    assert isinstance(answer, FrameReceived)
    assert isinstance(answer.frame, Failed)
    assert answer.frame.code == ErrorCode.UNKNOWN_KIND
    assert not answer.frame.fatal


def test_a_client_skips_unknown_kinds_in_silence() -> None:
    pair = Pair().enter()
    assert pair.client.feed(b"z" + codec.encode_length(2) + b"{}", now=0.0) == []
    assert pair.client.take_output() == b""


def test_a_ping_is_answered() -> None:
    pair = Pair().enter()
    assert pair.say(pair.client, Ping()) == []
    assert pair.server.take_output() == b"!\x02{}"


def test_a_silent_peer_is_asked_and_then_given_up() -> None:
    pair = Pair().enter()
    assert pair.server.tick(limits.PING_AFTER_S - 0.1) == []
    assert pair.server.take_output() == b""
    assert pair.server.tick(limits.PING_AFTER_S) == []
    assert pair.server.take_output() == b"?\x02{}"
    assert pair.server.tick(limits.PING_AFTER_S + 1) == []
    assert pair.server.take_output() == b""
    assert pair.server.tick(limits.DEAD_AFTER_S) == [PeerSilent()]
    assert pair.server.state is State.CLOSED


def test_a_peer_that_answers_lives() -> None:
    pair = Pair().enter()
    for now in range(5, 200, 5):
        assert pair.server.tick(float(now)) == []
        pair.carry(pair.server, now=float(now))
        pair.carry(pair.client, now=float(now))
    assert pair.server.state is State.ONLINE


def test_a_peer_that_was_not_read_is_excused() -> None:
    pair = Pair().enter()
    pair.server.excuse(limits.DEAD_AFTER_S)
    assert pair.server.tick(limits.DEAD_AFTER_S + 1) == []


@pytest.mark.parametrize(("goodbye", "is_clean"), [(True, True), (False, False)])
def test_an_end_is_clean_after_a_bye(goodbye: bool, is_clean: bool) -> None:
    pair = Pair().enter()
    if goodbye:
        pair.say(pair.client, Bye())
    assert pair.server.feed(b"", now=0.0) == [PeerFinished(clean=is_clean)]


def test_an_end_within_a_frame_is_not_clean() -> None:
    pair = Pair().enter()
    pair.say(pair.client, Bye())
    pair.server.feed(codec.encode(MESSAGE)[:-1], now=0.0)
    assert pair.server.feed(b"", now=0.0) == [PeerFinished(clean=False)]


def test_events_before_a_broken_frame_still_count() -> None:
    pair = Pair().enter()
    events = pair.server.feed(codec.encode(MESSAGE) + b"S\x02[]", now=0.0)
    assert [type(event) for event in events] == [FrameReceived, PeerBroke]


def test_a_client_ends_too_when_the_server_breaks_the_contract() -> None:
    pair = Pair().enter()
    (event,) = pair.client.feed(b"m\x02[]", now=0.0)
    assert isinstance(event, PeerBroke)
    assert pair.client.take_output() == b""


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.binary(max_size=40)), max_size=6), st.booleans())
def test_no_stream_of_frames_raises(stream: list[tuple[object, bytes]], is_online: bool) -> None:
    pair = Pair().enter() if is_online else Pair()
    for connection in (pair.client, pair.server):
        for info, body in stream:
            kind = info.kind  # type: ignore[attr-defined]  # a row of the table
            connection.feed(bytes([kind]) + codec.encode_length(len(body)) + body, now=0.0)
            connection.take_output()


@given(st.binary(max_size=600))
def test_garbage_ends_or_waits_and_never_raises(chunk: bytes) -> None:
    for role in Role:
        connection = Connection(role, now=0.0)
        for event in connection.feed(chunk, now=0.0):
            assert not isinstance(event, FrameReceived) or isinstance(event.frame, (Hello, Failed, Line, Bye))
