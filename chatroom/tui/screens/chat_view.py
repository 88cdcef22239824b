"""How the conversation is drawn: rooms at the left, people at the right, log and composer between them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from time import monotonic
from typing import Final, Literal, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from chatroom.client.events import (
    LineArrived,
    LinesMissed,
    Online,
    PresenceChanged,
    RoomOpened,
    SessionEvent,
)
from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.conversation_log import ConversationLog
from chatroom.protocol.ids import RoomId
from chatroom.tui.completion import Vocabulary
from chatroom.tui.conditions import announcements, condition_after
from chatroom.tui.conversation import Conversation, Part
from chatroom.tui.desk import Desk
from chatroom.tui.keeper import Keeper
from chatroom.tui.keys import actions
from chatroom.tui.messages import EventsArrived
from chatroom.tui.screens.outline import Panes
from chatroom.tui.times import now_ms
from chatroom.tui.widgets.banner import Banner
from chatroom.tui.widgets.composer import Composer
from chatroom.tui.widgets.header import RoomHeader
from chatroom.tui.widgets.message_log import MessageLog
from chatroom.tui.widgets.people_list import PeopleList
from chatroom.tui.widgets.rooms_list import RoomsList

_Answer = TypeVar("_Answer")


_DRAW_AFTER_S: Final = 0.1
"""So long a burst is taken without drawing it."""


class ChatView(Panes):
    """Shows a conversation.

    Args:
        keeper: Takes drafts and read markers.
        bell: Whether it may ring.

    Attributes:
        banner: The line that says how the link is.
        known_rooms: Names of rooms that were listed, for completion.
        written: The log file, once it is open.
    """

    def __init__(
        self, conversation: Conversation, texts: Texts, log: MessageLog, keeper: Keeper, *, bell: bool = True
    ) -> None:
        super().__init__()
        self.conversation = conversation
        self.texts = texts
        self.desk = Desk(conversation, self, texts)
        self.known_rooms: list[str] = []
        self.written: ConversationLog | None = None
        self.banner = Banner(texts, id="banner")
        self._log = log
        self._keeper = keeper
        self._bell = bell
        self._drawn: RoomId | None = None
        self._people_known: set[RoomId] = set()
        self._heading: tuple[str, str] | None = None
        self._has_panes = False
        conversation.has_draft = lambda room: bool(keeper.drafts.get(room, "").strip())
        self._undrawn: set[Part] = set()
        self._drew_at = float("-inf")

    def compose(self) -> ComposeResult:
        """The panes."""
        yield RoomHeader(id="header")
        yield self.banner
        with Horizontal(id="body"):
            yield RoomsList(self.texts, id="rooms")
            with Vertical(id="talk"):
                yield self._log
                with Horizontal(id="write"):
                    yield Static(id="prompt", markup=False)
                    yield Composer(self._vocabulary, actions=actions(), id="composer")
            yield PeopleList(self.texts, id="people")

    def on_mount(self) -> None:
        """Draw what is known already."""
        self._has_panes = True
        self.draw(*Part)
        self.composer.focus()

    @property
    def composer(self) -> Composer:
        """Where one writes."""
        return self.query_one(Composer)

    # --- showing ---------------------------------------------------------------------------------
    @on(EventsArrived)
    def _events_arrived(self, event: EventsArrived) -> None:
        try:
            self.take(event.events, more=event.more)
        finally:
            event.taken.set()

    def take(self, events: Sequence[SessionEvent], *, more: bool = False) -> None:
        """Show what the session told; with more behind it not at once, but soon."""
        was_closed = self.desk.why_closed(self.conversation.rooms.current)
        changes = self.conversation.apply(events)
        if (sentence := self.desk.why_closed(self.conversation.rooms.current)) != was_closed and sentence:
            self.toast(sentence, is_warning=True)
        condition = self.banner.condition
        self._write_down(events)
        for event in events:
            condition = condition_after(condition, event, monotonic())
            for sentence in announcements(event, self.texts):
                self.toast(sentence)
        if condition != self.banner.condition:
            self.banner.show(condition)
        self._undrawn |= changes.parts
        if not more or monotonic() - self._drew_at > _DRAW_AFTER_S:
            self.draw(*self._undrawn)
            self._undrawn.clear()
            self._drew_at = monotonic()
        self._learn_people(events)
        if changes.meant_in and self._bell and not self.desk.quiet:
            self.app.bell()

    def _learn_people(self, events: Sequence[SessionEvent]) -> None:
        """A login does not tell who is in one's rooms, and a link that was away missed who came and left."""
        for event in events:
            match event:
                case Online():
                    self._people_known.clear()
                case RoomOpened(room=info):
                    self._people_known.add(info.id)
                case LinesMissed(room=room):
                    self._people_known.discard(room)
                    self._ask_who(room)
                case _:
                    pass
        if self.conversation.rooms.current is not None:
            self._ask_who(self.conversation.rooms.current)

    def _ask_who(self, room: RoomId) -> None:
        if room not in self._people_known and self.desk.session is not None:
            self._people_known.add(room)
            self.run_worker(self.desk.ask_who(room), group=f"who {room}", exclusive=True)

    def _write_down(self, events: Sequence[SessionEvent]) -> None:
        """Put what was said, and who came and went, into the log file."""
        if self.written is None:
            return
        name_of = cache(self.conversation.room_name)  # costs as much as the rest of a line
        for event in events:
            match event:
                case LineArrived(line=line):
                    self.written.said(name_of(line.room), line)
                case PresenceChanged(room=room):
                    self.written.noticed(name_of(room), now_ms(), event.event, event.people)

    def draw(self, *parts: Part) -> None:
        """Draw parts anew, where something changed."""
        if not self._has_panes:
            return
        if self.conversation.rooms.current != self._drawn:
            self._turn_to(self.conversation.rooms.current)
            parts = tuple(Part)
        if Part.ROOMS in parts:
            self._draw_rooms()
        if Part.PEOPLE in parts:
            self._draw_people()
        if Part.LOG in parts:
            self._draw_log()
        if self.desk.session is not None:
            self.banner.show_unsent(len(self.desk.session.unsent()))

    def toast(self, sentence: str, *, is_warning: bool = False, lasts_s: float | None = None) -> None:
        """Say something for a moment; nothing in it is markup."""
        severity: Literal["warning", "information"] = "warning" if is_warning else "information"
        self.app.notify(sentence, severity=severity, timeout=lasts_s, markup=False)

    async def ask(self, screen: Screen[_Answer]) -> _Answer | None:
        """Show a screen, and give what it returns."""
        answer: asyncio.Future[_Answer | None] = asyncio.get_running_loop().create_future()
        self.app.push_screen(screen, lambda given: None if answer.done() else answer.set_result(given))
        return await answer

    def enter(self, room: RoomId) -> None:
        """Put a room on the screen."""
        self.conversation.show(room)
        self._keeper.keep_current(room)
        self.uncover_log()
        self.draw(*Part)

    def _turn_to(self, room: RoomId | None) -> None:
        """Another room is on the screen: its lines, its draft."""
        self._drawn = room
        if room is not None:
            self._ask_who(room)
        self._log.timeline = self.conversation.timeline(room) if room is not None else None
        self.composer.turn_to(room, self._begun_in(room) if room is not None else "")

    def _begun_in(self, room: RoomId) -> str:
        """The draft of a room; behind it what was written before there was any."""
        early = self.composer.text if self.composer.room is None else ""
        return "\n".join(filter(None, (self._keeper.drafts.get(room, ""), early)))

    def _draw_rooms(self) -> None:
        views = self.conversation.rooms.views()
        if self._log.is_following:  # what arrives on the screen is read: no number that comes and goes
            views = tuple(replace(view, unread=0, mentions=0) if view.current else view for view in views)
        self.query_one(RoomsList).show(views)
        view = self.conversation.current
        name = self.conversation.room_name(view.id) if view else ""
        topic = self.desk.why_closed(view.id) or view.topic if view else ""
        if (name, topic) != self._heading:  # each of these lays the whole screen out anew
            self._heading = name, topic
            self.query_one(RoomHeader).show(one_line(name) or "chatroom", one_line(topic))
            self.query_one("#prompt", Static).update(Content(f" {one_line(name)} › "))

    def _draw_log(self) -> None:
        words = self._log.words
        if words.nick != self.conversation.nick:
            self._log.words = replace(words, nick=self.conversation.nick)
        else:
            self._log.refresh_lines()

    def _draw_people(self) -> None:
        self.query_one(PeopleList).show(self.conversation.people)

    def _vocabulary(self) -> Vocabulary:
        nicks = [person.nick for _state, people in self.conversation.people.groups for person in people]
        rooms = [view.name for view in self.conversation.rooms.views() if not view.direct]
        return Vocabulary(
            nicks=[nick for nick in nicks if nick != self.conversation.nick],
            rooms=list(dict.fromkeys([*rooms, *self.known_rooms])),
        )

    def uncover_log(self) -> bool:
        """Close the lists that lie over the log; False when none does."""
        over = [
            name
            for name, is_over in (
                ("-rooms-toggled", self.has_class("-narrow")),
                ("-people-toggled", not self.has_class("-wide")),
            )
            if is_over and self.has_class(name)
        ]
        self.remove_class(*over)
        return bool(over)
