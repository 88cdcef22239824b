"""The server's settings: origins, order of precedence, folders, and refusals that name file, line and key."""

from pathlib import Path

import pytest

from chatroom_server.config import (
    KEYS,
    ConfigError,
    Settings,
    check_lines,
    load_settings,
    log_folders,
    reloaded,
)

SAMPLE = Path(__file__).parents[2] / "assets" / "server.conf"


def _load(
    tmp_path: Path, text: str = "", *, environ: dict[str, str] | None = None, **options: str
) -> Settings:
    config = tmp_path / "server.conf"
    config.write_text(text, encoding="utf-8")
    return load_settings(options, environ or {}, config)


def test_the_defaults_are_those_of_the_course() -> None:
    settings = load_settings({}, {})
    assert (settings.host, settings.port, settings.default_room) == ("127.0.0.1", 9999, "general")
    assert (settings.fsync, settings.open, settings.guests, settings.log_conversation) == (
        True,
        False,
        False,
        True,
    )
    assert (settings.burst, settings.rate, settings.history_flush_s) == (1000, 100, 5.0)
    assert [str(network) for network in settings.local_peers] == ["127.0.0.0/8", "::1/128"]


def test_options_beat_the_environment_that_the_file(tmp_path: Path) -> None:
    environ = {"CHATROOM_PORT": "2", "CHATROOM_HOST": "::"}
    settings = _load(tmp_path, "PORT=1\nHOST=a\nRATE=7", environ=environ, PORT="3")
    assert (settings.port, settings.host, settings.rate) == (3, "::", 7)
    origins = {name: value.origin for name, value in settings.values.items()}
    assert (origins["PORT"], origins["HOST"], origins["RATE"]) == (
        "option",
        "CHATROOM_HOST",
        "server.conf, line 3",
    )


def test_the_check_shows_every_key_and_its_origin(tmp_path: Path) -> None:
    lines = check_lines(_load(tmp_path, "PORT=1", environ={"CHATROOM_HOST": "::"}, DATA=str(tmp_path)))
    assert [line.partition("=")[0] for line in lines] == [key.name for key in KEYS]
    assert [line.split()[1:] for line in lines[:3]] == [
        ["(CHATROOM_HOST)"],
        ["(server.conf,", "line", "1)"],
        ["(option)"],
    ]
    assert lines[2].startswith(f"DATA={tmp_path}")
    assert all("(default)" in line for line in lines[3:])


def test_the_settings_of_a_network(tmp_path: Path) -> None:
    settings = _load(tmp_path, "PUBLIC=chat.example.org:9999, [2001:db8::1]:80\nLOCAL_PEERS=")
    assert settings.public == (("chat.example.org", 9999), ("2001:db8::1", 80))
    assert settings.local_peers == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "\n\nHISTORY_FLUSH=1",
            "server.conf, line 3: there is no HISTORY_FLUSH; did you mean HISTORY_FLUSH_S?",
        ),
        ("PORT=65536", "server.conf, line 1: PORT=65536: a number from 0 to 65535 is wanted"),
        ("HISTORY_FLUSH_S=0", "server.conf, line 1: HISTORY_FLUSH_S=0: seconds from 0.05 to 3600 are wanted"),
        ("FSYNC=sometimes", "server.conf, line 1: FSYNC=sometimes: write yes or no"),
        ("PUBLIC=x", "server.conf, line 1: PUBLIC=x: host:port is wanted, such as chat.example.org:9999"),
        (
            "DEFAULT_ROOM=a b",
            "server.conf, line 1: DEFAULT_ROOM=a b: a room's name cannot hold spaces; write release-talk",
        ),
        ("PORT", "server.conf, line 1: 'PORT' is no setting; write KEY=VALUE"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert str(caught.value) == sentence


def test_all_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, "BURTS=1\nPORT=-1\nRATE=7\nFSYNC=perhaps", GUESTS="maybe")
    assert [str(problem) for problem in caught.value.problems] == str(caught.value).split("\n")
    assert [str(problem).rpartition(": ")[0] for problem in caught.value.problems] == [
        "server.conf, line 1",
        "server.conf, line 2: PORT=-1",
        "server.conf, line 4: FSYNC=perhaps",
        "--guests maybe",
    ]


def test_what_is_read_again_changes_what_can_change(tmp_path: Path) -> None:
    before = _load(tmp_path, "RATE=1\nPORT=1\nGUESTS=no", HOST="127.0.0.1")
    again = _load(tmp_path, "RATE=2\nPORT=2\nHOST=127.0.0.2\nBURST=1000", HOST="127.0.0.1")
    now, changed, waiting = reloaded(before, again)
    assert (changed, waiting) == (["RATE"], ["PORT"])
    assert (now.rate, now.port) == (2, 1)
    assert (now.values["RATE"].text, now.values["PORT"].text) == ("2", "1")
    assert reloaded(now, again)[1:] == ([], ["PORT"])
    assert reloaded(before, before) == (before, [], [])


def test_what_a_reload_changes() -> None:
    assert {key.name for key in KEYS if not key.reloads} == {
        "HOST",
        "PORT",
        "DATA",
        "DEFAULT_ROOM",
        "FSYNC",
        "LOCAL_PEERS",
        "TEXT_PORT",
        "TEXT_HOST",
        "LOG_DIR",
        "LANG",
    }


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.conf cannot be read: No such file"):
        load_settings({}, {}, tmp_path / "missing.conf")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_settings({}, {}, tmp_path)
    (tmp_path / "latin").write_bytes(b"HOST=caf\xe9")
    with pytest.raises(ConfigError, match="this is no text in UTF-8"):
        load_settings({}, {}, tmp_path / "latin")


def test_data_and_a_home_draw_the_log_to_themselves(tmp_path: Path) -> None:
    home = {"CHATROOM_HOME": str(tmp_path)}
    at_home = load_settings({}, home)
    assert at_home.data == tmp_path / "server"
    assert log_folders(at_home, home) == [tmp_path / "server" / "log"]
    named = load_settings({"DATA": str(tmp_path / "d")}, {})
    assert named.data_given
    assert log_folders(named, {}) == [tmp_path / "d" / "log"]
    elsewhere = load_settings({"DATA": "/d", "LOG_DIR": "/l"}, home)
    assert log_folders(elsewhere, home) == [Path("/l")]


def test_without_either_the_course_and_the_platform_decide() -> None:
    settings = load_settings({}, {})
    first, second = log_folders(settings, {})
    assert first == Path("/var/log/chat_room")
    assert "chatroom" in second.parts
    assert settings.data.parts[-2:] == ("chatroom", "server")
    assert not settings.data_given


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/it4")
    settings = load_settings({"DATA": "~/chat"}, {"CHATROOM_LOG_DIR": "~/log"})
    assert (settings.data, settings.log_dir) == (Path("/home/it4/chat"), Path("/home/it4/log"))
    assert load_settings({}, {"CHATROOM_HOME": "~/x", "HOME": "/home/it4"}).data == Path("/home/it4/x/server")


def test_the_sample_says_what_are_the_defaults() -> None:
    sample = load_settings({}, {}, SAMPLE)
    plain = load_settings({}, {})
    assert (sample.host, sample.port) == (plain.host, plain.port)


def test_a_plain_text_door_needs_a_port_of_its_own() -> None:
    with pytest.raises(ConfigError, match="--text-address opens nothing by itself; give --text-port, too"):
        load_settings({"TEXT_HOST": "::1"}, {})
    with pytest.raises(ConfigError, match="--text-port 9999: this is PORT, too; choose another"):
        load_settings({"TEXT_PORT": "9999"}, {})
    assert load_settings({"TEXT_PORT": "0", "PORT": "0", "TEXT_HOST": "::1"}, {}).text_port == 0
