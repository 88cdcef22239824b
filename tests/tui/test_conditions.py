"""What the banner and the toasts say about the link."""

import pytest

from chatroom.client.events import Connecting, Ended, Offline, Online, PastReplaced, ServerProblem
from chatroom.common.texts import Texts
from chatroom.tui.conditions import announcements, condition_after
from chatroom.tui.widgets.banner import Condition, LinkState, sentence
from tests.tui.stage import room, welcome

NOW = 100.0


def said(condition: Condition, *, width: int = 120, now: float = NOW) -> str:
    return sentence(condition, now, width, Texts())


def test_connecting_names_the_place() -> None:
    assert said(Condition(place="127.0.0.1:9999")) == "… connecting to 127.0.0.1:9999"
    assert said(Condition()) == "… connecting", "before it is known"


def test_online_says_nothing() -> None:
    online = condition_after(Condition(), Online(welcome(room("general")), b"k", again=False), NOW)
    assert said(online) == ""


def test_offline_counts_down_and_keeps_its_words_while_it_tries() -> None:
    offline = condition_after(Condition(), Offline("gone", 4.0, 1, 2), NOW)
    assert said(offline) == "⚠ offline — again in 4 s (attempt 1) · gone · 2 unsent · F5 now"
    assert said(offline, now=NOW + 3) == "⚠ offline — again in 1 s (attempt 1) · gone · 2 unsent · F5 now"
    for late in (3.9, 4, 60):
        assert "again in 1 s" in said(offline, now=NOW + late), "never: in 0 s"
    assert said(offline, width=40) == "⚠ offline, again in 4 s · 2 unsent"
    trying = condition_after(offline, Connecting(2), NOW + 4)
    assert trying.state is LinkState.OFFLINE


def test_a_restart_and_an_end_have_their_own_glyphs() -> None:
    assert said(condition_after(Condition(), Offline("", 2.0, 1, 0, restarting=True), NOW)).startswith("↻")
    ended = condition_after(Condition(), Ended("closed", "It is over.\x1b[31m", "Go home."), NOW)
    assert said(ended) == "✖ It is over. · F5 connects again · Go home."


@pytest.mark.parametrize(
    ("event", "sentences"),
    [
        (Online(welcome(room("general")), b"k", again=True), []),
        (ServerProblem("internal", "oh [/x]\x1b[2J"), ["oh [/x]"]),
        (PastReplaced("restored"), ["restored"]),
    ],
)
def test_what_is_announced(event: ServerProblem | PastReplaced | Online, sentences: list[str]) -> None:
    assert announcements(event, Texts()) == sentences


def test_coming_back_and_a_second_client_are_announced() -> None:
    import msgspec

    back = msgspec.structs.replace(welcome(room("general")), back=True, links=2)
    first, second = announcements(Online(back, b"k", again=False), Texts())
    assert first == "Welcome back it4!"
    assert "--as" in second
