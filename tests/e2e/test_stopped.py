"""Ctrl+Z goes back to the shell, and `fg` to what was said meanwhile; without a shell nothing stops."""

import re
import shlex
import shutil
import sys
from collections.abc import Callable

import pytest

from tests.e2e.terminal import Terminal, client_command
from tests.e2e.world import Person, Server, environment

MakePerson = Callable[..., Person]
SHELL = [sys.executable, "-c", "import pty; pty.spawn(['bash', '--norc', '--noprofile', '-i'])"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(("columns", "rows", "wrapped"), [(120, 36, False), (80, 24, True)])
def test_a_shell_brings_the_screen_back(
    person: MakePerson, server: Server, columns: int, rows: int, wrapped: bool
) -> None:
    me, bob = person("it4"), person("bob")
    assert me.script("send", "general", "first").returncode == 0
    command = shlex.join(client_command("-a", "127.0.0.1", "-p", str(server.port), "--room", "general"))
    if wrapped:
        command = f"sh -c {shlex.quote(f'{command}; true')}"
    with Terminal(SHELL, env=environment(me.home, PS1="shell:"), columns=columns, rows=rows) as terminal:
        terminal.wait_for("shell:")
        terminal.type(f"stty rows {rows} cols {columns}; clear; {command}\n")
        terminal.wait_for("#general ›")
        terminal.type("begun")
        terminal.wait_for("#general › begun")
        for n, way_back in enumerate(["fg", "bg; fg"]):
            terminal.type("\x1a")
            terminal.wait_for(lambda text: "Stopped" in text and text.rstrip().endswith("shell:"))
            assert bob.script("send", "general", f"meanwhile {n}").returncode == 0
            terminal.type(f"clear; {way_back}\n")
            terminal.wait_for(f"meanwhile {n}")
            terminal.wait_for("#general › begun")
        terminal.type(" again\r")
        terminal.wait_for("│ begun again")
        terminal.press("ctrl+q")
        terminal.wait_for(lambda text: text.rstrip().endswith("shell:"))
        terminal.type("exit\n")
        assert terminal.wait_end() == 0


def test_without_a_shell_the_key_undoes(person: MakePerson) -> None:
    me = person("it4")
    assert me.script("send", "general", "first").returncode == 0
    with me.full_screen("--room", "general") as terminal:
        terminal.wait_for("#general ›")
        terminal.paste("one")
        terminal.wait_for("#general › one")
        terminal.type("\x1a")
        terminal.wait_for(re.compile(r"#general ›\s*$", re.MULTILINE).search)
        terminal.type("two\r")
        terminal.wait_for("│ two")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
