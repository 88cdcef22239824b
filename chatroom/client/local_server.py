"""This user's server on this machine: found through the runtime folder, or started to outlive its starter.

Each running server holds a lock on a small JSON file there, and removes the file when it ends; a file that
nobody has locked belongs to a server that was killed. Which one a client started last stands beside them. All
of this blocks.
"""

import contextlib
import os
import select
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from chatroom.client.address import Address
from chatroom.client.errors import LocalServerError
from chatroom.client.platform import is_locked, lock
from chatroom.common.inert import one_line
from chatroom.common.texts import Sentence
from chatroom.protocol import auth
from chatroom.protocol.invitation import DEFAULT_PORT

_READY_S: Final = 20.0
_CONNECT_S: Final = 2.0
_FILE_MAX: Final = 64 * 1024
_QUIET: Final = "--quiet"
_STARTED: Final = "started.pid"
_started: Final[list["subprocess.Popen[bytes]"]] = []
"""Kept, since a process that is forgotten while it runs is complained about."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server of this user on this machine.

    Attributes:
        pin: The hash of its key, as invitations hold it.
        started: It was started just now.
        data: Its data folder.
        log: Its log; None where it keeps none.
    """

    address: Address
    pin: str
    started: bool
    data: Path
    log: Path | None


class _Announced(msgspec.Struct, frozen=True):
    """What a server says of itself: in its file, and when it is ready."""

    pid: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    key: bytes = b""
    data: str = ""
    log: str = ""
    error: str = ""

    def server(self, *, started: bool) -> LocalServer:
        log = Path(self.log) if self.log else None
        return LocalServer(Address(self.host, self.port), auth.pin(self.key), started, Path(self.data), log)


_decode: Final = msgspec.json.Decoder(_Announced).decode


def find_local_server(runtime: Path) -> LocalServer | None:
    """A running server of this user: the one on the usual port, else the one that runs longest."""
    found = [server for server in _living(runtime) if _answers(server.address)]
    usual = [server for server in found if server.address.port == DEFAULT_PORT]
    return next(iter(usual or found), None)


def find_or_start_server(runtime: Path, environ: Mapping[str, str] | None = None) -> LocalServer:
    """A running server of this user, started where there is none; two that ask at once get the same one.

    It is started with this Python, with the settings that it would have on the command line, and on another
    port where the usual one is taken.

    Raises:
        LocalServerError: It cannot be started; the text says why.
    """
    if found := find_local_server(runtime):
        return found
    with _starting(runtime):
        return find_local_server(runtime) or _start(runtime, os.environ if environ is None else environ)


def find_again(
    runtime: Path, server_key: bytes, environ: Mapping[str, str] | None = None
) -> LocalServer | None:
    """The server with this key, where it runs by now; started again where a client had and it was killed.

    None where it was ended on purpose, or is not this user's. Two that ask at once get the same one.

    Raises:
        LocalServerError: It cannot be started, or its data folder is another one's by now; the text says why.
    """
    wanted = auth.pin(server_key)
    if _killed(runtime, wanted) is None:
        return _with_key(runtime, wanted)
    with _starting(runtime):
        found, killed = _with_key(runtime, wanted), _killed(runtime, wanted)
        if found or killed is None:
            return found
        return _start_again(runtime, os.environ if environ is None else environ, killed)


def runs_with_key(runtime: Path, server_key: bytes) -> bool:
    """Whether a server of this user has this key, and runs."""
    return any(server.pin == auth.pin(server_key) for server in _living(runtime))


def _with_key(runtime: Path, pin: str) -> LocalServer | None:
    found = (server for server in _living(runtime) if server.pin == pin and _answers(server.address))
    return next(found, None)


def _killed(runtime: Path, pin: str) -> _Announced | None:
    """The server with this key, where a client started it and it ended without a chance to say so."""
    try:
        started = (runtime / _STARTED).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    found = (read for path in _files(runtime) if (read := _read(path)))
    killed = (said for said, lives in found if not lives and str(said.pid) == started)
    return next((said for said in killed if auth.pin(said.key) == pin), None)


def _living(runtime: Path) -> list[LocalServer]:
    """The servers of this user that run, the oldest first."""
    found = (read for path in _files(runtime) if (read := _read(path)))
    return [said.server(started=False) for said, lives in found if lives]


def _files(runtime: Path) -> list[Path]:
    """The files of servers, the oldest first."""
    dated: list[tuple[float, Path]] = []
    for path in runtime.glob("*.server.json"):
        with contextlib.suppress(OSError):
            dated.append((path.stat().st_mtime, path))
    return [path for _at, path in sorted(dated)]


def _read(path: Path) -> tuple[_Announced, bool] | None:
    """What a file of this user's says, and whether its server lives."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        if not _is_own(descriptor):
            return None
        lives = is_locked(descriptor)
        return _decode(os.read(descriptor, _FILE_MAX)), lives
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)


def _is_own(descriptor: int) -> bool:
    return not hasattr(os, "getuid") or os.fstat(descriptor).st_uid == os.getuid()


def _answers(address: Address) -> bool:
    try:
        socket.create_connection((address.host, address.port), timeout=_CONNECT_S).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _starting(runtime: Path) -> Iterator[None]:
    """Be the only one that starts a server."""
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = runtime.lstat()
        if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
            raise LocalServerError(
                Sentence(
                    "{folder} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR", folder=runtime
                )
            )
        descriptor = os.open(runtime / "starting.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LocalServerError(
            Sentence("{folder} cannot be used ({reason})", folder=runtime, reason=error.strerror)
        ) from error
    try:
        lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _start_again(runtime: Path, environ: Mapping[str, str], killed: _Announced) -> LocalServer:
    """Start a server where its data was; what holds another key is ended at once, and not started again."""
    if not killed.data or not Path(killed.data).is_dir():
        raise LocalServerError(
            Sentence(
                "the server of this machine cannot be started again: its data folder {folder} is gone",
                folder=one_line(killed.data),
            )
        )
    server = _start(runtime, environ, "--data", killed.data)
    if server.pin != auth.pin(killed.key):
        _end_started(runtime)
        raise LocalServerError(
            Sentence(
                "the server of this machine cannot be started again: {folder} holds another one by now; "
                "leave and start chatroom again to use that",
                folder=one_line(killed.data),
            )
        )
    return server


def _start(runtime: Path, environ: Mapping[str, str], *arguments: str) -> LocalServer:
    """Start a server; on a free port where it does not start on its own one."""
    try:
        return _launch(runtime, environ, *arguments)
    except LocalServerError:
        return _launch(runtime, environ, *arguments, "--port", "0")


def _end_started(runtime: Path) -> None:
    """End the server that was started last."""
    process = _started.pop()
    process.terminate()
    try:
        process.wait(_READY_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(OSError):
        (runtime / _STARTED).unlink()


def _launch(runtime: Path, environ: Mapping[str, str], *arguments: str) -> LocalServer:
    reader, writer = os.pipe()
    try:
        process = _spawn(runtime / "starting.log", environ, writer, arguments)
    except (OSError, ValueError) as error:
        os.close(reader)
        raise LocalServerError(_not_started(str(error))) from error
    finally:
        os.close(writer)
    _started.append(process)
    try:
        line = _first_line(reader, process)
    finally:
        os.close(reader)
    try:
        said = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LocalServerError(_last_words(runtime / "starting.log")) from error
    if said.error:
        raise LocalServerError(one_line(said.error))
    with contextlib.suppress(OSError):  # it only is not started again, then
        (runtime / _STARTED).write_text(str(said.pid), encoding="ascii")
    return said.server(started=True)


def _spawn(
    log: Path, environ: Mapping[str, str], writer: int, arguments: tuple[str, ...]
) -> "subprocess.Popen[bytes]":
    """Start the server in a session of its own, so that it outlives the terminal."""
    command = [sys.executable, "-m", "chatroom_server", _QUIET, "--announce-ready", str(writer), *arguments]
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(writer,),
            start_new_session=True,
            cwd="/",
            env=_absolute(environ),
        )


def _absolute(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that runs in another folder."""
    home = environ.get("CHATROOM_HOME")
    return {**environ, "CHATROOM_HOME": str(Path(home).absolute())} if home else dict(environ)


def _first_line(descriptor: int, process: "subprocess.Popen[bytes]") -> bytes:
    """What the server announces, or what came of it until it ended.

    Raises:
        LocalServerError: It took too long; it is ended.
    """
    deadline, said = time.monotonic() + _READY_S, b""
    while b"\n" not in said:
        ready, _w, _x = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            process.kill()
            process.wait()
            raise LocalServerError(
                Sentence("the server was not ready after {seconds:.0f} s", seconds=_READY_S)
            )
        chunk = os.read(descriptor, _FILE_MAX)
        if not chunk:
            return said
        said += chunk
    return said


def _not_started(reason: str) -> Sentence:
    return Sentence("the server could not be started: {reason}", reason=reason)


def _last_words(log: Path) -> Sentence:
    """Why a server ended that announced nothing."""
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            return _not_started(one_line(lines[-1])[:300])
    return Sentence("the server could not be started, and did not say why")
