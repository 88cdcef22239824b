"""The people of a room, as presence changes them."""

from chatroom.model.members import Members
from chatroom.protocol.frames import Person, PersonState, PresenceEvent
from chatroom.protocol.ids import UserId


def person(name: str, state: PersonState = PersonState.ONLINE, nick: str = "") -> Person:
    return Person(UserId(name), nick or name, state=state)


def members(*people: Person) -> Members:
    made = Members()
    made.replace(people)
    return made


def test_people_are_listed_by_state_and_nick() -> None:
    view = members(
        person("zoe"), person("Éva"), person("bob", PersonState.AWAY), person("al", PersonState.OFFLINE)
    ).view()
    assert [(state.value, [one.nick for one in people]) for state, people in view.groups] == [
        ("online", ["zoe", "Éva"]),
        ("away", ["bob"]),
        ("offline", ["al"]),
    ]


def test_presence_moves_people() -> None:
    made = members(person("bob"))
    moves = [
        (PresenceEvent.AWAY, PersonState.AWAY),
        (PresenceEvent.HERE, PersonState.ONLINE),
        (PresenceEvent.GONE, PersonState.OFFLINE),
        (PresenceEvent.BACK, PersonState.ONLINE),
    ]
    for event, state in moves:
        made.apply(event, [person("bob")])
        found = made.person(UserId("bob"))
        assert found is not None
        assert found.state is state


def test_people_join_and_leave() -> None:
    made = members(person("bob"))
    made.apply(PresenceEvent.JOINED, [person("carol"), person("dave")])
    made.apply(PresenceEvent.LEFT, [person("bob"), person("nobody")])
    assert [one.nick for one in made.view().online] == ["carol", "dave"]
    assert UserId("carol") in made
    assert UserId("bob") not in made
    assert len(made) == 2


def test_another_nick_keeps_the_state() -> None:
    made = members(person("bob", PersonState.AWAY))
    made.apply(PresenceEvent.RENAMED, [Person(UserId("bob"), "bobby", was="bob")])
    assert [one.nick for one in made.view().away] == ["bobby"]
    assert made.by_nick("BOBBY") is not None
    assert made.by_nick("bob") is None


def test_the_server_may_name_everybody_anew() -> None:
    made = members(person("bob"))
    made.replace([person("carol")], more=7)
    assert made.view().more == 7
    assert len(made) == 8
