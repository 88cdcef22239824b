"""`chatroom tail` and `chatroom history`: what a room's log holds, as lines."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from chatroom.client.session import Session
from chatroom.client.tasks import Tasks
from chatroom.model.sentences import LineFormat
from chatroom.protocol.frames import Line
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.protocol.limits import PAGE_LINES_MAX
from chatroom.scripts.cuts import CutTeller
from chatroom.scripts.output import Output, OutputClosed

Stored = tuple[Line, bytes]
"""A line, and its JSON as the server stores it."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the command line asked for.

    Attributes:
        after: Begin behind this id.
        before: End below this id.
        since_ms: Leave out what the server received earlier (ms since 1970, UTC).
        limit: At most so many lines: the newest, or behind `after` and `since_ms` the first.
    """

    room: RoomId
    after: MessageId | None = None
    before: MessageId | None = None
    since_ms: int | None = None
    limit: int | None = None


class LinePrinter:
    """Prints stored lines: as JSON, or as people read them."""

    def __init__(self, output: Output, form: LineFormat, *, as_json: bool) -> None:
        self._output = output
        self._form = form
        self._as_json = as_json

    async def print(self, lines: list[Stored]) -> None:
        """Print lines in their order.

        Raises:
            OutputClosed: Nobody reads them any more.
        """
        if self._as_json:
            await self._output.write_json(body for _line, body in lines)
        else:
            await self._output.write_lines(self._form.text(line).encode() for line, _body in lines)


async def history(session: Session, options: ReadOptions, printer: LinePrinter) -> int:
    """Print a room's history, oldest first, in constant memory."""
    await session.ready(wait=False)  # a cut in the middle is waited out, a server that is away is not
    async with Tasks("history") as tasks:
        tasks.start(_tell_cuts(session), name="tell")
        with suppress(OutputClosed):
            async for lines in _pages(session, options):
                await printer.print(lines)
    return 0


async def tail(
    session: Session, room: RoomId, after: int | None, count: int, printer: LinePrinter, output: Output
) -> int:
    """Print what is stored and then what comes, until interrupted or nobody reads it any more.

    Args:
        after: Begin behind this id; None: `count` lines before the end.
    """
    opened = await session.open(room)
    start = MessageId(max(0, opened.room.last - count) if after is None else after)
    async with Tasks("tail") as tasks:
        printing = tasks.start(_print_all(session, opened.room.id, start, printer), name="print")
        tasks.start(_tell_cuts(session), name="tell")
        await tasks.first_of(printing, tasks.start(output.closed(), name="closed"))
    return 0


async def _tell_cuts(session: Session) -> None:
    """Say that the server is away; reads all other events for nobody."""
    cuts = CutTeller()
    async for event in session:
        cuts.take(event)


async def _print_all(session: Session, room: RoomId, start: MessageId, printer: LinePrinter) -> None:
    async for stored in session.follow(room, after=start):
        await printer.print([stored])


async def _pages(session: Session, options: ReadOptions) -> AsyncIterator[list[Stored]]:
    after, left = await _first(session, options), options.limit
    while left is None or left > 0:
        size = PAGE_LINES_MAX if left is None else min(left, PAGE_LINES_MAX)
        page = await session.page(options.room, after=after, limit=size)
        if not page:
            return
        after = MessageId(page[-1][0].id)
        kept = [stored for stored in page if _is_wanted(stored[0], options)]
        if kept:
            yield kept
        if options.before is not None and after >= options.before - 1:
            return
        left = None if left is None else left - len(kept)


async def _first(session: Session, options: ReadOptions) -> MessageId:
    """Where to begin: with only a limit, so that the newest lines are printed."""
    if options.after is not None or options.since_ms is not None or options.limit is None:
        return options.after or MessageId(0)
    newest = await session.page(options.room, before=options.before, limit=1)
    last = newest[-1][0].id if newest else 0
    return MessageId(max(0, last - options.limit))


def _is_wanted(line: Line, options: ReadOptions) -> bool:
    if options.before is not None and line.id >= options.before:
        return False
    return options.since_ms is None or line.at >= options.since_ms
