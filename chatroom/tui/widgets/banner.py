"""The line under the header that says how the link is, while there is something to say."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from time import monotonic

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from chatroom.common.texts import Texts

_TICK_S = 0.25
NARROW = 60
"""Cells; below, the line leaves out what is least needed."""


class LinkState(StrEnum):
    """How the link is; each has its own glyph, so that no colour is needed."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    RESTARTING = "restarting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Condition:
    """What the banner shows.

    Attributes:
        retry_at: When the next attempt begins, on the caller's monotonic clock, in seconds.
        reason: Inert; for `ENDED` the sentence.
        place: The server's address.
    """

    state: LinkState = LinkState.CONNECTING
    attempt: int = 1
    unsent: int = 0
    retry_at: float = 0.0
    reason: str = ""
    mend: str = ""
    place: str = ""


def sentence(condition: Condition, now: float, width: int, texts: Texts) -> str:
    """What to say about the link; nothing while it is online and all is sent."""
    _ = texts._
    seconds = max(1, round(condition.retry_at - now))
    unsent = _unsent(condition.unsent, texts)
    match condition.state:
        case LinkState.CONNECTING:
            place = condition.place
            connecting = _("connecting to {place}").format(place=place) if place else _("connecting")
            parts = ["… " + connecting, unsent]
        case LinkState.ONLINE:
            parts = []
        case LinkState.OFFLINE if width < NARROW:
            parts = ["⚠ " + _("offline, again in {seconds} s").format(seconds=seconds), unsent]
        case LinkState.OFFLINE:
            again = _("offline — again in {seconds} s (attempt {attempt})")
            again = again.format(seconds=seconds, attempt=condition.attempt)
            parts = ["⚠ " + again, condition.reason, unsent, _("F5 now")]
        case LinkState.RESTARTING:
            parts = ["↻ " + _("the server restarts, again in {seconds} s").format(seconds=seconds), unsent]
        case LinkState.ENDED:
            parts = ["✖ " + condition.reason, _("F5 connects again"), condition.mend, unsent]
    return " · ".join(part for part in parts if part)


def _unsent(count: int, texts: Texts) -> str:
    return texts.n("{count} unsent", "{count} unsent", count).format(count=count) if count else ""


class Banner(Static):
    """Says that one is connecting, offline (with a countdown) or blocked; away while all is well."""

    DEFAULT_CSS = """
    Banner {
        height: auto;
        max-height: 3;
        padding: 0 1;
        display: none;
        background: $warning-muted;
        color: $text-warning;
        &.-connecting { background: $panel; color: $text-muted; }
        &.-ended { background: $error-muted; color: $text-error; }
    }
    """

    def __init__(
        self,
        texts: Texts,
        *,
        clock: Callable[[], float] = monotonic,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(id=id, markup=False)
        self._clock = clock
        self._texts = texts
        self._timer: Timer | None = None
        self._said = ""
        self.condition = Condition()

    def on_mount(self) -> None:
        """Begin to count."""
        self._timer = self.set_interval(_TICK_S, self._say)
        self.show(self.condition)

    def show(self, condition: Condition) -> None:
        """Show how the link is now."""
        self.condition = condition
        self.set_class(condition.state is LinkState.CONNECTING, "-connecting")
        self.set_class(condition.state is LinkState.ENDED, "-ended")
        self._say()
        if self._timer is not None:
            counts = condition.state in (LinkState.OFFLINE, LinkState.RESTARTING)
            (self._timer.resume if counts else self._timer.pause)()

    def show_unsent(self, unsent: int) -> None:
        """Show another number of messages that wait."""
        if unsent != self.condition.unsent:
            self.show(replace(self.condition, unsent=unsent))

    def on_resize(self) -> None:
        """Say it shorter, or longer."""
        self._say()

    def _say(self) -> None:
        said = sentence(self.condition, self._clock(), self.app.size.width, self._texts)
        self.display = bool(said)
        if said != self._said:
            self._said = said
            self.update(Content(said))
