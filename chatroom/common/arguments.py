"""Reads command lines with argparse, and says in the user's language what argparse says in English."""

import argparse
import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any, Final, NoReturn

from chatroom.common.inert import one_line
from chatroom.common.keyvalue import nearest
from chatroom.common.texts import Texts


class WrongUsageError(Exception):
    """A command line cannot be obeyed; the text says why, in the user's language."""


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


_ARGPARSE_SAYS: Final = (
    _("unrecognized arguments: {words}"),
    _("the following arguments are required: {names}"),
    _("argument {name}: {problem}"),
    _("expected one argument"),
    _("expected at least one argument"),
    _("ignored explicit argument {value}"),
    _("invalid choice: {value} (choose from {choices})"),
    _("invalid {type} value: {value}"),
)
"""What argparse finds wrong, its fields in our form; a problem may be one of these, too."""
_NO_COMMAND: Final = re.compile(
    r"argument COMMAND: invalid choice: '?(?P<word>.*?)'? \(choose from (?P<commands>.*)\)", re.DOTALL
)


class ArgumentParser(argparse.ArgumentParser):
    """A parser that speaks the user's language, and raises one sentence in place of ending the program.

    Attributes:
        valued: The options behind which a value stands.
    """

    def __init__(self, texts: Texts, **options: Any) -> None:
        self.texts = texts
        self.valued: set[str] = set()
        formatter = functools.partial(_HelpFormatter, usage=texts._("usage: "))
        super().__init__(add_help=False, allow_abbrev=False, formatter_class=formatter, **options)
        self.add_argument("-h", "--help", action="help", help=texts._("show this help, and end"))

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument or an option."""
        action = super().add_argument(*names, **options)
        if action.nargs != 0:
            self.valued.update(action.option_strings)
        return action

    def add_argument_group(self, title: str | None = None, *args: Any, **options: Any) -> Any:
        """Add a group; argparse itself makes two."""
        titles = {
            "positional arguments": self.texts._("arguments"),
            "options": self.texts._("options"),
        }
        return super().add_argument_group(titles.get(title or "", title), *args, **options)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            WrongUsageError: Always.
        """
        hint = self.texts._("{problem} ({command} --help shows what there is)")
        problem = one_line(translated(message, self.texts))
        raise WrongUsageError(hint.format(problem=problem, command=self.prog))


class _HelpFormatter(argparse.HelpFormatter):
    """Writes headings, and the word for usage, as another language does."""

    def __init__(self, prog: str, usage: str) -> None:
        super().__init__(prog)
        self._command = prog
        self._usage_word = usage

    def start_section(self, heading: str | None) -> None:
        if heading is not None and self._usage_word.rstrip().endswith(" :"):
            heading += " "  # the language has a space before the colon, which argparse adds
        super().start_section(heading)

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        if usage is not None:  # argparse cut it out, behind as many characters as the English word has
            usage = "".join(usage.partition(self._command)[1:])
        super().add_usage(usage, actions, groups, self._usage_word if prefix is None else prefix)


def translated(message: str, texts: Texts) -> str:
    """What argparse says, in the user's language; what is not known stays as it is."""
    if (found := _NO_COMMAND.fullmatch(message)) and (near := _nearest_command(found)):
        sentence = texts._("there is no command {word}; did you mean {near}?")
        return sentence.format(word=found["word"], near=near)
    for sentence in _ARGPARSE_SAYS:
        if found := _pattern(sentence).fullmatch(message):
            fields = found.groupdict()
            if "problem" in fields:
                fields["problem"] = translated(fields["problem"], texts)
            return texts._(sentence).format(**fields)
    return message


def _nearest_command(found: re.Match[str]) -> str:
    return nearest(found["word"].lower(), re.findall(r"[\w-]+", found["commands"]))


@functools.cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """What a sentence looks like when something stands in its fields."""
    parts = [
        re.escape(text) + (f"(?P<{name}>.*?)" if name else "")
        for text, name, _spec, _conversion in Formatter().parse(sentence)
    ]
    return re.compile("".join(parts), re.DOTALL)


def wanted_language(words: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """The language asked for, known before the command line is read: its help is in it."""
    for word, following in itertools.pairwise([*words, ""]):
        if word == "--":
            break
        if word == "--lang":
            return following
        if word.startswith("--lang="):
            return word.partition("=")[2]
    return environ.get("CHATROOM_LANG")
