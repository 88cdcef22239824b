"""Who is in the room of a plain-text guest now: `/text <nick> ...` leaves out the nick of somebody who is."""

from typing import Final

from chatroom.common.names import nick_key
from chatroom.protocol.frames import Person, PersonState, Presence, PresenceEvent

_HERE: Final = frozenset({PresenceEvent.JOINED, PresenceEvent.BACK, PresenceEvent.HERE, PresenceEvent.AWAY})
_GONE: Final = frozenset({PresenceEvent.GONE, PresenceEvent.LEFT})


class Present:
    """The nicks of those who are there."""

    __slots__ = ("_nicks",)

    def __init__(self) -> None:
        self._nicks: set[str] = set()

    def __contains__(self, nick: str) -> bool:
        return nick_key(nick) in self._nicks

    def note(self, people: list[Person]) -> None:
        """These are all."""
        self._nicks = {nick_key(person.nick) for person in people if person.state is not PersonState.OFFLINE}

    def take(self, presence: Presence) -> None:
        """Some came, left, or took another nick."""
        for person in presence.people:
            if presence.event in _GONE or person.was:
                self._nicks.discard(nick_key(person.was or person.nick))
            if presence.event in _HERE or person.was:
                self._nicks.add(nick_key(person.nick))
