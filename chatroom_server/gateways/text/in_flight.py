"""Messages of a plain-text guest that were given to the hub, and of which it is not known yet what became."""

from collections.abc import Iterable, Mapping
from typing import Final

from chatroom.protocol.ids import DeviceId, RoomId
from chatroom_server.gateways.text.settings import IN_FLIGHT_MAX

_QUOTE_MAX: Final = 40


class InFlight:
    """Numbers messages, and knows how each begins until it has come to its end."""

    __slots__ = ("_numbers", "_waiting")

    def __init__(self, devices: Iterable[DeviceId]) -> None:
        self._numbers = dict.fromkeys(devices, 0)
        self._waiting: dict[tuple[str, int], tuple[RoomId, str]] = {}

    @property
    def is_empty(self) -> bool:
        """All have come to their end."""
        return not self._waiting

    @property
    def is_full(self) -> bool:
        """Nothing more may be said for now."""
        return len(self._waiting) >= IN_FLIGHT_MAX

    def go_on_after(self, numbers: Mapping[str, int]) -> None:
        """The hub has so many messages of each device."""
        for device in self._numbers:
            self._numbers[device] = numbers.get(device, 0)

    def add(self, room: RoomId, device: DeviceId, text: str) -> int:
        """One more; returns its number."""
        number = self._numbers[device] = self._numbers[device] + 1
        self._waiting[device, number] = (room, text[:_QUOTE_MAX])
        return number

    def settle(self, device: str, number: int) -> str:
        """One has come to its end; returns how it begins, as far as that is known."""
        _room, text = self._waiting.pop((device, number), ("", ""))
        return text

    def settle_room(self, room: RoomId) -> None:
        """What became of those of a room will not be told: they are with the hub, that is all."""
        self._waiting = {key: value for key, value in self._waiting.items() if value[0] != room}
