"""`client.log`: one event a line, whatever is in it, in files that only their owner reads."""

from pathlib import Path

import pytest

from chatroom.common.texts import Texts
from chatroom.conversation_log import (
    FILE_NAME,
    OLD_FILES,
    ConversationLog,
    ConversationLogError,
    open_conversation_log,
)
from chatroom.protocol.frames import Line, Person, PresenceEvent
from chatroom.protocol.ids import RoomId, UserId

ME = UserId("me" * 8)


def opened(folder: Path, size_max: int = 1 << 20) -> ConversationLog:
    log = ConversationLog(
        folder, Texts(), day=lambda at: "2026-11-21", clock=lambda at: "09:00", size_max=size_max
    )
    log.know(ME)
    return log


def line(body: str, *, nick: str = "bob", user: str = "bob") -> Line:
    return Line(1, 0, RoomId("general"), UserId(user), nick, body=body)


def test_the_conversation_is_written_in_the_course_s_words(tmp_path: Path) -> None:
    log = opened(tmp_path / "log")
    log.said("#general", line("morning!"))
    log.said("#general", line("on it", nick="it4", user=ME))
    log.noticed("#general", 0, PresenceEvent.JOINED, [Person(UserId("z"), "zoé")])
    log.noticed("#general", 0, PresenceEvent.AWAY, [Person(UserId("z"), "zoé")])
    log.close()
    assert (tmp_path / "log" / FILE_NAME).read_text(encoding="utf-8").splitlines() == [
        "2026-11-21 #general [09:00] bob said: morning!",
        "2026-11-21 #general [09:00] You said: on it",
        "2026-11-21 #general [09:00] Notice: zoé joined the room",
    ]


def test_one_event_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.said(
        "#ge\nneral", line("one\ntwo\x1b]0;title\x07\u2028three\r\n[09:00] eve said: fake", nick="b\nob")
    )
    log.close()
    text = (tmp_path / FILE_NAME).read_text(encoding="utf-8")
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_files_are_private_and_set_aside_when_full(tmp_path: Path) -> None:
    log = opened(tmp_path, size_max=200)
    for number in range(40):
        log.said("#general", line(f"message number {number}"))
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [FILE_NAME, *(f"{FILE_NAME}.{number}" for number in range(1, OLD_FILES + 1))]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())
    assert "number 39" in (tmp_path / FILE_NAME).read_text(encoding="utf-8")


def test_two_programs_share_one_file(tmp_path: Path) -> None:
    one, other = opened(tmp_path, size_max=400), opened(tmp_path, size_max=400)
    for number in range(6):
        one.said("#general", line(f"one {number}"))
        other.said("#general", line(f"other {number}"))
    one.close()
    other.close()
    kept = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert all(f"said: {name} {number}\n" in kept for name in ("one", "other") for number in range(6))


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("keep", encoding="utf-8")
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConversationLogError):
        opened(tmp_path)
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "keep"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConversationLogError):
        opened(tmp_path)


def test_the_first_folder_that_can_be_written_is_taken(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    folders = [tmp_path / "taken", tmp_path / "free"]
    log = open_conversation_log(folders, Texts(), day=lambda at: "", clock=lambda at: "")
    assert log is not None
    log.close()
    assert (tmp_path / "free" / FILE_NAME).exists()
    assert open_conversation_log(folders[:1], Texts(), day=lambda at: "", clock=lambda at: "") is None
