"""From the outbox on disk to the line that says it is stored: sends what waits, as often as it takes.

A message is *pending* from the moment it is on disk here. It is *stored* when the server's line or
acknowledgement for its (device, n) came, and only then leaves the outbox; a number below the server's last
proves nothing, since a number that was refused is a gap. It is *failed* when the server refused it for good;
what was refused for now stays pending (see `resting`). After a cut all that is pending is sent again, in
order: that is harmless.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chatroom.client.claiming import claim_own, claim_waiting
from chatroom.client.disk import Disk
from chatroom.client.errors import OutboxError
from chatroom.client.events import MessageChanged, MessageState, OwnMessage, SessionEvent
from chatroom.client.link import Link, LinkCut
from chatroom.client.outbox import Draft
from chatroom.client.ports import SlotPort, SlotsPort
from chatroom.client.resting import REST_S, Resting
from chatroom.client.sentences import explain
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode, LocalProtocolError
from chatroom.protocol.frames import Refusal, Send
from chatroom.protocol.ids import DeviceId, MessageId, RoomId
from chatroom.protocol.limits import DEVICES_PER_LINK_MAX

_AT_ONCE: Final = 64 * 1024
"""Bytes that are written together."""
_COMES_BACK: Final = frozenset({ErrorCode.RESTARTING, ErrorCode.STOPPED, *REST_S})
"""Refusals that leave a message pending."""


@dataclass(slots=True)
class _Entry:
    """A message, and the slot whose file holds it."""

    message: OwnMessage
    slot: SlotPort


class Sending:
    """The messages of one session.

    Attributes:
        why: Makes the sentence that tells a refusal, of a message for a room.

    Args:
        slots: Those of the profile.
        tell: Takes the events.
        relogin: Called when the server has to learn of a new device.
    """

    def __init__(
        self,
        slots: SlotsPort,
        disk: Disk,
        texts: Texts,
        timing: Timing,
        tell: Callable[[SessionEvent], None],
        relogin: Callable[[], None],
    ) -> None:
        self._all_slots = slots
        self._disk = disk
        self._texts = texts
        self._tell = tell
        self._relogin = relogin
        self.why: Callable[[Refusal, RoomId], str] = lambda refusal, _room: explain(
            texts, refusal.code, refusal.text, refusal.args
        )
        self._scope = b""
        self._slots: list[SlotPort] = []
        self._entries: dict[str, _Entry] = {}
        self._by_number: dict[tuple[str, int], str] = {}
        self._queue: deque[str] = deque()
        self._in_flight: dict[str, set[int]] = {}
        self._devices: list[DeviceId] = []
        self._done: dict[SlotPort, list[str]] = {}
        self._link: Link | None = None
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._needs_login = False
        self._has_more = False
        self._pending = 0
        self._is_removing = False
        self._tasks = Tasks("sending")
        self._resting = Resting(texts, timing, tell, self._rested, self._tasks)

    # --- one's own messages ---------------------------------------------------------------------
    def unsent(self, room: RoomId | None = None) -> list[OwnMessage]:
        """What is pending or failed, in the order it was said in."""
        return [e.message for e in self._entries.values() if room is None or e.message.room == room]

    @property
    def pending(self) -> int:
        """How many messages wait."""
        return self._pending

    async def say(self, drafts: Sequence[Draft]) -> list[OwnMessage]:
        """Put messages on disk, and on their way; a caller that is cancelled does not undo it.

        Raises:
            OutboxError: They could not be kept.
        """
        return await asyncio.shield(self._tasks.start(self._say(list(drafts)), name="say"))

    async def retry(self, key: str) -> None:
        """Send a message that failed again, under a new number."""
        entry = self._entries.get(key)
        if entry is not None and entry.message.state is MessageState.FAILED:
            await asyncio.shield(self._tasks.start(self._renumber(key, entry), name="retry"))

    def retry_all(self, room: RoomId) -> None:
        """Send everything that failed in a room again, which is open now."""
        self._tasks.start(self._retry_all(room), name="retry all")

    async def _retry_all(self, room: RoomId) -> None:
        await self._disk.run(lambda: None)  # what is failing just now has failed then
        for message in self.unsent(room):
            with contextlib.suppress(OutboxError):  # it stays failed
                await self.retry(message.key)

    async def discard(self, key: str) -> None:
        """Throw a message that failed away; one that is pending may be stored already, and stays."""
        entry = self._entries.get(key)
        if entry is not None and entry.message.state is MessageState.FAILED:
            self._forget(key, entry)
            await self._disk.run(entry.slot.outbox.remove, [key])

    async def wait_all_stored(self) -> None:
        """Return when nothing is pending."""
        while self.pending:
            self._changed.clear()
            await self._changed.wait()

    # --- the session's side ---------------------------------------------------------------------
    async def claim(self, scope: bytes) -> None:
        """Take a slot of one's own, and what waits for this server in slots that nobody uses.

        Raises:
            OutboxError: The files cannot be used.
        """
        self._scope = scope
        slot, messages = await self._disk.run(claim_own, self._all_slots, scope)
        self._take_over(slot, messages)
        await self._adopt()

    async def devices(self) -> list[DeviceId]:
        """The devices to log in with: one's own, then those under which something waits.

        What programs left that have ended meanwhile is taken over first.
        """
        await self._adopt()
        waiting = [e.message.dev for e in self._entries.values() if e.message.state is MessageState.PENDING]
        own = [slot.outbox.device for slot in self._slots]
        names = dict.fromkeys([*own[:1], *waiting, *own])
        self._devices = list(names)[:DEVICES_PER_LINK_MAX]
        return self._devices

    async def online(self, link: Link, last: dict[str, int]) -> None:
        """Send what is pending on a new link.

        Args:
            last: The last number that the server knows of each device.
        """
        for slot in self._slots:
            known = last.get(slot.outbox.device, 0)
            with contextlib.suppress(OutboxError):  # a number that is used already is refused, and replaced
                await self._disk.run(slot.outbox.continue_after, self._scope, slot.outbox.device, known)
        self._needs_login = False
        self._link = link
        self._in_flight = {device: set() for device in self._devices}
        pending = [e.message for e in self._entries.values() if e.message.state is MessageState.PENDING]
        named = sorted((m for m in pending if m.dev in self._in_flight), key=lambda message: message.n)
        self._queue = deque(message.key for message in named)
        self._has_more = len(named) < len(pending)
        self._wake.set()
        self._tasks.start(self._pump(link), name="pump")
        self._maybe_relogin()  # a message may have got a device meanwhile that this login did not name

    def offline(self) -> None:
        """The link is gone."""
        self._link = None
        self._wake.set()

    def stored(self, device: str, n: int, id_: MessageId | None) -> str:
        """The server has stored a message; returns its key, or nothing where it is not one of ours."""
        self._landed(device, n)
        key = self._by_number.get((device, n), "")
        entry = self._entries.get(key)
        if entry is None:
            return ""
        self._forget(key, entry)
        self._resting.settled(device)
        self._resting.news()
        self._done.setdefault(entry.slot, []).append(key)
        if not self._is_removing:
            self._is_removing = True
            self._tasks.start(self._remove_done(), name="remove")
        self._tell(MessageChanged(replace(entry.message, state=MessageState.STORED), id_))
        return key

    def key_of(self, device: str, n: int) -> str:
        """The key of a message that is not known to be stored, or nothing."""
        return self._by_number.get((device, n), "")

    def send_again(self, room: RoomId) -> None:
        """Ask about what was sent to a room and not answered: sending it twice is harmless."""
        for key, entry in self._entries.items():
            message = entry.message
            if message.room == room and message.n in self._in_flight.get(message.dev, set()):
                self._in_flight[message.dev].discard(message.n)
                self._queue.append(key)
        self._wake.set()

    def refused(self, refusal: Refusal) -> None:
        """The server has not stored a message: not now, or never under this number."""
        key = self._by_number.get((refusal.dev, refusal.n), "")
        entry = self._entries.get(key)
        if entry is not None and refusal.code in REST_S:
            self._queue.append(key)
            self._resting.begin(refusal)
        elif entry is not None and refusal.code not in _COMES_BACK:
            self._resting.settled(refusal.dev)
        self._landed(refusal.dev, refusal.n)  # looks at the queue
        if entry is None:
            return
        if refusal.code == ErrorCode.NUMBER_CONFLICT:
            self._tasks.start(self._renumber(key, entry, retired=True), name="renumber")
        elif refusal.code not in _COMES_BACK:
            self._tasks.start(self._fail(key, entry, refusal), name="fail")

    async def close(self) -> None:
        """Finish what is under way on disk, and give the slots back."""
        self.offline()
        with contextlib.suppress(OutboxError):  # what stays is sent again, and acknowledged
            await self._remove_done()
        await self._tasks.cancel_all()
        for slot in self._slots:
            await self._disk.run(slot.release)
        self._slots.clear()

    async def _adopt(self) -> None:
        """Take over what waits for this server in slots that nobody uses any more."""
        await self._give_back()
        at_most = DEVICES_PER_LINK_MAX - len(self._slots)
        for slot, messages in await self._disk.run(claim_waiting, self._all_slots, self._scope, at_most):
            self._take_over(slot, messages)

    async def _give_back(self) -> None:
        """Let go of slots that were taken over and are empty now."""
        busy = {entry.slot for entry in self._entries.values()} | set(self._done)
        for slot in [slot for slot in self._slots[1:] if slot not in busy]:
            self._slots.remove(slot)
            await self._disk.run(slot.release)

    def _take_over(self, slot: SlotPort, messages: list[OwnMessage]) -> None:
        self._slots.append(slot)
        self._resting.be_careful(message.dev for message in messages)
        for message in messages:
            self._add(message, slot)

    # --- inside ---------------------------------------------------------------------------------
    async def _say(self, drafts: list[Draft]) -> list[OwnMessage]:
        if not self._slots:
            raise OutboxError(self._texts._("this program only reads"))
        slot = self._slots[0]
        messages = await self._disk.run(slot.outbox.add, self._scope, drafts)
        self._resting.news()
        for message in messages:
            self._add(message, slot)
            self._tell(MessageChanged(message))
            self._enqueue(message)
        return messages

    async def _renumber(self, key: str, entry: _Entry, *, retired: bool = False) -> None:
        if retired:
            await self._disk.run(entry.slot.outbox.retire, entry.message.dev)
        message = await self._disk.run(entry.slot.outbox.renumber, self._scope, key)
        if message is None or key not in self._entries:
            return
        self._by_number.pop((entry.message.dev, entry.message.n), None)
        self._by_number[message.dev, message.n] = key
        self._become(entry, message)
        self._tell(MessageChanged(message))
        self._enqueue(message)

    async def _fail(self, key: str, entry: _Entry, refusal: Refusal) -> None:
        """Keep that a message is refused for good, then tell: what is told is so after a restart as well."""
        refused, reason = entry.message, self.why(refusal, entry.message.room)
        with contextlib.suppress(OutboxError):  # then the next program sends it again, and hears the same
            await self._disk.run(entry.slot.outbox.fail, key, reason)
        if entry.message is refused and refused.state is MessageState.PENDING and key in self._entries:
            self._become(entry, replace(refused, state=MessageState.FAILED, reason=reason))
            self._tell(MessageChanged(entry.message))

    async def _remove_done(self) -> None:
        """Let go of what is stored, as much at a time as has gathered."""
        try:
            while self._done:
                slot, keys = self._done.popitem()
                await self._disk.run(slot.outbox.remove, keys)
        finally:
            self._is_removing = False

    async def _pump(self, link: Link) -> None:
        try:
            while self._link is link:
                self._wake.clear()
                while self._link is link and (key := self._next()) is not None:
                    self._send(link, key)
                    if link.gathered >= _AT_ONCE:
                        await link.drain()
                await link.drain()
                await self._wake.wait()
        except LinkCut:
            return

    def _next(self) -> str | None:
        """The next message that may be sent now."""
        if self._needs_login or self._resting.is_on:
            return None
        for _turn in range(len(self._queue)):
            key = self._queue.popleft()
            entry = self._entries.get(key)
            if entry is None or entry.message.state is not MessageState.PENDING:
                continue
            if len(self._in_flight[entry.message.dev]) < self._resting.at_once(entry.message.dev):
                return key
            self._queue.appendleft(key)
            return None
        return None

    def _send(self, link: Link, key: str) -> None:
        message = self._entries[key].message
        try:
            link.gather(Send(message.room, message.dev, message.n, message.body, message.kind, message.grid))
        except LocalProtocolError as error:
            code, args = ErrorCode.MESSAGE_TOO_LONG, {"size": str(len(message.body.encode())), "max": "65536"}
            refusal = Refusal(message.dev, message.n, code, str(error), args)
            self._tasks.start(self._fail(key, self._entries[key], refusal), name="fail")
            return
        self._in_flight[message.dev].add(message.n)

    def _enqueue(self, message: OwnMessage) -> None:
        """Send a message when its turn comes; a device new to the server needs a login first."""
        if self._link is None:
            return
        if message.dev in self._in_flight:
            self._queue.append(message.key)
        else:
            self._needs_login = True
            self._maybe_relogin()
        self._wake.set()

    def _rested(self) -> None:
        """Go on, with everything that waits in the order of its numbers."""
        waiting = [key for key in dict.fromkeys(self._queue) if key in self._entries]
        self._queue = deque(sorted(waiting, key=lambda key: self._entries[key].message.n))
        self._wake.set()

    def _landed(self, device: str, n: int) -> None:
        self._in_flight.get(device, set()).discard(n)
        if self._queue:
            self._wake.set()
        self._maybe_relogin()

    def _maybe_relogin(self) -> None:
        is_due = self._needs_login or (self._has_more and not self._queue)
        if is_due and self._link is not None and not any(self._in_flight.values()):
            self.offline()
            self._relogin()

    def _add(self, message: OwnMessage, slot: SlotPort) -> None:
        self._entries[message.key] = _Entry(message, slot)
        self._pending += message.state is MessageState.PENDING
        self._by_number[message.dev, message.n] = message.key

    def _become(self, entry: _Entry, message: OwnMessage) -> None:
        self._pending += message.state is MessageState.PENDING
        self._pending -= entry.message.state is MessageState.PENDING
        entry.message = message
        self._changed.set()

    def _forget(self, key: str, entry: _Entry) -> None:
        del self._entries[key]
        self._pending -= entry.message.state is MessageState.PENDING
        self._by_number.pop((entry.message.dev, entry.message.n), None)
        self._changed.set()
