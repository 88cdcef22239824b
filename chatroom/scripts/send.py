"""`chatroom send`: every line of the arguments or of standard input becomes a stored message."""

import asyncio
import os
import select
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatroom.client.errors import RequestFailed
from chatroom.client.events import Ended, MessageChanged, MessageState, ServerProblem
from chatroom.client.session import Session
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import LineKind
from chatroom.protocol.ids import RoomId
from chatroom.scripts.cuts import CutTeller
from chatroom.scripts.input_lines import LineCutter, messages_of
from chatroom.scripts.output import say_problem

_CHUNK = 1 << 16
_AHEAD_MAX = 4096
"""Messages that may wait in the outbox before more input is read."""
_KEPT_MAX = 200_000
"""Messages that may wait in the outbox for a server that is away."""
_POLL_S = 0.05
_INPUT_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What the command line asked for.

    Attributes:
        words: The text; empty to read standard input.
        as_one: All of the text is one message.
        timeout_s: How long nothing may move before giving up.
        create: The name of the room, as it was typed, to make it where there is none; else empty.
    """

    room: RoomId
    words: Sequence[str]
    as_one: bool
    timeout_s: float
    create: str = ""


async def send(session: Session, options: SendOptions, texts: Texts) -> int:
    """Send everything and wait until it is stored.

    Returns:
        0 when every message is stored, else 1.
    """
    sender = _Sender(session, options, texts)
    if options.create:
        await _make_room(session, options.create)
    async for messages in _batches(options):
        await sender.say(messages)
        if sender.failed:
            break
    return await sender.finish()


async def send_picture(session: Session, options: SendOptions, path: str, texts: Texts) -> int:
    """Send a picture, drawn as characters, with the command line's text as its caption.

    Returns:
        0 when it is stored, 1 when it is not, 2 when the file is no picture.
    """
    from chatroom.common.grid import GridError
    from chatroom.media import SENTENCES, PictureError, draw_to_send

    try:
        picture, grid = await draw_to_send(Path(path))
    except PictureError as error:
        say_problem(texts._(SENTENCES[error.problem]).format(name=error.name, reason=error.reason))
        return 2
    except GridError as error:
        say_problem(str(error))
        return 1
    if options.create:
        await _make_room(session, options.create)
    sender = _Sender(session, options, texts)
    await sender.say_picture(" ".join([picture.caption, *options.words]), grid)
    return await sender.finish()


async def _make_room(session: Session, room: str) -> None:
    try:
        await session.join(room, create=True)
    except RequestFailed as error:
        if error.code != ErrorCode.ROOM_EXISTS:
            raise


class _Sender:
    """Says messages, and watches what becomes of them."""

    def __init__(self, session: Session, options: SendOptions, texts: Texts) -> None:
        self._session = session
        self._options = options
        self._texts = texts
        self._mine: set[str] = set()
        self._is_patient = True
        self._cuts = CutTeller()
        self._told: set[str] = set()
        self.failed: list[str] = []

    async def say(self, messages: list[str]) -> None:
        for start in range(0, len(messages), 256):
            said = await self._session.say_many(self._options.room, messages[start : start + 256])
            self._mine.update(message.key for message in said)
            await self._wait_until_left(_AHEAD_MAX)
        self._take_news()
        if len(self._mine) > _KEPT_MAX:
            self.failed.append(
                self._texts._("too much waits in the outbox; the rest of the input was not read")
            )

    async def say_picture(self, caption: str, grid: str) -> None:
        said = await self._session.say(self._options.room, caption, kind=LineKind.IMAGE, grid=grid)
        self._mine.add(said.key)

    async def finish(self) -> int:
        await self._wait_until_left(0)
        if self.failed:
            say_problem(self.failed[0])
        if waiting := len(self._mine):
            say_problem(
                self._texts.n(
                    "{count} message waits in the outbox; it leaves with the next program of this profile.",
                    "{count} messages wait in the outbox; they leave with the next program of this profile.",
                    waiting,
                ).format(count=waiting)
            )
        return 1 if waiting or self.failed else 0

    async def _wait_until_left(self, allowed: int) -> None:
        """Wait until at most so many wait, something fails, or nothing has moved for the time-out.

        After one time-out the rest of the input goes to the outbox without waiting.
        """
        loop = asyncio.get_running_loop()
        self._take_news()
        while len(self._mine) > allowed and not self.failed and self._is_patient:
            deadline = loop.time() + self._options.timeout_s
            self._is_patient = await self._news_before(deadline)

    async def _news_before(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        before = len(self._mine)
        while len(self._mine) == before and not self.failed:
            if loop.time() > deadline:
                return False
            await self._session.wait_for_events(min(_POLL_S, max(0.0, deadline - loop.time())))
            self._take_news()
        return True

    def _take_news(self) -> None:
        for event in self._session.events_nowait():
            self._cuts.take(event)
            if isinstance(event, ServerProblem) and event.code == ErrorCode.NOT_STORED:
                self._say_once(f"chatroom: {event.reason}")
            if isinstance(event, Ended):
                self.failed.append(" ".join(filter(None, (event.reason, event.mend))))
            if isinstance(event, MessageChanged) and event.message.key in self._mine:
                if event.message.state is MessageState.PENDING:
                    continue
                self._mine.discard(event.message.key)
                if event.message.state is MessageState.FAILED:
                    self.failed.append(event.message.reason)

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            say_problem(sentence)


async def _batches(options: SendOptions) -> AsyncIterator[list[str]]:
    """The messages of the command line, or of standard input as they come."""
    if options.words:
        text = " ".join(options.words)
        yield messages_of(text) if options.as_one else _lines(text)
        return
    if options.as_one:
        whole = b"".join([chunk async for chunk in _chunks()])
        yield messages_of(whole.decode("utf-8", "replace"))
        return
    cutter = LineCutter()
    async for chunk in _chunks():
        yield cutter.feed(chunk)
    yield cutter.finish()


async def _chunks() -> AsyncIterator[bytes]:
    """Standard input as it comes; an empty chunk now and then, while nothing does."""
    while (chunk := await asyncio.to_thread(_read_chunk)) is None or chunk:
        yield chunk or b""


def _read_chunk() -> bytes | None:
    """Some bytes, none at the end, None while there are none: a thread that waited for ever could not end."""
    try:
        readable, _, _ = select.select([0], [], [], _INPUT_POLL_S)
        return os.read(0, _CHUNK) if readable else None
    except OSError:
        return b""  # it is closed


def _lines(text: str) -> list[str]:
    return [message for line in text.split("\n") for message in messages_of(line)]
