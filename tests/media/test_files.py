import errno
import os
import stat
from pathlib import Path

import pytest

from chatroom.media.errors import SENTENCES, PictureError, Problem, shown
from chatroom.media.files import BYTES_MAX, HEAD, picture_format, read_picture

PNG = b"\x89PNG\r\n\x1a\n and the rest"


def problem(path: Path) -> Problem:
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    return caught.value.problem


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\r", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", "JPEG"),
        (b"GIF87a\1\0\1\0\0\0", "GIF"),
        (b"GIF89a\1\0\1\0\0\0", "GIF"),
        (b"RIFF\1\2\3\4WEBP", "WEBP"),
        (b"RIFF\1\2\3\4WAVE", None),
        (b"GIF90a\1\0\1\0\0\0", None),
        (b"\x89PNG\n\n\x1a\n", None),
        (b"BM", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_format(head: bytes, name: str | None) -> None:
    assert picture_format(head) == name


def test_a_picture_is_read_whole_or_as_far_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    assert read_picture(path) == PNG
    assert read_picture(path, HEAD) == PNG[:HEAD]


def test_a_file_of_20_mebibytes_is_too_large_and_one_byte_less_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    os.truncate(path, BYTES_MAX)
    assert problem(path) is Problem.TOO_MANY_BYTES
    os.truncate(path, BYTES_MAX - 1)
    assert read_picture(path, HEAD) == PNG[:HEAD]


def test_what_is_no_picture_is_told_apart(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("just text, whatever its name")
    assert problem(text) is Problem.NO_PICTURE
    (tmp_path / "empty.png").touch()
    assert problem(tmp_path / "empty.png") is Problem.NO_PICTURE
    assert problem(tmp_path / "missing.png") is Problem.MISSING
    assert problem(text / "inside.png") is Problem.MISSING
    assert problem(tmp_path / "nul\0.png") is Problem.MISSING
    assert problem(tmp_path) is Problem.FOLDER
    assert problem(tmp_path / ("x" * 300)) is Problem.UNREADABLE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), Problem.NOT_PERMITTED),
        (OSError(errno.EIO, "Input/output error"), Problem.UNREADABLE),
    ],
)
def test_refusals_of_the_system_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, expected: Problem
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)

    def refuse(*_: object) -> int:
        raise error

    monkeypatch.setattr(os, "open", refuse)
    assert problem(path) is expected


def test_pipes_and_devices_are_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")

    def fail(*_: object) -> int:
        pytest.fail("it was opened")

    monkeypatch.setattr(os, "open", fail)
    assert problem(tmp_path / "pipe.png") is Problem.NO_FILE
    assert problem(tmp_path / "device.png") is Problem.NO_FILE


@pytest.mark.timeout(20)
def test_a_file_that_becomes_a_pipe_meanwhile_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    regular = os.stat_result((stat.S_IFREG, 0, 0, 1, 0, 0, 100, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    assert problem(pipe) is Problem.NO_FILE


def test_no_file_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        problem(path)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_every_problem_names_the_file_and_says_what_to_do() -> None:
    assert set(SENTENCES) == set(Problem)
    for each in Problem:
        error = PictureError(each, Path("/home/it4/cat.png"), "Input/output error")
        assert str(error).startswith("/home/it4/cat.png ")
        assert ";" in str(error)
        assert error.name == "/home/it4/cat.png"


def test_names_are_shown_inert_and_short() -> None:
    assert shown("é界 a.png") == "é界 a.png"
    hostile = "a\x1b]0;x\x07\u202e\n\x9b" + os.fsdecode(b"\xff") + ".png"
    assert shown(hostile) == "a\ufffd]0;x\ufffd\ufffd\ufffd\ufffd\ufffd.png"
    assert shown(hostile).encode()
    assert len(shown("x" * 500 + ".png")) == 200
    assert shown("x" * 500 + ".png").endswith("x.png")
