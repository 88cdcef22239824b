"""What one types behind a slash."""

import pytest

from chatroom.model.commands import (
    COMMANDS,
    Command,
    CommandName,
    Mistyped,
    is_command,
    parse_command,
    said_text,
)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/join dev", Command(CommandName.JOIN, ("dev",))),
        ("/join #dev", Command(CommandName.JOIN, ("dev",))),
        ("/JOIN  dev ", Command(CommandName.JOIN, ("dev",))),
        ("/msg @bob hello you  there", Command(CommandName.MSG, ("bob", "hello you  there"))),
        ("/msg bob", Command(CommandName.MSG, ("bob",))),
        ("/me waves at #dev", Command(CommandName.ME, ("waves at #dev",))),
        ("/topic", Command(CommandName.TOPIC, ())),
        ("/quit now", Command(CommandName.QUIT, ())),
    ],
)
def test_commands_are_read(text: str, command: Command) -> None:
    assert parse_command(text) == command


def test_a_missing_word_is_told_with_the_usage() -> None:
    mistyped = parse_command("/join")
    assert isinstance(mistyped, Mistyped)
    assert mistyped.info is COMMANDS["join"]
    assert mistyped.info.usage == "/join ROOM"
    assert COMMANDS["msg"].usage == "/msg NICK [TEXT]"


@pytest.mark.parametrize(("typed", "nearest"), [("jion", "join"), ("leav", "leave"), ("xyzzy", "")])
def test_a_misspelt_command_is_told_with_the_nearest(typed: str, nearest: str) -> None:
    assert parse_command(f"/{typed} dev") == Mistyped(typed, None, nearest)


@pytest.mark.parametrize("text", ["/", "//quit", "/usr/bin/env is a path", "hello", "/ me", "", "/1"])
def test_what_is_no_command_is_said(text: str) -> None:
    assert not is_command(text)


def test_two_slashes_say_one() -> None:
    assert said_text("//quit") == "/quit"
    assert said_text("quit //") == "quit //"
