"""One link of the plain-text door over a real socket: its turns, how it is held, and how it ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest

from chatroom.protocol.frames import AnyFrame
from chatroom_server.gateways.text.connection import READ_AHEAD
from chatroom_server.gateways.text.settings import FIRST_LINE_S, FREE_BURST, IN_FLIGHT_MAX, LINES_A_STEP
from chatroom_server.shell.link import READ_SIZE, Link, Phase
from tests.server.shell.text_links import MUCH, Owner, Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage(Owner(asyncio.get_running_loop()))
    yield made
    made.close()


# --- turns -----------------------------------------------------------------------------------------
async def test_between_a_few_lines_and_the_next_it_is_the_turn_of_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []
    step = stage.connection.step

    def counted(now: float, *, hears: bool = True) -> list[AnyFrame]:
        turns.append("step")
        stage.owner.loop.call_soon(turns.append, "others")
        return step(now, hears=hears)

    def arrived(link: Link) -> None:
        turns.append("arrived")
        Owner.arrived(stage.owner, link)

    monkeypatch.setattr(stage.connection, "step", counted)
    monkeypatch.setattr(stage.owner, "arrived", arrived)
    assert LINES_A_STEP < FREE_BURST
    await stage.say("\n" * (FREE_BURST - 1) + "Hello|zoé\n")
    await stage.owner.until(lambda: stage.owner.has_arrived)
    assert turns[: turns.index("arrived")] == ["step", "others", "step"]


async def test_many_lines_are_all_said_in_order(stage: Stage) -> None:
    await stage.enter()
    await stage.say("".join(f"{n}\n" for n in range(1000)))
    await stage.owner.until(lambda: len(stage.owner.said) == 1000)
    assert stage.owner.said == [str(n) for n in range(1000)]
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


async def test_a_link_that_is_held_does_nothing_until_it_is_released(stage: Stage) -> None:
    await stage.enter()
    loop = stage.owner.loop
    until = loop.time() + 0.1
    stage.link.hold(until)
    await stage.say("un\ndeux\n")
    await stage.owner.until(lambda: stage.owner.said == ["un", "deux"])
    assert loop.time() > until - 0.01


async def test_no_line_is_taken_of_a_peer_that_does_not_read(stage: Stage) -> None:
    await stage.enter()
    stage.block()
    await stage.say("un\n")
    await stage.owner.until(lambda: stage.connection.has_work)
    await asyncio.sleep(0)
    assert stage.owner.said == []
    await asyncio.to_thread(stage.hear, MUCH)
    await stage.owner.until(lambda: stage.owner.said == ["un"])


# --- timers ----------------------------------------------------------------------------------------
async def test_silence_ends_a_line_of_a_client_that_sends_no_line_ends(stage: Stage) -> None:
    await stage.say("Hello|zoé")
    await stage.owner.until(lambda: stage.owner.has_arrived)
    await stage.say("salut")
    await stage.owner.until(lambda: stage.owner.said == ["salut"])


async def test_silence_counts_too_while_the_hub_has_not_answered(stage: Stage) -> None:
    stage.owner.lets_wait = True
    await stage.say("Hello|zoé")
    await stage.owner.until(lambda: stage.owner.has_arrived)
    fed = len(stage.fed)
    await stage.say("salut")
    await stage.owner.until(lambda: len(stage.fed) > fed)
    stage.owner.welcome(stage.link)
    await stage.owner.until(lambda: stage.owner.said == ["salut"])


async def test_a_request_without_an_end_is_answered_by_the_timer(stage: Stage) -> None:
    await stage.say("GET /\n")
    assert (await stage.hear_all()).startswith("Hello World!\n")
    assert not stage.owner.has_arrived


async def test_who_says_nothing_is_let_go_in_the_end(stage: Stage) -> None:
    loop = stage.owner.loop
    stage.link.tick(loop.time() + FIRST_LINE_S - 1)
    assert stage.owner.endings == []
    stage.link.tick(loop.time() + FIRST_LINE_S + 1)
    assert stage.owner.endings == ["said nothing"]


# --- the end ---------------------------------------------------------------------------------------
async def test_who_sends_nothing_more_reads_what_its_lines_came_to(stage: Stage) -> None:
    await stage.say("Hello|zoé\n/join\nsalut\n/help")
    stage.theirs.shutdown(socket.SHUT_WR)
    heard = await stage.hear_all()
    assert "! this is written /join <room>\n" in heard
    assert heard.endswith("// in front says a /.\n")
    assert stage.owner.said == ["salut"]


@pytest.mark.parametrize("count", [1, 150, 400])
async def test_nothing_is_lost_of_who_sends_much_and_hangs_up_at_once(stage: Stage, count: int) -> None:
    bodies = [f"ligne {n}" for n in range(count)]
    stage.owner.is_slow = True
    await stage.say("Hello|zoé\n" + "".join(f"{body}\n" for body in bodies))
    await stage.owner.until(lambda: len(stage.owner.said) == min(count, IN_FLIGHT_MAX))
    stage.link.put(stage.frame("nobody reads this\n"))
    stage.theirs.close()
    stage.owner.is_slow = False
    stage.owner.store()
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.owner.said == bodies
    assert stage.owner.endings == ["left"]


async def test_nothing_is_lost_when_a_peer_hangs_up_that_has_not_read(stage: Stage) -> None:
    await stage.enter()
    stage.block()
    await stage.say("un\ndeux\n")
    stage.theirs.close()
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.owner.said == ["un", "deux"]


async def test_the_disk_is_waited_for_though_the_peer_is_gone_but_not_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatroom_server.gateways.text.connection.LINGER_S", 0.05)
    await stage.enter()
    stage.owner.is_slow = True
    await stage.say("un\n")
    stage.theirs.close()
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.owner.said == ["un"]
    assert stage.owner.endings == ["left"]


async def test_what_comes_while_a_link_ends_is_thrown_away(stage: Stage) -> None:
    await stage.enter()
    stage.block()
    stage.link.end("enough")
    assert stage.link.phase is Phase.ENDING
    sent = 0
    while sent < 4 * READ_AHEAD:
        sent += await asyncio.to_thread(stage.theirs.send, b"x" * READ_SIZE)
    assert not stage.connection.is_full
    assert stage.owner.said == []


async def test_a_link_that_ends_says_its_last_words(stage: Stage) -> None:
    await stage.say("Hello|zoé\nsalut\n/quit\n")
    assert (await stage.hear_all()).endswith("Au revoir !\n")
    stage.theirs.close()
    await stage.owner.until(lambda: bool(stage.owner.endings))
    assert stage.link.phase is Phase.GONE
