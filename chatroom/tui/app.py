"""The full-screen client: puts screens, session and terminal together. No chat logic here.

What the outline does not need is imported where it is used first, behind the first frame.
"""

import asyncio
import gc
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider

from chatroom.tui.launch import Launch
from chatroom.tui.palette import EntriesProvider
from chatroom.tui.screens.outline import CHAT_CSS, Outline
from chatroom.tui.terminal import SteadyApp, driver_class, teach_keys

if TYPE_CHECKING:
    from chatroom.tui.keeper import Keeper
    from chatroom.tui.live import Live
    from chatroom.tui.screens.chat import ChatScreen
    from chatroom.tui.screens.interruption import Interruption

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
        Binding("ctrl+z", "suspend_process", show=False, priority=True, id="app.stop"),
        Binding("ctrl+c", "help_quit", show=False, system=True, id="app.copy"),
    ]

    def __init__(self, launch: Launch) -> None:
        teach_keys()
        super().__init__(driver_class=driver_class())
        self._launch = launch
        self._outline = Outline(launch.texts)
        self._quit_asked_at = float("-inf")
        self._is_leaving = False
        if launch.settings.theme in self.available_themes:
            self.theme = launch.settings.theme

    @cached_property
    def chat(self) -> "ChatScreen":
        """The conversation."""
        from chatroom.tui.opening import make_chat

        return make_chat(self._launch, self._keeper)

    @cached_property
    def live(self) -> "Live":
        """The connection."""
        from chatroom.tui.live import Live

        return Live(self._launch, self.chat, self._keeper)

    @cached_property
    def _keeper(self) -> "Keeper":
        from chatroom.tui.keeper import Keeper

        return Keeper()

    def get_default_screen(self) -> Outline:
        """What is drawn first."""
        return self._outline

    def on_mount(self) -> None:
        """Begin once the first screen stands."""
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        """Put the conversation over the outline; keys that come meanwhile wait behind those it kept."""
        if not self._is_leaving:
            await self.push_screen(self.chat)
        if self._is_leaving:  # who quits at once does not wait for the conversation
            return
        self.chat.set_focus(self.chat.composer)
        for event in self._outline.typed:
            self.chat.composer.post_message(event)
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
        from chatroom.conversation_log import open_conversation_log
        from chatroom.dates import clock
        from chatroom.tui.times import iso_day

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
        self._is_leaving = True
        self.chat.keep_draft()
        await self.live.leave()
        self.exit(0)

    async def on_chat_screen_left(self) -> None:
        """One wants to leave."""
        await self.action_quit()

    def on_chat_screen_reconnect_asked(self) -> None:
        """One does not want to wait for the next attempt."""
        self.live.reconnect()

    def on_interruption_typed(self, event: "Interruption.Typed") -> None:
        """One went on writing when a question came up."""
        self.chat.composer.post_message(event.event)

    def on_live_over(self, event: "Live.Over") -> None:
        """There is nothing left to do."""
        self.exit(event.code)


def _collect_from_now_on() -> None:
    """What stands by now stays, as modules do: no collection has to look at it, not even a first one."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        gc.enable()
