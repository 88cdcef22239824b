"""Options beat the environment, that the file, that the defaults; every value knows where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common import settings
from chatroom.common.keyvalue import Entry, SettingsError
from chatroom.common.settings import Key, Value, check_lines, gather, table

PORT = Key("PORT", "9999", settings.whole(0, 65535), "TCP port.")
NAME = Key("NAME", "", settings.text, "A name.")
FILE = [Entry("PORT", "3", "server.conf", 3), Entry("PORT", "4", "server.conf", 4)]
ENVIRON = {"CHATROOM_PORT": " 2 ", "PORT": "7", "CHATROOM_HOME": "/nowhere"}


def test_the_order_of_precedence() -> None:
    assert gather([PORT], options={"PORT": "1"}, environ=ENVIRON, entries=FILE)["PORT"] == Value(
        1, "1", "option"
    )
    assert gather([PORT], options={}, environ=ENVIRON, entries=FILE)["PORT"] == Value(2, "2", "CHATROOM_PORT")
    assert gather([PORT], options={}, environ={}, entries=FILE)["PORT"] == Value(
        4, "4", "server.conf, line 4"
    )
    assert gather([PORT], options={}, environ={}, entries=[])["PORT"] == Value(9999, "9999", "default")


def test_an_empty_value_is_a_value() -> None:
    found = gather([NAME], options={}, environ={"CHATROOM_NAME": ""}, entries=[Entry("NAME", "x", "f", 1)])
    assert found["NAME"] == Value("", "", "CHATROOM_NAME")


@pytest.mark.parametrize(
    ("options", "environ", "sentence"),
    [
        ({"PORT": "x"}, {}, "--port x: a number from 0 to 65535 is wanted"),
        ({"PORT": ""}, {}, "--port '': a number from 0 to 65535 is wanted"),
        ({}, {"CHATROOM_PORT": "-1"}, "CHATROOM_PORT: PORT=-1: a number from 0 to 65535 is wanted"),
        ({}, {}, "server.conf, line 9: PORT=65536: a number from 0 to 65535 is wanted"),
    ],
)
def test_a_bad_value_says_where_it_stands_and_what_is_allowed(
    options: dict[str, str], environ: dict[str, str], sentence: str
) -> None:
    entries = [Entry("PORT", "65536", "server.conf", 9)]
    with pytest.raises(SettingsError) as caught:
        gather([PORT], options=options, environ=environ, entries=entries)
    assert str(caught.value) == sentence


def test_a_bad_value_cannot_write_on_the_terminal() -> None:
    with pytest.raises(SettingsError) as caught:
        gather([PORT], options={"PORT": "\x1b]0;x\x07\n" + "9" * 500}, environ={}, entries=[])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_the_lines_of_a_check() -> None:
    values = gather([PORT, NAME], options={"NAME": "it4"}, environ={}, entries=[])
    assert check_lines(values) == ["PORT=9999  (default)", "NAME=it4   (option)"]


def test_the_table_of_a_page() -> None:
    rows = table([PORT, NAME]).splitlines()
    assert rows[2:] == ["| `PORT` | `9999` | TCP port. |", "| `NAME` |  | A name. |"]


@pytest.mark.parametrize("value", ["yes", "on", "true", "1", "YES", "True"])
def test_yes(value: str) -> None:
    assert settings.yes_no(value) is True


@pytest.mark.parametrize("value", ["no", "off", "false", "0", "No"])
def test_no(value: str) -> None:
    assert settings.yes_no(value) is False


@pytest.mark.parametrize(
    ("read", "value", "allowed"),
    [
        (settings.yes_no, "", "write yes or no"),
        (settings.yes_no, "maybe", "write yes or no"),
        (settings.whole(1, 9), "0", "from 1 to 9"),
        (settings.whole(1, 9), "10", "from 1 to 9"),
        (settings.whole(1, 9), "５", "from 1 to 9"),
        (settings.whole(1, 9), "1.5", "from 1 to 9"),
        (settings.whole(1, 9), "", "from 1 to 9"),
        (settings.whole(1, 9), "9" * 5000, "from 1 to 9"),
        (settings.seconds(0.05, 3600), "0", r"from 0\.05 to 3600"),
        (settings.seconds(0.05, 3600), "nan", "seconds from"),
        (settings.seconds(0.05, 3600), "inf", "seconds from"),
        (settings.seconds(0.05, 3600), "soon", "seconds from"),
        (settings.networks, "10.0.0.1/8", r"127\.0\.0\.0/8"),
        (settings.networks, "home", r"127\.0\.0\.0/8"),
        (settings.host_ports, "chat.example.org", "host:port is wanted"),
        (settings.host_ports, ":9999", "host:port is wanted"),
        (settings.host_ports, "a:0", "host:port is wanted"),
        (settings.host_ports, "a:65536", "host:port is wanted"),
        (settings.host_ports, "a:9999,b", "host:port is wanted"),
        (settings.host_name, "", "a name or an address"),
        (settings.host_name, "a b", "a name or an address"),
        (settings.host_name, "http://a", "a name or an address"),
        (settings.host_name, "a!b", "a name or an address"),
        (settings.choice("", "en", "fr"), "de", "wanted, or nothing: en, fr"),
    ],
)
def test_a_reader_says_what_is_allowed(read: settings.Reader, value: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        read(value)


def test_readers_read() -> None:
    assert settings.seconds(0.05, 3600)("0.5") == 0.5
    assert [str(network) for network in settings.networks(" 127.0.0.0/8, ::1,")] == ["127.0.0.0/8", "::1/128"]
    assert settings.networks("") == ()
    assert settings.words(" a, b ,,") == ("a", "b")
    assert settings.host_ports("chat.example.org:9999, [::1]:80") == (("chat.example.org", 9999), ("::1", 80))
    assert settings.host_ports("") == ()
    assert settings.choice("", "fr")("") == ""
    assert settings.unless_empty(settings.host_name)("") == ""


@given(st.integers(0, 65535))
def test_every_number_within_bounds_is_read(number: int) -> None:
    assert settings.whole(0, 65535)(str(number)) == number
