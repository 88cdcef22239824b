"""Many programs of one person at once: everything is stored once, and nobody is announced."""

from collections import Counter
from collections.abc import Callable

from tests.e2e.terminal import PATIENCE_S
from tests.e2e.world import Person

_SENDERS = 10
_LINES = 40


def test_ten_senders_beside_a_full_screen_lose_and_double_nothing(person: Callable[..., Person]) -> None:
    it4, zoe = person("it4"), person("zoé")
    assert it4.script("send", "general", "first").returncode == 0  # and the server is known from now on
    with zoe.plain() as watching, it4.full_screen("--room", "general") as screen:
        watching.wait_for("Notice: it4 joined the room")
        senders = [it4.start_script("send", "general") for _ in range(_SENDERS)]
        for name, sender in enumerate(senders):
            assert sender.stdin is not None
            sender.stdin.write(b"".join(b"%d/%d\n" % (name, line) for line in range(_LINES)))
            sender.stdin.close()
            sender.stdin = None
        screen.type("typed meanwhile\r")
        for sender in senders:
            _output, errors = sender.communicate(timeout=PATIENCE_S)
            assert (sender.returncode, errors) == (0, b"")
        watching.wait_for(
            lambda _text: b"it4 said: typed meanwhile" in watching.raw
        )  # it may have scrolled by
        assert zoe.script("send", "general", "the last one").returncode == 0
        watching.wait_for("You said: the last one")
        screen.wait_for("the last one")
        said = watching.raw.decode(errors="replace")
        assert said.count("Notice: ") == 1, "the full screen was announced, and no script"
        assert "Welcome back" not in said
    bodies = [line["body"] for line in it4.history()]
    expected = [f"{name}/{line}" for name in range(_SENDERS) for line in range(_LINES)]
    assert Counter(bodies) == Counter(["first", *expected, "typed meanwhile", "the last one"])
    for name in range(_SENDERS):
        own = [body for body in bodies if body.startswith(f"{name}/")]
        assert own == [f"{name}/{line}" for line in range(_LINES)], "each sender's lines keep their order"
