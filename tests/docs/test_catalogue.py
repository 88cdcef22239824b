"""Every sentence in the code has its French, with the same fields, in both files of the catalogue."""

import gettext
import re
from string import Formatter

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo

from docs import make_catalogue

CATALOGUE = make_catalogue.read_catalogue()
MESSAGES = [message for message in CATALOGUE if message.id]
COMPILED = gettext.translation("chatroom", make_catalogue.PO.parents[2], ["fr"])


def _name(message: Message) -> str:
    return _forms(message.id)[0]


def _forms(text: object) -> tuple[str, ...]:
    return tuple(map(str, text)) if isinstance(text, tuple | list) else (str(text),)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_sentence_is_in_the_catalogue() -> None:
    missing = set(make_catalogue.sentences()) - {message.id for message in MESSAGES}
    assert not missing, "run: python docs/make_catalogue.py, then translate"


def test_every_sentence_is_translated() -> None:
    assert make_catalogue.untranslated(CATALOGUE) == []
    assert [_name(message) for message in MESSAGES if message.fuzzy] == []


def test_no_sentence_is_left_that_nobody_says() -> None:
    assert {message.id for message in MESSAGES} <= set(make_catalogue.sentences())


@pytest.mark.parametrize("message", MESSAGES, ids=_name)
def test_a_translation_has_the_fields_of_its_sentence(message: Message) -> None:
    wanted = [_fields(form) for form in _forms(message.id)]
    for form in _forms(message.string):
        assert _fields(form) in wanted
        assert [form.count(sign) for sign in "\n%"] == [_name(message).count(sign) for sign in "\n%"]


def test_the_compiled_catalogue_is_up_to_date() -> None:
    with make_catalogue.MO.open("rb") as file:
        compiled = {_forms(message.id): _forms(message.string) for message in read_mo(file) if message.id}
    wanted = {_forms(message.id): _forms(message.string) for message in MESSAGES}
    assert compiled == wanted, "run: python docs/make_catalogue.py"


def test_none_and_one_are_singular_in_french() -> None:
    told = [
        COMPILED.ngettext("{count} message waits.", "{count} messages wait.", count) for count in (0, 1, 2)
    ]
    assert told == ["{count} message en attente."] * 2 + ["{count} messages en attente."]


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("You said: {text}", "Vous avez dit : {text}"),
        ("{nick} said: {text}", "{nick} a dit : {text}"),
        ("Notice: {nick} joined the room", "Annonce : {nick} a rejoint la chatroom"),
        ("Notice: {nick} left the room", "Annonce : {nick} a quitté la chatroom"),
        ("Welcome back {nick}!", "Welcome back {nick} !"),
        ("{nick} is back!", "{nick} est de retour !"),
    ],
)
def test_the_wording_of_the_course_is_kept_to_the_letter(english: str, french: str) -> None:
    assert COMPILED.gettext(english) == french


def test_spaces_are_plain() -> None:
    assert [m.string for m in MESSAGES if re.search("[\u00a0\u202f\u2009]", "".join(_forms(m.string)))] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('_("One")', ["One"]),
        ('texts._("One").format(a=1)', ["One"]),
        ('self._texts._("One " "two")', ["One two"]),
        ('_("One" if x else "Two")', ["One", "Two"]),
        ('''f"{texts._('One')}"''', ["One"]),
        ('raise E(Sentence("{n} is one", n=n))', ["{n} is one"]),
        ('self.texts.n("{n} a", "{n} b", n)', [("{n} a", "{n} b")]),
        ('SENTENCES: Final = {A: "One", B: "{reason}"}', ["One"]),
        ('ERRORS = {A: WireError("One", fatal=True)}', ["One"]),
        ('class PersonState(StrEnum):\n    A = "away"', ["away"]),
        ('_(name)\nprint("One")\nOTHER = {"a": "b"}\nn("a", 1)\n_("")\n_("{reason}")', []),
    ],
)
def test_sentences_are_found(source: str, found: list[make_catalogue.Sentence]) -> None:
    assert list(make_catalogue.sentences_of(source)) == found


def test_a_new_sentence_gets_no_old_translation() -> None:
    old = make_catalogue.read_catalogue()
    message = old.get("You said: {text}")
    assert message is not None
    message.flags.add("fuzzy")
    assert "You said: {text}" in make_catalogue.untranslated(make_catalogue.merged(old))
