"""Takes slots for a session: one of its own, and those in which something waits. Blocking."""

from chatroom.client.errors import OutboxError
from chatroom.client.events import OwnMessage
from chatroom.client.ports import SlotPort, SlotsPort


def claim_own(slots: SlotsPort, scope: bytes) -> tuple[SlotPort, list[OwnMessage]]:
    """A slot, and what is in its outbox."""
    slot = slots.claim_free()
    return slot, slot.outbox.messages(scope)


def claim_waiting(slots: SlotsPort, scope: bytes, at_most: int) -> list[tuple[SlotPort, list[OwnMessage]]]:
    """Slots of programs that have ended, and what is in their outboxes."""
    claimed: list[tuple[SlotPort, list[OwnMessage]]] = []
    for slot in slots.claim_waiting(scope, at_most):
        try:
            claimed.append((slot, slot.outbox.messages(scope)))
        except OutboxError:
            slot.release()
    return claimed
