"""Loads the catalogue of the user's language."""

import gettext
from collections.abc import Mapping

from chatroom.common.texts import Texts, pick_language


def load_texts(lang: str | None, environ: Mapping[str, str]) -> Texts:
    """The sentences in the language asked for, else in the locale's, else in English."""
    code = pick_language(lang, environ)
    if code == "en":
        return Texts()
    from importlib.resources import as_file, files  # only here: English needs no file

    with as_file(files("chatroom.common") / "locale") as folder:
        return Texts(gettext.translation("chatroom", folder, [code], fallback=True), code)
