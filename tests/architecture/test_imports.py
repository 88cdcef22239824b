"""What importing a package loads: nothing heavy that its user has not asked for."""

import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "aioconsole", "ascii_magic", "PIL", "babel")


def _loaded(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("root", ["chatroom", "chatroom_server"])
def test_the_roots_import_nothing(root: str) -> None:
    code = f"import sys; before = set(sys.modules); import {root}; print(*(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == [root]


@pytest.mark.parametrize(
    "statement",
    [
        "import chatroom.client",
        "import chatroom.client.session",
        "import chatroom_server.cli",
        "import chatroom_server.shell.server",
        "import chatroom.__main__",
    ],
)
def test_no_library_loads_the_full_screen(statement: str) -> None:
    assert not _loaded(statement) & set(HEAVY)
