"""A room of a million messages beside one of a thousand: the real server, and the real full screen.

    python -m benchmarks.bench_million [--messages 1000000] [--keep DIR]

Goals: everything takes less than twice the time that it takes with 1,000 messages; the client grows by less
than 60 MB; and a resize keeps the message that stood on the top row.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import msgspec
from textual.pilot import Pilot

from benchmarks.make_room import make_room
from chatroom.client.address import Address
from chatroom.client.profile import Profile
from chatroom.client.session import connect
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.config import load_settings
from chatroom.home import find_home
from chatroom.model.timeline import Timeline
from chatroom.protocol.ids import RoomId
from chatroom.tui.app import ChatroomApp
from chatroom.tui.launch import Launch
from chatroom.tui.widgets.message_log import MessageLog
from tests.e2e.world import Server

SIZE: Final = (120, 36)
NARROW: Final = (78, 30)
BIG: Final = RoomId("big")
SMALL_ROOM: Final = 1_000
STARTS: Final = 5
JUMPS: Final = 20
PAGES_UP: Final = 20
"""As far as one gets in 1,000 messages."""
_PATIENCE_S: Final = 60.0


class Result(msgspec.Struct, frozen=True):
    """One room's figures; times in milliseconds.

    Attributes:
        opened: From asking for the room to its newest page on the screen.
        top, bottom, middle: From the key to the lines on the screen, none of them at hand before.
        page_up: One screen back, with the pages fetched as one goes.
        grown_mb: What the client's memory grew by, from an empty room to the end of all this.
        moved: How many resizes put another message on the top row.
    """

    opened: float
    top: list[float]
    bottom: list[float]
    middle: list[float]
    page_up: list[float]
    grown_mb: float
    moved: int


# --- the client, in a process of its own -----------------------------------------------------------
class Reader:
    """Somebody who opens the room and reads in it."""

    def __init__(self, app: ChatroomApp, pilot: Pilot[int]) -> None:
        self._app = app
        self._pilot = pilot
        self._log = app.chat.query_one(MessageLog)

    async def measure(self, messages: int) -> Result:
        """Do everything once."""
        before = resident_mb()
        opened = await self._timed(lambda: self._app.chat.desk.join(BIG))
        top, bottom, middle, page_up, moved = [], [], [], [], 0
        for turn in range(1, JUMPS + 1):
            top.append(await self._jump(self._log.scroll_to_oldest))
            bottom.append(await self._jump(self._log.scroll_to_newest))
            target = max(1, messages * turn // (JUMPS + 1))
            middle.append(await self._jump(lambda target=target: self._log.show_line(target)))  # type: ignore[misc]  # bound at once
            moved += await self._resizes()
            await self._jump(self._log.scroll_to_newest)
            page_up += [await self._timed(_later(self._log.page_up)) for _ in range(PAGES_UP)]
        return Result(opened, top, bottom, middle, page_up, resident_mb() - before, moved)

    async def _jump(self, move: Callable[[], None]) -> float:
        """Go somewhere of which nothing is at hand."""
        self._app.chat.conversation.timeline(BIG).trim(0)
        return await self._timed(_later(move))

    async def _resizes(self) -> int:
        before = self._positions()[0]
        moved = 0
        for size in (NARROW, SIZE):
            await self._pilot.resize_terminal(*size)
            await self._until_drawn()
            moved += self._positions()[0] != before
        return moved

    async def _timed(self, act: Callable[[], Awaitable[None]]) -> float:
        began = time.perf_counter()
        await act()
        await self._until_drawn()
        return (time.perf_counter() - began) * 1000

    async def _until_drawn(self) -> None:
        """Wait until each line on the screen is at hand, and painted."""
        timeline = self._app.chat.conversation.timeline(BIG)
        async with asyncio.timeout(_PATIENCE_S):
            while not self._is_drawn(timeline):  # noqa: ASYNC110  # it has no event; a pause would be measured
                await asyncio.sleep(0)
        painted = asyncio.Event()
        self._app.call_after_refresh(painted.set)
        await painted.wait()

    def _is_drawn(self, timeline: Timeline) -> bool:
        places = self._positions()
        return bool(places) and all(timeline.data(at) is not None for at in places)

    def _positions(self) -> list[int]:
        if self._log.timeline is not self._app.chat.conversation.timeline(BIG):
            return []
        return [place.position for place in self._log._places]  # noqa: SLF001  # what stands where


def _later(act: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def acting() -> None:
        act()

    return acting


def resident_mb() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


async def read(port: int, home_folder: Path, messages: int) -> Result:
    """Start the full screen without a terminal, and read."""
    home = find_home({"CHATROOM_HOME": str(home_folder)})
    settings = load_settings({}, {}, None, home.config / "client.conf")
    address, profile = Address("127.0.0.1", port), Profile.open(home.profile(""))
    nick = f"reader{time.time_ns():x}"  # a kept server knows the readers of other days
    async with connect(address, profile, nick=nick, trust=Trust.PIN_IF_LOCAL, texts=Texts()) as session:
        await session.ready()  # its key is known from now on: no question comes
    app = ChatroomApp(Launch(settings, Texts(), home, profile, address, nick=nick, room="general"))
    async with app.run_test(size=SIZE) as pilot:
        async with asyncio.timeout(_PATIENCE_S):
            while app.chat.conversation.rooms.current != "general":  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.01)
        await pilot.pause()
        result = await Reader(app, pilot).measure(messages)
        await app.action_quit()
    return result


# --- all of it ----------------------------------------------------------------------------------------
def measure(folder: Path, messages: int) -> tuple[list[float], Result]:
    """Make the room, start its server several times (milliseconds each), and let somebody read."""
    if not (folder / "data").exists():
        folder.mkdir(parents=True)
        make_room(folder / "data", BIG, messages=messages)
    server = Server(folder)
    starts = []
    try:
        for _ in range(STARTS):
            began = time.perf_counter()
            server.start()
            starts.append((time.perf_counter() - began) * 1000)
            server.stop()
        server.start()
        return starts, _read_apart(server.port, folder, messages)
    finally:
        server.stop()


def _read_apart(port: int, folder: Path, messages: int) -> Result:
    command = [sys.executable, "-m", "benchmarks.bench_million", "--messages", str(messages)]
    with tempfile.TemporaryDirectory(dir=folder) as home:
        done = subprocess.run(
            [*command, "--read", str(port), "--home", home], stdout=subprocess.PIPE, check=True
        )
    return msgspec.json.decode(done.stdout, type=Result)


def _report(messages: int, small: tuple[list[float], Result], large: tuple[list[float], Result]) -> None:
    print(f"median of milliseconds             1,000 {messages:>12,} messages   ratio")
    _row("start of the server", small[0], large[0])
    _row("open the room", [small[1].opened], [large[1].opened])
    for name, title in (
        ("top", "jump to the first"),
        ("bottom", "jump to the last"),
        ("middle", "jump in between"),
        ("page_up", "a screen back"),
    ):
        _row(title, getattr(small[1], name), getattr(large[1], name))
    print(f"{'growth of the client, MB':<30}{small[1].grown_mb:10.1f}{large[1].grown_mb:13.1f}")
    print(f"{'resizes that moved the reader':<30}{small[1].moved:10}{large[1].moved:13}")


def _row(title: str, small: list[float], large: list[float]) -> None:
    one, other = statistics.median(small), statistics.median(large)
    print(f"{title:<30}{one:10.1f}{other:13.1f}{other / one:17.2f}")


def _folder(kept: Path | None) -> AbstractContextManager[str]:
    return nullcontext(str(kept)) if kept else tempfile.TemporaryDirectory(prefix="chatroom-")


def main() -> None:
    """Measure a small room and a large one, and compare them."""
    parser = argparse.ArgumentParser(description="Compare a room of many messages with one of 1,000.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the rooms there, or use them again")
    parser.add_argument("--read", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(msgspec.json.encode(asyncio.run(read(given.read, given.home, given.messages))).decode())
        return
    with _folder(given.keep) as folder:
        small, large = (
            measure(Path(folder) / f"room-{count}", count) for count in (SMALL_ROOM, given.messages)
        )
    _report(given.messages, small, large)


if __name__ == "__main__":
    main()
