"""Where files are, computed from what the caller knows of the machine; nothing is touched."""

from collections.abc import Mapping

COURSE_LOGS = "/var/log/chat_room"
SOCKET_PATH_MAX = 100
"""Bytes; the path of a socket has room for 104 on macOS and 108 on Linux (unix(7))."""


def runtime_folder(environ: Mapping[str, str], user: int) -> str:
    """The folder in which running servers of a user are found: short enough for a socket's path.

    Each `CHATROOM_HOME` has one of its own, so that several people on one machine do not meet by accident.
    """
    mark = ""
    if home := own_home(environ):
        inside = f"{home}/run"
        if len(inside.encode(errors="surrogateescape")) < SOCKET_PATH_MAX - 30:
            return inside
        import hashlib  # only here: a start seldom needs it

        mark = "-" + hashlib.sha256(home.encode(errors="surrogateescape")).hexdigest()[:8]
    base = environ.get("XDG_RUNTIME_DIR", "")
    if base.startswith("/") and len(base.encode()) < SOCKET_PATH_MAX - 40:
        return f"{base}/chatroom{mark}"
    return f"/tmp/chatroom-{user}{mark}"  # its owner and mode are checked by those who open it


def own_home(environ: Mapping[str, str]) -> str:
    """The one folder that holds everything of a client, where one was named; else empty."""
    home = environ.get("CHATROOM_HOME", "")
    if home == "~" or home.startswith("~/"):  # as written into a file of settings, where no shell expands it
        return environ.get("HOME", "~") + home[1:]
    return home
