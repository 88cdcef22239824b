"""The client's settings: origins, order of precedence, and refusals that name file, line and key."""

from pathlib import Path

import pytest

from chatroom.config import KEYS, ConfigError, Settings, load_settings


def _load(tmp_path: Path, text: str | None = None, *, config: Path | None = None, **environ: str) -> Settings:
    usual = tmp_path / "client.conf"
    if text is not None:
        usual.write_text(text, encoding="utf-8")
    return load_settings({}, environ, config, usual)


def test_the_defaults(tmp_path: Path) -> None:
    settings = _load(tmp_path)
    assert (settings.host, settings.port) == ("127.0.0.1", 9999)
    assert (settings.nick, settings.lang, settings.bell, settings.log_dir) == ("", "", True, None)
    assert not any(settings.is_given(key.name) for key in KEYS)


def test_options_beat_the_environment_that_the_file(tmp_path: Path) -> None:
    (tmp_path / "client.conf").write_text("PORT=1\nNICK=file\nLANG=fr\n", encoding="utf-8")
    environ = {"CHATROOM_PORT": "2", "CHATROOM_NICK": "environment", "LANG": "de_DE.UTF-8"}
    settings = load_settings({"PORT": "3"}, environ, None, tmp_path / "client.conf")
    assert (settings.port, settings.nick, settings.lang) == (3, "environment", "fr")
    assert settings.values["PORT"].origin == "option"
    assert settings.values["NICK"].origin == "CHATROOM_NICK"
    assert settings.values["LANG"].origin == "client.conf, line 3"
    assert settings.is_given("LANG")
    assert not settings.is_given("HOST")


def test_every_key_has_a_field(tmp_path: Path) -> None:
    settings = _load(tmp_path)
    for key in KEYS:
        assert hasattr(settings, key.name.lower())


def test_a_named_file_takes_the_place_of_the_usual_one(tmp_path: Path) -> None:
    named = tmp_path / "other.conf"
    named.write_text("PORT=5 # mine\n", encoding="utf-8")
    assert _load(tmp_path, "PORT=4\nNICK=it4\n", config=named).port == 5
    assert _load(tmp_path, config=named).nick == ""


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.conf does not exist"):
        _load(tmp_path, config=tmp_path / "missing.conf")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nPROT=1", "client.conf, line 2: there is no PROT; did you mean PORT?"),
        ("PORT=abc", "client.conf, line 1: PORT=abc: a number from 1 to 65535 is wanted"),
        ("LANG=de", "client.conf, line 1: LANG=de: one of these is wanted, or nothing: en, fr"),
        ("BELL=maybe", "client.conf, line 1: BELL=maybe: write yes or no"),
        ("NICK=@bob", "client.conf, line 1: NICK=@bob: a nick cannot begin with @"),
        ("HOST=", "client.conf, line 1: HOST=: a name or an address is wanted, such as 127.0.0.1"),
        ("hello", "client.conf, line 1: 'hello' is no setting; write KEY=VALUE"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert str(caught.value) == sentence


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^CHATROOM_PORT: PORT=0: a number from 1 to 65535 is wanted$"):
        _load(tmp_path, CHATROOM_PORT="0")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        _load(tmp_path, config=tmp_path)
    binary = tmp_path / "picture.png"
    binary.write_bytes(b"\x89PNG\xff" + bytes(9))
    with pytest.raises(ConfigError, match="this is no text in UTF-8"):
        _load(tmp_path, config=binary)


def test_a_folder_for_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/it4")
    assert _load(tmp_path, "LOG_DIR=~/logs").log_dir == Path("/home/it4/logs")


def test_the_sample_is_readable() -> None:
    sample = Path(__file__).parents[2] / "assets" / "client.conf"
    assert load_settings({}, {}, sample, sample).port == 9999
