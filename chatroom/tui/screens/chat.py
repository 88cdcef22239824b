"""The conversation: rooms at the left, people at the right, the log and what one writes between them."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static, TextArea

from chatroom.client.errors import ClientError
from chatroom.client.events import SessionEvent
from chatroom.common.inert import one_line
from chatroom.common.names import check_room
from chatroom.common.texts import Texts
from chatroom.model.commands import COMMANDS, Command, CommandInfo, is_command, parse_command, said_text
from chatroom.protocol.ids import RoomId
from chatroom.protocol.limits import MESSAGE_MAX
from chatroom.tui.commands import HANDLERS, mistake
from chatroom.tui.completion import Vocabulary
from chatroom.tui.conditions import announcements, condition_after
from chatroom.tui.conversation import Conversation, Part
from chatroom.tui.desk import Desk
from chatroom.tui.keeper import Keeper
from chatroom.tui.keys import KEYS, bindings
from chatroom.tui.messages import EventsArrived
from chatroom.tui.naming import name_problem
from chatroom.tui.palette import Entry
from chatroom.tui.screens.first_start import RoomScreen
from chatroom.tui.screens.help import HelpScreen
from chatroom.tui.widgets.banner import Banner
from chatroom.tui.widgets.composer import Composer
from chatroom.tui.widgets.header import RoomHeader
from chatroom.tui.widgets.message_log import MessageLog
from chatroom.tui.widgets.people_list import PeopleList
from chatroom.tui.widgets.rooms_list import RoomsList
from chatroom.tui.widgets.rows import RowList

_Answer = TypeVar("_Answer")

_DRAFT_AFTER_S = 0.15
"""From a key to the draft on its way to the disk; it is there within 200 ms."""


CHAT_CSS = Path(__file__).with_name("chat.tcss")
"""For the app: Textual does not load the style sheet of a screen that is there from the beginning."""


class ChatScreen(Screen[None]):
    """Shows a conversation, and turns keys and clicks into what the desk does.

    Args:
        keeper: Takes drafts and read markers.
        bell: Whether it may ring.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (100, "-wide")]  # noqa: RUF012  # as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    class Left(Message):
        """One wants to leave."""

    class ReconnectAsked(Message):
        """One does not want to wait for the next attempt."""

    def __init__(
        self, conversation: Conversation, texts: Texts, log: MessageLog, keeper: Keeper, *, bell: bool = True
    ) -> None:
        super().__init__()
        self.conversation = conversation
        self.texts = texts
        self.desk = Desk(conversation, self, texts)
        self.known_rooms: list[str] = []
        self._log = log
        self._keeper = keeper
        self._bell = bell
        self._drawn: RoomId | None = None
        self._draft_timer: Timer | None = None
        self._sending = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """The panes."""
        yield RoomHeader(id="header")
        yield Banner(self.texts, id="banner")
        with Horizontal(id="body"):
            yield RoomsList(self.texts, id="rooms")
            with Vertical(id="talk"):
                yield self._log
                with Horizontal(id="write"):
                    yield Static(id="prompt", markup=False)
                    yield Composer(self._vocabulary, id="composer")
            yield PeopleList(self.texts, id="people")

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.draw(*Part)
        self.composer.focus()

    @property
    def banner(self) -> Banner:
        """The line that says how the link is."""
        return self.query_one(Banner)

    @property
    def composer(self) -> Composer:
        """Where one writes."""
        return self.query_one(Composer)

    # --- showing ---------------------------------------------------------------------------------
    @on(EventsArrived)
    def _events_arrived(self, event: EventsArrived) -> None:
        try:
            self.take(event.events)
        finally:
            event.taken.set()

    def take(self, events: Sequence[SessionEvent]) -> None:
        """Show what the session told."""
        changes = self.conversation.apply(events)
        condition = self.banner.condition
        for event in events:
            condition = condition_after(condition, event, monotonic())
            for sentence in announcements(event, self.texts):
                self.toast(sentence)
        if condition != self.banner.condition:
            self.banner.show(condition)
        self.draw(*changes.parts)
        if changes.meant_in and self._bell and not self.desk.quiet:
            self.app.bell()

    def draw(self, *parts: Part) -> None:
        """Draw parts anew, where something changed."""
        if not self.is_mounted:
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

    def toast(self, sentence: str, *, is_warning: bool = False) -> None:
        """Say something for a moment; nothing in it is markup."""
        self.app.notify(sentence, severity="warning" if is_warning else "information", markup=False)

    async def ask(self, screen: Screen[_Answer]) -> _Answer | None:
        """Show a screen, and give what it returns."""
        answer: asyncio.Future[_Answer | None] = asyncio.get_running_loop().create_future()
        self.app.push_screen(screen, lambda given: None if answer.done() else answer.set_result(given))
        return await answer

    def enter(self, room: RoomId) -> None:
        """Put a room on the screen."""
        self.keep_draft()
        self.conversation.show(room)
        self._uncover_log()
        self.draw(*Part)

    def _turn_to(self, room: RoomId | None) -> None:
        """Another room is on the screen: its lines, its draft."""
        self._drawn = room
        self._log.timeline = self.conversation.timeline(room) if room is not None else None
        self.composer.write(self._keeper.drafts.get(room, "") if room is not None else "")
        self.composer.history_of_sent.stand_at_end()

    def _draw_rooms(self) -> None:
        self.query_one(RoomsList).show(self.conversation.rooms.views())
        view = self.conversation.current
        name = self.conversation.room_name(view.id) if view else ""
        topic = view.topic if view else ""
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

    # --- what one does ---------------------------------------------------------------------------
    def act(self, work: Coroutine[object, object, None]) -> None:
        """Do something that takes a while; what goes wrong is said."""
        self.run_worker(self._guarded(work), group="acts", exit_on_error=True)

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except ClientError as error:
            self.toast(one_line(str(error)), is_warning=True)

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.keep_draft()
        if is_command(event.text):
            self._run_command(event.text)
        else:
            self.act(self._say(said_text(event.text), self.conversation.rooms.current))

    def _run_command(self, text: str) -> None:
        command = parse_command(text)
        if problem := mistake(command, self.texts):
            self.toast(problem, is_warning=True)
            self.composer.write(text)
        elif isinstance(command, Command):
            self.act(HANDLERS[command.name](self, command))

    async def _say(self, text: str, room: RoomId | None) -> None:
        """Send in the order of writing; a text that could not even be kept comes back."""
        async with self._sending:
            try:
                await self.desk.say(text, room=room)
            except ClientError:
                if not self.composer.text:
                    self.composer.write(text)
                raise

    @on(Composer.TooLong)
    def _too_long(self, event: Composer.TooLong) -> None:
        sentence = self.texts._("Too long: {size} bytes, a message has {max} at most. Send it in parts.")
        self.toast(sentence.format(size=event.size, max=MESSAGE_MAX), is_warning=True)

    @on(Composer.PicturesPasted)
    def _pictures_pasted(self, event: Composer.PicturesPasted) -> None:
        self.act(self._show_pictures(event.paths))

    async def _show_pictures(self, paths: Iterable[Path]) -> None:
        for path in paths:
            await self.desk.show_picture(path)

    @on(RowList.Chosen, "#rooms")
    def _room_chosen(self, event: RowList.Chosen) -> None:
        self.enter(RoomId(event.key))

    @on(RowList.Chosen, "#people")
    def _person_chosen(self, event: RowList.Chosen) -> None:
        self._uncover_log()
        if event.key != self.conversation.me:
            self.act(self.desk.direct(user=event.key))

    @on(MessageLog.LinesWanted)
    def _lines_wanted(self, event: MessageLog.LinesWanted) -> None:
        self.run_worker(self._guarded(self.desk.fetch(event.room, event.first, event.last)), group="pages")

    @on(MessageLog.ReadUpTo)
    def _read_up_to(self, event: MessageLog.ReadUpTo) -> None:
        room = self.conversation.rooms.current
        if room is not None and self.conversation.mark_read(room, event.id):
            self._keeper.keep_read(room, event.id)
            self.draw(Part.ROOMS)

    @on(TextArea.Changed)
    def _draft_changed(self) -> None:
        if self._draft_timer is None:
            self._draft_timer = self.set_timer(_DRAFT_AFTER_S, self.keep_draft)

    def keep_draft(self) -> None:
        """Keep what is being written."""
        if self._draft_timer is not None:
            self._draft_timer.stop()
            self._draft_timer = None
        if self._drawn is not None:
            self._keeper.keep_draft(self._drawn, self.composer.text)

    async def choose_room(self, default: str = "") -> None:
        """Let one choose a room out of all, or make a new one."""
        rooms = (await self.desk.live.rooms()).rooms
        self.known_rooms = [room.name for room in rooms]
        choice = await self.ask(RoomScreen(self.texts, rooms, self._room_problem, default=default))
        if choice is not None:
            await self.desk.join(choice.name, create=choice.create)

    def _room_problem(self, name: str) -> str:
        return name_problem(check_room, name, self.texts)

    def quit(self) -> None:
        """Leave."""
        self.keep_draft()
        self.post_message(self.Left())

    # --- keys ------------------------------------------------------------------------------------
    def action_log_page_up(self) -> None:
        """Scroll the log up."""
        self._log.page_up()

    def action_log_page_down(self) -> None:
        """Scroll the log down."""
        self._log.page_down()

    def action_log_oldest(self) -> None:
        """Go to the first message."""
        self._log.scroll_to_oldest()

    def action_log_newest(self) -> None:
        """Go to the newest message."""
        self._log.scroll_to_newest()

    def action_read(self) -> None:
        """Close what lies over the log; else go to the newest message, and mark all as read."""
        if self._uncover_log():
            return
        self._log.scroll_to_newest()
        if view := self.conversation.current:
            self.conversation.timeline(view.id).new_after = None
            if self.conversation.mark_read(view.id, view.last):
                self._keeper.keep_read(view.id, view.last)
            self.draw(Part.ROOMS, Part.LOG)

    def _uncover_log(self) -> bool:
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

    def action_next_room(self, step: int) -> None:
        """Go to the room below, or above."""
        room = self.conversation.rooms.next(step)
        if room is not None:
            self.enter(room)

    def action_retry(self) -> None:
        """Send the oldest message that failed again."""
        self.act(self.desk.retry())

    def action_discard(self) -> None:
        """Throw the oldest message that failed away."""
        self.act(self.desk.discard())

    def action_help(self) -> None:
        """Show keys and commands."""
        self.app.push_screen(HelpScreen(self.texts))

    def action_toggle_rooms(self) -> None:
        """Show or hide the rooms."""
        self.toggle_class("-rooms-toggled")

    def action_toggle_people(self) -> None:
        """Show or hide the people."""
        self.toggle_class("-people-toggled")

    def action_reconnect(self) -> None:
        """Try to connect now."""
        self.post_message(self.ReconnectAsked())

    def palette_entries(self) -> Iterable[Entry]:
        """What Ctrl+P can find: actions, commands, rooms."""
        _ = self.texts._
        for key in KEYS:
            if key.in_palette:
                yield Entry(_(key.label), key.shown, partial(self.run_action, key.action))
        for info in COMMANDS.values():
            if not info.plain_only and info.name in HANDLERS:
                yield Entry(_(info.summary), info.usage, partial(self._begin_command, info))
        for view in self.conversation.rooms.views():
            name = one_line(self.conversation.room_name(view.id))
            yield Entry(_("Go to {room}").format(room=name), "", partial(self.enter, view.id))

    def _begin_command(self, info: CommandInfo) -> None:
        """Run a command, or write its beginning where it needs a word."""
        if info.needed:
            self.composer.write(f"/{info.name.value} ")
        else:
            self._run_command(f"/{info.name.value}")
