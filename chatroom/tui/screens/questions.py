"""Questions that have to be answered before anything else: each returns its answer."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from chatroom.common.texts import Texts
from chatroom.tui.screens.interruption import Interruption

_LOOK_S: Final = 0.05
"""How often it is looked whether the answers may come into sight."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask.

    Attributes:
        paragraphs: Inert sentences; nothing in them is markup.
        yes: What the button says that returns True.
        no: The other one; empty where there is nothing to choose.
        alarming: Something may be wrong.
    """

    title: str
    paragraphs: tuple[str, ...]
    yes: str
    no: str = ""
    alarming: bool = False


class QuestionScreen(Interruption[bool]):
    """Asks a question; Escape says no. Its answers come into sight once it could be read.

    On a small terminal it scrolls: Enter on an answer that is out of sight only brings it into sight.

    Args:
        clock: Monotonic, in seconds.
    """

    DEFAULT_CSS = """
    QuestionScreen {
        align: center middle;
        & > VerticalScroll {
            width: 72;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 0 1;
            border: round $primary;
            background: $surface;
        }
        &.-alarming > VerticalScroll { border: round $error; }
        & .title { text-style: bold; margin-bottom: 1; }
        & .paragraph { margin-bottom: 1; }
        & Horizontal { height: auto; visibility: hidden; }
        &.-settled Horizontal { visibility: visible; }
        & Button { margin-right: 2; }
        &.-narrow Horizontal { layout: vertical; }
        &.-narrow Button { width: 100%; height: auto; min-width: 0; margin-right: 0; }
    }
    """

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012  # as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", show=False),
        Binding("left,right", "turn", show=False),
    ]

    def __init__(self, question: Question, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(clock=clock, classes="-alarming" if question.alarming else "")
        self._question = question
        self._stirred_at = float("inf")  # until it can be read

    def compose(self) -> ComposeResult:
        """The sentences, and a button for each answer."""
        question = self._question
        with VerticalScroll(can_focus=False):
            yield Static(Content(question.title), classes="title")
            for paragraph in question.paragraphs:
                yield Static(Content(paragraph), classes="paragraph")
            with Horizontal():
                if question.no:
                    yield Button(Content(question.no), id="no", compact=True)
                yield Button(Content(question.yes), id="yes", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Let it be read."""
        self.call_after_refresh(self.stir)
        self.set_interval(_LOOK_S, self._offer_answers)

    def _offer_answers(self) -> None:
        """Begin on the careful answer, with the first sentence in sight."""
        if self.is_settled != self.has_class("-settled"):
            self.set_class(self.is_settled, "-settled")
            self.call_after_refresh(self._focus_first)

    def _focus_first(self) -> None:
        if self.is_settled and not isinstance(self.focused, Button):
            self.query(Button).first().focus(scroll_visible=False)

    def action_turn(self) -> None:
        """Go to the other answer."""
        self.focus_next(Button)

    def action_answer(self, answer: bool) -> None:
        """Close with an answer, if it could be read."""
        if self.is_settled:
            self.dismiss(answer)

    @on(Button.Pressed)
    def _answer(self, pressed: Button.Pressed) -> None:
        if self._is_in_sight(pressed.button):
            self.action_answer(pressed.button.id == "yes")
        else:
            pressed.button.scroll_visible(animate=False)

    def _is_in_sight(self, button: Button) -> bool:
        shown = self.query_one(VerticalScroll).scrollable_content_region.intersection(button.region)
        return bool(shown) and shown.height == button.region.height


def trust_question(place: str, fingerprint: str, texts: Texts) -> Question:
    """Whether to trust a server that is met for the first time."""
    _ = texts._
    return Question(
        title=_("You have never been on this server"),
        paragraphs=(
            place,
            _("Its key is {fingerprint}").format(fingerprint=fingerprint),
            _("Compare it with what the server's operator told you. Nobody else can pass for it then."),
        ),
        yes=_("Trust it"),
        no=_("Leave"),
    )


def key_changed_question(reason: str, mend: str, texts: Texts) -> Question:
    """Says that a server has another key than before, and that nothing is sent to it.

    Args:
        reason: The sentence that names both keys.
        mend: What to do about it.
    """
    _ = texts._
    return Question(
        title=_("This is not the server that you know"),
        paragraphs=(
            reason,
            _("Somebody may pass for it, or it was set up anew. Ask its operator."),
            mend,
        ),
        yes=_("Read what is stored here"),
        alarming=True,
    )
