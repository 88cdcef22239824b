"""The conversation's screen: what keys, clicks and commands do with it."""

import asyncio
from collections.abc import Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from chatroom.client.errors import ClientError
from chatroom.common.inert import one_line
from chatroom.common.names import check_room
from chatroom.common.texts import Texts
from chatroom.model.commands import (
    COMMANDS,
    Command,
    CommandInfo,
    CommandName,
    is_command,
    parse_command,
    said_text,
)
from chatroom.protocol.ids import RoomId
from chatroom.protocol.limits import MESSAGE_MAX
from chatroom.tui.commands import HANDLERS, mistake
from chatroom.tui.conversation import Conversation, Part
from chatroom.tui.keeper import Keeper
from chatroom.tui.keys import KEYS, bindings
from chatroom.tui.naming import name_problem
from chatroom.tui.palette import Entry
from chatroom.tui.screens.chat_view import ChatView
from chatroom.tui.widgets.banner import LinkState
from chatroom.tui.widgets.composer import Composer
from chatroom.tui.widgets.message_log import MessageLog
from chatroom.tui.widgets.rows import RowList

_DRAFT_AFTER_S: Final = 0.15
"""From a key to the draft on its way to the disk; it is there within 200 ms."""
_SAYING: Final = frozenset({CommandName.ME, CommandName.IMAGE, CommandName.TOPIC})
"""Commands that say something in the room they are typed in."""


class ChatScreen(ChatView):
    """Turns what one does into what the desk does. Its arguments are those of `ChatView`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    class Left(Message):
        """One wants to leave."""

    class ReconnectAsked(Message):
        """One does not want to wait for the next attempt."""

    def __init__(
        self, conversation: Conversation, texts: Texts, log: MessageLog, keeper: Keeper, *, bell: bool = True
    ) -> None:
        super().__init__(conversation, texts, log, keeper, bell=bell)
        self._draft_timer: Timer | None = None
        self._sending = asyncio.Lock()

    def enter(self, room: RoomId) -> None:
        """Put a room on the screen."""
        self.keep_draft()
        super().enter(room)

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
        if is_command(event.text):
            event.answer(is_taken=self._run_command(event.text, event.room))
        elif event.room is None and self.banner.condition.state is not LinkState.ONLINE:
            event.answer(is_taken=False)  # the banner says how it is, and the first room takes the text
        else:
            self.act(self._say(event))

    def _run_command(self, text: str, room: RoomId | None) -> bool:
        command = parse_command(text)
        if problem := mistake(command, self.texts):
            self.toast(problem, is_warning=True)
            return False
        if isinstance(command, Command) and command.name in _SAYING and (why := self.desk.why_closed(room)):
            self.toast(why, is_warning=True)
            return False
        if isinstance(command, Command):
            self.act(HANDLERS[command.name](self, command, room))
        return True

    async def _say(self, event: Composer.Submitted) -> None:
        """Send in the order of writing; a text leaves the composer, and the drafts, when it is in the outbox.

        Where that took too long it is gone already, and comes back if it could not even be kept.
        """
        async with self._sending:
            try:
                await self.desk.say(said_text(event.text), room=event.room)
            except ClientError:
                if not event.answer(is_taken=False):
                    self._give_back(event.text, event.room)
                raise
            if event.answer(is_taken=True) and event.room is not None:
                self._keeper.keep_draft(event.room, "")

    def _give_back(self, text: str, room: RoomId | None) -> None:
        """Put a text back into its room, in front of what was begun there meanwhile."""
        is_here = self.composer.room == room
        begun = self.composer.text if is_here else self._keeper.drafts.get(room, "") if room else ""
        whole = f"{text}\n{begun}" if begun else text
        if is_here:
            self.composer.write(whole)
        if room is not None:
            self._keeper.keep_draft(room, whole)

    @on(Composer.TooLong)
    def _too_long(self, event: Composer.TooLong) -> None:
        sentence = self.texts._("Too long: {size} bytes, a message has {max} at most. Send it in parts.")
        self.toast(sentence.format(size=event.size, max=MESSAGE_MAX), is_warning=True)

    @on(Composer.PicturesPasted)
    def _pictures_pasted(self, event: Composer.PicturesPasted) -> None:
        self.act(self._show_pictures(event.paths, self.composer.room))

    async def _show_pictures(self, paths: Iterable[Path], room: RoomId | None) -> None:
        for path in paths:
            await self.desk.show_picture(path, room=room)

    @on(RowList.Chosen, "#rooms")
    def _room_chosen(self, event: RowList.Chosen) -> None:
        self.enter(RoomId(event.key))

    @on(RowList.Chosen, "#people")
    def _person_chosen(self, event: RowList.Chosen) -> None:
        self.uncover_log()
        if event.key != self.conversation.me:
            self.act(self.desk.direct(user=event.key))

    @on(MessageLog.LinesWanted)
    def _lines_wanted(self, event: MessageLog.LinesWanted) -> None:
        self.run_worker(self._guarded(self.desk.fetch(event.room, event.first, event.last)), group="pages")

    @on(MessageLog.ReadUpTo)
    def _read_up_to(self, event: MessageLog.ReadUpTo) -> None:
        if self.conversation.mark_read(event.room, event.id):
            self._keeper.keep_read(event.room, event.id)
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
        from chatroom.tui.screens.first_start import RoomScreen

        rooms = (await self.desk.live.rooms()).rooms
        self.known_rooms = [room.name for room in rooms]
        current = self.conversation.rooms.current
        screen = RoomScreen(
            self.texts, rooms, self._room_problem, default=current or default, is_first=current is None
        )
        choice = await self.ask(screen)
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
        if self.uncover_log():
            return
        self._log.scroll_to_newest()
        if view := self.conversation.current:
            self.conversation.timeline(view.id).new_after = None
            if self.conversation.mark_read(view.id, view.last):
                self._keeper.keep_read(view.id, view.last)
            self.draw(Part.ROOMS, Part.LOG)

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
        from chatroom.tui.screens.help import HelpScreen

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
            self._run_command(f"/{info.name.value}", self.conversation.rooms.current)
