"""The command `chatroom-server`, as people and scripts see it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom import __version__
from tests.conformance.server import ServerProcess, environment


def run(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "chatroom_server", *arguments],
        env=environment(home) | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that runs."""
    process = ServerProcess(tmp_path)
    yield process
    if process.process.poll() is None:
        process.end()


def test_check_shows_each_value_and_its_origin(tmp_path: Path) -> None:
    config = tmp_path / "server.conf"
    config.write_text("# ours\nPORT = 7000\n", encoding="utf-8")
    done = run(tmp_path, "--config", str(config), "--check", "-a", "0.0.0.0", CHATROOM_RATE="7")
    assert done.returncode == 0
    lines = {line.split("=")[0]: line for line in done.stdout.splitlines()}
    assert lines["PORT"].split() == ["PORT=7000", "(server.conf,", "line", "2)"]
    assert lines["HOST"].endswith("(option)")
    assert lines["RATE"].endswith("(CHATROOM_RATE)")
    assert not (tmp_path / "server").exists()


def test_the_version_is_that_of_the_client(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"chatroom-server {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "x"], "--port x: a number from 0 to 65535 is wanted"),
        (["status", "-p", "x"], "--port x: a number from 0 to 65535 is wanted"),
        (["-a", ""], "--address '': a name or an address is wanted, such as 127.0.0.1"),
        (["--text-address", "a b"], "--text-address a b: a name or an address is wanted, such as 127.0.0.1"),
    ],
)
def test_a_bad_value_is_named_as_it_was_written(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"chatroom-server: {said}\n"


@pytest.mark.parametrize(
    "arguments",
    [["--no-such-option"], ["-p", "notaport"], ["--config", "/nowhere/at/all"], ["-v", "-q"], ["dance"]],
)
def test_wrong_usage_ends_with_two(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_wrong_line_of_the_file_is_named(tmp_path: Path) -> None:
    config = tmp_path / "server.conf"
    config.write_text("HOST=127.0.0.1\nPORTT=9\n", encoding="utf-8")
    done = run(tmp_path, "--config", str(config))
    assert done.returncode == 2
    for word in ("server.conf", "2", "PORTT", "PORT"):
        assert word in done.stderr


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tmp_path, "-p", str(port))
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert "-p" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here_is_named(tmp_path: Path, host: str) -> None:
    done = run(tmp_path, "-p", "0", "-a", host)
    assert done.returncode == 1
    assert host in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run(tmp_path, "-p", "0", "--data", str(tmp_path / "file"))
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_it_says_where_it_listens_and_stops_on_a_signal(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path)
    status, errors = process.end(signal.SIGINT)
    assert status == 0
    assert f"listens on 127.0.0.1:{process.port}" in errors
    assert str(tmp_path / "server") in errors
    assert f"chatroom-server -a 0.0.0.0 -p {process.port}" in errors
    assert "the server has stopped" in errors
    assert not list((tmp_path / "run").glob("*.json"))


def test_a_server_of_the_network_prints_what_others_paste(tmp_path: Path) -> None:
    process = ServerProcess(
        tmp_path, "-a", "0.0.0.0", CHATROOM_PUBLIC="chat.example.org:9999", CHATROOM_OPEN="yes"
    )
    _status, errors = process.end()
    assert "chatroom 'chatroom://chat.example.org:9999/general?pin=" in errors
    assert "chatroom://0.0.0.0" not in errors
    assert "OPEN=yes" in errors


def test_what_makes_it_less_safe_is_said(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path, "--guests", "--fsync", "no")
    _status, errors = process.end()
    assert "GUESTS=yes" in errors
    assert "FSYNC=no" in errors


def test_no_arguments_at_all_are_a_command_line(tmp_path: Path) -> None:
    done = run(tmp_path, CHATROOM_PORT="x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "chatroom-server: CHATROOM_PORT: PORT=x: a number from 0 to 65535 is wanted\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bogus"], "arguments inconnus : --bogus (chatroom-server --help montre ce qu'il y a)"),
        (["verify"], "il manque : FOLDER (chatroom-server verify --help montre ce qu'il y a)"),
        (["stop", "--restart-in", "x"], "argument --restart-in : 'x': il faut des secondes, de 0 à 3600 ("),
        (["--config", "no.conf"], "no.conf ne peut pas être lu : No such file or directory"),
        (["--text-address", "::1"], "--text-address n'ouvre rien à elle seule"),
    ],
)
def test_wrong_usage_is_said_in_french(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(tmp_path, *arguments, LANG="fr_FR.UTF-8")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"chatroom-server: {said}")


def test_each_setting_that_is_wrong_has_a_line_in_french(tmp_path: Path) -> None:
    config = tmp_path / "server.conf"
    config.write_text("PROT=1\nPORT=x\nLANG=de\nTEXT_PORT\n", encoding="utf-8")
    done = run(tmp_path, "--config", str(config), LANGUAGE="fr", LANG="fr_FR.UTF-8")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "chatroom-server: server.conf, ligne 1: il n'y a pas de PROT ; vouliez-vous dire PORT ?",
        "chatroom-server: server.conf, ligne 4: 'TEXT_PORT' n'est pas un réglage ; écrivez CLÉ=VALEUR",
        "chatroom-server: server.conf, ligne 2: PORT=x: il faut un nombre de 0 à 65535",
        "chatroom-server: server.conf, ligne 3: LANG=de: il faut l'un de ces mots, ou rien : en, fr",
    ]


def test_help_is_in_french(tmp_path: Path) -> None:
    for command in ([], ["stop"]):
        shown = run(tmp_path, *command, "--help", LANG="fr_FR.UTF-8").stdout
        assert shown.startswith("usage : chatroom-server")
        assert "montrer cette aide, puis finir" in shown
        assert "show" not in shown


def test_it_speaks_french(tmp_path: Path) -> None:
    done = run(tmp_path, "--lang", "fr", "--check")
    assert done.returncode == 0
    assert "LANG=fr" in done.stdout


def test_ready_is_announced_with_what_a_client_needs(server: ServerProcess, tmp_path: Path) -> None:
    assert server.facts["host"] == "127.0.0.1"
    assert server.facts["data"] == str(tmp_path / "server")
    assert server.facts["pid"] == server.process.pid
    assert len(str(server.facts["pin"])) == 32


def test_not_ready_is_announced_with_the_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = ServerProcess(tmp_path, "-p", str(taken.getsockname()[1]))
        status, errors = process.wait()
    assert status == 1
    assert str(process.facts["error"]) in errors


def test_status_stop_and_invite_find_the_server(server: ServerProcess, tmp_path: Path) -> None:
    shown = run(tmp_path, "status")
    assert shown.returncode == 0
    assert f"127.0.0.1:{server.port}" in shown.stdout
    as_json = json.loads(run(tmp_path, "status", "--json").stdout)
    assert (as_json["pid"], as_json["rooms"], as_json["messages"]) == (server.process.pid, 1, 0)
    invited = run(tmp_path, "invite")
    assert (invited.returncode, invited.stdout) == (1, "")
    assert "chatroom-server -a 0.0.0.0" in invited.stderr
    stopped = run(tmp_path, "stop", "-p", str(server.port))
    assert stopped.returncode == 0
    assert server.wait()[0] == 0
    assert run(tmp_path, "stop").stderr == "chatroom-server: no server of yours runs here\n"


def test_invite_new_replaces_the_secret(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, CHATROOM_PUBLIC="chat.example.org:9999")
    first = run(tmp_path, "invite").stdout
    assert first == run(tmp_path, "invite").stdout
    second = run(tmp_path, "invite", "tea", "--new").stdout
    assert "/tea?" in second
    assert first.partition("key=")[2] != second.partition("key=")[2]
    server.end()


def test_several_servers_ask_which_is_meant(tmp_path: Path) -> None:
    servers = [ServerProcess(tmp_path, "--data", str(tmp_path / name)) for name in ("one", "two")]
    done = run(tmp_path, "status")
    assert done.returncode == 1
    for one in servers:
        assert f"-p {one.port}" in done.stderr
    assert run(tmp_path, "status", "--data", str(tmp_path / "two")).returncode == 0
    assert run(tmp_path, "status", "-p", "1").returncode == 1
    for one in servers:
        one.end()


def test_a_server_that_was_killed_is_not_found(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.end(signal.SIGKILL)
    assert "no server of yours" in run(tmp_path, "status").stderr
    again = ServerProcess(tmp_path)
    assert run(tmp_path, "status").returncode == 0
    again.end()


def test_a_folder_where_nobody_may_write_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "-p", "0", "--data", "/proc/chatroom")  # not even root
    assert done.returncode == 1
    assert "/proc/chatroom" in done.stderr
    assert "--data" in done.stderr
    assert "Traceback" not in done.stderr
