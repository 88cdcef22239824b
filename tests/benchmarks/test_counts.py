"""What things cost, in counts, which are the same on every machine: reads of the disk, pages, writes."""

from pathlib import Path

import pytest

from benchmarks.make_room import make_room
from chatroom.model.timeline import Timeline
from chatroom.protocol.ids import MessageId, RoomId, UserId
from chatroom_server.history import open_log
from chatroom_server.history.files import OsFiles
from chatroom_server.shell.fanout import Fanout
from chatroom_server.shell.tails import Outlet

ROOM = RoomId("general")
MESSAGES = 100_000
SCREEN = 36
PAGE_BYTES = 1024 * 1024


class CountingFiles(OsFiles):
    """The disk, which counts how often it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self, fd: int, size: int, offset: int) -> bytes:
        self.reads += 1
        return super().read(fd, size, offset)


class CountingLink(Outlet):
    """A link that counts what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def not_taken(self, data: bytes, sent: int, error: OSError | None = None) -> None:
        raise AssertionError


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "data"
    make_room(folder, ROOM, messages=MESSAGES)
    return folder


async def test_a_start_does_not_read_the_history(large: Path) -> None:
    files = CountingFiles()
    log, _recovery = await open_log(large, on_outcome=lambda _outcome: None, files=files)
    await log.close()
    assert files.reads <= 8


@pytest.mark.parametrize("before", [None, 2, 257, MESSAGES // 2, MESSAGES])
async def test_a_page_takes_few_reads_wherever_it_is(large: Path, before: int | None) -> None:
    files = CountingFiles()
    log, _recovery = await open_log(large, on_outcome=lambda _outcome: None, files=files)
    try:
        await log.page(
            ROOM, after=None, before=MessageId(2), limit=1, max_bytes=PAGE_BYTES
        )  # finds the files
        files.reads = 0
        end = None if before is None else MessageId(before)
        page = await log.page(ROOM, after=None, before=end, limit=256, max_bytes=PAGE_BYTES)
    finally:
        await log.close()
    assert page.last == (MESSAGES if before is None else before - 1)
    assert len(page.lines) == min(256, page.last)
    assert files.reads <= 24


@pytest.mark.parametrize("at", [1, 40, MESSAGES // 2, MESSAGES])
def test_a_screen_takes_two_pages_at_most(at: int) -> None:
    timeline = Timeline(ROOM, UserId("me"), MESSAGES)
    gaps = timeline.missing(at - SCREEN, at + 2 * SCREEN)
    assert 1 <= len(gaps) <= 2
    assert timeline.missing(at - SCREEN, at + 2 * SCREEN) == []


@pytest.mark.parametrize("messages", [1, 50])
def test_a_round_is_one_write_for_each_link_and_the_same_bytes(messages: int) -> None:
    fanout = Fanout(lambda _round: None)
    links = [CountingLink() for _ in range(3)]
    for link in links:
        fanout.subscribe(link, ROOM, 0)
    fanout.broadcast_lines(ROOM, 1, [b"frame %d" % number for number in range(messages)])
    fanout.run_round()
    assert fanout.writes == len(links)
    assert [len(link.writes) for link in links] == [1, 1, 1]
    assert all(link.writes[0] is links[0].writes[0] for link in links)
