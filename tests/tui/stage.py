"""A conversation's screen without a network: a session that is played, and lines to feed it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from chatroom.client.errors import ClientError, RequestFailed
from chatroom.client.events import (
    LineArrived,
    Online,
    OwnMessage,
    RoomOpened,
    SessionEvent,
)
from chatroom.common.texts import Texts
from chatroom.protocol.frames import (
    Invitations,
    Line,
    People,
    Person,
    RoomInfo,
    Rooms,
    Welcome,
)
from chatroom.protocol.ids import DeviceId, Epoch, RoomId, UserId
from chatroom.tui.conversation import Conversation
from chatroom.tui.keeper import Keeper
from chatroom.tui.screens.chat import ChatScreen
from chatroom.tui.screens.outline import CHAT_CSS
from chatroom.tui.terminal import SteadyApp
from chatroom.tui.widgets.log_words import LogWords
from chatroom.tui.widgets.message_log import MessageLog

if TYPE_CHECKING:
    from chatroom.client.session import Session

ME = UserId("me" * 8)
ALICE = Person(UserId("alice" * 3 + "x"), "alice", "#e06c75")
IT4 = Person(ME, "it4", "#c678dd")
BOB = Person(UserId("bob" * 5 + "x"), "bob", "#61afef")
RED = Person(UserId("red" * 5 + "x"), "[/red]", "#98c379")
GENERAL, DEV = RoomId("general"), RoomId("dev")
NOON_MS = 1_795_262_400_000
"""Sat 21 Nov 2026, 12:00 UTC."""


class PlayedSession:
    """As much of a session as the screen uses; remembers what it was asked."""

    def __init__(self) -> None:
        self.said: list[OwnMessage] = []
        self.asked: list[tuple[object, ...]] = []
        self.waiting: list[OwnMessage] = []
        self.lines: dict[str, list[Line]] = {}
        self.refusal: RequestFailed | None = None
        self.disk_problem: ClientError | None = None
        self.disk = asyncio.Event()
        self.disk.set()

    async def say(self, room: RoomId, body: str, *, kind: str = "", grid: str = "") -> OwnMessage:
        await self.disk.wait()
        if self.disk_problem is not None:
            raise self.disk_problem
        n = len(self.said) + 1
        message = OwnMessage(f"key{n}", room, DeviceId("a1"), n, body, kind, grid)
        self.said.append(message)
        self.waiting.append(message)
        return message

    def unsent(self, room: RoomId | None = None) -> list[OwnMessage]:
        return [message for message in self.waiting if room in (None, message.room)]

    async def retry(self, key: str) -> None:
        self.asked.append(("retry", key))

    async def discard(self, key: str) -> None:
        self.asked.append(("discard", key))
        self.waiting = [message for message in self.waiting if message.key != key]

    async def join(self, name: str, *, create: bool = False) -> RoomOpened:
        self._ask("join", name, create)
        return RoomOpened(RoomInfo(RoomId(name), name), [ALICE], created=create)

    async def leave(self, room: RoomId) -> None:
        self._ask("leave", room)

    async def direct(self, *, nick: str = "", user: str = "") -> RoomOpened:
        self._ask("direct", nick, user)
        other = next(person for person in (ALICE, BOB, RED) if nick == person.nick or user == person.user)
        return RoomOpened(RoomInfo(RoomId(f"={other.user}"), "", direct=[Person(ME, "it4"), other]))

    async def rooms(self) -> Rooms:
        self._ask("rooms")
        return Rooms(1, [room("general", 3), room("dev", 1), room("[/red]", 0)])

    async def who(self, name: str) -> People:
        self._ask("who", name)
        return People(1, RoomId(name), [ALICE, RED])

    async def rename(self, nick: str) -> None:
        self._ask("rename", nick)

    async def invitations(self, name: str = "") -> Invitations:
        self._ask("invitations", name)
        return Invitations(1, ["chatroom://192.0.2.1:9999/general?pin=ab&key=cd"])

    async def page(
        self, room: RoomId, *, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> list[tuple[Line, bytes]]:
        self.asked.append(("page", room, after, limit))
        lines = [line for line in self.lines.get(room, []) if line.id > (after or 0)][:limit]
        return [(line, msgspec.json.encode(line)) for line in lines]

    def _ask(self, *what: object) -> None:
        self.asked.append(what)
        if self.refusal is not None:
            raise self.refusal


class Stage(SteadyApp[None]):
    """Shows the conversation of somebody called it4."""

    CSS_PATH = CHAT_CSS

    def __init__(self) -> None:
        super().__init__()
        texts = Texts()
        self.said: list[str] = []
        self.rung = 0
        self.session = PlayedSession()
        self.keeper = Keeper()
        words = LogWords(texts, _clock, lambda at: "Sat 21 Nov 2026", me=ME, nick="it4")
        self.chat = ChatScreen(
            Conversation(ME, lambda: NOON_MS), texts, MessageLog(words, id="log"), self.keeper
        )
        self.chat.desk.session = cast("Session", self.session)

    def get_default_screen(self) -> ChatScreen:
        return self.chat

    def notify(self, message: str, **options: object) -> None:
        assert options.get("markup") is False
        self.said.append(message)
        super().notify(message, **options)  # type: ignore[arg-type]

    def bell(self) -> None:
        self.rung += 1

    def play(self, *events: SessionEvent) -> None:
        """Let the session tell something."""
        self.chat.take(events)

    def play_online(self, *rooms: RoomInfo) -> None:
        """Be online, in these rooms, the first one on the screen."""
        shown = rooms or (room("general"), room("dev"))
        self.play(Online(welcome(*shown), b"k" * 32, again=False))
        for info in shown:
            self.play(RoomOpened(info, [Person(ME, "it4", "#c678dd"), ALICE, BOB]))
        self.chat.enter(shown[0].id)


def _clock(at: int) -> str:
    return "12:00"


def welcome(*rooms: RoomInfo, nick: str = "it4") -> Welcome:
    return Welcome(ME, nick, "#c678dd", Epoch("e1"), rooms=list(rooms), default_room=GENERAL)


def room(name: str, last: int = 0, topic: str = "") -> RoomInfo:
    return RoomInfo(RoomId(name), name, last, members=3, topic=topic)


def line(number: int, body: str, by: Person = ALICE, room: str = "general", **fields: object) -> Line:
    return Line(
        number, NOON_MS + number, RoomId(room), by.user, by.nick, by.color, body=body, **fields  # type: ignore[arg-type]
    )  # fmt: skip


def arrived(line: Line, key: str = "") -> LineArrived:
    return LineArrived(line, msgspec.json.encode(line), key)


def lines_of(chat: ChatScreen) -> str:
    """The whole screen as text."""
    width, height = chat.size
    rows: Sequence[object] = chat._compositor.render_strips()
    del width, height
    return "\n".join(getattr(row, "text", "").rstrip() for row in rows)
