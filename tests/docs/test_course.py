"""docs/course.md and the ladder of examples name files and tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
COURSE = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
LADDER = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
PROGRAMS = sorted(path.relative_to(ROOT / "examples").as_posix() for path in ROOT.glob("examples/*/*.py"))


def test_every_test_that_the_course_names_exists() -> None:
    known = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", COURSE)
    assert len(named) > 60
    assert [name for name in named if f"def {name}(" not in known] == []


def test_every_program_of_the_examples_is_in_the_course_and_on_the_ladder() -> None:
    in_course = set(re.findall(r"`(\w+/\w+\.py)`", COURSE))
    assert len(PROGRAMS) > 30
    helpers = {"asynchronous/slow_web_server.py"}
    assert set(PROGRAMS) - helpers <= in_course <= set(PROGRAMS)
    assert [program for program in PROGRAMS if program.split("/")[0] not in LADDER] == []


def test_the_ladder_names_only_what_is_there() -> None:
    names = {Path(program).name for program in PROGRAMS}
    named = set(re.findall(r"\b([a-z_]+(?:_\d)?\.py)\b", LADDER))
    assert named
    product = {
        path.name for folder in ("chatroom", "chatroom_server") for path in (ROOT / folder).rglob("*.py")
    }
    assert named - product <= names
