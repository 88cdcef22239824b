"""What import contracts cannot see: calls in pure packages that reach the world."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = (
    "chatroom/protocol",
    "chatroom/common",
    "chatroom/model",
    "chatroom_server/core",
    "chatroom_server/gateways",
)
MODULES = sorted(path for package in PURE for path in (ROOT / package).rglob("*.py"))
ALL = sorted(path for package in ("chatroom", "chatroom_server") for path in (ROOT / package).rglob("*.py"))

BANNED_NAMES = {"open", "input", "print", "eval", "exec", "__import__", "breakpoint"}
BANNED_ATTRIBUTES = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "monotonic"),
    ("uuid", "uuid4"),
    ("uuid", "uuid1"),
    ("os", "urandom"),
    ("Ed25519PrivateKey", "generate"),
    ("sys", "stdout"),
    ("sys", "stderr"),
}
BANNED_MODULES = {
    "random",
    "secrets",
    "uuid",
    "logging",
    "threading",
    "asyncio",
    "socket",
    "time",
    "os",
    "pathlib",
}


def _violations(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BANNED_NAMES:
                found.append(f"line {node.lineno}: {name}()")
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in BANNED_ATTRIBUTES:
                found.append(f"line {node.lineno}: {owner}.{name}")
            case ast.Import(names=names):
                found += [
                    f"line {node.lineno}: import {n.name}"
                    for n in names
                    if n.name.split(".")[0] in BANNED_MODULES
                ]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in BANNED_MODULES:
                found.append(f"line {node.lineno}: from {module}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_packages_reach_nothing(path: Path) -> None:
    assert _violations(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "import random",
        "from time import monotonic",
        "datetime.now()",
        "def f():\n    import os.path",
        "x = sys.stdout",
    ],
)
def test_the_check_finds_what_it_looks_for(source: str) -> None:
    assert _violations(source)


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
