"""The full-screen client: puts screens, session and terminal together. No chat logic here."""

import gc
from time import monotonic
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Provider

from chatroom.tui.conversation import Conversation
from chatroom.tui.keeper import Keeper
from chatroom.tui.launch import Launch
from chatroom.tui.live import Live
from chatroom.tui.palette import EntriesProvider
from chatroom.tui.screens.chat import ChatScreen
from chatroom.tui.screens.chat_view import CHAT_CSS
from chatroom.tui.terminal import SteadyApp, driver_class, teach_keys
from chatroom.tui.times import clock, day_labels, now_ms
from chatroom.tui.widgets.log_words import LogWords
from chatroom.tui.widgets.message_log import MessageLog

QUIT_AGAIN_S = 3.0
"""How long a second Ctrl+C means to quit."""

DEFAULT_THEME = "textual-dark"


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
        words = LogWords(launch.texts, clock, day_labels(launch.texts.lang), me=me)
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
        """Connect; rubbish is only collected once the first screen stands."""
        self.run_worker(self.live.run(), group="live", exit_on_error=True)
        self.run_worker(self._keeper.run(), group="keeper")
        self.call_after_refresh(_collect_from_now_on)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy through the terminal (OSC 52), and say so."""
        super().copy_to_clipboard(text)
        self.notify(self._launch.texts._("Copied"), markup=False, timeout=2)

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
    gc.collect()
    gc.freeze()
    gc.enable()
