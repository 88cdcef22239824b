"""Faults that are planted into the product's code, one at a time, to see whether the checker finds them out.

Each is a mistake that somebody could make, and says by which words of the checker it has to be found out.
None of them is in the product.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import pytest

from chatroom.client import following, link, sending
from chatroom.client.events import MessageChanged, MessageState
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import Ack, Send
from chatroom_server.core import handlers, hub, messages
from chatroom_server.core.devices import Device, Devices, Pending
from chatroom_server.core.effects import Append, Subscribe
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import Draft
from chatroom_server.history import embedded, flusher, journal, opening, pager, records
from chatroom_server.shell import runner, tails
from tests.server.history.simfiles import SimFiles
from tests.simulation.memory import SimProfile
from tests.simulation.world import Faults

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], Faults]
PLANTED: Final[dict[str, "Planted"]] = {}


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault.

    Attributes:
        plant: Puts it into the product.
        words: Of the checker's sentences, any of which tells of just this fault.
    """

    plant: Plant
    words: tuple[str, ...]


def plant(*words: str) -> Callable[[Plant], Plant]:
    """Put a fault into the table, with the words that tell of it."""

    def put(function: Plant) -> Plant:
        PLANTED[function.__name__.removeprefix("_")] = Planted(function, words)
        return function

    return put


# --- the disk --------------------------------------------------------------------------------------------
@plant("to some and")
def _the_journal_is_not_synced(patch: Patch) -> Faults:
    patch.setattr(journal.Journal, "_sync", lambda self, fd: None)
    return Faults()


@plant("no backup was put back")
def _new_segments_are_not_synced_into_their_folder(patch: Patch) -> Faults:
    original = SimFiles.sync_folder

    def sync_folder(self: SimFiles, path: Path) -> None:
        if path.name != journal.FOLDER:
            original(self, path)

    patch.setattr(SimFiles, "sync_folder", sync_folder)
    return Faults()


@plant("refused to start", "cannot be read at the end")
def _an_error_of_fsync_is_ignored(patch: Patch) -> Faults:
    original = SimFiles.sync

    def sync(self: SimFiles, fd: int) -> None:
        with contextlib.suppress(OSError):
            original(self, fd)

    patch.setattr(SimFiles, "sync", sync)
    return Faults()


@plant("is not in the history", "no backup was put back")
def _after_an_fsync_that_failed_the_same_file_is_trusted(patch: Patch) -> Faults:
    def write(self: journal.Journal, payloads: list[bytes]) -> object:
        if self._fd is not None and self.end.offset < self._segment_bytes:
            return self._append(self._fd, payloads)
        self._leave()
        return self._begin(payloads)

    original = journal.Journal._append

    def append(self: journal.Journal, fd: int, payloads: list[bytes]) -> object:
        before = self.end
        try:
            return original(self, fd, payloads)
        except OSError:
            self.end = before
            self._sync(fd)  # "it works now"
            raise

    def fill_end(self: journal.Journal, payloads: list[bytes]) -> object:
        end = self.end
        try:
            return write(self, payloads)
        except OSError:
            self._files.sync(self._fd) if self._fd is not None else None
            salt = records.segment_salt(self._salt, end.segment)
            size = len(records.encode_batch(end.batch, payloads, salt))
            self.end = records.Position(end.segment, end.offset + size, end.batch + 1)
            return self.end

    patch.setattr(journal.Journal, "_append", append)
    patch.setattr(journal.Journal, "write", fill_end)
    return Faults()


@plant("no backup was put back")
def _recovery_takes_what_the_page_cache_has(patch: Patch) -> Faults:
    """What was read is shown, and neither written again nor synced; the next segment begins behind it."""

    def rewrite(files: Any, folder: Path, current: Any, found: Any) -> Any:
        return current, records.Position(found.next_segment, 0, found.next_batch)

    patch.setattr(opening, "_rewrite", rewrite)
    patch.setattr(opening, "_drop_old", lambda files, folder, current: None)
    return Faults()


@plant("cannot be read at the end")
def _segments_of_the_journal_go_before_the_rooms_are_synced(patch: Patch) -> Faults:
    original = flusher.Flusher._next_checkpoint

    def next_checkpoint(self: flusher.Flusher, job: Any, *args: Any, **kwargs: Any) -> Any:
        self._durable.update(self._filed)
        self._unsynced.clear()
        return original(self, job, *args, **kwargs)

    patch.setattr(flusher.Flusher, "_next_checkpoint", next_checkpoint)
    patch.setattr(flusher.Flusher, "_is_worth_syncing", lambda self, job: False)
    return Faults()


@plant(" behind ")
def _numbers_of_a_refused_round_are_not_given_back(patch: Patch) -> Faults:
    original = embedded.EmbeddedLog._end

    def end(self: embedded.EmbeddedLog, this: Any) -> None:
        assigned = {room: state.assigned for room, state in self._rooms.items()}
        original(self, this)
        for room, number in assigned.items():
            self._rooms[room].assigned = number

    patch.setattr(embedded.EmbeddedLog, "_end", end)
    return Faults()


# --- the log and the hub ---------------------------------------------------------------------------------
@plant("to some and")
def _lines_are_broadcast_before_the_fsync_has_returned(patch: Patch) -> Faults:
    numbered, store = embedded.EmbeddedLog._numbered, embedded.EmbeddedLog._store_lines

    def early(self: embedded.EmbeddedLog, drafts: Any) -> Any:
        this = numbered(self, drafts)
        self._loop.call_soon(self._on_outcome, Stored(this.runs))
        return this

    def late(self: embedded.EmbeddedLog, runs: Any, end: Any) -> None:
        told, self._on_outcome = self._on_outcome, lambda outcome: None
        store(self, runs, end)
        self._on_outcome = told

    patch.setattr(embedded.EmbeddedLog, "_numbered", early)
    patch.setattr(embedded.EmbeddedLog, "_store_lines", late)
    return Faults()


@plant("neither stored nor failed")
def _what_comes_during_a_round_is_lost_with_it(patch: Patch) -> Faults:
    """The batch is swapped after the await."""
    original = embedded.EmbeddedLog._end

    def end(self: embedded.EmbeddedLog, this: Any) -> None:
        self._waiting.clear()
        original(self, this)

    patch.setattr(embedded.EmbeddedLog, "_end", end)
    return Faults()


@plant("times in the history")
def _a_message_that_comes_again_is_stored_again(patch: Patch) -> Faults:
    def again(state: Any, link_: Any, frame: Send, device: Any, hash_: int) -> None:
        _body, encoded = messages._text(frame.body)
        pending = Pending(device, frame.n, hash_, link_.id, None)
        start = messages._start(link_.online, frame.room, frame.dev)
        rest = messages._rest(state.at, start, frame, encoded, "")
        state.effects.append(Append([Draft(frame.room, rest, pending)]))

    patch.setattr(messages, "_answer_again", again)
    return Faults()


@plant("times in the history")
def _numbers_are_forgotten_over_a_restart(patch: Patch) -> Faults:
    patch.setattr(Devices, "load", lambda self, data: None)
    patch.setattr(messages, "take_foreign", lambda state, data: None)
    return Faults()


@plant("times in the history")
def _what_the_journal_holds_beyond_the_flush_is_not_restored(patch: Patch) -> Faults:
    original = hub.Hub.restore
    patch.setattr(hub.Hub, "restore", lambda self, lines, lasts: original(self, [], lasts))
    return Faults()


@plant("is not in the history")
def _an_ack_is_given_for_what_is_still_on_its_way(patch: Patch) -> Faults:
    original = messages._answer_again

    def answer(state: Any, link_: Any, frame: Send, device: Any, hash_: int) -> None:
        if frame.n in device.pending:
            state.deliver(link_, Ack(frame.dev, frame.n, frame.room))
        else:
            original(state, link_, frame, device, hash_)

    def taken(state: Any, link_: Any, frame: Send) -> None:
        send(state, link_, frame)
        device = link_.devices.get(frame.dev)
        if device is not None and frame.n in device.pending:
            state.deliver(link_, Ack(frame.dev, frame.n, frame.room))

    send = messages.send
    row = handlers.HANDLERS[Send]
    changed = handlers.Row(row.states, row.right, cast("handlers.Handler", taken), row.cost)
    patch.setitem(handlers.HANDLERS, Send, changed)
    patch.setattr(messages, "_answer_again", answer)
    return Faults()


@plant("neither stored nor failed")
def _a_refusal_is_not_told(patch: Patch) -> Faults:
    original = hub.Hub._take_refused

    def refused(self: hub.Hub, refusal: Refused) -> None:
        for draft in refusal.drafts:
            if isinstance(draft.ref, Pending):
                draft.ref.device.pending.pop(draft.ref.n, None)
            else:
                original(self, Refused([draft], refusal.reason))

    patch.setattr(hub.Hub, "_take_refused", refused)
    return Faults()


# --- fan-out and pages -----------------------------------------------------------------------------------
@plant("nothing had settled")
def _the_cursor_of_a_slow_link_is_off_by_one(patch: Patch) -> Faults:
    original = tails.Tail.cursor

    def cursor(self: tails.Tail, position: int) -> tails.Cursor:
        found = original(self, position)
        return found._replace(position=min(found.position + 1, self.end))

    patch.setattr(tails.Tail, "cursor", cursor)
    patch.setattr(following.Follower, "exists", lambda self, last: self._wake.set())
    return Faults()


@plant(" behind ")
def _something_is_awaited_between_the_snapshot_and_the_subscription(patch: Patch) -> Faults:
    original = runner.Runner._perform_on

    def perform(self: runner.Runner, link_: Any, effect: Any) -> None:
        if isinstance(effect, Subscribe):
            self.loop.call_later(0.05, original, self, link_, effect)
        else:
            original(self, link_, effect)

    patch.setattr(runner.Runner, "_perform_on", perform)
    patch.setattr(
        following.Follower, "is_behind", property(lambda self: self._known > self._taken and not self._live)
    )
    return Faults()


@plant("the history is numbered")
def _pages_leave_out_their_first_line(patch: Patch) -> Faults:
    original = pager.Pager.page

    async def page(self: pager.Pager, *args: Any) -> Any:
        found = await original(self, *args)
        del found.lines[:1]
        return found

    patch.setattr(pager.Pager, "page", page)
    return Faults()


# --- the client ------------------------------------------------------------------------------------------
@plant(" behind ")
def _what_follows_a_cut_is_asked_for_from_the_wrong_line(patch: Patch) -> Faults:
    original = following.Follower.exists

    def exists(self: following.Follower, last: int) -> None:
        if last > self._known + 1 and self._taken:
            self._taken += 1
        original(self, last)

    patch.setattr(following.Follower, "exists", exists)
    return Faults()


@plant("neither stored nor failed")
def _a_message_leaves_the_outbox_when_it_is_sent(patch: Patch) -> Faults:
    original = sending.Sending._send

    def send(self: sending.Sending, link_: link.Link, key: str) -> None:
        original(self, link_, key)
        entry = self._entries.get(key)
        if entry is not None:
            entry.slot.outbox.remove([key])

    patch.setattr(sending.Sending, "_send", send)
    return Faults()


@plant("neither stored nor failed")
def _the_outbox_is_not_synced(patch: Patch) -> Faults:
    def profile(made: SimProfile) -> None:
        original = made.sim_slots._make

        def make(name: str) -> Any:
            outbox = original(name)
            outbox.syncs = False
            return outbox

        made.sim_slots._make = make

    return Faults(profile=profile)


@plant("was stored, then failed")
def _a_message_is_shown_as_stored_when_it_is_sent(patch: Patch) -> Faults:
    original = sending.Sending._send

    def send(self: sending.Sending, link_: link.Link, key: str) -> None:
        original(self, link_, key)
        entry = self._entries.get(key)
        if entry is not None:
            message = replace(entry.message, state=MessageState.STORED)
            self._tell(MessageChanged(message))

    patch.setattr(sending.Sending, "_send", send)
    return Faults()


@plant("the other way")
def _what_was_refused_before_is_sent_again_behind_later_messages(patch: Patch) -> Faults:
    original = sending.Sending.refused

    def refused(self: sending.Sending, refusal: Any) -> None:
        key = self._by_number.get((refusal.dev, refusal.n), "")
        entry = self._entries.get(key)
        if refusal.code == ErrorCode.NUMBER_PASSED and entry is not None:
            self._landed(refusal.dev, refusal.n)
            self._tasks.start(self._renumber(key, entry), name="renumber")
        else:
            original(self, refusal)

    patch.setattr(sending.Sending, "refused", refused)
    patch.setattr(Device, "admit", lambda _device, _n, _now: "")  # else hardly any is passed
    return Faults()


@plant("neither stored nor failed")
def _the_client_never_looks_into_slots_of_programs_that_ended(patch: Patch) -> Faults:
    patch.setattr(sending, "claim_own", lambda slots, scope: (slots.claim_free(), []))
    patch.setattr(sending, "claim_waiting", lambda slots, scope, at_most: [])
    return Faults()
