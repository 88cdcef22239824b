"""The bot at a real server, beside people who use the product's own programs."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.world import Person, Server
from tests.examples.programs import Program


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server on a free port, without limits on how fast one may send."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "server.conf").write_text("BURST=0\nRATE=0\nHISTORY_FLUSH_S=0.2\n")
    server = Server(folder, "--config", str(folder / "server.conf"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the bot has its files."""
    home = tmp_path / "bot"
    for name, value in (("CHATROOM_HOME", home), ("HOME", home), ("LANG", "C.UTF-8")):
        monkeypatch.setenv(name, str(value))
    return home


@contextmanager
def run_bot(server: Server, *arguments: str) -> Iterator[Program]:
    with Program("bot/dice_bot.py", "-p", str(server.port), *arguments) as bot:
        bot.wait_for("Listening in ")
        yield bot


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def say(person: Person, *texts: str, room: str = "general") -> None:
    done = person.script("send", room, "--create", data="\n".join(texts).encode())
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def heard(person: Person, room: str = "general") -> Iterator[Callable[[], str]]:
    """What others say in a room, line by line, in the words of `chatroom tail`."""
    with person.start_script("tail", room) as tail:
        assert tail.stdout is not None
        lines = (line.decode().split("] ", 1)[1].rstrip() for line in iter(tail.stdout.readline, b""))
        others = (line for line in lines if not line.startswith(f"{person.nick} said: "))
        try:
            yield lambda: next(others)
        finally:
            tail.kill()


def test_the_bot_greets_and_rolls_dice(server: Server, home: Path, tmp_path: Path) -> None:
    zoe = Person(tmp_path / "zoe", server, "zoe")
    say(zoe, "@dice before it came", room="dev")
    invitation = f"chatroom://127.0.0.1:{server.port}/dev"
    with Program("bot/dice_bot.py", invitation) as bot, heard(zoe, "dev") as hear:
        bot.wait_for(f"Listening in dev on 127.0.0.1:{server.port} as dice")
        say(zoe, "dice, not you", "@dicey neither", "@dice hello", "@Dice: 2d6!", room="dev")
        assert hear() == "dice said: Hello zoe! I roll dice: say @dice 2d6."
        roll = hear()
        found = re.fullmatch(r"dice said: zoe rolls 2d6: ([1-6]) \+ ([1-6]) = (\d+)", roll)
        assert found is not None, roll
        assert int(found[1]) + int(found[2]) == int(found[3])
        too_many = ("21d6", "2d1001", "0d6", "d0", f"{'9' * 3000}d6")
        say(zoe, *[f"@dice {text} please" for text in too_many], "@dice d1 and done", room="dev")
        for _text in too_many:
            assert hear() == "dice said: zoe, I roll at most 20 dice of at most 1,000 sides."
        assert hear() == "dice said: zoe rolls 1d1: 1 = 1"
        assert bot.interrupt() == 0
        assert len(bot.lines) == 1
    assert (home / "profiles" / "dice-bot" / "identity.key").exists()


def test_after_a_cut_nothing_is_answered_twice(server: Server, home: Path, tmp_path: Path) -> None:
    zoe = Person(tmp_path / "zoe", server, "zoe")
    say(zoe, "first")
    with (
        Program("bot/dice_bot.py", "-p", str(server.port), "--nick", "robot") as bot,
        heard(zoe) as hear,
    ):
        bot.wait_for("Listening in general")
        say(zoe, "@robot 1d1")
        assert hear() == "robot said: zoe rolls 1d1: 1 = 1"
        server.kill()
        server.start()
        say(zoe, "@robot hello")
        assert hear() == "robot said: Hello zoe! I roll dice: say @robot 2d6."
        assert bot.interrupt() == 0
    assert [line["nick"] for line in zoe.history()].count("robot") == 2


def test_the_bot_says_what_is_wrong(server: Server, home: Path) -> None:
    free = str(free_port())
    wrong = [
        (("-p", free), 1, f"127.0.0.1:{free}"),
        (("-p", str(server.port), "--room", "nowhere"), 1, "nowhere"),
        (("-p", "70000"), 2, "ort"),
        (("http://127.0.0.1",), 2, "chatroom://"),
    ]
    for arguments, code, sentence in wrong:
        with Program("bot/dice_bot.py", *arguments) as bot:
            assert bot.wait() == code
            assert sentence in bot.lines[-1]
            assert "--help" in bot.lines[-1] or code == 2
