"""Sentences in the user's language. English is written in the code, other languages stand in catalogues.

    texts._("You said: {text}").format(text=…)
    texts.n("{count} message waits.", "{count} messages wait.", count).format(count=count)

Extraction finds the calls `_(…)`, `n(…)` and `Sentence(…)` with literal texts. A sentence that is defined in
one place and shown in another is marked with a function `_` that returns it, or is a `Sentence`, which brings
its fields along; it is translated where it is shown. Fields are always named. Where there is no translation,
English is shown.
"""

import gettext
import re
from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

LANGUAGES: Final = ("en", "fr")


class Texts:
    """One language.

    Args:
        catalogue: Its translations; without one, English.
        lang: `en` or `fr`.
    """

    def __init__(self, catalogue: gettext.NullTranslations | None = None, lang: str = "en") -> None:
        self._catalogue = catalogue or gettext.NullTranslations()
        self.lang = lang

    def _(self, sentence: str) -> str:
        """The sentence in this language, its fields still open."""
        return self._catalogue.gettext(sentence) if sentence else ""

    def n(self, one: str, many: str, count: int) -> str:
        """The sentence that fits a number, its fields still open."""
        return self._catalogue.ngettext(one, many, count)


@runtime_checkable
class Tellable(Protocol):
    """What can be said in any language."""

    def told(self, texts: Texts) -> str:
        """It in this language."""
        ...


class Sentence:
    """A sentence with its fields, made where its language is not known yet; `str` is English.

    Args:
        text: It in English, its fields still open.
        fields: What stands there; what is tellable among them is told in the same language.
    """

    def __init__(self, text: str, /, **fields: object) -> None:
        self._text = text
        self._fields = fields

    def told(self, texts: Texts) -> str:
        """It in this language."""
        fields = {
            name: value.told(texts) if isinstance(value, Tellable) else value
            for name, value in self._fields.items()
        }
        return texts._(self._text).format(**fields)

    def __str__(self) -> str:
        return self.told(Texts())


class Lines:
    """Sentences below each other."""

    def __init__(self, *sentences: Tellable) -> None:
        self._sentences = sentences

    def told(self, texts: Texts) -> str:
        """They in this language."""
        return "\n".join(sentence.told(texts) for sentence in self._sentences)

    def __str__(self) -> str:
        return self.told(Texts())


class SentenceError(Exception):
    """An error that can be told in any language; its text is English, or was made in the user's language.

    Attributes:
        mend: What to do about it, in the user's language: a sentence or a command; may be empty.
    """

    mend = ""

    def __init__(self, sentence: Tellable | str) -> None:
        super().__init__(str(sentence))
        self._sentence = sentence

    def reason(self, texts: Texts) -> str:
        """Its sentence in this language."""
        return self._sentence if isinstance(self._sentence, str) else self._sentence.told(texts)

    def told(self, texts: Texts) -> str:
        """Its sentence in this language, and what to do about it."""
        return with_mend(self.reason(texts), self.mend)


def with_mend(reason: str, mend: str) -> str:
    """What went wrong, and behind it what to do about it, where that is known."""
    return f"{reason} {mend}" if reason and mend else reason or mend


def pick_language(lang: str | None, environ: Mapping[str, str]) -> str:
    """The language to speak: the one asked for, else the locale's (POSIX, section 8.2), else English.

    One that is asked for and that there is not counts as none. `LANGUAGE` goes before the locale, as GNU's
    gettext has it, unless that is C.
    """
    if lang in LANGUAGES:
        return lang
    found = [code for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (code := _code(environ.get(name, "")))]
    if found[:1] not in (["c"], ["posix"]):
        found = [*map(_code, environ.get("LANGUAGE", "").split(":")), *found[:1]]
        found = [code for code in found if code in LANGUAGES]
    return found[0] if found and found[0] in LANGUAGES else "en"


def _code(locale: str) -> str:
    """`fr` of `fr_FR.UTF-8`."""
    return re.split("[._@]", locale, maxsplit=1)[0].lower()
