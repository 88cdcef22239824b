"""The keys of the conversation: one table for bindings, palette and help."""

import sys
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table.

    Attributes:
        id: For rebinding.
        keys: As Textual names them, separated by commas.
        shown: As people read them.
        action: The action's name; empty where a widget has the binding.
        label: One line of help, in English; translated where it is shown.
        in_palette: Whether the palette offers it too.
    """

    id: str
    keys: str
    shown: str
    action: str
    label: str
    in_palette: bool = True


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


_STOP: Final = (
    ()
    if sys.platform == "win32"
    else (
        Key(
            "app.stop", "ctrl+z", "Ctrl+Z", "app.suspend_process", _("Go back to the shell; fg there returns")
        ),
    )
)

KEYS: Final[tuple[Key, ...]] = (
    Key("composer.send", "enter", "Enter", "", _("Send"), in_palette=False),
    Key("composer.new-line", "ctrl+j", "Ctrl+J, Alt+Enter, Shift+Enter, \\ Enter", "", _("New line"), False),
    Key("composer.history", "up", "Up, Down", "", _("What you sent before"), in_palette=False),
    Key("composer.complete", "tab", "Tab", "", _("Complete a nick, #room or /command"), in_palette=False),
    Key("composer.undo", "ctrl+underscore", "Ctrl+_, Ctrl+Y", "", _("Undo, and redo, what you typed"), False),
    Key("log.page-up", "pageup", "PgUp", "screen.log_page_up", _("Scroll up"), in_palette=False),
    Key("log.page-down", "pagedown", "PgDn", "screen.log_page_down", _("Scroll down"), in_palette=False),
    Key("log.oldest", "ctrl+home", "Ctrl+Home", "screen.log_oldest", _("Go to the first message")),
    Key("log.newest", "ctrl+end", "Ctrl+End", "screen.log_newest", _("Go to the newest message")),
    Key("log.read", "escape", "Esc", "screen.read", _("Go to the newest message and mark all as read")),
    Key("room.next", "alt+down", "Alt+Down", "screen.next_room(1)", _("Next room")),
    Key("room.previous", "alt+up", "Alt+Up", "screen.next_room(-1)", _("Previous room")),
    Key("outbox.retry", "alt+r", "Alt+R", "screen.retry", _("Send the oldest message that failed again")),
    Key("outbox.discard", "alt+d", "Alt+D", "screen.discard", _("Throw the oldest message that failed away")),
    Key("app.help", "f1", "F1", "screen.help", _("Show keys and commands")),
    Key("pane.rooms", "f2", "F2", "screen.toggle_rooms", _("Show or hide the rooms")),
    Key("pane.people", "f3", "F3", "screen.toggle_people", _("Show or hide the people")),
    Key("link.reconnect", "f5", "F5", "screen.reconnect", _("Connect again now")),
    Key("app.palette", "ctrl+p", "Ctrl+P", "", _("Find an action"), in_palette=False),
    Key("app.copy", "ctrl+c", "Ctrl+C", "", _("Copy what is selected; twice: quit"), in_palette=False),
    *_STOP,
    Key("app.quit", "ctrl+q", "Ctrl+Q", "app.quit", _("Leave chatroom")),
)


def bindings() -> list[Binding]:
    """The keys of the conversation, for when nothing in it has the focus."""
    return [
        Binding(key.keys, key.action, key.label, show=False, id=key.id)
        for key in KEYS
        if key.action.startswith("screen.")
    ]


def actions() -> dict[str, str]:
    """What the same keys do while one writes."""
    return {key.keys: key.action for key in KEYS if key.action.startswith("screen.")}
