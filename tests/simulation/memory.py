"""What a simulated client keeps: an outbox that survives as much as a disk would, and a profile around it."""

import copy
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.client import store as store_module
from chatroom.client.errors import OutboxError
from chatroom.client.events import MessageState, OwnMessage
from chatroom.client.outbox import Draft
from chatroom.client.profile import Profile
from chatroom.client.servers import KnownServers, _Book
from chatroom.client.store import Store
from chatroom.protocol.auth import user_id
from chatroom.protocol.ids import DeviceId
from tests.simulation.loop import Process, SimLoop


@dataclass
class _State:
    """What stands in the file of one slot."""

    device: DeviceId
    numbers: dict[tuple[bytes, str], int] = field(default_factory=dict)
    messages: dict[str, tuple[bytes, OwnMessage]] = field(default_factory=dict)


class SimOutbox:
    """An outbox (`chatroom.client.ports.OutboxPort`) whose every call is one transaction, synced at its end.

    Attributes:
        fails: Decides before each change whether the disk refuses it.
        syncs: False leaves what was changed in the page cache: a power cut takes it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fails: Callable[[], bool] = lambda: False
        self.syncs = True
        self._devices = 0
        self._state = _State(self._new_device())
        self._durable = copy.deepcopy(self._state)
        self.holder: Process | None = None

    @property
    def device(self) -> DeviceId:
        """Under which device new messages go."""
        return self._state.device

    @device.setter
    def device(self, value: DeviceId) -> None:
        self._state.device = value

    def lose_power(self) -> None:
        """Only what was synced is there."""
        self._state = copy.deepcopy(self._durable)

    def add(self, scope: bytes, drafts: Sequence[Draft]) -> list[OwnMessage]:
        """Keep messages, all or none."""
        self._begin()
        device = self.device
        messages = []
        for draft in drafts:
            n = self._next_number(scope, device)
            key = f"{device}.{n}.{scope.hex()[:8]}"
            messages.append(OwnMessage(key, draft.room, device, n, draft.body, draft.kind, draft.grid))
        self._state.messages |= {message.key: (scope, message) for message in messages}
        self._commit()
        return messages

    def messages(self, scope: bytes) -> list[OwnMessage]:
        """What waits for a server, and what failed there."""
        return [message for held, message in self._state.messages.values() if held == scope]

    def has_waiting(self, scope: bytes) -> bool:
        """Whether something waits to be sent."""
        return any(message.state is MessageState.PENDING for message in self.messages(scope))

    def remove(self, keys: Sequence[str]) -> None:
        """Let go of messages."""
        self._begin()
        for key in keys:
            self._state.messages.pop(key, None)
        self._commit()

    def fail(self, key: str, reason: str) -> None:
        """Keep that the server refused a message for good."""
        self._begin()
        self._change(key, state=MessageState.FAILED, reason=reason)
        self._commit()

    def renumber(self, scope: bytes, key: str) -> OwnMessage | None:
        """Give a message a new number of this slot's device."""
        self._begin()
        n = self._next_number(scope, self.device)
        self._change(key, dev=self.device, n=n, state=MessageState.PENDING, reason="")
        self._commit()
        found = self._state.messages.get(key)
        return found[1] if found else None

    def retire(self, device: DeviceId) -> None:
        """Use a device no more."""
        if device == self.device:
            self._begin()
            self.device = self._new_device()
            self._commit()

    def continue_after(self, scope: bytes, device: DeviceId, last: int) -> None:
        """Use no number up to this one."""
        if self._state.numbers.get((scope, device), 0) < last:
            self._begin()
            self._state.numbers[scope, device] = last
            self._commit()

    def close(self) -> None:
        """There is nothing to close."""

    def _change(self, key: str, **changes: object) -> None:
        if key in self._state.messages:
            scope, message = self._state.messages[key]
            self._state.messages[key] = (scope, replace(message, **changes))  # type: ignore[arg-type]

    def _next_number(self, scope: bytes, device: DeviceId) -> int:
        n = self._state.numbers.get((scope, device), 0) + 1
        self._state.numbers[scope, device] = n
        return n

    def _new_device(self) -> DeviceId:
        self._devices += 1
        return DeviceId(f"{self.name}{self._devices}")

    def _begin(self) -> None:
        if self.fails():
            raise OutboxError("the disk refuses")

    def _commit(self) -> None:
        if self.syncs:
            self._durable = copy.deepcopy(self._state)


class SimSlot:
    """A slot that a simulated program holds."""

    def __init__(self, outbox: SimOutbox) -> None:
        self.outbox = outbox

    def release(self) -> None:
        """Let other programs have it."""
        self.outbox.holder = None


class SimSlots:
    """The slots of one profile; those whose program is dead are free."""

    def __init__(self, name: str, make: Callable[[str], SimOutbox]) -> None:
        self._name, self._make = name, make
        self.outboxes: list[SimOutbox] = []

    def claim_free(self) -> SimSlot:
        """The first that nobody holds."""
        free = next((outbox for outbox in self.outboxes if _is_free(outbox)), None)
        if free is None:
            free = self._make(f"{self._name}{len(self.outboxes)}x")
            self.outboxes.append(free)
        return self._claimed(free)

    def claim_waiting(self, scope: bytes, at_most: int) -> list[SimSlot]:
        """Those in which messages wait."""
        found = [outbox for outbox in self.outboxes if _is_free(outbox) and outbox.has_waiting(scope)]
        return [self._claimed(outbox) for outbox in found[:at_most]]

    def _claimed(self, outbox: SimOutbox) -> SimSlot:
        outbox.holder = SimLoop.current()
        return SimSlot(outbox)


def _is_free(outbox: SimOutbox) -> bool:
    return outbox.holder is None or not outbox.holder.is_alive


class _Servers(KnownServers):
    """The book of servers, in memory."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self._book = _Book()

    def _read(self) -> _Book:
        return self._book

    def _change(self, change: Callable[[_Book], object]) -> None:
        change(self._book)


class _Store(Store):
    """What is kept of a server, in memory: all of it may be lost."""

    def __init__(self) -> None:
        self._path = Path("/nowhere")
        self._lock = threading.Lock()
        self._lines_max = store_module.LINES_MAX
        self._bytes_max = store_module.BYTES_MAX
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.executescript(store_module._SCHEMA)


class SimProfile(Profile):
    """One identity, whose files are in memory."""

    def __init__(self, name: str, seed: bytes, make_outbox: Callable[[str], SimOutbox] = SimOutbox) -> None:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self.folder = Path("/nowhere") / name
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.user_id = user_id(self.public_key)
        self.servers = _Servers()
        self.sim_slots = SimSlots(name, make_outbox)
        self.slots = self.sim_slots

    def open_store(self, server_key: bytes) -> Store:
        """An empty one each time."""
        return _Store()

    def lose_power(self) -> None:
        """Only what was synced is there."""
        for outbox in self.sim_slots.outboxes:
            outbox.lose_power()
