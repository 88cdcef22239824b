"""The conversation's panes before the conversation: drawn at once, while the rest of the program still loads.

It imports no more than it draws. Letters that come meanwhile are kept for the composer.
"""

from pathlib import Path
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from chatroom.common.texts import Texts
from chatroom.tui.widgets.banner import Banner
from chatroom.tui.widgets.header import RoomHeader

CHAT_CSS: Final = Path(__file__).with_name("chat.tcss")
"""For the app: Textual does not load the style sheet of a screen that is there from the beginning."""


class Panes(Screen[None]):
    """What the outline and the conversation have in common: how wide the panes are, and which are shown."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (100, "-wide")]  # noqa: RUF012  # as Textual has it


class Outline(Panes):
    """Shows empty panes.

    Attributes:
        typed: Keys and pastes that came meanwhile, oldest first.
    """

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts
        self.typed: list[events.Key | events.Paste] = []

    def compose(self) -> ComposeResult:
        """The panes, each as it looks with nothing in it."""
        _ = self._texts._
        header, banner = RoomHeader(id="header"), Banner(self._texts, id="banner")
        header.show("chatroom")
        banner.show(banner.condition)  # now: what is shown on mounting needs a frame of its own
        yield header
        yield banner
        with Horizontal(id="body"):
            yield Static(" " + _("ROOMS"), id="rooms", markup=False)
            with Vertical(id="talk"):
                yield Static(id="log")
                with Horizontal(id="write"):
                    yield Static("  › ", id="prompt", markup=False)
                    yield Static(id="composer")
            yield Static(id="people")

    def on_key(self, event: events.Key) -> None:
        """Keep a key."""
        self.typed.append(events.Key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Keep what was pasted."""
        self.typed.append(events.Paste(event.text))
