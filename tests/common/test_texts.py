"""Sentences come in the language asked for, else in English."""

import gettext

import pytest

from chatroom.common.texts import Lines, Sentence, SentenceError, Texts, pick_language, with_mend


@pytest.mark.parametrize(
    ("lang", "environ", "picked"),
    [
        (None, {}, "en"),
        ("fr", {"LANG": "en_GB.UTF-8"}, "fr"),
        ("en", {"LANG": "fr_FR.UTF-8"}, "en"),
        ("de", {"LANG": "fr_FR.UTF-8"}, "fr"),
        ("de", {"LANG": "en_GB.UTF-8"}, "en"),
        ("de", {"LANGUAGE": "fr"}, "fr"),
        ("", {"LANG": "fr_FR.UTF-8"}, "fr"),
        (None, {"LANG": "fr"}, "fr"),
        (None, {"LANG": "fr@euro"}, "fr"),
        (None, {"LANG": "FR_BE"}, "fr"),
        (None, {"LANG": "fr.UTF-8"}, "fr"),
        (None, {"LANG": "frc_CA"}, "en"),
        (None, {"LANG": "C.UTF-8"}, "en"),
        (None, {"LANG": "POSIX"}, "en"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "fr_FR", "LANG": "en_GB"}, "fr"),
        (None, {"LC_ALL": "C", "LC_MESSAGES": "fr_FR"}, "en"),
        (None, {"CHATROOM_LANG": "fr"}, "en"),
        (None, {"LANGUAGE": "fr"}, "fr"),
        (None, {"LANGUAGE": "de:fr_CA:en", "LANG": "en_GB"}, "fr"),
        (None, {"LANGUAGE": "en", "LANG": "fr_FR"}, "en"),
        (None, {"LANGUAGE": "", "LANG": "fr_FR"}, "fr"),
        (None, {"LANGUAGE": "de", "LANG": "fr_FR"}, "fr"),
        (None, {"LANGUAGE": "fr", "LANG": "C.UTF-8"}, "en"),
        (None, {"LANGUAGE": "fr", "LC_ALL": "POSIX"}, "en"),
        ("en", {"LANGUAGE": "fr"}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_locale(
    lang: str | None, environ: dict[str, str], picked: str
) -> None:
    assert pick_language(lang, environ) == picked


def test_english_needs_no_catalogue() -> None:
    texts = Texts()
    assert texts.lang == "en"
    assert texts._("You said: {text}") == "You said: {text}"
    assert texts.n("{count} message", "{count} messages", 1) == "{count} message"
    assert texts.n("{count} message", "{count} messages", 0) == "{count} messages"


class _Shouting(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return message.upper() or "HEADER OF THE CATALOGUE"


def test_a_sentence_is_told_in_any_language_with_what_stands_in_it() -> None:
    inner = Sentence("line {number}", number=3)
    error = SentenceError(Sentence("{place}: {reason}", place=inner, reason=OSError("disk")))
    assert str(error) == "line 3: disk"
    assert Sentence("told: {error}", error=error).told(_Louder(lang="fr")) == "Told: Line 3: disk"


def test_what_to_do_about_an_error_stands_behind_it_once() -> None:
    error = SentenceError(Sentence("the disk is full"))
    assert error.told(_Louder()) == error.reason(_Louder()) == "The disk is full"
    error.mend = "Remove something."
    assert (error.reason(_Louder()), str(error)) == ("The disk is full", "the disk is full")
    assert error.told(_Louder()) == "The disk is full Remove something."
    assert with_mend("", "Remove something.") == "Remove something."


def test_an_error_of_the_users_language_is_left_as_it_is() -> None:
    assert SentenceError("le disque").told(_Louder()) == "le disque"


def test_sentences_below_each_other_are_told_each() -> None:
    lines = Lines(Sentence("one"), Sentence("two {number}", number=2))
    assert (str(lines), lines.told(_Louder())) == ("one\ntwo 2", "One\nTwo 2")


class _Louder(Texts):
    def _(self, sentence: str) -> str:
        return sentence[0].upper() + sentence[1:]


def test_nothing_is_translated_to_nothing() -> None:
    """The empty text is where a catalogue keeps its header."""
    assert Texts(_Shouting(), "fr")._("") == ""
    assert Texts(_Shouting(), "fr")._("a") == "A"
