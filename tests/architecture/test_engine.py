"""What is simulated is what runs: one engine, which knows no doors, and whose parts nobody else joins."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "chatroom_server/shell/engine.py"
PARTS = {"open_log", "Hub", "Runner"}
DOORS = {"chatroom_server.shell.listener", "chatroom_server.shell.control", "chatroom_server.shell.text_door"}
OUTSIDE = {"socket", "ssl", "signal", "random", "secrets", *DOORS}
OWNERS = [ROOT / "chatroom_server/shell/server.py", ROOT / "tests/simulation/server.py"]


def calls(path: Path) -> set[str]:
    """The names that a module calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {function.id for function in called if isinstance(function, ast.Name)}


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_engine_puts_the_parts_together_and_knows_no_doors() -> None:
    assert calls(ENGINE) >= PARTS
    assert not OUTSIDE & set(imports(ENGINE))


@pytest.mark.parametrize("owner", OWNERS, ids=lambda path: path.parent.name)
def test_its_owners_use_it_whole(owner: Path) -> None:
    assert calls(owner) >= {"Engine", "Seams"}
    assert not calls(owner) & PARTS


def test_the_product_knows_nothing_of_its_tests() -> None:
    for package in ("chatroom", "chatroom_server"):
        for path in (ROOT / package).rglob("*.py"):
            assert not [name for name in imports(path) if name.startswith("tests")], path
