"""What is POSIX only, with its way on Windows: locks of files, and the name of this machine."""

import contextlib
import hashlib
import socket
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Lock an open file, if nobody else has."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def is_locked(descriptor: int) -> bool:
        """Whether another program has locked an open file."""
        if not try_lock(descriptor):
            return True
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return False

    def lock(descriptor: int) -> None:
        """Lock an open file, waiting for others."""
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock an open file, if nobody else has.

        Raises:
            OSError: Files cannot be locked there at all.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_locked(descriptor: int) -> bool:
        """Whether another program has locked an open file; it may be open for reading only."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False

    def lock(descriptor: int) -> None:
        """Lock an open file, waiting for others."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def machine_name() -> str:
    """A word for this machine: another one for a home that is shared or was copied elsewhere."""
    parts = [socket.gethostname()]
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with contextlib.suppress(OSError):
            parts.append(Path(path).read_text(encoding="ascii").strip())
            break
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
