"""The people of a room and where they are, as presence tells it."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from chatroom.common.names import nick_key
from chatroom.protocol.frames import Person, PersonState, PresenceEvent
from chatroom.protocol.ids import UserId

_STATE_AFTER = {
    PresenceEvent.JOINED: PersonState.ONLINE,
    PresenceEvent.BACK: PersonState.ONLINE,
    PresenceEvent.HERE: PersonState.ONLINE,
    PresenceEvent.AWAY: PersonState.AWAY,
    PresenceEvent.GONE: PersonState.OFFLINE,
}


@dataclass(frozen=True, slots=True)
class MembersView:
    """The people of a room at one moment, each list by nick.

    Attributes:
        more: How many people the server did not name.
    """

    online: tuple[Person, ...] = ()
    away: tuple[Person, ...] = ()
    offline: tuple[Person, ...] = ()
    more: int = 0

    @property
    def groups(self) -> tuple[tuple[PersonState, tuple[Person, ...]], ...]:
        """The lists with their states, in the order of the screen."""
        return (
            (PersonState.ONLINE, self.online),
            (PersonState.AWAY, self.away),
            (PersonState.OFFLINE, self.offline),
        )


class Members:
    """Who is in one room."""

    def __init__(self) -> None:
        self._people: dict[UserId, Person] = {}
        self._more = 0

    def __contains__(self, user: UserId) -> bool:
        return user in self._people

    def __len__(self) -> int:
        return len(self._people) + self._more

    def person(self, user: UserId) -> Person | None:
        """Somebody by their id."""
        return self._people.get(user)

    def by_nick(self, nick: str) -> Person | None:
        """Somebody by their nick, whatever its case."""
        key = nick_key(nick)
        return next((person for person in self._people.values() if nick_key(person.nick) == key), None)

    def replace(self, people: Iterable[Person], more: int = 0) -> None:
        """The server named everybody anew."""
        self._people = {person.user: person for person in people}
        self._more = more

    def apply(self, event: PresenceEvent, people: Iterable[Person]) -> None:
        """People came, left, or changed."""
        for person in people:
            if event is PresenceEvent.LEFT:
                self._people.pop(person.user, None)
                continue
            known = self._people.get(person.user)
            state = _STATE_AFTER.get(event) or (known.state if known else person.state)
            self._people[person.user] = msgspec.structs.replace(person, state=state, was="")

    def view(self) -> MembersView:
        """Everybody by state and nick."""
        ordered = sorted(self._people.values(), key=lambda person: (nick_key(person.nick), person.user))
        online, away, offline = (
            tuple(person for person in ordered if person.state is state)
            for state in (PersonState.ONLINE, PersonState.AWAY, PersonState.OFFLINE)
        )
        return MembersView(online, away, offline, self._more)
