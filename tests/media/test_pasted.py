import os
import shlex
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.media.pasted import PICTURES_MAX, TEXT_MAX, picture_paths
from tests.media.pictures import FORMATS, LOGO, Save


def backslashed(path: Path) -> str:
    return "".join(sign if sign.isalnum() or sign in "/._-" else "\\" + sign for sign in str(path))


NAMES = [
    "cat.png",
    "my cat (1).png",
    'it\'s 100% "me" & [you] #1.png',
    "été\u202fà 9.41.png",
    "back\\slash.png",
]


@pytest.fixture(params=NAMES)
def picture(request: pytest.FixtureRequest, save: Save) -> Path:
    return save(request.param)


@pytest.mark.parametrize(
    "written",
    [
        str,
        backslashed,
        lambda path: shlex.quote(str(path)),
        lambda path: "'" + str(path).replace("'", "'\\''") + "'",
        lambda path: '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"',
        lambda path: "file://" + quote(str(path)),
        lambda path: "file://localhost" + quote(str(path)),
        lambda path: f"  {shlex.quote(str(path))} \n",
    ],
    ids=["raw", "backslashes", "shell", "single", "double", "file", "localhost", "spaces-around"],
)
def test_a_path_is_understood_however_it_is_written(picture: Path, written: object) -> None:
    assert callable(written)
    assert picture_paths(written(picture)) == [picture]


def test_several_paths_are_understood_on_one_line_and_on_many(save: Save) -> None:
    one, two, three = save("a b.png"), save("c.jpg"), save("d e.gif")
    paths = [one, two, three]
    assert picture_paths(shlex.join(map(str, paths))) == paths
    assert picture_paths(" ".join(map(backslashed, paths))) == paths
    assert picture_paths(f"file://{quote(str(one))} '{two}' {backslashed(three)} ") == paths
    for end in ("\n", "\r\n", "\r"):
        assert picture_paths(end.join(map(str, paths)) + end) == paths
        assert picture_paths(end.join("file://" + quote(str(path)) for path in paths)) == paths


def test_each_of_the_four_formats_is_a_picture_whatever_its_name(save: Save) -> None:
    for ending in FORMATS:
        path = save(f"picture.{ending}")
        odd = path.rename(path.with_name(f"{ending}.txt"))
        assert picture_paths(str(odd)) == [odd]
    assert picture_paths(str(LOGO)) == [LOGO]


def test_a_path_in_the_home_folder_may_begin_with_a_tilde(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save("my cat.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert picture_paths("~/my cat.png") == [path]
    assert picture_paths("~/my\\ cat.png ~/my\\ cat.png") == [path, path]
    assert picture_paths("~root/my\\ cat.png") == []


def test_a_name_that_is_not_unicode_is_found(save: Save, tmp_path: Path) -> None:
    odd = save("a.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    assert picture_paths(f"file://{tmp_path}/%FF.png") == [odd]


def test_one_token_that_is_no_picture_makes_all_of_it_text(save: Save, tmp_path: Path) -> None:
    path = save("a.png")
    (tmp_path / "notes.png").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.png")
    here = str(tmp_path)
    others = [
        *(
            "look:",
            "notes.png",
            "~",
            "/",
            "relative/a.png",
            here,
            "/dev/zero",
            "'",
            "https://example.org/a.png",
        ),
        *(f"{here}/{name}.png" for name in ("notes", "pipe", "missing")),
        *("file://elsewhere/a.png", f"file://{quote(here)}/%00.png"),
    ]
    for other in others:
        assert picture_paths(f"{path} {other}") == [], other
        assert picture_paths(f"{other}\n{path}") == [], other
        assert picture_paths(other) == [], other
    assert picture_paths(str(path)) == [path]


def test_a_relative_path_is_text(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")
    monkeypatch.chdir(tmp_path)
    assert picture_paths("a.png") == []
    assert picture_paths("./a.png") == []


def test_there_are_bounds(save: Save) -> None:
    path = save("a.png")
    assert picture_paths(" ".join([str(path)] * PICTURES_MAX)) == [path] * PICTURES_MAX
    assert picture_paths(" ".join([str(path)] * (PICTURES_MAX + 1))) == []
    assert picture_paths(f"{path} " + " " * TEXT_MAX) == [path]
    assert picture_paths(str(path) + "\n" * 3 + str(path) + " " * TEXT_MAX + str(path)) == []


@given(st.text())
def test_any_other_text_is_text(text: str) -> None:
    assert picture_paths(text) == []


@given(text=st.text(alphabet="/~' \"\\\n%:file.png", max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_paste_beside_a_picture_never_raises(save: Save, text: str) -> None:
    path = save("a.png")
    assert set(picture_paths(f"{path} {text}")) <= {path}
