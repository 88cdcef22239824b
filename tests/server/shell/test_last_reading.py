"""The last reading of a link of the plain-text door: what had come is heard, as fast as the limits allow."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatroom.protocol.frames import Join, ListRooms, Rooms
from chatroom_server.gateways.text.settings import IN_FLIGHT_MAX
from chatroom_server.shell.link import Phase
from tests.server.shell.text_links import Owner, Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage(Owner(asyncio.get_running_loop()))
    yield made
    made.close()


async def test_a_link_for_which_nothing_waits_is_heard_at_once_and_read_no_more(stage: Stage) -> None:
    await stage.enter()
    assert not stage.link.read_last()
    fed = len(stage.fed)
    await stage.say("too late\n")
    await stage.owner.turns()
    assert (stage.owner.said, len(stage.fed)) == ([], fed)
    assert stage.owner.heard == []  # nobody waits for it
    assert stage.owner.endings == []


async def test_a_link_that_has_not_said_who_it_is_goes_at_the_last_reading(stage: Stage) -> None:
    assert not stage.link.read_last()
    assert stage.owner.endings == ["came too late"]


async def test_the_last_reading_takes_what_has_come_and_nothing_later(stage: Stage) -> None:
    await stage.enter()
    stage.theirs.sendall(b"un\ndeux\n")
    assert not stage.link.read_last()
    assert stage.owner.said == ["un", "deux"]
    await stage.say("too late\n")
    await stage.owner.turns()
    assert stage.owner.said == ["un", "deux"]


async def test_a_link_held_by_the_limits_is_heard_out_when_they_let_it(stage: Stage) -> None:
    await stage.enter()
    loop = stage.owner.loop
    until = loop.time() + 0.1
    stage.link.hold(until)
    await stage.say("un\ndeux\n")
    assert stage.link.read_last()
    await stage.owner.turns()
    assert (stage.owner.said, stage.owner.heard) == ([], [])
    await stage.owner.until(lambda: bool(stage.owner.heard))
    assert loop.time() > until - 0.01
    assert stage.owner.said == ["un", "deux"]


async def test_a_link_that_waits_for_the_disk_is_heard_out_when_its_last_line_is_said(stage: Stage) -> None:
    await stage.enter()
    stage.owner.is_slow = True
    count = IN_FLIGHT_MAX + 1
    await stage.say("x\n" * count)
    await stage.owner.until(lambda: len(stage.owner.said) == IN_FLIGHT_MAX)
    assert stage.link.read_last()
    await stage.say("too late\n")
    await stage.owner.turns()
    assert stage.owner.heard == []
    stage.owner.store()
    await stage.owner.until(lambda: bool(stage.owner.heard))
    await stage.owner.turns()
    assert stage.owner.said == ["x"] * count
    assert b"too late\n" not in stage.fed
    assert stage.link.phase is Phase.OPEN


async def test_a_link_that_just_comes_in_is_heard_out_when_it_is_in(stage: Stage) -> None:
    stage.owner.lets_wait = True
    await stage.say("Hello|zoé\n")
    await stage.owner.until(lambda: stage.owner.has_arrived)
    assert stage.link.read_last()
    await stage.owner.turns()
    assert stage.owner.heard == []
    stage.owner.welcome(stage.link)
    await stage.owner.until(lambda: bool(stage.owner.heard))
    assert isinstance(stage.owner.frames[-1], Join)


async def test_a_link_that_asked_something_is_heard_out_with_the_answer_though_it_is_held(
    stage: Stage,
) -> None:
    await stage.enter()
    stage.theirs.sendall(b"/rooms\n")
    assert stage.link.read_last()
    asked = stage.owner.frames[-1]
    assert isinstance(asked, ListRooms)
    await stage.owner.turns()
    assert stage.owner.heard == []
    stage.link.hold(stage.owner.loop.time() + 60)
    stage.link.send(Rooms(asked.rid))
    await stage.owner.until(lambda: bool(stage.owner.heard))


async def test_when_time_is_up_the_rest_of_a_held_link_stays_unsaid(stage: Stage) -> None:
    await stage.enter()
    until = stage.owner.loop.time() + 0.05
    stage.link.hold(until)
    await stage.say("un\n")
    assert stage.link.read_last()
    stage.link.stop_reading()
    await stage.owner.time(until + 0.05)
    assert (stage.owner.said, stage.owner.heard) == ([], [])
    assert stage.connection.has_unheard


async def test_a_link_that_is_lost_meanwhile_says_so_and_nothing_else(stage: Stage) -> None:
    await stage.enter()
    until = stage.owner.loop.time() + 0.05
    stage.link.hold(until)
    await stage.say("un\n")
    assert stage.link.read_last()
    stage.link.abort("cut")
    await stage.owner.time(until + 0.05)
    assert (stage.owner.said, stage.owner.heard) == ([], [])
    assert stage.owner.endings == ["cut"]
    assert not stage.link.read_last()
