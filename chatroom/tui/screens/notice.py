"""Lines to read, select and copy: an invitation, the people of a room."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatroom.common.texts import Texts


class NoticeScreen(ModalScreen[None]):
    """Shows inert lines under a title; Escape or Enter closes it.

    Args:
        copied: What C copies; empty for nothing.
    """

    DEFAULT_CSS = """
    NoticeScreen {
        align: center middle;
        & > VerticalScroll {
            width: 80;
            max-width: 100%;
            height: auto;
            max-height: 90%;
            padding: 1 2;
            border: round $primary;
            border-title-color: $text;
            background: $surface;
        }
        & .hint { color: $text-muted; margin-top: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", show=False),
        Binding("c", "copy", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[str], texts: Texts, *, copied: str = "") -> None:
        super().__init__()
        self._heading = title
        self._lines = lines
        self._texts = texts
        self._copied = copied

    def compose(self) -> ComposeResult:
        """The lines, and what the keys do."""
        _ = self._texts._
        with VerticalScroll() as box:
            box.border_title = Content(self._heading)
            for line in self._lines:
                yield Static(Content(line))
            hint = _("C copies, Esc closes") if self._copied else _("Esc closes")
            yield Static(Content(hint), classes="hint")

    def action_close(self) -> None:
        """Go back to the conversation."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy through the terminal (OSC 52)."""
        if self._copied:
            self.app.copy_to_clipboard(self._copied)
            self.app.notify(self._texts._("Copied"), markup=False)
