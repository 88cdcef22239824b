"""A small file system for tests that fill it or write-protect it; it needs no rights of the machine's."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE_S

SIZE = 4 * 1024 * 1024


class SmallDisk:
    """A file system of a few megabytes, in a mount namespace that ends with it; needs no rights.

    Raises:
        OSError: This machine does not let us; the text says why.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        script = 'mount -t tmpfs -o mode=700,size="$1" tmpfs "$2" && echo ready && exec cat'
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
        if sys.platform != "linux" or any(shutil.which(tool) is None for tool in ("unshare", "nsenter")):
            raise OSError(errno.ENOSYS, "there is no unshare or no nsenter")
        self._holder = subprocess.Popen(
            [*command, str(SIZE), str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline()
        if said != b"ready\n":
            self.close()
            raise OSError(errno.EPERM, said.decode(errors="replace").strip())

    def within(self, *command: str) -> list[str]:
        """The command line that runs a command where the disk is mounted."""
        target = ["--target", str(self._holder.pid), "--user", "--mount", "--preserve-credentials"]
        return ["nsenter", *target, "--", *command]

    def remount(self, how: str) -> None:
        """Mount it anew, "ro" or "rw"."""
        subprocess.run(self.within("mount", "-o", f"remount,{how}", str(self._place)), check=True)

    @property
    def folder(self) -> Path:
        """The disk as it is seen from outside."""
        return Path(f"/proc/{self._holder.pid}/root{self._place}")

    def fill(self) -> None:
        """Leave no room."""
        with (
            Path("/dev/zero").open("rb") as zeros,
            (self.folder / "filling").open("wb", buffering=0) as file,
            pytest.raises(OSError, match="No space left"),
        ):
            shutil.copyfileobj(zeros, file)

    def make_room(self) -> None:
        """Take away what filled it."""
        (self.folder / "filling").unlink()

    def close(self) -> None:
        """Let go of it; it ends with the last program that uses it."""
        self._holder.communicate(timeout=PATIENCE_S)
