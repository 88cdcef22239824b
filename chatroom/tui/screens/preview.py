"""A picture as others will see it, before it is sent."""

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatroom.common.grid import fit
from chatroom.common.texts import Texts

if TYPE_CHECKING:
    from chatroom.media import Picture

_FRAME_CELLS = 6
"""Columns that the frame and its padding take."""


class PreviewScreen(ModalScreen[bool]):
    """Shows a drawn picture; Enter sends it, Escape does not."""

    DEFAULT_CSS = """
    PreviewScreen {
        align: center middle;
        & > VerticalScroll {
            width: auto;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 0 2;
            border: round $primary;
            border-title-color: $text;
            background: $surface;
        }
        & .picture { width: auto; height: auto; background: black; color: white; }
        & .hint { width: auto; color: $text-muted; margin-top: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", show=False, priority=True),
        Binding("escape", "answer(False)", show=False, priority=True),
    ]

    def __init__(self, picture: "Picture", room: str, texts: Texts) -> None:
        super().__init__()
        self._picture = picture
        self._room = room
        self._texts = texts

    def compose(self) -> ComposeResult:
        """The picture, its caption, and what the keys do."""
        from chatroom.media import rich_lines

        _ = self._texts._
        grid = fit(self._picture.grid, max(8, self.app.size.width - _FRAME_CELLS))
        hint = _("Enter sends it to {room}, Esc does not").format(room=self._room)
        with VerticalScroll() as box:
            box.border_title = Content(self._picture.caption)
            yield Static(Text("\n").join(rich_lines(grid, color=not self.app.no_color)), classes="picture")
            yield Static(Content(hint), classes="hint")

    def action_answer(self, answer: bool) -> None:
        """Close with an answer."""
        self.dismiss(answer)
