"""Copies of data folders: whole, sound, with another epoch, and made while a server writes."""

import asyncio
import errno
from pathlib import Path

import pytest

from chatroom.protocol.codec import decode_line
from chatroom_server.history import CopyError, OsFiles
from chatroom_server.history.backup import Backup
from chatroom_server.history.files import Mode
from chatroom_server.history.findings import Finding
from chatroom_server.history.verification import Verification
from tests.server.history.folders import Folder, tree


def back_up(folder: Path, onto: Path, *, is_live: bool = False, files: OsFiles | None = None) -> Backup:
    onto.mkdir(mode=0o700)
    backup = Backup(files or OsFiles(), folder, onto, is_live, ["identity"])
    backup.run()
    return backup


def findings(folder: Path) -> set[Finding]:
    return {report.kind for report in Verification(OsFiles(), folder).run()}


async def bodies(folder: Folder, room: str = "general") -> list[str]:
    return [decode_line(line).body for line in await folder.rig.all_lines(room)]


async def fill(path: Path, *, waiting: int = 0) -> Folder:
    folder = await Folder.open(path)
    for _ in range(4):
        await folder.say(10)
        await folder.say(5, "dev", who=1)
        await folder.flush()
    await folder.say(waiting)
    return folder


@pytest.mark.parametrize("end", ["close", "die"])
async def test_a_copy_of_a_folder_at_rest_is_sound_and_whole(tmp_path: Path, end: str) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    folder = await fill(data, waiting=7)
    (data / "identity").mkdir()
    (data / "identity" / "server.key").write_bytes(b"key")
    said, epoch = await bodies(folder), folder.rig.log.epoch
    await getattr(folder, end)()
    before = tree(data)
    backup = back_up(data, copy)
    assert tree(data) == before
    assert backup.size > sum(map(len, said))
    assert findings(copy) == {Finding.BACKUP}
    assert (copy / "identity" / "server.key").read_bytes() == b"key"
    restored = await Folder.open(copy)
    assert await bodies(restored) == said
    assert "is a backup" in restored.rig.recovery.notes[0]
    assert restored.rig.log.epoch != epoch
    await restored.say(3)
    await restored.close()
    assert findings(copy) == set()
    assert not {path for path in copy.rglob("*") if path.stat().st_mode & 0o077}


async def test_each_copy_of_a_backup_gets_an_epoch_of_its_own_once(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data")
    await folder.close()
    epochs = {folder.rig.log.epoch}
    for name in ("one", "two"):
        back_up(tmp_path / "data", tmp_path / name)
        back_up(tmp_path / name, tmp_path / f"{name}-again")
        for path in (tmp_path / name, tmp_path / f"{name}-again"):
            restored = await Folder.open(path)
            epochs.add(restored.rig.log.epoch)
            await restored.close()
            again = await Folder.open(path)
            assert again.rig.recovery.notes == []
            assert again.rig.log.epoch == restored.rig.log.epoch
            await again.close()
    assert len(epochs) == 5


async def test_copies_while_a_server_writes(tmp_path: Path) -> None:
    """Each is sound, begins where the history begins, and lacks nothing that was stored before it."""
    data = tmp_path / "data"
    folder = await fill(data)
    is_over = asyncio.Event()

    async def talk() -> None:
        while not is_over.is_set():
            await folder.say(7)
            await folder.say(3, "dev", who=1)
            await folder.flush()

    talking = asyncio.get_running_loop().create_task(talk())
    copies = []
    for number in range(12):
        stored = folder.rig.log.last_id(folder.draft("", n=1).room)
        await asyncio.to_thread(back_up, data, tmp_path / f"copy{number}", is_live=True)
        copies.append((tmp_path / f"copy{number}", stored))
    is_over.set()
    await talking
    everything = await folder.rig.all_lines()
    await folder.close()
    assert len(everything) > copies[0][1]
    for copy, stored in copies:
        assert findings(copy) == {Finding.BACKUP}
        restored = await Folder.open(copy)
        lines = await restored.rig.all_lines()
        assert len(lines) >= stored
        assert lines == everything[: len(lines)]
        await restored.close()


async def test_what_is_being_written_is_left_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = await fill(data, waiting=5)
    said = await bodies(folder)
    last = max((data / "journal").iterdir())
    with last.open("ab") as file:
        file.write(b'12345678 ["batch",99,1,')
    back_up(data, tmp_path / "copy", is_live=True)
    assert findings(tmp_path / "copy") == {Finding.BACKUP}
    (data / "journal" / "0000000999.journal").touch()
    back_up(data, tmp_path / "other", is_live=True)
    assert findings(tmp_path / "other") == {Finding.BACKUP}
    for name in ("copy", "other"):
        restored = await Folder.open(tmp_path / name)
        assert await bodies(restored) == said
        await restored.close()
    await folder.die()


async def test_a_torn_tail_at_rest_is_copied_as_it_is(tmp_path: Path) -> None:
    """Its good lines are for the next start to keep."""
    data = tmp_path / "data"
    folder = await fill(data, waiting=5)
    await folder.die()
    last = max((data / "journal").iterdir())
    last.write_bytes(last.read_bytes()[:-3])
    back_up(data, tmp_path / "copy")
    assert findings(tmp_path / "copy") == {Finding.BACKUP, Finding.JOURNAL_TORN}
    assert (tmp_path / "copy" / "journal" / last.name).read_bytes() == last.read_bytes()


class FullDisk(OsFiles):
    """Takes so many writes, then none."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(fd, data, offset)


@pytest.mark.parametrize("writes", [0, 1, 3, 8])
async def test_a_full_disk_is_named(tmp_path: Path, writes: int) -> None:
    folder = await fill(tmp_path / "data")
    await folder.close()
    with pytest.raises(CopyError, match="No space left on device") as caught:
        back_up(tmp_path / "data", tmp_path / "copy", files=FullDisk(writes))
    assert caught.value.path.is_relative_to(tmp_path / "copy")


class NoReading(OsFiles):
    """Does not give a room's file."""

    def __init__(self) -> None:
        self.bad: set[int] = set()

    def open(self, path: Path, mode: Mode) -> int:
        fd = super().open(path, mode)
        if path.parent.name.startswith("dev-") and path.suffix == ".jsonl" and not mode:
            self.bad.add(fd)
        return fd

    def read(self, fd: int, size: int, offset: int) -> bytes:
        if fd in self.bad:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(fd, size, offset)


async def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data")
    await folder.close()
    with pytest.raises(CopyError, match="Input/output error") as caught:
        back_up(tmp_path / "data", tmp_path / "copy", files=NoReading())
    assert caught.value.path.is_relative_to(tmp_path / "data" / "rooms")
