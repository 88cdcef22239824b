"""A client's folders: all in one where that is wanted, private, and a sentence where they cannot be used."""

import os
import stat
from pathlib import Path

import pytest

from chatroom.home import HomeError, find_home, make_private


def test_one_folder_holds_everything(tmp_path: Path) -> None:
    home = find_home({"CHATROOM_HOME": str(tmp_path)})
    for folder in (home.config, home.data, *home.logs, home.profile("")):
        assert folder.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_it_the_platform_decides() -> None:
    home = find_home({"XDG_RUNTIME_DIR": "/run/user/7"})
    assert "chatroom" in home.data.parts
    assert home.logs[0] == Path("/var/log/chat_room")
    assert home.runtime == Path("/run/user/7/chatroom")


def test_profiles_have_a_folder_each(tmp_path: Path) -> None:
    home = find_home({"CHATROOM_HOME": str(tmp_path)})
    assert home.profile("") == home.profile("me") == tmp_path / "profiles" / "me"
    assert home.profile("Zoé") == home.profile("zoé") != home.profile("zoe")


@pytest.mark.parametrize(
    "name", [".", "..", "a/b", "../x", "a\\b", "C:", "a\n", "\x1b[31m", "\u202e", " a", "x" * 41]
)
def test_a_profile_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    home = find_home({"CHATROOM_HOME": str(tmp_path)})
    with pytest.raises(HomeError, match="a profile's name is a word") as caught:
        home.profile(name)
    assert str(caught.value).isprintable()


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = make_private(tmp_path / "a" / "b")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert make_private(folder) == folder


def test_an_old_folder_loses_the_writing_of_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    make_private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_folder_that_all_may_use_stays(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    make_private(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_a_file_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match=r"file cannot be used \(File exists\); name another folder"):
        make_private(tmp_path / "file")
    with pytest.raises(HomeError, match="Not a directory"):
        make_private(tmp_path / "file" / "below")


def test_the_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = tmp_path.stat().st_uid
    if owner == 0:
        os.chown(tmp_path, 12345, -1)
    monkeypatch.setattr("os.getuid", lambda: owner + 1)
    with pytest.raises(HomeError, match="belongs to another user"):
        make_private(tmp_path)
