"""Answers requests for history: a page is read on a thread, and sent as the bytes that the log holds."""

import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable

import msgspec

from chatroom.protocol import ERRORS, ErrorCode, codec
from chatroom.protocol.frames import Failed, Page
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.protocol.kinds import BY_FRAME
from chatroom.protocol.limits import PAGE_BYTES_MAX
from chatroom_server.core.effects import FetchPage
from chatroom_server.core.ports import Log
from chatroom_server.shell.link import QUEUE_PAUSE, Link
from chatroom_server.shell.tasks import Tasks

_log = logging.getLogger(__name__)
_KIND = bytes([BY_FRAME[Page].kind])


def page_frame(rid: int, room: RoomId, last: MessageId, lines: list[bytes]) -> bytes:
    """A page's frame, made of lines as they were written; none of them is decoded."""
    head = b'{"rid":%d,"room":%b,"last":%d' % (rid, msgspec.json.encode(room), last)
    body = b'%b,"lines":[%b]}' % (head, b",".join(lines))
    return b"%b%b%b" % (_KIND, codec.encode_length(len(body)), body)


class PageSender:
    """Sends pages, one after the other on each link, and none to a link that does not read.

    Args:
        sent: Told of each request that was answered.
    """

    def __init__(self, loop: AbstractEventLoop, log: Log, tasks: Tasks, sent: Callable[[Link], None]) -> None:
        self._loop, self._log, self._tasks, self._sent = loop, log, tasks, sent
        self._asked: dict[Link, deque[FetchPage]] = {}
        self._busy: set[Link] = set()

    def ask(self, link: Link, fetch: FetchPage) -> None:
        """Answer a request, after those that came before it."""
        self._asked.setdefault(link, deque()).append(fetch)
        self.go_on(link)

    def go_on(self, link: Link) -> None:
        """Answer what waits, if the link has read what it was sent."""
        waiting = self._asked.get(link)
        if not waiting or link in self._busy or link.queued > QUEUE_PAUSE or link.blocked:
            return
        fetch = waiting.popleft()
        if not waiting:
            del self._asked[link]
        self._busy.add(link)
        self._tasks.start(self._answer(link, fetch), name=f"page for link {link.id}")

    def drop(self, link: Link) -> None:
        """Forget a link."""
        self._asked.pop(link, None)

    async def _answer(self, link: Link, fetch: FetchPage) -> None:
        try:
            link.send_encoded(await self._frame(fetch))
            self._sent(link)
        finally:
            self._busy.discard(link)
            self._loop.call_soon(self.go_on, link)  # behind the round that writes this page

    async def _frame(self, fetch: FetchPage) -> bytes:
        try:
            page = await self._log.page(
                fetch.room,
                after=fetch.after,
                before=fetch.before,
                limit=fetch.limit,
                max_bytes=PAGE_BYTES_MAX,
            )
        except OSError as error:
            _log.error("a page of %s cannot be read: %s", fetch.room, error)
            text = ERRORS[ErrorCode.INTERNAL].sentence
            return codec.encode(Failed(code=ErrorCode.INTERNAL, text=text, rid=fetch.rid))
        return page_frame(fetch.rid, fetch.room, self._log.last_id(fetch.room), page.lines)
