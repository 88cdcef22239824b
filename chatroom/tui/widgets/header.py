"""The top line: which room this is, and its topic."""

from textual.content import Content
from textual.widgets import Static


class RoomHeader(Static):
    """Shows the name of the current room, its topic, and what is special about it."""

    DEFAULT_CSS = """
    RoomHeader {
        height: 1;
        padding: 0 1;
        background: $panel;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def show(self, name: str, topic: str = "", note: str = "") -> None:
        """Show a room. All texts are inert; nothing in them is markup.

        Args:
            note: Such as `read-only`.
        """
        self.update(
            Content.assemble(
                (name, "bold $text-primary"),
                *([("  " + note, "$text-warning")] if note else []),
                *([("  " + topic, "$text-muted")] if topic else []),
            )
        )
