"""Messages that cross several widgets."""

import asyncio
from collections.abc import Sequence

from textual.message import Message

from chatroom.client.events import SessionEvent


class EventsArrived(Message):
    """What the session told, oldest first; several at once where they came fast.

    Attributes:
        more: Others come right behind: what they change can be drawn together.
        taken: Set when the screen has them; the next ones wait for that.
    """

    def __init__(self, events: Sequence[SessionEvent], *, more: bool = False) -> None:
        super().__init__()
        self.events = events
        self.more = more
        self.taken = asyncio.Event()
