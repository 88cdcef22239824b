"""Whose a data folder is, and what is said when it cannot be used."""

import asyncio
import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chatroom_server.history import (
    DamagedError,
    FolderError,
    FolderInUseError,
    ForeignFolderError,
    HistoryError,
    LogSettings,
    NewerFormatError,
    NotWritableError,
    OsFiles,
    checkpoint,
    open_log,
    read_lock,
)
from chatroom_server.history.checkpoint import Checkpoint
from chatroom_server.history.files import read_file
from chatroom_server.history.lock import LockNote
from chatroom_server.history.opening import open_folder
from chatroom_server.history.records import Position
from tests.server.history.harness import GENERAL, Rig
from tests.server.history.simfiles import SimFiles


async def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    rig = await Rig.open(tmp_path / "a" / "b" / "data")
    assert rig.recovery.created
    assert rig.recovery.projections == {}
    await rig.log.close()
    again = await Rig.open(tmp_path / "a" / "b" / "data")
    assert not again.recovery.created
    assert again.recovery.notes == []
    await again.log.close()


async def test_nobody_else_may_read_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    before = os.umask(0)
    try:
        rig = await Rig.open(folder)
        await rig.say(*("x" * 100 for _ in range(30)))
        await rig.log.flush({"users.json": b"[]"}, {"devices.jsonl": b"1\n"})
        await rig.say("more")
        await rig.log.close()
    finally:
        os.umask(before)
    _assert_private(folder)


def _assert_private(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ForeignFolderError, match=r"thesis\.tex.*choose an empty"):
        await Rig.open(tmp_path)
    assert OsFiles().names(tmp_path) == ["thesis.tex"]


async def test_what_a_server_puts_there_first_is_not_foreign(tmp_path: Path) -> None:
    (tmp_path / "server.conf").write_text("")
    (tmp_path / "mine").write_text("")
    rig = await Rig.open(tmp_path, settings=LogSettings(own_names=frozenset({"server.conf", "mine"})))
    assert rig.recovery.created
    await rig.log.close()


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(FolderError, match="is no folder"):
        await Rig.open(tmp_path / "data")
    with pytest.raises(FolderError):
        await Rig.open(tmp_path / "data" / "below")


@pytest.mark.parametrize(
    ("number", "sentence"), [(errno.EACCES, "was made to fail"), (errno.EROFS, "was made to fail")]
)
async def test_a_folder_that_cannot_be_written(number: int, sentence: str) -> None:
    files = SimFiles()
    files.make_folder(Path("/sim"))
    files.fail = lambda call, name: number if call in ("open", "make_folder") else None
    with pytest.raises(NotWritableError, match=f"/sim/data.*{sentence}.*--data"):
        await Rig.open(Path("/sim/data"), files)


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    tmp_path.chmod(0o500)
    return tmp_path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_without_rights(unwritable: Path) -> None:
    with pytest.raises(NotWritableError, match="Permission denied"):
        await Rig.open(unwritable / "data")


async def test_a_second_server_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    rig = await Rig.open(tmp_path / "data")
    rig.log.set_note("/run/socket")
    with pytest.raises(FolderInUseError, match=f"process {os.getpid()}") as caught:
        await Rig.open(tmp_path / "data")
    assert (caught.value.pid, caught.value.note) == (os.getpid(), "/run/socket")
    assert read_lock(OsFiles(), tmp_path / "data").note == "/run/socket"
    await rig.log.close()
    again = await Rig.open(tmp_path / "data")
    await again.log.close()


async def test_chance_and_the_process_are_the_callers() -> None:
    disks = []
    for pid in (4711, 4712):
        files = SimFiles()
        files.make_folder(Path("/sim"))
        log, _ = await open_log(
            Path("/sim/data"), on_outcome=lambda _: None, files=files, entropy=lambda n: b"\x2a" * n, pid=pid
        )
        assert log.epoch == "2a" * 6
        log.set_note("there")
        assert read_lock(files, Path("/sim/data")) == LockNote(pid, "there")
        await log.close()
        disks.append(read_file(files, Path("/sim/data/checkpoint.json")))
    assert disks[0] == disks[1]


class _Slow(SimFiles):
    """Between the first look at a folder and its lock, another server lives a whole life there."""

    life: Callable[[], None] | None = None

    def lock(self, path: Path) -> int:
        other, self.life = self.life, None
        if other is not None:
            other()
        return super().lock(path)


def test_a_folder_that_was_nobodys_a_moment_ago_is_not_begun_anew() -> None:
    files = _Slow()
    files.make_folder(Path("/sim"))
    files.life = lambda: asyncio.run(_say_one(files))
    opened = open_folder(Path("/sim/data"), files, LogSettings(), durable=True, note="")
    assert not opened.recovery.created
    assert opened.checkpoint.rooms[GENERAL].last == 1


async def _say_one(files: SimFiles) -> None:
    rig = await Rig.open(Path("/sim/data"), files)
    await rig.say("one")
    await rig.log.close()


def test_a_lock_that_says_nothing(tmp_path: Path) -> None:
    assert read_lock(OsFiles(), tmp_path).pid == 0
    for content in ("", "[]", '{"pid": "x", "note": ""}', '{"pid": 1}'):
        (tmp_path / "lock").write_text(content)
        assert (read_lock(OsFiles(), tmp_path).pid, read_lock(OsFiles(), tmp_path).note) == (0, "")


async def _some_folder(tmp_path: Path) -> Path:
    rig = await Rig.open(tmp_path / "data")
    await rig.say("one", "two")
    await rig.log.flush({"users.json": b"[]"}, {"devices.jsonl": b"1\n2\n"})
    await rig.log.close()
    return tmp_path / "data"


async def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    folder = await _some_folder(tmp_path)
    path = folder / "checkpoint.json"
    path.write_text('{"checksum":0,"checkpoint":{"format":2,"other":[]}}')
    with pytest.raises(NewerFormatError, match=r"format 2.*update chatroom-server"):
        await Rig.open(folder)


@pytest.mark.parametrize(
    "content", ["", "{}", "[" * 3000, '{"checksum":1,"checkpoint":{"format":1}}', "\xff"]
)
async def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    folder = await _some_folder(tmp_path)
    (folder / "checkpoint.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DamagedError, match=r"checkpoint\.json cannot be read"):
        await Rig.open(folder)


async def test_a_checkpoint_with_another_content_is_refused(tmp_path: Path) -> None:
    folder = await _some_folder(tmp_path)
    path = folder / "checkpoint.json"
    path.write_bytes(path.read_bytes().replace(b'"last":2', b'"last":3'))
    with pytest.raises(DamagedError, match="its checksum is wrong"):
        await Rig.open(folder)


async def test_projections_that_were_edited_are_used_and_said_so(tmp_path: Path) -> None:
    folder = await _some_folder(tmp_path)
    (folder / "users.json").write_text("[1]")
    rig = await Rig.open(folder)
    assert rig.recovery.projections["users.json"] == b"[1]"
    assert "changed by another program" in rig.recovery.notes[0]
    await rig.log.close()
    again = await Rig.open(folder)
    assert again.recovery.projections["users.json"] == b"[1]"
    assert again.recovery.notes == []
    await again.log.close()


@pytest.mark.parametrize(
    ("name", "content"), [("users.json", "[1"), ("devices.jsonl", "1\n2"), ("users.json", None)]
)
async def test_projections_that_cannot_be_read_are_refused(
    tmp_path: Path, name: str, content: str | None
) -> None:
    folder = await _some_folder(tmp_path)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(DamagedError, match=f"{name} is {'damaged' if content else 'missing'}; put"):
        await Rig.open(folder)


@pytest.mark.parametrize(("torn", "own"), [(b"", None), (b"[0]", b"[0]"), (None, None)])
async def test_what_is_left_of_a_projection_under_another_name_is_no_edit(
    tmp_path: Path, torn: bytes | None, own: bytes | None
) -> None:
    folder = await _some_folder(tmp_path)
    files, place = OsFiles(), folder / "devices.jsonl"
    current = checkpoint.load(files, folder)
    projection = msgspec.structs.replace(current.projections[place.name], file="devices.jsonl.9")
    projections = current.projections | {place.name: projection}
    checkpoint.save(files, folder, msgspec.structs.replace(current, projections=projections))
    whole = place.read_bytes()
    place.unlink()
    for name, content in (("devices.jsonl.9", torn), (place.name, own)):
        if content is not None:
            (folder / name).write_bytes(content)
    said = "devices.jsonl is missing; put" if torn is None else "devices.jsonl.9 is damaged; put"
    with pytest.raises(DamagedError, match=rf"{folder}/{said} .* backup .*{folder}/checkpoint.json"):
        await Rig.open(folder)
    place.write_bytes(whole)  # what the message says to do
    rig = await Rig.open(folder)
    assert rig.recovery.projections[place.name] == whole
    await rig.log.close()


async def test_a_torn_addition_is_cut(tmp_path: Path) -> None:
    folder = await _some_folder(tmp_path)
    with (folder / "devices.jsonl").open("ab") as file:
        file.write(b"3\n[torn")
    rig = await Rig.open(folder)
    assert rig.recovery.projections["devices.jsonl"] == b"1\n2\n"
    assert (folder / "devices.jsonl").read_bytes() == b"1\n2\n"
    await rig.log.close()


async def test_a_room_file_that_is_too_long_is_cut_before_it_is_used(tmp_path: Path) -> None:
    folder = await _some_folder(tmp_path)
    (path,) = folder.glob("rooms/*/0000000001.jsonl")
    content = path.read_bytes()
    path.write_bytes(content + b'{"id":3,"body":"was never stored"}\n{"id":')
    rig = await Rig.open(folder)
    assert len(await rig.all_lines()) == 2
    await rig.say("three")
    await rig.log.flush({}, {})
    await rig.log.close()
    assert path.read_bytes().startswith(content)
    assert [json.loads(line)["id"] for line in path.read_bytes().splitlines()] == [1, 2, 3]
    assert b"never" not in path.read_bytes()


async def test_a_room_file_that_is_too_short_is_said_and_the_room_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = await _some_folder(tmp_path)
    (path,) = folder.glob("rooms/*/0000000001.jsonl")
    path.write_bytes(path.read_bytes()[:20])
    rig = await Rig.open(folder)
    await rig.say("three")
    await rig.log.flush({}, {})
    await rig.log.flush({}, {})
    with pytest.raises(OSError, match="damaged"):
        await rig.all_lines()
    assert rig.log._rooms[GENERAL].tail == []
    assert "is shorter than it was" in caplog.text
    page = await rig.log.page(GENERAL, after=None, before=None, limit=1, max_bytes=1000)
    assert page.first == 3
    await rig.log.close()


async def test_corruption_is_set_aside_reported_and_gives_another_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    rig = await Rig.open(folder)
    await rig.say("one", "two", "three")
    await rig.say("four")
    epoch = rig.log.epoch
    await rig.die()
    (path,) = folder.glob("journal/*.journal")
    damaged = path.read_bytes().replace(b"two", b"too")
    path.write_bytes(damaged)
    again = await Rig.open(folder)
    assert again.log.epoch != epoch
    lines = await again.all_lines()
    assert [b"lost" in line for line in lines] == [False, True, False, False]
    assert any(str(folder / "damaged" / path.name) in note for note in again.recovery.notes)
    assert (folder / "damaged" / path.name).read_bytes() == damaged
    await again.log.close()
    last = await Rig.open(folder)
    assert last.recovery.notes == []
    assert await last.all_lines() == lines
    await last.log.close()


async def test_a_torn_tail_is_kept_aside_and_the_epoch_stays(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    rig = await Rig.open(folder)
    await rig.say("one")
    await rig.say("two")
    epoch = rig.log.epoch
    await rig.die()
    (path,) = folder.glob("journal/*.journal")
    path.write_bytes(path.read_bytes()[:-3])
    again = await Rig.open(folder)
    assert again.log.epoch == epoch
    assert len(await again.all_lines()) == 1
    assert "not written to its end" in again.recovery.notes[0]
    assert len(list((folder / "damaged").iterdir())) == 1
    await again.log.close()


async def test_what_recovery_read_is_rewritten_before_it_is_used(tmp_path: Path) -> None:
    files = SimFiles()
    files.make_folder(Path("/sim"))
    rig = await Rig.open(Path("/sim/data"), files)
    await rig.say("one")
    await rig.die()
    (name,) = files.names(Path("/sim/data/journal"))
    again = await Rig.open(Path("/sim/data"), files.killed())
    (new,) = files.names(Path("/sim/data/journal"))
    assert new != name
    inode = files.file(Path("/sim/data/journal") / new)
    assert inode.durable == bytes(inode.data)
    await again.log.close()


def test_every_error_is_of_one_tree() -> None:
    for error in (DamagedError, FolderInUseError, ForeignFolderError, NewerFormatError, NotWritableError):
        assert issubclass(error, HistoryError)


def test_a_checkpoint_survives_its_encoding() -> None:
    checkpoint = Checkpoint("e", 1, Position(1, 2, 3), Position(4, 5, 6))  # type: ignore[arg-type]
    assert msgspec.json.decode(msgspec.json.encode(checkpoint), type=Checkpoint) == checkpoint
