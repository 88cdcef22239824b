"""What a check of a data folder finds, and that it finds nothing where nothing is wrong."""

import errno
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from chatroom.protocol.ids import RoomId
from chatroom_server.core.ports import Draft
from chatroom_server.history import HistoryError, LogSettings, NewerFormatError, OsFiles
from chatroom_server.history.findings import NOTES, SENTENCES, Finding, Report
from chatroom_server.history.verification import Verification
from tests.server.history.folders import Folder, room_files, tree
from tests.server.history.simfiles import SimFiles

SIM = Path("/sim/data")
BIG = LogSettings(journal_segment=1 << 20, room_segment=1 << 20, few_rooms=2)


def verify(folder: Path) -> list[Report]:
    """Check a folder, and see that this changes nothing."""
    before = tree(folder)
    reports = list(Verification(OsFiles(), folder).run())
    assert tree(folder) == before
    for report in reports:
        assert SENTENCES[report.kind].format(**report.args)
    return reports


def kinds(reports: list[Report]) -> set[Finding]:
    return {report.kind for report in reports}


def damages(reports: list[Report]) -> set[Finding]:
    return {report.kind for report in reports if report.is_damage}


async def fill(path: Path, *, waiting: int = 0) -> Path:
    """A folder with several segments of everything; some lines may be in the journal alone."""
    folder = await Folder.open(path)
    for _ in range(4):
        await folder.say(10)
        await folder.say(5, "dev", who=1)
        await folder.say(3, "dev")
        await folder.flush()
    if waiting:
        await folder.say(waiting)
        await folder.die()
    else:
        await folder.close()
    return path


def journal_files(folder: Path) -> list[Path]:
    return sorted((folder / "journal").glob("*.journal"))


def flip(path: Path, offset: int, *, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= bit
    path.write_bytes(content)


# --- nothing is wrong ------------------------------------------------------------------------
async def test_a_folder_that_was_closed_is_sound(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data")
    assert len(room_files(folder)) > 3
    assert verify(folder) == []
    check = Verification(OsFiles(), folder)
    assert list(check.run()) == []
    assert (check.rooms, check.lines, check.waiting, check.damages) == (2, 72, 0, 0)


async def test_lines_that_wait_in_the_journal_are_counted(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data", waiting=7)
    check = Verification(OsFiles(), folder)
    assert list(check.run()) == []
    assert (check.lines, check.waiting) == (72, 7)


async def test_a_torn_tail_is_a_note(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data", waiting=7)
    last = journal_files(folder)[-1]
    last.write_bytes(last.read_bytes()[:-3])
    reports = verify(folder)
    assert kinds(reports) == {Finding.JOURNAL_TORN}
    assert not damages(reports)


async def test_a_new_folder_is_sound(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path / "data")
    await folder.die()
    assert verify(tmp_path / "data") == []


async def test_what_an_earlier_start_set_aside_is_a_note(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data", waiting=40)
    flip(journal_files(folder)[-2], 300)
    assert Finding.JOURNAL_DAMAGED in damages(verify(folder))
    again = await Folder.open(folder)
    await again.say(1, who=2)
    await again.close()
    reports = verify(folder)
    assert not damages(reports)
    assert Finding.SET_ASIDE in kinds(reports)


@pytest.mark.parametrize("seed", range(30))
async def test_no_crash_leaves_damage(seed: int) -> None:
    """Wherever the power fails, the folder is sound before and after the next start."""
    rng, files = random.Random(seed), SimFiles()
    files.make_folder(SIM.parent)
    files.sync_folder(Path("/"))
    for _ in range(3):
        files.dies_at = len(files.calls) + rng.randint(1, 250)
        await _live(files, rng)
        files = files.killed() if rng.random() < 0.3 else files.power_cut(rng)
        if "checkpoint.json" in files.names(SIM):
            assert not damages(list(Verification(files, SIM).run()))


async def _live(files: SimFiles, rng: random.Random) -> None:
    try:
        folder = await Folder.open(SIM, files)
    except HistoryError:
        return
    try:
        for _ in range(12):
            await folder.say(rng.choice([1, 3, 8]), rng.choice(["general", "dev"]), rng.choice([0, 1]))
            if rng.random() < 0.3:
                await folder.flush()
    finally:
        await folder.die()


@pytest.mark.parametrize("seed", range(10))
async def test_a_disk_that_refuses_leaves_no_damage(seed: int) -> None:
    rng, files = random.Random(seed), SimFiles()
    files.make_folder(SIM.parent)
    folder = await Folder.open(SIM, files)
    files.fail = lambda call, name: errno.EIO if call != "read" and rng.random() < 0.1 else None
    for _ in range(12):
        drafts = [folder.draft(f"{number}") for number in range(3)]
        await folder.store(*drafts)
        await folder.flush()
    files.fail = lambda call, name: None
    await folder.die()
    assert not damages(list(Verification(files.killed(), SIM).run()))


# --- something is ----------------------------------------------------------------------------
def cut_active(folder: Path) -> None:
    path = room_files(folder)[-1]
    path.write_bytes(path.read_bytes()[:-10])


def cut_a_line(folder: Path) -> None:
    path = room_files(folder)[-1]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def swap_lines(folder: Path) -> None:
    first, second, *rest = room_files(folder)[0].read_bytes().splitlines(keepends=True)
    room_files(folder)[0].write_bytes(b"".join([second, first, *rest]))


def leave_out_a_line(folder: Path) -> None:
    path = room_files(folder)[-1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]) + lines[-1])


def move_to_another_room(folder: Path) -> None:
    path = room_files(folder)[-1]
    path.write_bytes(path.read_bytes().replace(b'"room":"general"', b'"room":"generax"'))


def change_a_word(folder: Path) -> None:
    path = room_files(folder)[-1]
    content = path.read_bytes()
    at = content.rindex(b"line ")
    path.write_bytes(content[:at] + b"LINE " + content[at + 5 :])


def change_sealed_word(folder: Path) -> None:
    path = room_files(folder)[0]
    path.write_bytes(path.read_bytes().replace(b"line 1 ", b"line 7 "))


def change_users(folder: Path) -> None:
    path = folder / "users.json"
    path.write_bytes(path.read_bytes().replace(b'"nick', b'"NICK', 1).replace(b'["a"]', b'["z"]'))


DAMAGES: list[tuple[Callable[[Path], object], Finding]] = [
    (lambda folder: (folder / "checkpoint.json").unlink(), Finding.CHECKPOINT_MISSING),
    (lambda folder: flip(folder / "checkpoint.json", 40), Finding.CHECKPOINT_UNREADABLE),
    (lambda folder: (folder / "checkpoint.json").write_bytes(b""), Finding.CHECKPOINT_UNREADABLE),
    (lambda folder: journal_files(folder)[-1].unlink(), Finding.JOURNAL_MISSING),
    (lambda folder: journal_files(folder)[-1].write_bytes(b""), Finding.CHECKPOINT_AHEAD),
    (lambda folder: flip(journal_files(folder)[-1], 10), Finding.JOURNAL_DAMAGED),
    (cut_active, Finding.SEGMENT_SHORT),
    (cut_active, Finding.LINE_UNREADABLE),
    (cut_a_line, Finding.LINES_WRONG_END),
    (swap_lines, Finding.LINE_NUMBER),
    (swap_lines, Finding.SEGMENT_CHANGED),
    (leave_out_a_line, Finding.LINE_NUMBER),
    (move_to_another_room, Finding.LINE_ELSEWHERE),
    (change_sealed_word, Finding.SEGMENT_CHANGED),
    (lambda folder: room_files(folder)[1].unlink(), Finding.SEGMENT_MISSING),
    (lambda folder: room_files(folder)[0].unlink(), Finding.SEGMENT_MISSING),
    (lambda folder: room_files(folder)[-1].unlink(), Finding.SEGMENT_MISSING),
    (lambda folder: (room_files(folder)[0].parent / "index.json").unlink(), Finding.INDEX_UNREADABLE),
    (lambda folder: (folder / "users.json").unlink(), Finding.PROJECTION_MISSING),
    (change_users, Finding.PROJECTION_CHANGED),
    (lambda folder: (folder / "users.json").write_bytes(b"[]"), Finding.USERS_UNREADABLE),
    (lambda folder: (folder / "devices.jsonl").write_bytes(b'{"a":1}\n'), Finding.DEVICES_UNREADABLE),
    (lambda folder: flip(folder / "devices.jsonl", 0), Finding.PROJECTION_CHANGED),
]


@pytest.mark.parametrize(
    ("harm", "expected"), DAMAGES, ids=[f"{n}-{kind}" for n, (_, kind) in enumerate(DAMAGES)]
)
async def test_damage_is_named(tmp_path: Path, harm: Callable[[Path], object], expected: Finding) -> None:
    folder = await fill(tmp_path / "data")
    harm(folder)
    reports = verify(folder)
    assert expected in damages(reports)


async def test_a_room_of_one_segment_needs_no_index(tmp_path: Path) -> None:
    """Neither to be checked nor to be read."""
    path = tmp_path / "data"
    folder = await Folder.open(path, settings=BIG)
    await folder.say(20)
    await folder.close()
    (room_files(path)[0].parent / "index.json").write_bytes(b"{}")
    assert kinds(verify(path)) == {Finding.INDEX_UNREADABLE}
    again = await Folder.open(path)
    assert len(await again.rig.all_lines()) == 20
    await again.say(20)
    await again.close()
    assert verify(path) == []


async def test_what_differs_from_the_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data"
    folder = await Folder.open(path, settings=BIG)
    await folder.say(20)
    await folder.flush()
    await folder.say(2)
    await folder.die()
    change_a_word(path)
    (report,) = verify(path)
    assert (report.kind, report.line) == (Finding.UNLIKE_JOURNAL, 20)


async def test_a_lost_batch_in_the_middle_is_named(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data", waiting=60)
    assert len(journal_files(folder)) > 3
    journal_files(folder)[-2].unlink()
    assert {Finding.JOURNAL_GAP, Finding.JOURNAL_HOLE} <= damages(verify(folder))


@pytest.mark.parametrize(
    ("text", "expected"), [("again", Finding.STORED_TWICE), ("else", Finding.NUMBER_CONFLICT)]
)
@pytest.mark.parametrize("room", ["general", "dev"])
@pytest.mark.parametrize("end", ["close", "die"])
async def test_a_message_that_is_stored_twice_is_named(
    tmp_path: Path, text: str, expected: Finding, room: str, end: str
) -> None:
    folder = await Folder.open(tmp_path / "data")
    await folder.say(5)
    await folder.store(folder.draft("again", n=6))
    await folder.store(folder.draft(text, room, n=6))
    await folder.say(3)
    await getattr(folder, end)()
    (report,) = verify(tmp_path / "data")
    assert report.kind == expected
    assert {report.args["line"], report.args["other"]} == ({6, 7} if room == "general" else {1, 6})


async def test_a_guest_who_had_been_forgotten_is_a_note(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path / "data")
    await folder.store(folder.draft("one", n=1, guest=True), folder.draft("other", "dev", n=1, guest=True))
    await folder.close()
    reports = verify(tmp_path / "data")
    assert kinds(reports) == {Finding.GUEST_AGAIN}
    assert not damages(reports)


async def test_devices_that_know_more_than_the_rooms_are_named(tmp_path: Path) -> None:
    path = tmp_path / "data"
    folder = await Folder.open(path)
    await folder.say(5)
    await folder.flush()
    ahead = b'{"user":"%b","dev":"a1","last":99}\n' % (b"b" * 16)
    await folder.rig.log.flush({}, {"devices.jsonl": ahead})
    await folder.rig.log.close()
    (report,) = verify(path)
    assert report.kind == Finding.DEVICES_AHEAD
    assert (report.args["found"], report.args["last"]) == (99, 0)


async def test_users_that_know_more_than_the_log_are_named(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path / "data")
    await folder.flush()
    await folder.rig.log.flush({"users.json": b'{"format":1,"last":99,"users":[],"rooms":[]}'}, {})
    await folder.rig.log.close()
    assert kinds(verify(tmp_path / "data")) == {Finding.USERS_AHEAD}


async def test_a_line_in_the_journal_that_is_none_is_named(tmp_path: Path) -> None:
    folder = await Folder.open(tmp_path / "data")
    await folder.store(Draft(RoomId("general"), b'"at":1}'))
    await folder.die()
    assert kinds(verify(tmp_path / "data")) == {Finding.LINE_UNREADABLE}


async def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    folder = await fill(tmp_path / "data")
    path = folder / "checkpoint.json"
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":9'))
    with pytest.raises(NewerFormatError):
        list(Verification(OsFiles(), folder).run())


async def test_much_damage_of_one_kind_is_counted_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    folder = await Folder.open(path, settings=BIG)
    await folder.say(60)
    await folder.close()
    file = room_files(path)[-1]
    file.write_bytes(file.read_bytes().replace(b'{"id":', b'{"ID":'))
    reports = verify(path)
    assert sum(report.kind is Finding.LINE_UNREADABLE for report in reports) == 20
    (more,) = [report for report in reports if report.kind is Finding.MORE]
    assert (more.args["count"], more.args["kind"], more.is_damage) == (40, "line-unreadable", True)


@pytest.mark.parametrize("seed", range(8))
async def test_no_changed_byte_goes_unnoticed(tmp_path: Path, seed: int) -> None:
    folder, rng = await fill(tmp_path / "data"), random.Random(seed)
    files = [
        folder / "checkpoint.json",
        folder / "users.json",
        folder / "devices.jsonl",
        *journal_files(folder),
        *room_files(folder),
    ]
    for path in files:
        before = path.read_bytes()
        for _ in range(4):
            flip(path, rng.randrange(len(before)), bit=1 << rng.randrange(8))
            assert damages(list(Verification(OsFiles(), folder).run())), path.name
            path.write_bytes(before)


def test_there_is_a_sentence_for_each_finding() -> None:
    assert set(SENTENCES) == set(Finding)
    assert set(SENTENCES) > NOTES
