"""What every `Log` promises, whatever is behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import ACCOUNTS, Draft, Log, Page, StoredRun
from chatroom_server.history import MemoryLog, open_log
from tests.server.history.simfiles import SimFiles

A, B = RoomId("a"), RoomId("b")


class Talker:
    """A log and those who wait for it."""

    def __init__(self) -> None:
        self.outcomes: list[Stored | Refused] = []
        self.log: Log
        self._changed = asyncio.Event()

    def hear(self, outcome: Stored | Refused) -> None:
        """The log's callback."""
        self.outcomes.append(outcome)
        self._changed.set()

    async def heard(self, count: int) -> None:
        """Wait for the outcomes of so many drafts."""
        while self._count() < count:
            self._changed.clear()
            await self._changed.wait()

    def _count(self) -> int:
        refused = sum(len(o.drafts) for o in self.outcomes if isinstance(o, Refused))
        return refused + sum(len(run.lines) for run in self.runs())

    def runs(self) -> list[StoredRun]:
        """All that is stored."""
        return [run for o in self.outcomes if isinstance(o, Stored) for run in o.runs]

    def numbers(self, room: RoomId) -> list[int]:
        """The numbers of stored lines, in the order of their outcomes."""
        runs = [run for run in self.runs() if run.room == room]
        return [number for run in runs for number, _ in enumerate(run.lines, run.first)]

    def refs(self) -> list[object]:
        """Those of the stored lines, in the order of their outcomes."""
        return [ref for run in self.runs() for ref in run.refs]

    async def page(self, room: RoomId = A, **asked: Any) -> Page:
        """A page with everything that is not asked for at its widest."""
        return await self.log.page(
            room, **{"after": None, "before": None, "limit": 1000, "max_bytes": 1 << 20, **asked}
        )


Opener = Callable[[Path, Talker], Awaitable[Log]]


async def _embedded(folder: Path, talker: Talker) -> Log:
    return (await open_log(folder / "data", on_outcome=talker.hear))[0]


async def _simulated(folder: Path, talker: Talker) -> Log:
    return (await open_log(Path("/sim/data"), on_outcome=talker.hear, files=_sim()))[0]


def _sim() -> SimFiles:
    files = SimFiles()
    files.make_folder(Path("/sim"))
    return files


async def _memory(folder: Path, talker: Talker) -> Log:
    return MemoryLog(talker.hear, asyncio.get_running_loop().call_soon)


@pytest.fixture(params=[_embedded, _simulated, _memory], ids=["embedded", "simulated disk", "memory"])
async def talker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Talker]:
    talker = Talker()
    talker.log = await request.param(tmp_path, talker)
    yield talker
    await talker.log.close()


def drafts(count: int, room: RoomId = A) -> list[Draft]:
    return [Draft(room, b'"body":"%d"}' % index, index) for index in range(count)]


async def test_numbers_count_from_one_in_each_room(talker: Talker) -> None:
    talker.log.append([*drafts(2, A), *drafts(3, B), *drafts(1, A), *drafts(2, ACCOUNTS)])
    await talker.heard(8)
    assert talker.numbers(A) == [1, 2, 3]
    assert talker.numbers(B) == [1, 2, 3]
    assert talker.numbers(ACCOUNTS) == [1, 2]


async def test_append_never_answers_at_once(talker: Talker) -> None:
    talker.log.append(drafts(1))
    assert talker.outcomes == []
    await talker.heard(1)


async def test_a_line_is_the_number_and_the_rest_and_the_ref_comes_back(talker: Talker) -> None:
    ref = object()
    talker.log.append([Draft(A, b'"at":7,"body":"\xc3\xa9"}', ref)])
    await talker.heard(1)
    (run,) = talker.runs()
    assert (run.room, run.first, run.lines) == (A, 1, [b'{"id":1,"at":7,"body":"\xc3\xa9"}'])
    assert run.refs[0] is ref


async def test_outcomes_keep_the_order_of_drafts(talker: Talker) -> None:
    for index in range(50):
        talker.log.append([Draft(A if index % 3 else B, b'"body":""}', index)])
        if index % 7 == 0:
            await asyncio.sleep(0)
    await talker.heard(50)
    assert talker.refs() == list(range(50))
    assert {ref: run.room for run in talker.runs() for ref in run.refs} == {
        index: A if index % 3 else B for index in range(50)
    }


async def test_a_log_is_busy_until_its_outcomes_are_heard(talker: Talker) -> None:
    seen = [talker.log.is_busy]
    talker.log.append(drafts(2))
    seen.append(talker.log.is_busy)
    await talker.heard(2)
    assert [*seen, talker.log.is_busy] == [False, True, False]


async def test_last_ids_are_those_of_stored_lines(talker: Talker) -> None:
    assert talker.log.last_id(A) == 0
    talker.log.append([*drafts(3), *drafts(1, ACCOUNTS)])
    assert talker.log.last_id(A) == 0
    await talker.heard(4)
    assert talker.log.last_id(A) == 3
    assert talker.log.last_id(ACCOUNTS) == 1
    assert dict(talker.log.rooms()) == {A: 3}


@pytest.mark.parametrize("flushed", [False, True])
async def test_pages(talker: Talker, flushed: bool) -> None:
    talker.log.append(drafts(20))
    await talker.heard(20)
    if flushed:
        await talker.log.flush({}, {})
    whole = [b'{"id":%d,"body":"%d"}' % (number, number - 1) for number in range(1, 21)]
    assert await talker.page() == Page(MessageId(1), MessageId(20), whole)
    assert await talker.page(limit=3) == Page(MessageId(18), MessageId(20), whole[17:])
    assert await talker.page(after=5, limit=2) == Page(MessageId(6), MessageId(7), whole[5:7])
    assert await talker.page(before=5, limit=2) == Page(MessageId(3), MessageId(4), whole[2:4])
    assert await talker.page(before=99, limit=1) == Page(MessageId(20), MessageId(20), whole[19:])
    assert await talker.page(after=0, limit=1) == Page(MessageId(1), MessageId(1), whole[:1])


async def test_empty_pages(talker: Talker) -> None:
    nothing = Page(MessageId(0), MessageId(0), [])
    assert await talker.page() == nothing
    talker.log.append(drafts(2))
    await talker.heard(2)
    assert await talker.page(after=2) == nothing
    assert await talker.page(before=1) == nothing
    assert await talker.page(limit=0) == nothing
    assert await talker.page(after=0, limit=-1) == nothing
    assert await talker.page(ACCOUNTS) == nothing


@pytest.mark.parametrize("flushed", [False, True])
async def test_too_many_bytes_are_left_out_at_the_far_end(talker: Talker, flushed: bool) -> None:
    talker.log.append(drafts(9))
    await talker.heard(9)
    if flushed:
        await talker.log.flush({}, {})
    size = len(b'{"id":1,"body":"0"}')
    assert (await talker.page(after=2, max_bytes=size * 3)).last == 5
    assert (await talker.page(before=8, max_bytes=size * 3)).first == 5
    assert (await talker.page(max_bytes=size * 3)).first == 7
    assert (await talker.page(before=8, max_bytes=1)).lines == [b'{"id":7,"body":"6"}']
    assert (await talker.page(after=2, max_bytes=1)).lines == [b'{"id":3,"body":"2"}']


async def test_a_drained_log_has_answered_everything_and_takes_nothing(talker: Talker) -> None:
    talker.log.append(drafts(5))
    await talker.log.drain()
    assert talker.numbers(A) == [1, 2, 3, 4, 5]
    late = drafts(2)
    talker.log.append(late)
    await talker.heard(7)
    assert talker.outcomes[-1] == Refused(late, "stopping")
    assert talker.log.last_id(A) == 5
    await talker.log.drain()


async def test_closing_twice_is_harmless(talker: Talker) -> None:
    talker.log.append(drafts(1))
    await talker.log.close()
    assert talker.numbers(A) == [1]
    await talker.log.close()
