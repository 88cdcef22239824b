"""JSON is decoded by decoders that are made when their module is loaded.

Two threads that use a type of msgspec for the first time at once can crash the program (0.22: a field's type
is looked up before it is known). A decoder looks all of them up when it is made; modules load on one thread.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATHS = sorted(path for package in ("chatroom", "chatroom_server") for path in (ROOT / package).rglob("*.py"))


def late_lookups(tree: ast.Module) -> Iterator[int]:
    """Lines where a type is looked up inside a function."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    has_type = any(keyword.arg == "type" for keyword in node.keywords)
                    if node.func.attr == "Decoder" or (node.func.attr in ("decode", "convert") and has_type):
                        yield node.lineno


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_type_is_looked_up_late(path: Path) -> None:
    assert not list(late_lookups(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "line", ["json.decode(b'', type=int)", "msgspec.json.Decoder(int)", "convert.convert({}, type=dict)"]
)
def test_a_late_lookup_is_found(line: str) -> None:
    assert list(late_lookups(ast.parse(f"def f():\n    return {line}\n"))) == [2]
    assert not list(late_lookups(ast.parse(f"made = {line}\n")))
