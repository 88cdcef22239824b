"""How programs of this user find servers, and speak with them."""

import asyncio
import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from chatroom_server.shell.control import ControlError, ControlSocket, Reply, Request, ask
from chatroom_server.shell.running import (
    Announcement,
    RunningServer,
    RuntimeFolderError,
    control_path,
    open_runtime_folder,
    running_servers,
)


def server(data: Path) -> RunningServer:
    """What a server says of itself."""
    return RunningServer(os.getpid(), "127.0.0.1", 9999, bytes(32), str(data), "", "")


def test_a_server_is_found_while_it_runs(tmp_path: Path) -> None:
    one, two = (Announcement(tmp_path, server(tmp_path / name)) for name in ("b", "a"))
    assert [found.data for found in running_servers(tmp_path)] == [str(tmp_path / "a"), str(tmp_path / "b")]
    one.withdraw()
    two.withdraw()
    assert running_servers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_one_that_was_killed_counts_for_nothing(tmp_path: Path) -> None:
    announcement = Announcement(tmp_path, server(tmp_path))
    os.close(announcement._fd)  # as the system does with those of a process that is gone
    (tmp_path / "broken.server.json").write_text("{", encoding="utf-8")
    assert running_servers(tmp_path) == []


def test_the_runtime_folder_is_private(tmp_path: Path) -> None:
    folder = open_runtime_folder({"CHATROOM_HOME": str(tmp_path / "home")})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    open_runtime_folder({"CHATROOM_HOME": str(tmp_path / "home")})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_runtime_folder_that_is_a_link_is_refused() -> None:
    with tempfile.TemporaryDirectory() as short:  # a long path would have its runtime folder elsewhere
        home = Path(short)
        (home / "elsewhere").mkdir()
        (home / "run").symlink_to(home / "elsewhere")
        with pytest.raises(RuntimeFolderError, match="somebody else"):
            open_runtime_folder({"CHATROOM_HOME": short})


async def test_commands_are_answered(tmp_path: Path) -> None:
    async def echo(request: Request) -> Reply:
        return Reply(help=request.room)

    path = control_path(tmp_path, tmp_path / "data")
    control = ControlSocket(path, {"echo": echo})
    await control.open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (await asyncio.to_thread(ask, path, Request("echo", "tea"))).help == "tea"
    assert "dance" in (await asyncio.to_thread(ask, path, Request("dance"))).error
    assert b"cannot be read" in await asyncio.to_thread(_say, path, b"nonsense\n")
    assert b"cannot be read" in await asyncio.to_thread(_say, path, b"x" * 200_000 + b"\n")
    await control.close()
    with pytest.raises(ControlError):
        await asyncio.to_thread(ask, path, Request("echo"))


def _say(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        with contextlib.suppress(OSError):  # it answers before it has read everything
            sock.sendall(data)
        return sock.recv(65536)
