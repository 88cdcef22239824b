"""Sentences in the user's language. English is written in the code, other languages stand in catalogues.

    texts._("You said: {text}").format(text=…)
    texts.n("{count} message waits.", "{count} messages wait.", count).format(count=count)

Extraction finds the calls `_(…)` and `n(…)` with literal texts. A sentence that is defined in one place and
shown in another is marked with a function `_` that returns it, and translated where it is shown. Fields are
always named. A sentence without a translation is shown in English.
"""

import gettext
import re
from collections.abc import Mapping
from typing import Final

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


def pick_language(lang: str | None, environ: Mapping[str, str]) -> str:
    """The language to speak: the one asked for, else the locale's (POSIX, section 8.2), else English."""
    if lang:
        return lang if lang in LANGUAGES else "en"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            code = re.split("[._@]", value, maxsplit=1)[0].lower()
            return code if code in LANGUAGES else "en"
    return "en"
