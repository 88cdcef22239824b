"""Brings the French catalogue up to date with the sentences in the code: python docs/make_catalogue.py."""

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("chatroom", "chatroom_server")
PO: Final = ROOT / "chatroom/common/locale/fr/LC_MESSAGES/chatroom.po"
MO: Final = PO.with_suffix(".mo")

_TABLES: Final = ("SENTENCES", "ERRORS")
"""Constants whose values are sentences, or rows that begin with one."""
_SHOWN_ENUMS: Final = ("PersonState",)
"""Enumerations whose values are words that people see."""
_THEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Written into the catalogue in place of now, so that making it twice gives the same file."""
_HEADER: Final = """\
# French sentences of chatroom. How to change them: docs/translating.md.
msgid ""
msgstr ""
"Language: fr\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

"""

Sentence = str | tuple[str, str]
"""One sentence, or the two forms of one that has a number."""


def sentences() -> dict[Sentence, list[str]]:
    """Every sentence in the code, and the modules that have it."""
    found: dict[Sentence, list[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            for sentence in sentences_of(path.read_text(encoding="utf-8")):
                places = found.setdefault(sentence, [])
                if place not in places:
                    places.append(place)
    return found


def sentences_of(source: str) -> Iterator[Sentence]:
    """The sentences of one module, in its order."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                yield from _of_call(name, args)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if name in _TABLES:
                yield from _of_table(values)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name in _TABLES:
                yield from _of_table(values)
            case ast.ClassDef(name=name, body=body) if name in _SHOWN_ENUMS:
                for statement in body:
                    if isinstance(statement, ast.Assign):
                        yield from _of_text(statement.value)


def _of_call(name: str, args: list[ast.expr]) -> Iterator[Sentence]:
    match name, args:
        case "_" | "Sentence", [text]:
            yield from _of_text(text)
        case "n", [ast.Constant(value=str(one)), ast.Constant(value=str(many)), _]:
            yield one, many


def _of_table(values: list[ast.expr]) -> Iterator[Sentence]:
    for value in values:
        yield from _of_text(value.args[0] if isinstance(value, ast.Call) and value.args else value)


def _of_text(node: ast.expr) -> Iterator[Sentence]:
    match node:
        case ast.Constant(value=str(text)) if any(map(str.isalpha, _without_fields(text))):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _of_text(one)
            yield from _of_text(other)


def _without_fields(text: str) -> str:
    return "".join(part.rpartition("}")[2] for part in text.split("{"))


def merged(old: Catalog) -> Catalog:
    """The sentences of the code with the translations that there are; what is no longer said is dropped."""
    new = _empty()
    for sentence, places in sentences().items():
        message = old.get(sentence if isinstance(sentence, str) else sentence[0])
        known = message is not None and message.id == sentence and not message.fuzzy
        new.add(
            sentence,
            message.string if message is not None and known else None,
            locations=[(place, 0) for place in places],
            user_comments=message.user_comments if message is not None else (),
        )
    return new


def _empty() -> Catalog:
    return Catalog("fr", domain="chatroom", creation_date=_THEN, revision_date=_THEN, fuzzy=False)


def read_catalogue() -> Catalog:
    """The catalogue as it is."""
    if not PO.exists():
        return _empty()
    with PO.open("rb") as file:
        return read_po(file, locale="fr", domain="chatroom")


def po_of(catalogue: Catalog) -> bytes:
    """The catalogue as text."""
    file = io.BytesIO()
    write_po(file, catalogue, width=110, omit_header=True, sort_by_file=True, include_lineno=False)
    return _HEADER.encode() + file.getvalue()


def mo_of(catalogue: Catalog) -> bytes:
    """The catalogue as gettext reads it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """The sentences that still need a translation."""
    return [str(message.id) for message in catalogue if message.id and not _is_translated(message.string)]


def _is_translated(string: object) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def main() -> int:
    """Rewrite both files, and tell on standard error what has no translation yet.

    Returns:
        The exit code: 1 when a sentence has none.
    """
    catalogue = merged(read_catalogue())
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(po_of(catalogue))
    MO.write_bytes(mo_of(catalogue))
    missing = untranslated(catalogue)
    sys.stderr.writelines(f"no translation: {sentence}\n" for sentence in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
