"""What the full screen has loaded and put together when its first frame is drawn."""

import json
import subprocess
import sys

import pytest

from chatroom.client.profile import Profile
from chatroom.home import find_home
from tests.e2e.world import environment

LATER = {
    "aioconsole",
    "ascii_magic",
    "babel",
    "cryptography",
    "msgspec",
    "PIL",
    "sqlite3",
    "chatroom.client.session",
    "chatroom.conversation_log",
    "chatroom.media",
    "chatroom.model",
    "chatroom.plain",
    "chatroom.scripts",
    "chatroom.tui.live",
    "chatroom.tui.screens.chat",
    "chatroom.tui.screens.first_start",
    "chatroom.tui.screens.help",
    "textual.widgets._text_area",
}
"""Loaded behind the first frame, or never."""
OURS_MAX, WIDGETS_MAX = 38, 12

_START = """
import json, os, sys
import chatroom.cli
from chatroom.cli_options import parse
from chatroom.common.texts import Texts
from chatroom.launch import _full_screen
from chatroom.prepare import prepare
from chatroom.tui import app as module

async def stop(app):
    widgets = len(app.screen.query("*"))
    os.write(int(sys.argv[1]), json.dumps({"modules": sorted(sys.modules), "widgets": widgets}).encode())
    os._exit(0)

module.ChatroomApp._begin = stop
options = parse(["-a", "127.0.0.1", "-p", "9999", "--nick", "it4"], Texts())
_full_screen(prepare(options, os.environ))
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Starts the full screen without a terminal, and ends it at its first frame."""
    home = tmp_path_factory.mktemp("home")
    env = environment(home, TEXTUAL_DRIVER="textual.drivers.headless_driver:HeadlessDriver")
    Profile.open(find_home(env).profile(""))  # making a key is for the first start only
    with (home / "out").open("wb") as out:
        descriptor = out.fileno()
        subprocess.run(
            [sys.executable, "-c", _START, str(descriptor)],
            env=env,
            pass_fds=[descriptor],
            check=True,
            timeout=60,
            capture_output=True,
        )
    found: dict[str, object] = json.loads((home / "out").read_bytes())
    return found


def test_the_first_frame_waits_for_nothing_that_it_does_not_draw(drawn: dict[str, object]) -> None:
    modules = drawn["modules"]
    assert isinstance(modules, list)
    assert not LATER.intersection(modules)
    ours = [name for name in modules if name.startswith("chatroom")]
    assert len(ours) <= OURS_MAX, ours


def test_the_first_frame_is_made_of_few_widgets(drawn: dict[str, object]) -> None:
    widgets = drawn["widgets"]
    assert isinstance(widgets, int)
    assert widgets <= WIDGETS_MAX
