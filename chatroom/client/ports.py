"""What a session needs of the disk for the messages that wait, as Protocol classes that a backend fills."""

from collections.abc import Sequence
from typing import Protocol

from chatroom.client.events import OwnMessage
from chatroom.client.outbox import Draft
from chatroom.protocol.ids import DeviceId


class OutboxPort(Protocol):
    """The messages of one slot, on disk when a call returns. Blocking; one thread uses it.

    A *scope* is the server's key, and says for guests that they are: a message never leaves for another one.
    All of it raises OutboxError when the disk does not do what it should; then nothing has changed.

    Attributes:
        device: Under which device new messages go.
    """

    device: DeviceId

    def add(self, scope: bytes, drafts: Sequence[Draft]) -> list[OwnMessage]:
        """Keep messages, all or none, with numbers above all that the device ever had."""

    def messages(self, scope: bytes) -> list[OwnMessage]:
        """What waits for a server, and what failed there, in the order it was said in."""

    def has_waiting(self, scope: bytes) -> bool:
        """Whether something waits to be sent to a server."""

    def remove(self, keys: Sequence[str]) -> None:
        """Let go of messages that are stored, or were thrown away."""

    def fail(self, key: str, reason: str) -> None:
        """Keep that the server refused a message for good."""

    def renumber(self, scope: bytes, key: str) -> OwnMessage | None:
        """Give a message a new number of this slot's device, to wait again; None where it is gone."""

    def retire(self, device: DeviceId) -> None:
        """Use a device no more: its numbers are used up by somebody else."""

    def continue_after(self, scope: bytes, device: DeviceId, last: int) -> None:
        """Use no number up to the last one that the server knows of a device."""

    def close(self) -> None:
        """Let go of it."""


class SlotPort(Protocol):
    """A slot that this program holds: one device, one outbox."""

    @property
    def outbox(self) -> OutboxPort:
        """What waits in it."""

    def release(self) -> None:
        """Let other programs have it."""


class SlotsPort(Protocol):
    """The slots of a profile. Blocking."""

    def claim_free(self) -> SlotPort:
        """Claim the first free slot, a new one if need be; raises OutboxError when none can be used."""

    def claim_waiting(self, scope: bytes, at_most: int) -> Sequence[SlotPort]:
        """Claim free slots in which messages wait for a server, since their programs ended early."""
