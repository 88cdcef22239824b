"""Pages are sent one after the other, and nothing is left of a link that ends before its page."""

import asyncio

from chatroom.protocol.ids import MessageId, RoomId
from chatroom_server.core.effects import FetchPage
from chatroom_server.core.inputs import LinkId
from chatroom_server.history.memory import MemoryLog
from chatroom_server.shell.frame_link import FrameLink
from chatroom_server.shell.pages import PageSender, page_frame
from chatroom_server.shell.tails import Outlet
from chatroom_server.shell.tasks import Tasks

GENERAL = RoomId("general")


class Reader(FrameLink):
    """A link without a socket."""

    def __init__(self) -> None:
        Outlet.__init__(self)
        self.id = LinkId(1)
        self.heard: list[bytes] = []

    def send_encoded(self, data: bytes) -> None:
        self.heard.append(data)


class Stage:
    """A link that asks for pages of an empty room."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.crashes: list[BaseException] = []
        self.answered = asyncio.Semaphore(0)
        self.tasks = Tasks(lambda _name, error: self.crashes.append(error))
        log = MemoryLog(lambda _outcome: None, loop.call_soon)
        self.pages = PageSender(loop, log, self.tasks, lambda _link: self.answered.release())
        self.link = Reader()

    def ask(self, *rids: int) -> None:
        for rid in rids:
            self.pages.ask(self.link, FetchPage(LinkId(1), rid, GENERAL, MessageId(0), None, 10))

    async def hear(self, *rids: int) -> None:
        """Wait for these pages, and no others before them."""
        for _rid in rids:
            await asyncio.wait_for(self.answered.acquire(), 10)
        assert self.link.heard == [page_frame(rid, GENERAL, MessageId(0), []) for rid in rids]


async def test_requests_are_answered_one_after_the_other() -> None:
    stage = Stage()
    stage.ask(1, 2, 3)
    await stage.hear(1, 2, 3)
    await stage.tasks.close()
    assert not stage.crashes


async def test_a_link_that_ends_before_its_page_leaves_nothing() -> None:
    stage = Stage()
    stage.ask(1, 2)
    stage.pages.drop(stage.link)  # before the task's first step
    stage.ask(3)
    await stage.hear(1, 3)
    await stage.tasks.close()
    assert not stage.crashes
