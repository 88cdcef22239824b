"""How the client's command line is read."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from chatroom import cli_options
from chatroom.cli import run
from chatroom.common.arguments import WrongUsageError
from chatroom.common.texts import Texts

INVITATION = "chatroom://192.0.2.7:9999/general?pin=abc&key=def"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("CHATROOM_LANG", raising=False)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    return cli_options.parse(argv, Texts())


def test_nothing_opens_the_client() -> None:
    options = parse([])
    assert options.command is None
    assert (options.invitation, options.local, options.plain) == (None, False, False)


def test_an_invitation_may_stand_alone() -> None:
    assert parse([INVITATION, "--nick", "it4"]).invitation == INVITATION


@pytest.mark.parametrize(
    "argv",
    [
        ["--as", "bob", "send", "general", "hello"],
        ["send", "--as", "bob", "general", "hello"],
        ["send", "general", "hello", "--as", "bob"],
    ],
)
def test_options_may_stand_on_either_side_of_a_command(argv: list[str]) -> None:
    options = parse(argv)
    assert (options.command, options.profile, options.room, options.text) == (
        "send",
        "bob",
        "general",
        ["hello"],
    )


def test_a_command_takes_an_invitation_in_front_of_it() -> None:
    options = parse([INVITATION, "tail", "general"])
    assert (options.command, options.invitation, options.room) == ("tail", INVITATION, "general")


def test_an_invitation_in_a_message_is_text() -> None:
    options = parse(["send", "general", "come:", INVITATION])
    assert options.text == ["come:", INVITATION]
    assert options.invitation is None


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-a", "address"),
        ("--address", "address"),
        ("--as", "profile"),
        ("--nick", "nick"),
        ("--config", "config"),
        ("--room", "room"),
    ],
)
def test_a_value_that_reads_like_a_command_is_a_value(option: str, name: str) -> None:
    options = parse([option, "send"])
    assert (options.command, getattr(options, name)) == (None, "send")


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["--bogus"], "--bogus"),
        (["-p", "0"], "port"),
        (["-p", "70000"], "port"),
        (["-p", "nine"], "nine"),
        (["-p"], "expected one argument"),
        (["--lang", "de"], "de"),
        (["send"], "ROOM"),
        (["tail", "general", "--after", "-1"], "--after"),
        (["tail", "general", "-n", "x"], "x"),
        (["send", "general", "--timeout", "soon"], "soon"),
        (["send", "general", "--timeout", "nan"], "nan"),
        (["chatroom://a/", "chatroom://b/"], "chatroom://b/"),
        (["sned", "general"], "there is no command sned; did you mean send? (chatroom --help"),
        (["--as", "bob", "Histroy"], "there is no command Histroy; did you mean history?"),
        (["general"], "there is no command general, and an invitation begins with chatroom://"),
        (["--after", "5", "tail", "general"], "unrecognized arguments: --after (chatroom --help"),
        (["-p", "9999", "a\x1b[31m\nb"], "there is no command a"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    argv: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WrongUsageError):
        parse(argv)
    assert run(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert word in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("argv", [["--as", "../x"], ["whoami", "--as", "a/b"], ["--as", "..", "--plain"]])
def test_a_name_that_is_no_profile_is_wrong_usage(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATROOM_HOME", str(tmp_path / "home"))
    assert run(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "a profile's name is a word" in shown.err
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_each_setting_that_is_wrong_has_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATROOM_HOME", str(tmp_path))
    (tmp_path / "client.conf").write_text("PROT=1\nPORTS=2\n")
    assert run(["whoami"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "chatroom: client.conf, line 1: there is no PROT; did you mean PORT?",
        "chatroom: client.conf, line 2: there is no PORTS; did you mean PORT?",
    ]


FRENCH = {"LANG": "fr_FR.UTF-8"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--bogus"], "arguments inconnus : --bogus (chatroom --help montre ce qu'il y a)"),
        (["-p"], "argument -p/--port : une valeur manque (chatroom --help montre ce qu'il y a)"),
        (["send"], "il manque : ROOM (chatroom send --help montre ce qu'il y a)"),
        (
            ["whoami", "-p", "x"],
            "argument -p/--port : un port est un nombre de 1 à 65535, pas 'x' (chatroom whoami",
        ),
        (["sned", "general"], "il n'y a pas de commande sned ; vouliez-vous dire send ?"),
        (["--as", "a/b"], "--as a/b : le nom d'un profil est un mot d'au plus 40 lettres"),
        (["whoami", "--nick", ""], "il faut un pseudo : comment les autres doivent-ils vous appeler ?"),
        (["chatroom://"], "l'invitation ne nomme pas d'hôte : chatroom://host:port/room?pin=…&key=…"),
    ],
)
@pytest.mark.parametrize("asked", [{"LANG": "fr_FR.UTF-8"}, {"LANGUAGE": "fr"}, {"CHATROOM_LANG": "fr"}, {}])
def test_wrong_usage_is_said_in_french(
    argv: list[str],
    said: str,
    asked: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHATROOM_HOME", str(tmp_path))
    speak(monkeypatch, asked)
    assert run(argv if asked else ["--lang", "fr", *argv]) == 2
    assert capsys.readouterr().err.startswith(f"chatroom: {said}")


def test_a_language_that_there_is_not_is_refused_in_the_locales(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speak(monkeypatch, FRENCH)
    assert run(["--lang", "de"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("chatroom: argument --lang")
    assert said.endswith("(chatroom --help montre ce qu'il y a)\n")


def speak(monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in asked.items():
        monkeypatch.setenv(name, value)


def test_settings_that_are_wrong_are_said_in_french(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATROOM_HOME", str(tmp_path))
    speak(monkeypatch, FRENCH)
    (tmp_path / "client.conf").write_text("PROT=1\nPORT=x\n")
    assert run(["whoami"]) == 2
    (tmp_path / "client.conf").write_text("BELL=perhaps\n")
    assert run(["whoami", "-p", "9"]) == 2
    (tmp_path / "client.conf").write_text("LANG=fr\nSERVER=:x\n")
    speak(monkeypatch, {"LANG": "C"})
    assert run(["whoami"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "chatroom: client.conf, ligne 1: il n'y a pas de PROT ; vouliez-vous dire PORT ?",
        "chatroom: client.conf, ligne 1: BELL=perhaps: écrivez yes ou no",
        "chatroom: ':x' n'est pas une adresse ; écrivez host:port, par exemple chat.example.org:9999",
    ]


def test_a_home_that_cannot_be_used_is_said_in_french(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATROOM_HOME", str(tmp_path))
    (tmp_path / "profiles").touch()
    speak(monkeypatch, FRENCH)
    assert run(["whoami"]) == 1
    folder = tmp_path / "profiles/me"
    assert capsys.readouterr().err == (
        f"chatroom: {folder} ne peut pas être utilisé (Not a directory) ; "
        "CHATROOM_HOME nomme un autre dossier\n"
    )


def test_help_is_in_french(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    speak(monkeypatch, FRENCH)
    for argv in (["--help"], ["send", "--help"]):
        with pytest.raises(SystemExit):
            run(argv)
        shown = capsys.readouterr().out
        assert shown.startswith("usage : chatroom")
        assert "\narguments :\n" in shown
        assert "montrer cette aide, puis finir" in shown
        for english in ("usage: ", "positional", "show", "the ", "your", "with"):
            assert english not in shown


@pytest.mark.parametrize("argv", [["--help"], ["send", "--help"], ["--help", "sned"], ["--version"]])
def test_help_is_an_answer(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(argv)
    assert ended.value.code == 0
    assert "chatroom" in capsys.readouterr().out


def test_a_text_may_stand_behind_options() -> None:
    options = parse(["send", "general", "--one", "two", "--image", "a.png", "words"])
    assert (options.room, options.text, options.one, options.image) == (
        "general",
        ["two", "words"],
        True,
        "a.png",
    )


@pytest.mark.parametrize("command", ["rooms", "whoami", "invite"])
def test_an_invitation_may_stand_behind_a_command_without_a_room(command: str) -> None:
    assert parse([command, INVITATION, "--nick", "it4"]).invitation == INVITATION
    assert parse([INVITATION, command]).invitation == INVITATION
    assert parse([command]).invitation is None
    with pytest.raises(WrongUsageError, match="an invitation begins with chatroom://"):
        parse([command, "general"])


def test_a_fault_of_ours_is_one_sentence_to_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_options: object) -> int:
        raise ZeroDivisionError("two\nlines\x1b[31m")

    monkeypatch.setattr("chatroom.launch.prepare", fail)
    assert run([]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("chatroom: unexpected ")
    assert "chatroom/launch.py:" in shown.err
    assert shown.err.count("\n") == 1
    assert "\x1b" not in shown.err


def test_ctrl_c_leaves_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_options: object, _environ: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("chatroom.launch.prepare", interrupt)
    assert run([]) == 130
    assert capsys.readouterr().err == ""
