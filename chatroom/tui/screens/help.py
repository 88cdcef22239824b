"""F1: every key and every command with a line of help."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatroom.common.texts import Texts
from chatroom.model.commands import COMMANDS
from chatroom.tui.keys import KEYS


class HelpScreen(ModalScreen[None]):
    """Lists keys and commands; Escape, F1 or Q closes it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 90;
            max-width: 100%;
            height: 90%;
            padding: 0 2;
            border: round $primary;
            border-title-color: $text;
            background: $surface;
        }
        & Horizontal { height: auto; }
        & .help-name { width: 40%; max-width: 26; text-style: bold; padding-right: 1; }
        & .help-summary { width: 1fr; color: $text-muted; }
        & .help-heading { text-style: bold; color: $text-primary; margin-top: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "close", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts

    def compose(self) -> ComposeResult:
        """Two tables."""
        _ = self._texts._
        with VerticalScroll() as box:
            box.border_title = Content(_("Help"))
            yield Static(Content(_("Keys")), classes="help-heading")
            for key in KEYS:
                yield self._row(key.shown, _(key.label))
            yield Static(Content(_("Commands")), classes="help-heading")
            for info in COMMANDS.values():
                if not info.plain_only:
                    yield self._row(info.usage, _(info.summary))
            yield Static(Content(_("A text that begins with / is sent when you write // instead.")))

    def action_close(self) -> None:
        """Go back to the conversation."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Move the text."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _row(self, name: str, summary: str) -> Horizontal:
        return Horizontal(
            Static(Content(name), classes="help-name"), Static(Content(summary), classes="help-summary")
        )
