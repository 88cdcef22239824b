"""`chatroom send`: every line of the arguments or of standard input becomes a stored message."""

import asyncio
import os
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from chatroom.client.errors import NotConnected, RequestFailed
from chatroom.client.events import (
    Ended,
    MessageChanged,
    MessageState,
    OwnMessage,
    PastReplaced,
    ServerProblem,
)
from chatroom.client.session import Session
from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import LineKind
from chatroom.protocol.ids import RoomId
from chatroom.scripts.cuts import CutTeller
from chatroom.scripts.input_lines import LineCutter, messages_of
from chatroom.scripts.output import say_problem
from chatroom.scripts.patience import Patience

T = TypeVar("T")
_CHUNK = 1 << 16
_AHEAD_MAX = 4096
"""Messages that may wait in the outbox before more input is read."""
_KEPT_MAX = 200_000
"""Messages that may wait in the outbox for a server that is away."""
_POLL_S = 0.05
_INPUT_POLL_S = 0.2
_OTHERS_S = 2.0
"""So long the outcome is waited for of what programs before this one have left."""
_TEXT_SHOWN = 60
_TOLD_MAX = 20
"""Sentences about what failed; what is more is only counted by the exit code."""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What the command line asked for.

    Attributes:
        words: The text; empty to read standard input.
        as_one: All of the text is one message.
        timeout_s: How long nothing may move before giving up.
        retry_s: How long the server may be away; 0 to let the time-out count then, too.
        create: The name of the room, as it was typed, to make it where there is none; else empty.
    """

    room: RoomId
    words: Sequence[str]
    as_one: bool
    timeout_s: float
    create: str = ""
    retry_s: float = 0.0


async def send(session: Session, options: SendOptions, texts: Texts) -> int:
    """Send everything and wait until it is stored.

    Returns:
        0 when every message is stored, else 1.
    """
    sender = _Sender(session, options, texts)
    if await sender.has_room():
        async for messages in _batches(options):
            await sender.say(messages)
            if sender.has_failed:
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
    sender = _Sender(session, options, texts)
    if await sender.has_room():
        await sender.say_picture(" ".join([picture.caption, *options.words]), grid)
    return await sender.finish()


class _Sender:
    """Says messages, and watches what becomes of them."""

    def __init__(self, session: Session, options: SendOptions, texts: Texts) -> None:
        self._session = session
        self._options = options
        self._texts = texts
        self._mine: set[str] = set()
        self._is_patient = True
        self._cuts = CutTeller(from_start=options.retry_s > 0)
        self._patience = Patience(
            options.timeout_s,
            options.retry_s,
            clock=asyncio.get_running_loop().time,
            is_there=lambda: session.online,
        )
        self._told: set[str] = set()
        self._is_over = False
        self._failed_now: set[str] = set()
        self.has_failed = False

    async def has_room(self) -> bool:
        """Make the room, where that was asked for; False when it came to nothing, which is said."""
        if self._options.create:
            await self._reached(self._make_room)
        return not self.has_failed

    async def _make_room(self) -> None:
        try:
            await self._session.join(self._options.create, create=True)
        except RequestFailed as error:
            if error.code != ErrorCode.ROOM_EXISTS:
                raise

    async def say(self, messages: list[str]) -> None:
        if self._session.online and not self._mine:
            self._patience.renew()
        for start in range(0, len(messages), 256):
            some = messages[start : start + 256]
            said = await self._reached(partial(self._session.say_many, self._options.room, some))
            self._mine.update(message.key for message in said or ())
            await self._wait_until_left(_AHEAD_MAX)
        self._take_news()
        if len(self._mine) > _KEPT_MAX:
            self._fail(self._texts._("too much waits in the outbox; the rest of the input was not read"))

    async def say_picture(self, caption: str, grid: str) -> None:
        say = partial(self._session.say, self._options.room, caption, kind=LineKind.IMAGE, grid=grid)
        said = await self._reached(say)
        if said is not None:
            self._mine.add(said.key)

    async def _reached(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """What a call gives, or gives once the server is back; None when the session is over, which is said.

        A call that raises `NotConnected` has put nothing into the outbox, and is made again. Where the server
        does not come back in time None is given, too, and that is said.

        Raises:
            NotConnected: It did not, and nobody was told why yet.
        """
        while True:
            try:
                return await call()
            except NotConnected:
                if await self._is_back():
                    continue
                if not self._is_over and not self._cuts.has_told:
                    raise
                if not self._is_over:
                    self._fail(self._texts._("Nothing was sent, and nothing waits in the outbox."))
                return None

    async def _is_back(self) -> bool:
        """Wait for the server until it is there or there is no more time for it."""
        await asyncio.sleep(0)  # where a link is over, whoever reads it is about to hear of it
        while (left := self._patience.away_left_s) > 0 and not self._is_over:
            self._take_news()
            if self._session.online:
                return True
            await self._session.wait_for_events(min(_POLL_S, left))
        return False

    async def finish(self) -> int:
        await self._wait_until_left(0)
        if not self._is_over:  # what programs before this one left has an outcome by now, or soon
            await self._session.wait_all_stored(min(_OTHERS_S, max(0.0, self._patience.left_s)))
        self._take_news()
        self._say_what_failed_before()
        if waiting := len(self._mine):
            say_problem(
                self._texts.n(
                    "{count} message waits in the outbox; it leaves with the next program of this profile.",
                    "{count} messages wait in the outbox; they leave with the next program of this profile.",
                    waiting,
                ).format(count=waiting)
            )
        return 1 if waiting or self.has_failed else 0

    def _say_what_failed_before(self) -> None:
        """What a program before this one could not send stays, until somebody decides what becomes of it."""
        for message in self._session.unsent(self._options.room):
            if message.state is MessageState.FAILED and message.key not in self._failed_now:
                sentence = self._texts._("Still not sent: {text} ({reason}). /retry in chatroom sends it.")
                self._say_once(sentence.format(text=_shown(message.body), reason=message.reason))

    def _fail(self, sentence: str) -> None:
        self.has_failed = True
        if len(self._told) < _TOLD_MAX:
            self._say_once(sentence)

    async def _wait_until_left(self, allowed: int) -> None:
        """Wait until at most so many wait, something fails, or nothing has moved for the time-out.

        After one time-out the rest of the input goes to the outbox without waiting.
        """
        self._take_news()
        while len(self._mine) > allowed and not self._is_over and self._is_patient:
            self._is_patient = await self._something_leaves()

    async def _something_leaves(self) -> bool:
        """Wait until fewer wait; False when none has left in time."""
        before = len(self._mine)
        self._patience.begin()
        while len(self._mine) == before and not self._is_over:
            if (left := self._patience.left_s) <= 0:
                return False
            await self._session.wait_for_events(min(_POLL_S, left))
            self._take_news()
        return True

    def _take_news(self) -> None:
        self._patience.look()
        for event in self._session.events_nowait():
            self._cuts.take(event)
            if isinstance(event, PastReplaced):
                self._say_once(event.reason)
            if isinstance(event, ServerProblem) and event.code == ErrorCode.NOT_STORED:
                self._say_once(event.reason)
            if isinstance(event, Ended):
                self._is_over = True
                self._fail(str(event))
            if isinstance(event, MessageChanged) and event.message.state is not MessageState.PENDING:
                self._settle(event.message)

    def _settle(self, message: OwnMessage) -> None:
        """A message has its outcome: one's own, or one that a program before this one left."""
        if message.key in self._mine:
            self._mine.remove(message.key)
            self._patience.renew()
        if message.state is MessageState.FAILED:
            self._failed_now.add(message.key)
            sentence = self._texts._("Not sent: {text} ({reason}).")
            self._fail(sentence.format(text=_shown(message.body), reason=message.reason))

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            say_problem(sentence)


def _shown(body: str) -> str:
    return one_line(body)[:_TEXT_SHOWN]


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
