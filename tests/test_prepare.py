"""What every front end starts from: which server, which room, which name."""

from pathlib import Path

import pytest

from chatroom.cli_options import parse
from chatroom.client.address import Address
from chatroom.client.servers import KnownServers
from chatroom.common.texts import Texts
from chatroom.prepare import LaunchError, Launching, log_folders, login_name, prepare
from chatroom.protocol.auth import pin

PIN = pin(b"k" * 32)
INVITATION = f"chatroom://192.0.2.7:9100/dev?pin={PIN}&key=secret"
LAST = Address("last.example", 9400)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"CHATROOM_HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}


def prepared(environ: dict[str, str], *argv: str) -> Launching:
    return prepare(parse(argv, Texts()), environ)


def use_server(environ: dict[str, str]) -> None:
    """Have been at a server before."""
    KnownServers(prepared(environ).profile.folder).remember(b"k" * 32, address=LAST)


def write_config(environ: dict[str, str], text: str) -> None:
    folder = Path(environ["CHATROOM_HOME"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client.conf").write_text(text)


def test_the_first_time_it_is_this_machines_server(environ: dict[str, str]) -> None:
    target = prepared(environ).target
    assert (target.address, target.is_given) == (None, False)


def test_afterwards_it_is_the_last_one(environ: dict[str, str]) -> None:
    use_server(environ)
    target = prepared(environ).target
    assert (target.address, target.is_given) == (LAST, False)
    assert prepared(environ, "--local").target.address is None
    assert prepared(environ, "--as", "bob").target.address is None


@pytest.mark.parametrize(
    ("argv", "variables", "config", "expected"),
    [
        ([], {}, "HOST=conf.example\n", Address("conf.example", 9999)),
        ([], {}, "SERVER=conf.example:9200\nHOST=other.example\n", Address("conf.example", 9200)),
        ([], {"CHATROOM_SERVER": "env.example:9300"}, "SERVER=conf.example\n", Address("env.example", 9300)),
        ([], {"CHATROOM_PORT": "9301"}, "", Address("127.0.0.1", 9301)),
        (["-a", "opt.example"], {"CHATROOM_SERVER": "env.example"}, "", Address("opt.example", 9999)),
        (["-p", "9302"], {"CHATROOM_HOST": "env.example"}, "", Address("env.example", 9302)),
        ([INVITATION, "-a", "opt.example"], {}, "", Address("192.0.2.7", 9100)),
        ([INVITATION], {"CHATROOM_SERVER": "env.example"}, "", Address("192.0.2.7", 9100)),
        (["--local"], {"CHATROOM_SERVER": "env.example"}, "", None),
    ],
)
def test_what_is_said_nearer_wins(
    environ: dict[str, str],
    argv: list[str],
    variables: dict[str, str],
    config: str,
    expected: Address | None,
) -> None:
    use_server(environ)
    write_config(environ, config)
    target = prepared(environ | variables, *argv).target
    assert target.address == expected
    assert target.is_given == (expected is not None)


def test_an_invitation_brings_pin_secret_and_room(environ: dict[str, str]) -> None:
    for found in (
        prepared(environ, INVITATION),
        prepared(environ, "send", INVITATION, "hello"),
        prepared(environ | {"CHATROOM_SERVER": INVITATION}),
    ):
        assert (found.target.pin, found.target.secret, found.room) == (PIN, "secret", "dev")


def test_a_room_that_is_named_goes_before_that_of_an_invitation(environ: dict[str, str]) -> None:
    assert prepared(environ, INVITATION, "--room", "general").room == "general"
    assert prepared(environ, INVITATION, "tail", "general").room == "general"
    assert prepared(environ | {"CHATROOM_SERVER": INVITATION}, "tail", "general").room == "general"
    assert prepared(environ, "send", "=direct").room == "=direct"


def test_a_name_is_checked_before_anything_is_connected(environ: dict[str, str]) -> None:
    assert prepared(environ, "--nick", "zoé").nick == "zoé"
    assert prepared(environ | {"CHATROOM_NICK": "it4"}).nick == "it4"
    assert prepared(environ).nick == ""
    assert login_name()


@pytest.mark.parametrize(
    "argv",
    [
        ["--nick", ""],
        ["--nick", "a\nb"],
        ["--nick", "x" * 1000],
        ["--room", "no room here" * 50],
        ["chatroom://"],
        ["chatroom://host:99999/"],
        ["-a", ""],
        ["-a", "two words"],
        ["chatroom://bad host"],
        ["chatroom://host:0"],
        ["chatroom://bad%20host/general"],
        ["send", "chatroom://bad host/general", "x"],
        ["--config", "/nowhere/at/all.conf"],
    ],
)
def test_what_cannot_be_used_is_a_sentence_and_exit_code_2(environ: dict[str, str], argv: list[str]) -> None:
    with pytest.raises(LaunchError) as refused:
        prepared(environ, *argv)
    assert refused.value.code == 2
    assert str(refused.value)


@pytest.mark.parametrize("name", ["..", "a/b", "x" * 41, "\x1b[31m"])
def test_a_profile_is_a_word(environ: dict[str, str], name: str) -> None:
    with pytest.raises(LaunchError, match="profile"):
        prepared(environ, "--as", name)


def test_the_conversation_is_logged_where_it_may_be(environ: dict[str, str], tmp_path: Path) -> None:
    def folders(variables: dict[str, str]) -> tuple[Path, ...]:
        found = prepared(environ | variables)
        return log_folders(found.settings, found.home)

    assert folders({}) == (tmp_path / "home" / "log",)
    assert folders({"CHATROOM_LOG_DIR": str(tmp_path / "logs")}) == (tmp_path / "logs",)
    assert folders({"CHATROOM_LOG_CONVERSATION": "no"}) == ()
