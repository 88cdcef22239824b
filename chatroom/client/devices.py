"""The slots of a profile: each program that sends claims one, so that no two ever share a device's numbers.

    devices/0/lock        held by the program that uses the slot
    devices/0/outbox.db   what waits there

A slot is used again when its program has ended, with what still waits in it.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatroom.client.errors import OutboxError
from chatroom.client.outbox import Outbox
from chatroom.client.platform import machine_name, try_lock

_SLOTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that this program holds."""

    name: str
    descriptor: int
    outbox: Outbox

    def release(self) -> None:
        """Let other programs have it."""
        self.outbox.close()
        os.close(self.descriptor)


class FolderSlots:
    """The slots in a profile's folder."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    def claim_free(self) -> Slot:
        """Claim the first free slot; see `claim_free`."""
        return claim_free(self._profile)

    def claim_waiting(self, scope: bytes, at_most: int) -> list[Slot]:
        """Claim slots in which messages wait; see `claim_waiting`."""
        return claim_waiting(self._profile, scope, at_most)


def claim_free(profile: Path) -> Slot:
    """Claim the first free slot, a new one if need be. Blocks.

    Raises:
        OutboxError: None can be used.
    """
    for number in range(_SLOTS_MAX):
        if slot := _claim(profile / "devices" / str(number)):
            return slot
    raise OutboxError(
        f"{profile / 'devices'}: all {_SLOTS_MAX} are in use; end some programs of this profile"
    )


def claim_waiting(profile: Path, scope: bytes, at_most: int) -> list[Slot]:
    """Claim free slots in which messages wait for a server, since their programs ended early. Blocks."""
    slots: list[Slot] = []
    for folder in sorted((profile / "devices").glob("*/outbox.db")):
        if len(slots) >= at_most:
            break
        with contextlib.suppress(OutboxError):
            slot = _claim(folder.parent)
            if slot is None:
                continue
            if _has_waiting(slot, scope):
                slots.append(slot)
            else:
                slot.release()
    return slots


def _has_waiting(slot: Slot, scope: bytes) -> bool:
    """Whether a slot is worth keeping; one whose file cannot be read is let go at once."""
    try:
        return slot.outbox.has_waiting(scope)
    except OutboxError:
        return False


def _claim(folder: Path) -> Slot | None:
    """A slot, unless another program holds it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutboxError(f"{folder} cannot be used ({error.strerror})") from error
    try:
        if try_lock(descriptor):
            return Slot(folder.name, descriptor, Outbox(folder / "outbox.db", machine_name()))
    except OSError as error:
        os.close(descriptor)
        raise OutboxError(f"{folder} cannot be locked ({error.strerror})") from error
    except OutboxError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
