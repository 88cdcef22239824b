"""The sample settings name every key with its default, and can be used as they are."""

import re
from pathlib import Path

import pytest

import chatroom.config
import chatroom_server.config
from chatroom.common.keyvalue import parse
from chatroom.common.settings import Key

ASSETS = Path(__file__).parents[2] / "assets"
SAMPLES = [("server.conf", chatroom_server.config.KEYS), ("client.conf", chatroom.config.KEYS)]


@pytest.mark.parametrize(("name", "keys"), SAMPLES)
def test_a_sample_names_every_key_with_its_default(name: str, keys: tuple[Key, ...]) -> None:
    sample = (ASSETS / name).read_text(encoding="utf-8")
    uncommented = re.sub(r"^#(?=[A-Z_]+=)", "", sample, flags=re.MULTILINE)
    entries = parse(uncommented, name, [key.name for key in keys])
    assert {entry.key: entry.value for entry in entries} == {key.name: key.default for key in keys}
    assert len(entries) == len(keys)


def test_the_server_takes_its_sample(tmp_path: Path) -> None:
    environ = {"CHATROOM_HOME": str(tmp_path)}
    settings = chatroom_server.config.load_settings({}, environ, ASSETS / "server.conf")
    assert (settings.host, settings.port) == ("127.0.0.1", 9999)
    assert settings.values["PORT"].origin.startswith("server.conf, line ")


def test_the_client_takes_its_sample(tmp_path: Path) -> None:
    settings = chatroom.config.load_settings({}, {}, ASSETS / "client.conf", tmp_path / "none.conf")
    assert (settings.host, settings.port) == ("127.0.0.1", 9999)
    assert settings.values["HOST"].origin.startswith("client.conf, line ")
