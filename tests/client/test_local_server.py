"""This user's server is found through the runtime folder, and started once where there is none."""

import json
import os
import signal
import socket
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from chatroom.client.errors import LocalServerError
from chatroom.client.local_server import (
    LocalServer,
    find_again,
    find_local_server,
    find_or_start_server,
)
from chatroom.common.places import runtime_folder


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="chatroom") as home:  # a short path: a socket is made in it
        yield {**os.environ, "CHATROOM_HOME": home, "CHATROOM_PORT": "0"}


@pytest.fixture
def runtime(environ: dict[str, str]) -> Iterator[Path]:
    folder = Path(runtime_folder(environ, os.getuid()))
    yield folder
    for pid in _pids(folder):
        os.kill(pid, signal.SIGKILL)


def _pids(runtime: Path) -> list[int]:
    return [json.loads(path.read_text())["pid"] for path in runtime.glob("*.server.json")]


def test_two_that_ask_at_once_get_the_one_server(runtime: Path, environ: dict[str, str]) -> None:
    assert find_local_server(runtime) is None
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _n: find_or_start_server(runtime, environ), range(3)))
    assert [server.started for server in found].count(True) == 1
    assert len({(server.address, server.pin, server.data) for server in found}) == 1
    again = find_local_server(runtime)
    assert again is not None
    assert (again.address, again.started) == (found[0].address, False)
    assert again.data.is_dir()
    assert again.log is not None


def test_a_server_that_was_killed_is_not_found(runtime: Path, environ: dict[str, str]) -> None:
    first = find_or_start_server(runtime, environ)
    (pid,) = _pids(runtime)
    os.kill(pid, signal.SIGKILL)
    while find_local_server(runtime) is not None:
        os.sched_yield()
    second = find_or_start_server(runtime, environ)
    assert second.started
    assert (second.pin, second.data) == (first.pin, first.data)


def _kill(runtime: Path) -> None:
    for pid in _pids(runtime):
        os.kill(pid, signal.SIGKILL)
    while find_local_server(runtime) is not None:
        os.sched_yield()


def _key(runtime: Path) -> bytes:
    (path,) = runtime.glob("*.server.json")
    return b64decode(json.loads(path.read_text())["key"])


def test_a_server_that_was_killed_is_started_again_once_for_all_who_miss_it(
    runtime: Path, environ: dict[str, str]
) -> None:
    first = find_or_start_server(runtime, environ)
    key = _key(runtime)
    assert find_again(runtime, key, environ) == replace(first, started=False)
    _kill(runtime)
    assert find_again(runtime, b"k" * 32, environ) is None, "another server"
    with ThreadPoolExecutor(3) as threads:
        found = [one for one in threads.map(lambda _n: find_again(runtime, key, environ), range(3)) if one]
    assert [server.started for server in found].count(True) == 1
    assert {(server.pin, server.data) for server in found} == {(first.pin, first.data)}
    assert len({server.address for server in found}) == 1
    assert len(found) == 3


def test_a_server_that_was_stopped_is_not_started_again(runtime: Path, environ: dict[str, str]) -> None:
    find_or_start_server(runtime, environ)
    key = _key(runtime)
    for pid in _pids(runtime):
        os.kill(pid, signal.SIGTERM)
    while list(runtime.glob("*.server.json")):
        os.sched_yield()
    assert find_again(runtime, key, environ) is None
    assert find_local_server(runtime) is None


def test_a_server_that_no_client_started_is_not_started_again(runtime: Path, environ: dict[str, str]) -> None:
    find_or_start_server(runtime, environ)
    key = _key(runtime)
    (runtime / "started.pid").write_text("1")
    _kill(runtime)
    assert find_again(runtime, key, environ) is None
    (runtime / "started.pid").write_bytes(b"\xff")
    assert find_again(runtime, key, environ) is None
    assert find_local_server(runtime) is None


def test_a_killed_server_is_started_where_its_data_was(runtime: Path, environ: dict[str, str]) -> None:
    first = find_or_start_server(runtime, environ)
    key = _key(runtime)
    _kill(runtime)
    elsewhere = {**environ, "CHATROOM_DATA": str(Path(environ["CHATROOM_HOME"]) / "elsewhere")}
    found = find_again(runtime, key, elsewhere)
    assert found is not None
    assert (found.started, found.pin, found.data) == (True, first.pin, first.data)


def test_a_killed_server_whose_data_is_gone_is_not_started_and_that_is_said(
    runtime: Path, environ: dict[str, str]
) -> None:
    first = find_or_start_server(runtime, environ)
    key = _key(runtime)
    _kill(runtime)
    moved = first.data.rename(first.data.with_name("moved"))
    with pytest.raises(LocalServerError, match=r"its data folder .* is gone"):
        find_again(runtime, key, environ)
    assert not first.data.exists()
    moved.rename(first.data)
    found = find_again(runtime, key, environ)
    assert found is not None
    assert found.pin == first.pin


def test_a_server_with_another_key_in_its_place_is_ended_and_said_once(
    runtime: Path, environ: dict[str, str]
) -> None:
    first = find_or_start_server(runtime, environ)
    key = _key(runtime)
    _kill(runtime)
    first.data.rename(first.data.with_name("moved"))
    first.data.mkdir()
    with pytest.raises(LocalServerError, match="holds another one by now"):
        find_again(runtime, key, environ)
    assert find_local_server(runtime) is None
    assert not (runtime / "started.pid").exists()
    assert find_again(runtime, key, environ) is None


def test_why_it_cannot_start_is_said(runtime: Path, environ: dict[str, str]) -> None:
    data = Path(environ["CHATROOM_HOME"]) / "server"
    data.write_text("in the way")
    with pytest.raises(LocalServerError, match="server"):
        find_or_start_server(runtime, environ)


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense", b'{"port": 1, "key": "!!"}'])
def test_files_that_nobody_has_locked_are_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "abc.server.json").write_bytes(content)
    assert find_local_server(tmp_path) is None
    assert find_local_server(tmp_path / "missing") is None


def test_a_server_on_the_usual_port_leaves_it_to_others(runtime: Path, environ: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found: LocalServer = find_or_start_server(runtime, {**environ, "CHATROOM_PORT": str(port)})
        assert found.started
        assert found.address.port != port
