"""The outbox on disk: what is in it survives, is numbered once, and belongs to one server and one machine."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.client.devices import claim_free, claim_waiting
from chatroom.client.errors import OutboxError
from chatroom.client.events import MessageState
from chatroom.client.outbox import Draft, Outbox
from chatroom.client.platform import try_lock
from chatroom.protocol.ids import DeviceId, RoomId

ROOM = RoomId("general")
HERE, THERE = b"h" * 32, b"t" * 32


def _open(path: Path, machine: str = "here") -> Outbox:
    return Outbox(path / "outbox.db", machine)


def test_messages_are_there_again_in_their_order(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    said = outbox.add(HERE, [Draft(ROOM, body) for body in ("one", "two", "zoë 🏖")])
    outbox.add(THERE, [Draft(ROOM, "elsewhere")])
    outbox.close()
    again = _open(tmp_path)
    assert again.messages(HERE) == said
    assert [message.n for message in said] == [1, 2, 3]
    assert [message.body for message in again.messages(THERE)] == ["elsewhere"]
    assert again.device == said[0].dev
    again.close()


def test_numbers_are_never_used_again(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    first = outbox.add(HERE, [Draft(ROOM, "one")])
    outbox.remove([first[0].key])
    outbox.close()
    again = _open(tmp_path)
    assert again.add(HERE, [Draft(ROOM, "two")])[0].n == 2
    again.continue_after(HERE, again.device, 93)
    assert again.add(HERE, [Draft(ROOM, "three")])[0].n == 94
    again.close()


def test_what_failed_keeps_its_reason_and_gets_a_new_number(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    one, two = outbox.add(HERE, [Draft(ROOM, "one"), Draft(ROOM, "two")])
    outbox.fail(one.key, "too long")
    assert outbox.messages(HERE)[0].reason == "too long"
    assert outbox.messages(HERE)[0].state is MessageState.FAILED
    assert outbox.has_waiting(HERE)
    outbox.remove([two.key])
    assert not outbox.has_waiting(HERE)
    again = outbox.renumber(HERE, one.key)
    assert again is not None
    assert (again.key, again.n, again.state, again.reason) == (one.key, 3, MessageState.PENDING, "")
    assert outbox.renumber(HERE, two.key) is None
    outbox.close()


def test_a_retired_device_is_used_no_more(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    old = outbox.device
    outbox.retire(DeviceId("other"))
    assert outbox.device == old
    outbox.retire(old)
    assert outbox.device != old
    assert outbox.add(HERE, [Draft(ROOM, "one")])[0].dev == outbox.device
    outbox.close()


def test_a_copied_home_takes_a_device_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    original = _open(tmp_path / "a")
    waiting = original.add(HERE, [Draft(ROOM, "one")])
    device = original.device
    original.close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copied, elsewhere, original = _open(tmp_path / "b"), _open(tmp_path / "b", "there"), _open(tmp_path / "a")
    assert original.device == device
    assert len({device, copied.device, elsewhere.device}) == 3
    assert copied.messages(HERE) == waiting, "what waits keeps the name under which it may be stored already"
    for outbox in (copied, elsewhere, original):
        outbox.close()


def test_all_or_none_is_kept(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    with pytest.raises(OutboxError):
        outbox.add(HERE, [Draft(ROOM, "fine"), Draft(ROOM, "\ud800")])
    assert outbox.messages(HERE) == []
    outbox.close()


def test_guests_of_two_servers_do_not_meet(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    said = [outbox.add(b"guest" + server, [Draft(ROOM, "hi")])[0] for server in (HERE, THERE)]
    assert [message.n for message in said] == [1, 1]
    assert said[0].key != said[1].key
    outbox.remove([said[0].key])
    assert outbox.messages(b"guest" + THERE) == [said[1]]
    outbox.close()


def test_a_message_with_a_key_of_before_leaves_as_all_others(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    (said,) = outbox.add(HERE, [Draft(ROOM, "old")])
    outbox.close()
    old = f"{said.dev}.{said.n}.{HERE[:3].hex()}"
    with contextlib.closing(sqlite3.connect(tmp_path / "outbox.db")) as database, database:
        database.execute("UPDATE messages SET key = ?", (old,))
    again = _open(tmp_path)
    assert [message.key for message in again.messages(HERE)] == [old]
    assert again.add(HERE, [Draft(ROOM, "new")])[0].n == 2
    again.fail(old, "why")
    renumbered = again.renumber(HERE, old)
    assert renumbered is not None
    assert renumbered.n == 3
    again.remove([old])
    assert [message.body for message in again.messages(HERE)] == ["new"]
    again.close()


def test_a_file_that_fails_later_is_an_outbox_error(tmp_path: Path) -> None:
    outbox = _open(tmp_path)
    _spoil(tmp_path)
    with pytest.raises(OutboxError):
        outbox.continue_after(HERE, outbox.device, 7)
    outbox.close()


def test_a_slot_that_cannot_be_read_is_free_again(tmp_path: Path) -> None:
    claim_free(tmp_path).release()
    folder = tmp_path / "devices" / "0"
    _spoil(folder)
    assert claim_waiting(tmp_path, HERE, at_most=5) == []
    with (folder / "lock").open("r+b") as lock:
        assert try_lock(lock.fileno())


def _spoil(folder: Path) -> None:
    """Make the tables others than an outbox knows."""
    with contextlib.closing(sqlite3.connect(folder / "outbox.db")) as database, database:
        for table in ("numbers", "messages"):
            database.execute(f"ALTER TABLE {table} RENAME COLUMN scope TO other")


def test_a_file_that_is_no_outbox_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database" * 100)
    with pytest.raises(OutboxError, match=r"outbox\.db"):
        _open(tmp_path)


def test_the_file_is_private(tmp_path: Path) -> None:
    _open(tmp_path).close()
    assert (tmp_path / "outbox.db").stat().st_mode & 0o777 == 0o600


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "fail", "retry", "reopen"]), st.integers(0, 9))))
def test_no_order_of_events_loses_or_renames_a_message(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("outbox")
    outbox, expected, numbers = _open(folder), dict[str, str](), set[tuple[str, int]]()
    for step, choice in steps:
        keys = list(expected)
        key = keys[choice % len(keys)] if keys else ""
        if step == "add":
            (message,) = outbox.add(HERE, [Draft(ROOM, f"text {choice}")])
            expected[message.key] = message.body
            assert (message.dev, message.n) not in numbers
            numbers.add((message.dev, message.n))
        elif step == "remove" and key:
            outbox.remove([key])
            del expected[key]
        elif step == "fail" and key:
            outbox.fail(key, "why")
        elif step == "retry" and key:
            again = outbox.renumber(HERE, key)
            assert again is not None
            assert (again.dev, again.n) not in numbers
            numbers.add((again.dev, again.n))
        elif step == "reopen":
            outbox.close()
            outbox = _open(folder)
    assert {message.key: message.body for message in outbox.messages(HERE)} == expected
    outbox.close()


_CHILD = """
import sys
from pathlib import Path
from chatroom.client.devices import claim_free
from chatroom.client.outbox import Draft
slot = claim_free(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    message, = slot.outbox.add(b"h" * 32, [Draft("general", f"{number}")])
    sys.stdout.write(f"{slot.name} {message.dev} {message.n}\\n")
    sys.stdout.flush()
"""


def _start(profile: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(profile)], stdout=subprocess.PIPE, text=True)


def _kill(child: "subprocess.Popen[str]") -> list[str]:
    """What a program said until it was killed."""
    child.send_signal(signal.SIGKILL)
    assert child.stdout is not None
    said = child.stdout.read().splitlines()
    child.stdout.close()
    child.wait()
    return said


def test_what_was_said_survives_kill_9(tmp_path: Path) -> None:
    child = _start(tmp_path)
    assert child.stdout is not None
    first = [child.stdout.readline() for _ in range(20)]
    said = [*(line.strip() for line in first), *_kill(child)]
    slot = claim_free(tmp_path)
    kept = [f"{slot.name} {message.dev} {message.n}" for message in slot.outbox.messages(HERE)]
    slot.release()
    assert kept[: len(said)] == said
    assert len(kept) <= len(said) + 1


def test_ten_programs_at_once_share_one_home(tmp_path: Path) -> None:
    children = [_start(tmp_path) for _ in range(10)]
    said: list[str] = []
    for child in children:
        assert child.stdout is not None
        said.append(child.stdout.readline().strip())
    said += [line for child in children for line in _kill(child)]
    assert len({line.split()[0] for line in said}) == 10
    assert len({line.split()[1] for line in said}) == 10
    slots = claim_waiting(tmp_path, HERE, 16)
    kept = {f"{s.name} {m.dev} {m.n}" for s in slots for m in s.outbox.messages(HERE)}
    assert set(said) <= kept
    assert claim_waiting(tmp_path, HERE, 16) == [], "they are ours now"
    for slot in slots:
        slot.release()


def test_slots_are_used_again(tmp_path: Path) -> None:
    first = claim_free(tmp_path)
    second = claim_free(tmp_path)
    assert (first.name, second.name) == ("0", "1")
    assert claim_waiting(tmp_path, HERE, 16) == []
    first.release()
    third = claim_free(tmp_path)
    assert third.name == "0"
    second.release()
    third.release()
