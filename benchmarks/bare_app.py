"""A Textual app with nothing of its own: what the start of the full screen is measured against."""

from typing import Final

from textual.app import App, ComposeResult
from textual.widgets import Header, Input, Static

MARK: Final = "nothing but a text"


class BareApp(App[None]):
    """Shows a header, a text and an input."""

    def compose(self) -> ComposeResult:
        """The three."""
        yield Header()
        yield Static(MARK)
        yield Input()


if __name__ == "__main__":
    BareApp().run()
