"""Every document points to files that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def _links(text: str) -> list[str]:
    """Relative links, without what stands behind their #."""
    found = [one or other for one, other in LINK.findall(CODE.sub("", text))]
    return [link.partition("#")[0] for link in found if not re.match(r"[a-z][a-z0-9+.-]*:|#|//", link)]


FOLDERS = [
    path
    for path in ROOT.iterdir()
    if path.is_dir() and path.name[0] != "." and path.name not in ("build", "dist")
]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in folder.rglob("*.md"))])


def test_there_are_documents() -> None:
    assert {ROOT / "README.md", ROOT / "docs" / "protocol.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    links = _links(path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_links_are_found() -> None:
    text = (
        "[a](b.md#c) `[x](y)` [d](https://e.org) ![f](g.png 'h') [i](#j)\n"
        '<img src="k.svg">\n```\n[l](m)\n```\n'
    )
    assert _links(text) == ["b.md", "g.png", "k.svg"]
