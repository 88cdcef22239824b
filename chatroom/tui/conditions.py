"""What the session's events say about the link, for the banner and for toasts."""

from dataclasses import replace

from chatroom.client.events import (
    Connecting,
    Ended,
    Offline,
    Online,
    PastReplaced,
    ServerProblem,
    SessionEvent,
)
from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.tui.widgets.banner import Condition, LinkState


def condition_after(condition: Condition, event: SessionEvent, now: float) -> Condition:
    """How the link is after an event.

    Args:
        now: The banner's monotonic clock, in seconds.
    """
    match event:
        case Connecting(attempt):
            # While it is tried again the countdown stays: a banner that flickers tells less.
            is_first = condition.state in (LinkState.CONNECTING, LinkState.ENDED)
            state = LinkState.CONNECTING if is_first else condition.state
            return replace(condition, state=state, attempt=attempt)
        case Online():
            return replace(condition, state=LinkState.ONLINE, attempt=0, reason="", mend="")
        case Offline():
            return replace(
                condition,
                state=LinkState.RESTARTING if event.restarting else LinkState.OFFLINE,
                attempt=event.attempt,
                unsent=event.unsent,
                retry_at=now + event.retry_in_s,
                reason=one_line(event.reason),
            )
        case Ended():
            return replace(
                condition, state=LinkState.ENDED, reason=one_line(event.reason), mend=one_line(event.mend)
            )
    return condition


def announcements(event: SessionEvent, texts: Texts) -> list[str]:
    """Sentences to show for a moment; inert."""
    _ = texts._
    match event:
        case Online(welcome=welcome, again=False):
            said = []
            if welcome.back:
                said.append(_("Welcome back {nick}!").format(nick=one_line(welcome.nick)))
            if welcome.links > 1:
                said.append(_("You are here more than once. To be somebody else: chatroom --as NAME"))
            return said
        case PastReplaced(reason) | ServerProblem(reason=reason):
            return [one_line(reason)]
    return []
