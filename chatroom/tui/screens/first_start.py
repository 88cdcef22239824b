"""The first start: choose a nick, then a room to begin in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol.frames import RoomInfo
from chatroom.tui.screens.interruption import Interruption

Check = Callable[[str], str]
"""Says what is wrong with a name, as a sentence; empty for nothing."""

_BOX_CSS = """
    align: center middle;
    & > Vertical {
        width: 64;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        padding: 1 2;
        border: round $primary;
        background: $surface;
    }
    & .title { text-style: bold; margin-bottom: 1; }
    & .problem { color: $text-error; height: auto; min-height: 1; }
    & .hint { color: $text-muted; }
"""


class NickScreen(ModalScreen[str | None]):
    """Asks for a nick, and checks it as it is typed; Escape gives None.

    Args:
        check: What is wrong with a nick.
        problem: Why the server did not take the last one, to begin with.
    """

    DEFAULT_CSS = f"NickScreen {{ {_BOX_CSS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", show=False)]

    def __init__(self, texts: Texts, check: Check, *, nick: str = "", problem: str = "") -> None:
        super().__init__()
        self._texts = texts
        self._check = check
        self._nick = nick
        self._problem = problem

    def compose(self) -> ComposeResult:
        """A field, and below it what is wrong."""
        _ = self._texts._
        with Vertical():
            yield Static(Content(_("What shall others call you?")), classes="title")
            yield Input(self._nick, placeholder=_("Your nick"), id="nick")
            yield Static(Content(self._problem), classes="problem")
            yield Static(Content(_("Enter goes on, Esc leaves.")), classes="hint")

    def action_give_up(self) -> None:
        """Close without a nick."""
        self.dismiss(None)

    @on(Input.Changed)
    def _show_problem(self, changed: Input.Changed) -> None:
        if changed.value != self._nick:  # the server's complaint stays until something is typed
            problem = self._check(changed.value) if changed.value.strip() else ""
            self.query_one(".problem", Static).update(Content(problem))

    @on(Input.Submitted)
    def _accept(self, submitted: Input.Submitted) -> None:
        nick = submitted.value.strip()
        problem = self._check(nick)
        if problem:
            self.query_one(".problem", Static).update(Content(problem))
        else:
            self.dismiss(nick)


@dataclass(frozen=True, slots=True)
class RoomChoice:
    """The room to begin in.

    Attributes:
        create: It is to be made.
    """

    name: str
    create: bool = False


class RoomScreen(Interruption[RoomChoice | None]):
    """Lists the rooms there are, and offers to make a new one; Escape gives None.

    What is written while no name is asked for is for the room that is being chosen.

    Args:
        default: The id of the room that is offered first.
        is_first: One begins here; else one looks for another room.
        check: What is wrong with a room's name.
        clock: Monotonic, in seconds.
    """

    DEFAULT_CSS = f"""
    RoomScreen {{
        {_BOX_CSS}
        & OptionList {{ height: auto; max-height: 14; margin-bottom: 1; }}
        & Input {{ display: none; }}
        &.-naming Input {{ display: block; }}
    }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", show=False)]

    def __init__(
        self,
        texts: Texts,
        rooms: Sequence[RoomInfo],
        check: Check,
        *,
        default: str = "",
        is_first: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(clock=clock)
        self._texts = texts
        self._is_first = is_first
        self._rooms = sorted(rooms, key=lambda room: (room.id != default, room.name.casefold()))
        self._check = check

    def compose(self) -> ComposeResult:
        """The rooms, then the new one."""
        _ = self._texts._
        title = _("Where do you want to begin?") if self._is_first else _("The rooms of this server")
        hint = _("Enter goes on. More rooms later: /rooms, /join, /create.")
        if not self._is_first:
            hint = _("Enter opens, Esc closes.")
        options = [Option(self._room(room), id=f"room-{at}") for at, room in enumerate(self._rooms)]
        with Vertical():
            yield Static(Content(title), classes="title")
            yield OptionList(*options, Option(Content("+ " + _("A new room …")), id="new"), markup=False)
            yield Input(placeholder=_("Name of the new room"))
            yield Static(classes="problem", markup=False)
            yield Static(Content(hint), classes="hint")

    def on_mount(self) -> None:
        """Offer the first one."""
        self.query_one(OptionList).highlighted = 0

    def action_back(self) -> None:
        """Leave the naming, or close without a room."""
        if self.has_class("-naming"):
            self.remove_class("-naming")
            self.query_one(OptionList).focus()
        else:
            self.dismiss(None)

    def _room(self, room: RoomInfo) -> Content:
        people = self._texts.n("{count} member", "{count} members", room.members).format(count=room.members)
        topic = f" · {one_line(room.topic)}" if room.topic else ""
        return Content.assemble((f"#{one_line(room.name)}", "bold"), (f"  {people}{topic}", "$text-muted"))

    @on(OptionList.OptionSelected)
    def _choose(self, selected: OptionList.OptionSelected) -> None:
        if not self.is_settled:
            return
        if selected.option_id == "new":
            self.add_class("-naming")
            self.query_one(Input).focus()
        else:
            self.dismiss(RoomChoice(self._rooms[selected.option_index].name))

    @on(Input.Changed)
    def _show_problem(self, changed: Input.Changed) -> None:
        problem = self._check(changed.value.lstrip("#")) if changed.value.strip() else ""
        self.query_one(".problem", Static).update(Content(problem))

    @on(Input.Submitted)
    def _create(self, submitted: Input.Submitted) -> None:
        name = submitted.value.strip().lstrip("#")
        problem = self._check(name)
        if problem:
            self.query_one(".problem", Static).update(Content(problem))
        else:
            self.dismiss(RoomChoice(name, create=True))
