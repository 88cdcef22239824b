"""Where a client's files are: one folder of `CHATROOM_HOME`, or where the platform wants them."""

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatroom.common.inert import one_line
from chatroom.common.places import COURSE_LOGS, own_home, runtime_folder
from chatroom.common.texts import Sentence, SentenceError

DEFAULT_PROFILE = "me"
_PROFILE_MAX = 40
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class HomeError(SentenceError):
    """A folder cannot be used; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one person's client.

    Attributes:
        config: `client.conf`.
        data: Profiles: keys, outboxes, what is kept of rooms.
        logs: Where client.log may be; the first that can be written wins.
        runtime: Where this user's running servers are found.
    """

    config: Path
    data: Path
    logs: tuple[Path, ...]
    runtime: Path

    def profile(self, name: str) -> Path:
        """The folder of a profile (`--as NAME`).

        Raises:
            HomeError: The name cannot be one.
        """
        name = name or DEFAULT_PROFILE
        if (
            name in (".", "..")
            or set(name) & set("/\\:")
            or one_line(name) != name
            or len(name) > _PROFILE_MAX
        ):
            raise HomeError(
                Sentence(
                    "--as {name}: a profile's name is a word of at most {max} letters",
                    name=one_line(name)[:60],
                    max=_PROFILE_MAX,
                )
            )
        return self.data / "profiles" / name.casefold()


def find_home(environ: Mapping[str, str]) -> Home:
    """The folders, none of which need exist yet."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    runtime = Path(runtime_folder(environ, user))
    if own := own_home(environ):
        base = Path(own).expanduser()
        return Home(base, base, (base / "log",), runtime)
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("chatroom", appauthor=False)
    return Home(dirs.user_config_path, dirs.user_data_path, (Path(COURSE_LOGS), dirs.user_log_path), runtime)


def make_private(folder: Path) -> Path:
    """Make a folder that only its owner can enter; of one that is there, take writing from everybody else.

    Raises:
        HomeError: It cannot be made, or belongs to somebody else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise HomeError(
            Sentence(
                "{folder} cannot be used ({reason}); name another folder with CHATROOM_HOME",
                folder=folder,
                reason=error.strerror,
            )
        ) from error
    if hasattr(os, "getuid") and status.st_uid not in (os.getuid(), 0):
        raise HomeError(
            Sentence(
                "{folder} belongs to another user; name another folder with CHATROOM_HOME", folder=folder
            )
        )
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:  # /tmp itself stays as it is
        with contextlib.suppress(PermissionError):
            folder.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS_WRITE)
    return folder
