"""The full screen in a terminal, with a real server."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.terminal import Terminal, client_command
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]


@contextmanager
def in_general(person: Person, columns: int = 120, rows: int = 36) -> Iterator[Terminal]:
    """A person's full screen, past the questions of the first start."""
    with person.full_screen(columns=columns, rows=rows) as terminal:
        terminal.wait_for("Trust it")
        terminal.press("tab", "enter")
        terminal.wait_for("Where do you want to begin?")
        terminal.press("enter")
        terminal.wait_for("#general ›")
        yield terminal


def test_the_first_start_asks_for_trust_and_a_room_and_two_people_talk(person: MakePerson) -> None:
    with in_general(person("it4")) as it4, in_general(person("zoé"), 80, 24) as zoe:
        it4.wait_for("zoé")
        it4.type("été à la plage 🏖\r")
        zoe.wait_for(lambda text: re.search(r"\[\d\d:\d\d\] +it4 │ été à la plage", text))
        zoe.type("j'arrive\r")
        it4.wait_for(lambda text: re.search(r"\[\d\d:\d\d\] +zoé │ j'arrive", text))
        it4.press("ctrl+q")
        assert it4.wait_end() == 0
        zoe.press("ctrl+c")
        zoe.wait_for("Ctrl+C")
        assert zoe.process.poll() is None
        zoe.press("ctrl+c")
        assert zoe.wait_end() == 0


def test_a_nick_is_asked_for_and_remembered(server: Server, tmp_path: Path) -> None:
    command = client_command("-a", "127.0.0.1", "-p", str(server.port))
    env = environment(tmp_path / "home")
    with Terminal(command, env=env, columns=80, rows=24) as terminal:
        terminal.wait_for("Trust it")
        terminal.press("tab", "enter")
        terminal.wait_for("What shall others call you?")
        terminal.press("ctrl+u")
        terminal.wait_for("Your nick")
        terminal.type("Zoé\r")
        terminal.wait_for("Where do you want to begin?")
        terminal.press("enter")
        terminal.wait_for("#general ›")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    with Terminal(command, env=env) as terminal:
        terminal.wait_for("● Zoé")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp"])
def test_pictures_arrive_as_characters(person: MakePerson, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"two colours.{suffix}"
    picture(path)
    with in_general(person("it4")) as it4, in_general(person("zoé"), 80, 24) as zoe:
        it4.paste(f"'{path}'")
        it4.wait_for(drawn)
        assert not drawn(zoe.text())
        it4.press("enter")
        zoe.wait_for(path.name)
        zoe.wait_for(drawn)
        it4.wait_for(lambda text: drawn(text) and f"│ {path.name}" in text)
    (line,) = person("it4").history()
    assert line["kind"] == "image"
    assert len(line["grid"]) <= 32 * 1024


def test_ten_thousand_messages_are_scrolled_from_end_to_end(person: MakePerson) -> None:
    count = 10_000
    it4 = person("it4")
    assert it4.script("send", "general", data=numbered(1, count)).returncode == 0
    with in_general(person("zoé"), 80, 24) as zoe:
        zoe.wait_for(f"message {count}.")
        zoe.press("pageup", "pageup", "pageup")
        zoe.wait_for(lambda text: run(text) and 30 < count - run(text)[-1] < 100)
        zoe.press("ctrl+home")
        zoe.wait_for(lambda text: run(text)[:1] == [1])
        zoe.press("pagedown", "pagedown")
        zoe.wait_for(lambda text: run(text)[:1] > [20])
        zoe.resize(120, 36)
        zoe.wait_for(lambda text: "ONLINE" in text and len(run(text)) > 25)
        zoe.press("ctrl+end")
        zoe.wait_for(lambda text: run(text)[-1:] == [count])
        assert it4.script("send", "general", "and one more").returncode == 0
        zoe.wait_for("and one more")


def test_a_server_that_dies_loses_and_doubles_nothing(person: MakePerson, server: Server) -> None:
    both = [person("it4"), person("zoé")]
    with in_general(both[0]) as it4, in_general(both[1], 80, 24) as zoe:
        say_all(it4, zoe, "before")
        zoe.wait_for("it4 before 3")
        it4.wait_for("zoé before 3")
        say_all(it4, zoe, "meanwhile")
        server.kill()
        say_all(it4, zoe, "away")
        for terminal in (it4, zoe):
            terminal.wait_for("offline")
            terminal.wait_for("pending")
        server.start()
        for terminal in (it4, zoe):
            terminal.wait_gone("offline")
            terminal.wait_gone("pending")
        say_all(it4, zoe, "after")
        for terminal in (it4, zoe):
            for nick in ("it4", "zoé"):
                terminal.wait_for(f"{nick} after 3")
                terminal.wait_gone("pending")
        said = [line["body"] for line in both[0].history()]
        zoe.wait_for(lambda text: spoken(text) == said[-len(spoken(text)) :])
        it4.wait_for(lambda text: spoken(text) == said)
        zoe.wait_for(lambda text: not re.search(r"▸#general +\d", text))
    for nick in ("it4", "zoé"):
        whens = ("before", "meanwhile", "away", "after")
        typed = [f"{nick} {when} {n}" for when in whens for n in (1, 2, 3)]
        assert [body for body in said if body.startswith(nick)] == typed


def spoken(text: str) -> list[str]:
    """What was said by `say_all`, from the top to the bottom of the screen."""
    return re.findall(r"(?:it4|zoé) (?:before|meanwhile|away|after) \d", text)


def say_all(it4: Terminal, zoe: Terminal, when: str) -> None:
    """Have both type three messages."""
    for n in (1, 2, 3):
        it4.type(f"it4 {when} {n}\r")
        zoe.type(f"zoé {when} {n}\r")


def numbered(first: int, last: int) -> bytes:
    """Lines that tell their number."""
    return "".join(f"message {n}.\n" for n in range(first, last + 1)).encode()


def run(text: str) -> list[int]:
    """The numbers of the messages from the top to the bottom of the screen; empty where one is missing.

    (A terminal can be looked at while it is being painted.)
    """
    numbers = [int(number) for number in re.findall(r"message (\d+)\.", text)]
    is_whole = len(numbers) > 10 and numbers == list(range(numbers[0], numbers[-1] + 1))
    return numbers if is_whole else []


def picture(path: Path) -> None:
    """Write a picture whose left half is dark red and whose right half is a bright yellow."""
    image = Image.new("RGB", (120, 60), (90, 10, 10))
    image.paste((250, 240, 60), (60, 0, 120, 60))
    image.save(path)


def drawn(text: str) -> bool:
    """Whether the picture stands on the screen: rows of one character, then of another."""
    return len(re.findall(r"(\S)\1{9,}.{0,9}(?!\1)(\S)\2{9,}", text)) >= 5
