"""Draws `chatroom.svg`, the picture of the README, from the running program: `python assets/make_picture.py`.

Four people talk through a real server; the full screen of one of them is drawn.
"""

import asyncio
import io
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from unittest import mock

from chatroom.client.address import Address
from chatroom.client.profile import Profile
from chatroom.client.session import Session, connect
from chatroom.client.trust import Trust
from chatroom.common.grid import encode
from chatroom.common.texts import Texts
from chatroom.config import load_settings
from chatroom.home import find_home
from chatroom.media import draw_off_loop
from chatroom.protocol.frames import LineKind
from chatroom.protocol.ids import RoomId
from chatroom.tui.app import ChatroomApp
from chatroom.tui.launch import Launch
from chatroom_server.config import load_settings as load_server_settings
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.server import Places, Server

HERE: Final = Path(__file__).resolve().parent
SIZE: Final = (120, 36)
PICTURE_COLUMNS: Final = 44
COLORS: Final = ("#2177e1", "#a26f06", "#d54644", "#098b4b")
"""Of bob, carol, alice and zoé; drawn by lot they could be alike."""
GENERAL, DEV, RANDOM = RoomId("general"), RoomId("dev"), RoomId("random")
FONTS: Final = "'Fira Code', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_PATIENCE_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.02


class Clock:
    """The time of day on the stage, which the people in the picture live by."""

    def __init__(self) -> None:
        self._now = 0.0

    def set(self, text: str) -> None:
        """It is this time now, such as `2026-11-20 17:42`, UTC."""
        self._now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    def time(self) -> float:
        """As `time.time`."""
        return self._now

    def time_ns(self) -> int:
        """As `time.time_ns`."""
        return int(self._now * 1e9)


@dataclass
class Stage:
    """Where it happens: a server, a clock, and the homes of the people.

    Attributes:
        stack: Ends the sessions of all who came.
    """

    folder: Path
    address: Address
    clock: Clock
    stack: AsyncExitStack

    def profile(self, nick: str) -> Profile:
        """The key of one person."""
        return Profile.open(find_home(self._environ(nick)).profile(""))

    def launch(self, nick: str) -> Launch:
        """What the full screen of one person starts from."""
        home = find_home(self._environ(nick))
        settings = load_settings({}, self._environ(nick), None, home.config / "client.conf")
        profile = self.profile(nick)
        return Launch(settings, Texts(), home, profile, self.address, nick=nick, room=GENERAL)

    async def enter(self, nick: str, *rooms: RoomId) -> Session:
        """Somebody comes to the server, and into these rooms."""
        session = await self.stack.enter_async_context(
            connect(self.address, self.profile(nick), nick=nick, trust=Trust.PIN_IF_LOCAL, texts=Texts())
        )
        await session.ready()
        known = {room.id for room in (await session.rooms()).rooms}
        for room in rooms:
            await session.join(room, create=room not in known)
        return session

    async def say(
        self, at: str, session: Session, room: RoomId, text: str, kind: str = "", grid: str = ""
    ) -> None:
        """Somebody says something at a time; it is stored when this returns."""
        self.clock.set(at)
        await session.say(room, text, kind=kind, grid=grid)
        if await session.wait_all_stored(_PATIENCE_S):
            raise TimeoutError(f"{text!r} was not stored")

    def _environ(self, nick: str) -> dict[str, str]:
        return {"CHATROOM_HOME": str(self.folder / nick), "XDG_RUNTIME_DIR": str(self.folder / "run")}


@asynccontextmanager
async def set_stage(folder: Path) -> AsyncIterator[Stage]:
    """Start a server and a clock."""
    clock = Clock()
    options = {"PORT": "0", "DATA": str(folder / "data")}
    logs = OperatorLog(console=io.StringIO())
    server = Server(load_server_settings(options, {}), logs, Places(folder / "run", None))
    (folder / "run").mkdir(mode=0o700)
    with (
        mock.patch("time.time_ns", clock.time_ns),
        mock.patch("chatroom.tui.times.time", clock.time),
        mock.patch("chatroom_server.core.logins.draw_color", side_effect=COLORS),
    ):
        await server.start()
        try:
            async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
                tasks.create_task(server.run())
                stack.callback(server.stop)
                yield Stage(folder, Address("127.0.0.1", server.addresses[0][1]), clock, stack)
        finally:
            logs.close()


@asynccontextmanager
async def full_screen(stage: Stage, nick: str) -> AsyncIterator[ChatroomApp]:
    """The full screen of one person, once it is online in its room."""
    app = ChatroomApp(stage.launch(nick))
    async with app.run_test(size=SIZE):
        await _until(app, lambda: app.chat.conversation.rooms.current == GENERAL)
        yield app
        await app.action_quit()


async def _until(app: ChatroomApp, is_so: Callable[[], object]) -> None:
    """Wait for something, and for the screen to show it."""
    async with asyncio.timeout(_PATIENCE_S):
        while not is_so():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(_LOOK_AGAIN_S)
    shown = asyncio.Event()
    app.call_after_refresh(shown.set)
    await shown.wait()


async def play(stage: Stage) -> str:
    """Let them talk; returns the screen of alice as SVG."""
    say, day, morning = stage.say, "2026-11-20 ", "2026-11-21 "
    stage.clock.set(day + "17:39")
    bob = await stage.enter("bob", GENERAL, DEV, RANDOM)
    carol = await stage.enter("carol", GENERAL, DEV, RANDOM)
    alice = await stage.enter("alice", GENERAL, DEV, RANDOM)
    await say(day + "17:40", bob, GENERAL, "Release talk, no bots", LineKind.TOPIC)
    await say(day + "17:41", carol, GENERAL, "400 power cuts in the crash tests, nothing lost")
    await say(day + "17:42", alice, GENERAL, "then 1.0 leaves tomorrow morning")
    await say(day + "17:42", carol, GENERAL, "and there will be cake 🍰")
    await say(day + "17:42", alice, GENERAL, "at nine, then")
    await say(day + "17:43", bob, GENERAL, "I leave the server up over night")
    await say(day + "17:43", carol, GENERAL, "waves good night", LineKind.ACTION)
    await say(day + "17:44", alice, DEV, "good night")
    await say(day + "17:44", alice, RANDOM, "who has the good coffee?")
    await alice.close()
    async with full_screen(stage, "alice") as app:
        await _until(app, lambda: app.chat.conversation.timeline(GENERAL).line(1))
    await say(morning + "08:58", bob, GENERAL, "morning! it ran all night, nobody had to look")
    await say(
        morning + "08:59", bob, GENERAL, "I read 10,000 old messages on the train, it never stopped to load"
    )
    await say(morning + "09:00", carol, GENERAL, "the cake is in the kitchen")
    await say(morning + "09:01", carol, GENERAL, "@alice the release notes wait for you in #dev")
    stage.clock.set(morning + "09:02")
    async with full_screen(stage, "alice") as app:
        await _until(app, lambda: app.chat.conversation.timeline(GENERAL).last >= 11)
        return await _morning(stage, app, bob, carol)


async def _morning(stage: Stage, app: ChatroomApp, bob: Session, carol: Session) -> str:
    say, morning = stage.say, "2026-11-21 "
    stage.clock.set(morning + "09:03")
    zoe = await stage.enter("zoé", GENERAL, RANDOM)
    await say(morning + "09:03", zoe, GENERAL, "bonjour, and 日本からもおはよう 🌸")
    assert app.chat.desk.session is not None
    alice = app.chat.desk.session
    await say(morning + "09:04", alice, GENERAL, "on it. Does anybody have a logo for the first page?")
    drawn = await draw_off_loop(HERE / "logo.png", columns=PICTURE_COLUMNS)
    await say(morning + "09:05", zoe, GENERAL, drawn.caption, LineKind.IMAGE, encode(drawn.grid))
    await say(morning + "09:05", carol, DEV, "@alice can you look at the framing change?")
    for text in ("espresso ☕", "filter", "tea!"):
        await say(morning + "09:05", carol, RANDOM, text)
    direct = await bob.direct(nick="alice")
    await say(morning + "09:06", bob, direct.room.id, "lunch at twelve?")
    await say(morning + "09:06", carol, GENERAL, "likes it very much", LineKind.ACTION)
    await say(morning + "09:06", zoe, GENERAL, "drawn right here, the file stays with me")
    await carol.away(True)
    await say(morning + "09:07", bob, GENERAL, "shipping it: https://example.org/chatroom/1.0 🎉")
    shown = app.chat.conversation
    await _until(app, lambda: shown.timeline(GENERAL).last == 17 and len(shown.people.away) == 1)
    return app.export_screenshot(title="chatroom")


def without_addresses(svg: str) -> str:
    """The same picture, for which nothing is fetched from anywhere: with the fonts that its reader has."""
    svg = re.sub(r"\s*@font-face \{.*?\n    \}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    return svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")


async def make_picture() -> str:
    """Play the scene in a folder that is gone afterwards; returns the picture."""
    with tempfile.TemporaryDirectory(prefix="chatroom-") as folder:
        async with set_stage(Path(folder)) as stage:
            return without_addresses(await play(stage))


def main() -> None:
    """Write the picture, in UTC wherever it is made."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "chatroom.svg"
    target.write_text(asyncio.run(make_picture()), encoding="utf-8")


if __name__ == "__main__":
    main()
