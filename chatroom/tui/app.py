"""The full-screen client: puts screens, session and terminal together. No chat logic here."""

import asyncio
import gc
from functools import partial
from time import monotonic
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider

from chatroom.conversation_log import open_conversation_log
from chatroom.dates import clock, day_label
from chatroom.tui.conversation import Conversation
from chatroom.tui.keeper import Keeper
from chatroom.tui.launch import Launch
from chatroom.tui.live import Live
from chatroom.tui.palette import EntriesProvider
from chatroom.tui.screens.chat import ChatScreen
from chatroom.tui.screens.chat_view import CHAT_CSS
from chatroom.tui.terminal import SteadyApp, driver_class, teach_keys
from chatroom.tui.times import iso_day, now_ms
from chatroom.tui.widgets.log_words import LogWords
from chatroom.tui.widgets.message_log import MessageLog

QUIT_AGAIN_S = 3.0
"""How long a second Ctrl+C means to quit."""

DEFAULT_THEME = "textual-dark"

_GC_THRESHOLDS = (20_000, 20, 50)
"""Every row that is drawn brings caches that collections walk through: fewer of them, between keys."""


class ChatroomApp(SteadyApp[int]):
    """Runs one conversation until one leaves; returns the exit code."""

    TITLE = "chatroom"
    CSS_PATH = CHAT_CSS
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider]]] = {EntriesProvider}  # type: ignore[assignment]  # narrower than App's
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True, id="app.quit"),
        Binding("ctrl+c", "help_quit", show=False, system=True, id="app.copy"),
    ]

    def __init__(self, launch: Launch) -> None:
        teach_keys()
        super().__init__(driver_class=driver_class())
        self._launch = launch
        self._keeper = Keeper()
        self._quit_asked_at = float("-inf")
        me = launch.profile.user_id
        day = partial(day_label, zone=None, lang=launch.texts.lang)
        words = LogWords(launch.texts, clock, day, me=me)
        self.chat = ChatScreen(
            Conversation(me, now_ms),
            launch.texts,
            MessageLog(words, id="log"),
            self._keeper,
            bell=launch.settings.bell,
        )
        self.live = Live(launch, self.chat, self._keeper)
        if launch.settings.theme in self.available_themes:
            self.theme = launch.settings.theme

    def get_default_screen(self) -> ChatScreen:
        """The conversation."""
        return self.chat

    def on_mount(self) -> None:
        """Begin once the first screen stands."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        _collect_from_now_on()
        self.run_worker(self.live.run(), group="live", exit_on_error=True)
        self.run_worker(self._keeper.run(), group="keeper")
        self.run_worker(self._open_log(), group="log")

    async def on_unmount(self) -> None:
        """Keep what is to be kept, however the screen came to its end."""
        await self.live.leave()
        await self._keeper.close()
        if self.chat.written is not None:
            await asyncio.to_thread(self.chat.written.close)

    async def _open_log(self) -> None:
        folders, texts = self._launch.log_folders, self._launch.texts
        written = await asyncio.to_thread(open_conversation_log, folders, texts, day=iso_day, clock=clock)
        if written is not None:
            written.know(self._launch.profile.user_id)
            self.chat.written = written

    def copy_to_clipboard(self, text: str) -> None:
        """Copy through the terminal (OSC 52), and say so."""
        super().copy_to_clipboard(text)
        self.notify(self._launch.texts._("Copied"), markup=False, timeout=2)

    def action_command_palette(self) -> None:
        """Find an action by some of its letters."""
        if not isinstance(self.screen, CommandPalette):
            placeholder = self._launch.texts._("Find an action")
            self.push_screen(CommandPalette(placeholder=placeholder, id="--command-palette"))

    def action_help_quit(self) -> None:
        """Ctrl+C without a selection says how to quit; a second one quits."""
        if monotonic() - self._quit_asked_at < QUIT_AGAIN_S:
            self.run_worker(self.action_quit())
            return
        self._quit_asked_at = monotonic()
        self.notify(self._launch.texts._("Press Ctrl+C again to quit"), markup=False, timeout=QUIT_AGAIN_S)

    async def action_quit(self) -> None:
        """Leave cleanly: drafts are kept, the others are told."""
        self.chat.keep_draft()
        await self.live.leave()
        self.exit(0)

    @on(ChatScreen.Left)
    async def _left(self) -> None:
        await self.action_quit()

    @on(ChatScreen.ReconnectAsked)
    def _reconnect(self) -> None:
        self.live.reconnect()

    @on(Live.Over)
    def _over(self, event: Live.Over) -> None:
        self.exit(event.code)


def _collect_from_now_on() -> None:
    """What stands by now stays: leave it out of every later collection."""
    if not gc.isenabled():
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        gc.enable()
