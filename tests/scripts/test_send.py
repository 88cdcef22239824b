"""`send`: every line of arguments or standard input is stored, or somebody is told."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.client.errors import NotConnected
from chatroom.client.events import MessageState, Offline
from chatroom.client.outbox import Draft
from chatroom.client.profile import Profile
from chatroom.client.resting import REST_S
from chatroom.client.session import Session
from chatroom.client.tasks import Tasks
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.codec import decode_line
from chatroom.protocol.frames import Join, Login, Send
from chatroom.protocol.ids import RoomId
from chatroom.scripts.send import SendOptions, send, send_picture
from chatroom.testing import FakeServer
from tests.client.helpers import next_event, session_on, until
from tests.scripts.pipe import Pipe

GENERAL = RoomId("general")
WAITS = "the server could not store the message (test); it waits in the outbox and is sent again"


def options(
    *words: str, as_one: bool = False, timeout_s: float = 30.0, create: str = "", retry_s: float = 0.0
) -> SendOptions:
    return SendOptions(RoomId("dev") if create else GENERAL, words, as_one, timeout_s, create, retry_s)


def sent(server: FakeServer) -> list[str]:
    return [frame.body for frame in server.received if isinstance(frame, Send)]


@pytest.fixture
def standard_input(pipe: Pipe) -> Iterator[Pipe]:
    """A pipe in place of standard input; a test writes into it."""
    kept = os.dup(0)
    os.dup2(pipe.reading, 0)
    yield pipe
    os.dup2(kept, 0)
    os.close(kept)


def write(pipe: Pipe, data: bytes) -> None:
    os.write(pipe.writing, data)
    os.close(pipe.writing)
    pipe.writing = -1


@pytest.mark.parametrize(
    ("words", "as_one", "bodies"),
    [
        (["hello", "there"], False, ["hello there"]),
        (["one\ntwo"], False, ["one", "two"]),
        (["one\n", "two"], True, ["one\n two"]),
        (["/quit"], False, ["/quit"]),
        (["\x1b[31mred\x1b[0m"], False, ["red"]),
        ([" "], False, []),
    ],
)
async def test_words_are_messages(
    session: Session, server: FakeServer, words: list[str], as_one: bool, bodies: list[str]
) -> None:
    assert await send(session, options(*words, as_one=as_one), Texts()) == 0
    assert sent(server) == bodies


async def test_standard_input_is_sent_line_by_line(
    session: Session, server: FakeServer, standard_input: Pipe
) -> None:
    write(standard_input, b"one\n\n \ntwo\r\nthree")
    assert await send(session, options(), Texts()) == 0
    assert sent(server) == ["one", "two", "three"]


async def test_standard_input_may_be_one_message(
    session: Session, server: FakeServer, standard_input: Pipe
) -> None:
    write(standard_input, b"one\n\ntwo\n")
    assert await send(session, options(as_one=True), Texts()) == 0
    assert sent(server) == ["one\n\ntwo"]


async def test_a_line_leaves_before_the_next_one_is_written(
    session: Session, server: FakeServer, standard_input: Pipe
) -> None:
    async with Tasks("test") as tasks:
        sending = tasks.start(send(session, options(), Texts()), name="send")
        os.write(standard_input.writing, b"one\n")
        await until(lambda: sent(server) == ["one"])
        write(standard_input, b"two\n")
        assert await sending == 0
    assert sent(server) == ["one", "two"]


async def test_it_ends_when_all_is_stored_and_not_before(session: Session, server: FakeServer) -> None:
    server.holds = True
    async with Tasks("test") as tasks:
        sending = tasks.start(send(session, options("one\ntwo"), Texts()), name="send")
        await until(lambda: len(server.on_their_way) == 2)
        assert not sending.done()
        server.release()
        assert await sending == 0


async def test_a_time_out_says_how_many_wait(
    session: Session, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.holds = True
    assert await send(session, options("one\ntwo", timeout_s=0.05), Texts()) == 1
    problem = capsys.readouterr().err
    assert problem.startswith("chatroom: 2 messages wait in the outbox")
    assert problem.count("\n") == 1
    assert len(session.unsent()) == 2


async def test_a_refusal_is_told(
    session: Session, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    assert await send(session, options("one"), Texts()) == 1
    assert capsys.readouterr().err.count("\n") == 1


async def test_a_full_disk_is_said_once_and_waited_out(
    session: Session,
    server: FakeServer,
    standard_input: Pipe,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(REST_S, ErrorCode.NOT_STORED, 0.02)
    server.refusals[Send] = ErrorCode.NOT_STORED
    async with Tasks("test") as tasks:
        sending = tasks.start(send(session, options(), Texts()), name="send")
        os.write(standard_input.writing, b"one\n")
        await until(lambda: len(sent(server)) >= 2)
        write(standard_input, b"two\nthree\n")
        await until(lambda: len(session.unsent()) == 3)
        tries = len(sent(server))
        await until(lambda: len(sent(server)) > tries + 1)
        server.refusals.clear()
        assert await sending == 0
    assert [decode_line(line).body for line in server.world.rooms[GENERAL].lines] == ["one", "two", "three"]
    assert capsys.readouterr().err == f"chatroom: {WAITS}\n"


async def test_a_disk_that_stays_full_leaves_everything_in_the_outbox(
    session: Session, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusals[Send] = ErrorCode.NOT_STORED
    assert await send(session, options("one\ntwo", timeout_s=0.5), Texts()) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert (first, second.partition(";")[0]) == (
        f"chatroom: {WAITS}",
        "chatroom: 2 messages wait in the outbox",
    )
    assert [message.state for message in session.unsent()] == [MessageState.PENDING] * 2


async def test_a_room_is_made_on_purpose_once(session: Session, server: FakeServer) -> None:
    for _ in range(2):
        assert await send(session, options("hello", create="dev"), Texts()) == 0
        server.refusals[Join] = ErrorCode.ROOM_EXISTS
    assert len(server.world.rooms[RoomId("dev")].lines) == 2


async def test_what_is_no_picture_is_wrong_usage(
    session: Session, server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_text("no picture")
    assert await send_picture(session, options(), str(tmp_path / "a.png"), Texts()) == 2
    assert "a.png" in capsys.readouterr().err
    assert sent(server) == []


async def test_a_restart_in_the_middle_is_said_and_waited_out(
    session: Session, server: FakeServer, standard_input: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Tasks("test") as tasks:
        sending = tasks.start(send(session, options(), Texts()), name="send")
        os.write(standard_input.writing, b"one\n")
        await until(lambda: sent(server) == ["one"])
        server.say_goodbye(ErrorCode.RESTARTING, back_in_s=0.05)
        await until(lambda: not session.online)
        write(standard_input, b"two\n")
        assert await sending == 0
    assert sorted(set(sent(server))) == ["one", "two"]
    assert capsys.readouterr().err == "chatroom: the server restarts\n"


def put_back(server: FakeServer, forgets: RoomId) -> None:
    server.world.epoch = "epoch2"
    server.world.rooms.pop(forgets, None)
    server.drop_links()


async def test_a_room_that_a_backup_does_not_have_is_made_again_before_what_waits_is_sent(
    server: FakeServer, profile: Profile, standard_input: Pipe, capsys: pytest.CaptureFixture[str]
) -> None:
    async with session_on(server, profile, quiet=True, create="dev") as session, Tasks("test") as tasks:
        sending = tasks.start(send(session, options(create="dev"), Texts()), name="send")
        os.write(standard_input.writing, b"one\n")
        await until(lambda: sent(server) == ["one"])
        server.refusals[Send] = ErrorCode.NOT_STORED
        os.write(standard_input.writing, b"two\n")
        await until(lambda: len(sent(server)) == 2)
        server.received.clear()
        server.refusals.clear()
        put_back(server, RoomId("dev"))
        await until(lambda: len(sent(server)) == 1)
        write(standard_input, b"three\n")
        assert await sending == 0
    kinds = [type(frame) for frame in server.received if isinstance(frame, Join | Send)]
    assert kinds[:2] == [Join, Send]
    assert [decode_line(line).body for line in server.world.rooms[RoomId("dev")].lines] == ["two", "three"]
    assert "an older backup was put back" in capsys.readouterr().err


async def test_what_an_earlier_program_left_has_its_room_before_it_is_sent(
    server: FakeServer, profile: Profile
) -> None:
    leave_behind(server, profile, RoomId("dev"), "left behind")
    async with session_on(server, profile, quiet=True, create="dev") as session:
        assert await send(session, options("new", create="dev"), Texts()) == 0
    assert [decode_line(line).body for line in server.world.rooms[RoomId("dev")].lines] == [
        "left behind",
        "new",
    ]


async def test_what_fails_of_an_earlier_program_is_named_and_counts_and_is_named_again(
    server: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_behind(server, profile, GENERAL, "left behind")
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    async with session_on(server, profile, quiet=True) as session:
        assert await send(session, options("too"), Texts()) == 1
    assert named(capsys.readouterr().err) == ["Not sent: left behind", "Not sent: too"]
    server.refusals.clear()
    async with session_on(server, profile, quiet=True) as session:
        assert await send(session, options("new"), Texts()) == 0
    assert named(capsys.readouterr().err) == ["Still not sent: left behind", "Still not sent: too"]


async def test_all_that_was_read_has_its_outcome_when_some_of_it_fails(
    session: Session, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusals[Send] = ErrorCode.NOT_ALLOWED
    assert await send(session, options("one\ntwo\nthree"), Texts()) == 1
    assert named(capsys.readouterr().err) == ["Not sent: one", "Not sent: two", "Not sent: three"]


def named(problems: str) -> list[str]:
    return [problem.partition(" (")[0].removeprefix("chatroom: ") for problem in problems.splitlines()]


def leave_behind(server: FakeServer, profile: Profile, room: RoomId, body: str) -> None:
    """Have a program end with something in its outbox."""
    slot = profile.slots.claim_free()
    slot.outbox.add(server.public_key, [Draft(room, body)])
    slot.release()


@pytest.fixture
async def away(server: FakeServer) -> FakeServer:
    """A server that has ended, and can be started again."""
    await server.stop()
    return server


def stored(server: FakeServer, room: str = "general") -> list[str]:
    return [decode_line(line).body for line in server.world.rooms[RoomId(room)].lines]


@pytest.mark.parametrize("create", ["", "dev"])
@pytest.mark.parametrize("is_known", [False, True])
async def test_a_server_that_is_away_is_tried_again_for_as_long_as_was_asked(
    away: FakeServer,
    profile: Profile,
    capsys: pytest.CaptureFixture[str],
    create: str,
    *,
    is_known: bool,
) -> None:
    if is_known:
        profile.servers.trust(away.address, away.public_key)
    async with session_on(away, profile, quiet=True, create=create) as session, Tasks("test") as tasks:
        asked = options("hello", timeout_s=0.05, create=create, retry_s=30.0)
        sending = tasks.start(send(session, asked, Texts()), name="send")
        said = await told(capsys)
        assert said == f"chatroom: no server answers at {away.address}\n"
        assert not sending.done()
        await away.start()
        assert await sending == 0
    assert stored(away, create or "general") == ["hello"]
    assert capsys.readouterr().err == ""


async def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What is said next on standard error."""
    async with asyncio.timeout(10):
        while not (said := capsys.readouterr().err):  # noqa: ASYNC110  # whatever is said
            await asyncio.sleep(0.002)
    return said


async def test_after_the_time_for_that_it_is_not_connected(
    away: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    async with session_on(away, profile, quiet=True) as session:
        assert await send(session, options("hello", retry_s=0.3), Texts()) == 1
    assert session.unsent() == []
    assert capsys.readouterr().err.splitlines() == [
        f"chatroom: no server answers at {away.address}",
        "chatroom: Nothing was sent, and nothing waits in the outbox.",
    ]


async def test_without_a_time_for_that_it_is_not_connected_at_once(
    away: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    async with session_on(away, profile, quiet=True) as session:
        with pytest.raises(NotConnected, match="no server answers at"):
            await send(session, options("hello"), Texts())
    assert capsys.readouterr().err == ""


async def test_after_the_time_for_that_a_known_server_has_it_waiting(
    away: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.servers.trust(away.address, away.public_key)
    async with session_on(away, profile, quiet=True) as session:
        async with asyncio.timeout(10):
            assert await send(session, options("hello", timeout_s=600.0, retry_s=0.3), Texts()) == 1
    away_line, waits = capsys.readouterr().err.splitlines()
    assert away_line == f"chatroom: no server answers at {away.address}"
    assert waits.startswith("chatroom: 1 message waits in the outbox")


async def test_the_time_for_a_server_that_is_away_is_none_for_one_that_stores_nothing(
    session: Session, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.holds = True
    async with asyncio.timeout(30):
        assert await send(session, options("hello", timeout_s=0.05, retry_s=600.0), Texts()) == 1
    assert len(server.on_their_way) == 1
    assert capsys.readouterr().err.startswith("chatroom: 1 message waits in the outbox")


async def test_a_server_that_comes_back_and_stores_nothing_has_the_time_out(
    away: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.servers.trust(away.address, away.public_key)
    async with session_on(away, profile, quiet=True) as session, Tasks("test") as tasks:
        asked = options("hello", timeout_s=0.3, retry_s=600.0)
        sending = tasks.start(send(session, asked, Texts()), name="send")
        assert "no server answers" in await told(capsys)
        await away.start()
        away.holds = True
        async with asyncio.timeout(30):
            assert await sending == 1
    assert "1 message waits in the outbox" in capsys.readouterr().err


async def test_a_link_that_is_lost_in_the_middle_is_missed_no_longer_than_that(
    session: Session, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.holds = True
    async with Tasks("test") as tasks:
        asked = options("one\ntwo", timeout_s=600.0, retry_s=0.3)
        sending = tasks.start(send(session, asked, Texts()), name="send")
        await until(lambda: len(server.on_their_way) == 2)
        await server.stop()
        async with asyncio.timeout(10):
            assert await sending == 1
    *reasons, waits = capsys.readouterr().err.splitlines()
    assert len(reasons) == 1
    assert waits.startswith("chatroom: 2 messages wait in the outbox")


async def test_a_session_that_ends_is_not_tried_again_and_said_once(
    away: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    async with session_on(away, profile, quiet=True, pin="0" * 32) as session, Tasks("test") as tasks:
        sending = tasks.start(send(session, options("hello", retry_s=30.0), Texts()), name="send")
        assert "no server answers" in await told(capsys)
        await away.start()
        assert await sending == 1
    assert capsys.readouterr().err.count("Another server answers there than before") == 1


async def test_what_was_stored_without_an_answer_is_stored_once(session: Session, server: FakeServer) -> None:
    server.holds = True
    async with Tasks("test") as tasks:
        sending = tasks.start(send(session, options("one\ntwo", retry_s=30.0), Texts()), name="send")
        await until(lambda: len(server.on_their_way) == 2)
        server.drop_links()
        server.holds = False
        server.release()
        assert await sending == 0
    assert stored(server) == ["one", "two"]


async def test_somebody_whom_the_server_cannot_take_in_hears_why_at_once(
    server: FakeServer, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusals[Login] = ErrorCode.NOT_STORED
    async with session_on(server, profile, quiet=True) as session:
        assert await send(session, options("hello"), Texts()) == 1
    assert capsys.readouterr().err.splitlines() == [
        "chatroom: the server cannot take in anybody new at present (test)",
        "chatroom: 1 message waits in the outbox; it leaves with the next program of this profile.",
    ]


async def test_who_was_in_already_is_waited_for_though_it_is_not_taken_in(
    server: FakeServer, profile: Profile
) -> None:
    async with session_on(server, profile, quiet=True) as session:
        await session.ready()
        server.refusals[Login] = ErrorCode.NOT_STORED
        server.drop_links()
        await next_event(session, Offline, lambda event: "anybody new" in event.reason)
        server.refusals.clear()
        await session.ready()
