"""Both programs speak the language asked for."""

from collections.abc import Callable, Mapping

import pytest

import chatroom.languages
import chatroom_server.languages
from chatroom.common.texts import Texts

Load = Callable[[str | None, Mapping[str, str]], Texts]


@pytest.mark.parametrize("load", [chatroom.languages.load_texts, chatroom_server.languages.load_texts])
def test_the_catalogue_is_found(load: Load) -> None:
    assert load("fr", {})._("{nick} said: {text}") == "{nick} a dit : {text}"
    assert load(None, {"LANG": "fr_FR.UTF-8"}).lang == "fr"
    assert (
        load("fr", {}).n("{count} message waits.", "{count} messages wait.", 1)
        == "{count} message en attente."
    )


@pytest.mark.parametrize("load", [chatroom.languages.load_texts, chatroom_server.languages.load_texts])
def test_english_is_what_the_code_says(load: Load) -> None:
    assert load("en", {"LANG": "fr_FR"})._("{nick} said: {text}") == "{nick} said: {text}"
    assert load(None, {"LANG": "de_DE"}).lang == "en"
    assert load("fr", {})._("a sentence that nobody wrote") == "a sentence that nobody wrote"
