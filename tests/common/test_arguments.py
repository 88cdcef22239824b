"""Command lines are refused in the user's language, whatever argparse says in English."""

import pytest

from chatroom.common.arguments import ArgumentParser, WrongUsageError, translated, wanted_language
from chatroom.common.texts import Texts
from chatroom.languages import load_texts


class Marked(Texts):
    """A language in which each sentence stands between marks."""

    def _(self, sentence: str) -> str:
        return f"<{sentence}>"


def parser(texts: Texts) -> ArgumentParser:
    made = ArgumentParser(texts, prog="tool")
    made.add_argument("room")
    made.add_argument("--port", type=int)
    made.add_argument("--lang", choices=("en", "fr"))
    made.add_argument("--json", action="store_true")
    made.add_argument("--many", nargs="+")
    return made


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ([], "<the following arguments are required: room>"),
        (["r", "x", "y"], "<unrecognized arguments: x y>"),
        (["r", "--por", "9"], "<unrecognized arguments: --por 9>"),
        (["r", "--port"], "<argument --port: <expected one argument>>"),
        (["r", "--many"], "<argument --many: <expected at least one argument>>"),
        (["r", "--port", "x"], "<argument --port: <invalid int value: 'x'>>"),
        (["r", "--json=3"], "<argument --json: <ignored explicit argument '3'>>"),
        (["r", "--x\x1b[31m", "a\nb"], "<unrecognized arguments: --x a b>"),
    ],
)
def test_what_argparse_says_is_translated(argv: list[str], problem: str) -> None:
    for texts, shown in (
        (Marked(), f"<{problem} (tool --help shows what there is)>"),
        (Texts(), f"{problem} (tool --help shows what there is)".replace("<", "").replace(">", "")),
    ):
        with pytest.raises(WrongUsageError) as refused:
            parser(texts).parse_args(argv)
        assert str(refused.value) == shown


def test_a_choice_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(WrongUsageError) as refused:  # newer versions of argparse quote them otherwise
        parser(Marked()).parse_args(["r", "--lang", "de"])
    assert str(refused.value).startswith("<<argument --lang: <invalid choice: 'de' (choose from ")


def test_what_argparse_may_say_some_day_stays_as_it_is() -> None:
    assert translated("argument -x: a new kind of fault", Marked()) == "<argument -x: a new kind of fault>"
    assert translated("a {new} kind of fault", Marked()) == "a {new} kind of fault"


def test_the_options_with_a_value_are_known() -> None:
    made = parser(Texts())
    made.add_argument("-q", "--quick", action="store_true")
    made.add_argument("-n", "--number", nargs="?")
    assert made.valued == {"--port", "--lang", "--many", "-n", "--number"}


def test_help_has_its_titles_in_the_language() -> None:
    shown = parser(Marked()).format_help()
    assert shown.startswith("<usage: >tool ")
    for title in ("<arguments>:", "<options>:", "<show this help, and end>"):
        assert title in shown


def test_titles_have_their_colon_as_the_language_writes_it() -> None:
    shown = parser(load_texts("fr", {})).format_help()
    for title in ("usage : ", "arguments :\n", "options :\n"):
        assert title in shown
    assert "\noptions:\n" in parser(Texts()).format_help()


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("verfy", "there is no command verfy; did you mean verify?"),
        ("STOP", "there is no command STOP; did you mean stop?"),
        ("xyz", "argument COMMAND: invalid choice: 'xyz' (choose from "),
    ],
)
def test_the_command_that_was_meant_is_guessed(word: str, problem: str) -> None:
    made = ArgumentParser(Texts(), prog="tool")
    commands = made.add_subparsers(metavar="COMMAND")
    for name in ("verify", "stop"):
        commands.add_parser(name, texts=Texts())
    with pytest.raises(WrongUsageError) as refused:
        made.parse_args([word])
    assert str(refused.value).startswith(problem)


def test_the_usage_of_intermixed_arguments_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("usage: ", "<usage: >"):
        with pytest.raises(SystemExit):
            parser(Texts() if word == "usage: " else Marked()).parse_intermixed_args(["--help"])
        assert capsys.readouterr().out.startswith(f"{word}tool [-h]")


@pytest.mark.parametrize(
    ("words", "environ", "language"),
    [
        ([], {}, None),
        ([], {"CHATROOM_LANG": "fr"}, "fr"),
        (["--lang", "en"], {"CHATROOM_LANG": "fr"}, "en"),
        (["send", "--lang=fr"], {}, "fr"),
        (["--lang"], {}, ""),
        (["send", "r", "--", "--lang", "fr"], {}, None),
    ],
)
def test_the_language_is_known_before_the_line_is_read(
    words: list[str], environ: dict[str, str], language: str | None
) -> None:
    assert wanted_language(words, environ) == language
