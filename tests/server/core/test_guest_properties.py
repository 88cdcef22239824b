"""Whatever order guests come, write and leave in: numbers have no hole, and each departure is said once."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.protocol.frames import (
    AnyFrame,
    Direct,
    Joined,
    Leave,
    LeftRoom,
    Line,
    Person,
    PersonState,
    Presence,
    PresenceEvent,
    RoomInfo,
    Welcome,
)
from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.core import limits
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import Actor, Stage

USERS = ("ann", "bob")
GUESTS = ("gil", "tom", "max")
PEOPLE = (*USERS, *GUESTS)


@dataclass
class Witness:
    """Somebody who comes and goes, and holds what comes against what came before.

    Attributes:
        numbers: The newest line of each conversation.
        present: The guests who are there, by conversation.
    """

    stage: Stage
    name: str
    actor: Actor | None = None
    read: int = 0
    numbers: dict[RoomId, int] = field(default_factory=dict)
    present: dict[RoomId, set[UserId]] = field(default_factory=dict)

    def connect(self) -> None:
        if self.actor is None:
            key = self.name if self.name in USERS else None
            port = 600 + PEOPLE.index(self.name)
            actor = self.actor = self.stage.arrive(key, port=port, foreign=key is None)
            actor.dev = "d1"
            actor.hello()
            actor.login(self.name, devices=["d1"])

    def forget(self) -> None:
        self.actor, self.read = None, 0
        self.numbers.clear()
        self.present.clear()

    def leave(self, *, clean: bool) -> None:
        if self.actor is not None:
            self.actor.leave(clean=clean)
        self.forget()

    def do(self, step: str, other: str) -> None:
        """Ask for something, where the login is through."""
        if self.actor is None or not self.actor.all(Welcome):
            return
        if step == "converse":
            self.actor.give(Direct(1, other))
        for room in list(self.numbers):
            if step == "say":
                self.actor.n = max(self.actor.n, self.actor.last(Welcome).devices["d1"])
                self.actor.say("hello", room)
            elif step == "give up":
                self.actor.give(Leave(2, room))

    def absorb(self) -> None:
        """Take in what came."""
        frames = self.actor.frames[self.read :] if self.actor is not None else []
        self.read += len(frames)
        for frame in frames:
            self._take(frame)

    def _take(self, frame: AnyFrame) -> None:
        match frame:
            case Welcome(rooms=rooms):
                for room in rooms:
                    self._open(room)
            case Joined(room=room):
                self._open(room)
            case LeftRoom(room=id_):
                del self.numbers[id_]
            case Line(room=id_, id=number):
                assert number == self.numbers[id_] + 1, "each line once, and in order"
                self.numbers[id_] = number
            case Presence(room=id_, event=event, people=people):
                for person in people:
                    self._see(self.present[id_], event, person)
            case _:
                pass

    def _open(self, room: RoomInfo) -> None:
        assert len(room.direct) == 2, "both are named"
        assert self.numbers.setdefault(room.id, room.last) == room.last
        guests = [person for person in room.direct if person.guest]
        self.present[room.id] = {one.user for one in guests if one.state is not PersonState.OFFLINE}

    def _see(self, present: set[UserId], event: PresenceEvent, person: Person) -> None:
        if event is PresenceEvent.LEFT:
            assert person.guest
            present.remove(person.user)  # a departure is said once
        elif person.guest:
            present.add(person.user)


person = st.integers(0, len(PEOPLE) - 1)
deeds = st.sampled_from(
    ["connect", "connect", "converse", "converse", "say", "say", "give up", "leave", "cut"]
)
events = st.sampled_from(["store", "store", "refuse", "flush", "restart", "wait"])
stories = st.lists(st.tuples(deeds | events, person, person), max_size=60)


def play(stage: Stage, people: list[Witness], story: list[tuple[str, int, int]]) -> None:
    for step, one, other in story:
        match step:
            case "connect":
                people[one].connect()
            case "leave" | "cut":
                people[one].leave(clean=step == "leave")
            case "store":
                stage.store(one + 1)
            case "refuse":
                stage.refuse()
            case "flush":
                stage.flush()
            case "restart":
                for witness in people:
                    witness.forget()
                stage.restart()
            case "wait":
                stage.pass_time(6.0 * one)
            case _:
                people[one].do(step, PEOPLE[other])
        for witness in people:
            witness.absorb()
        check(stage)


def check(stage: Stage) -> None:
    """What the hub knows agrees with itself."""
    state = stage.hub.state
    rooms = state.accounts.rooms
    assert state.accounts.guest_rooms == sum(bool(room.guests) for room in rooms.values())
    assert state.accounts.guest_rooms <= limits.GUEST_DIRECTS_MAX
    assert not state.accounts.lost.keys() & rooms.keys()
    for session in state.sessions.values():
        assert session.user.rooms.keys() <= rooms.keys()
    for room, people in state.people.items():
        assert all(room in session.user.rooms for session in people.values())


@settings(max_examples=200, deadline=None)
@given(stories)
def test_conversations_with_guests_bear_any_story(story: list[tuple[str, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "GUEST_DIRECTS_MAX", 3)
        patch.setattr(limits, "GUESTS_REMEMBERED", 2)
        stage = Stage(HubSettings(rate=0))
        stage.slow = True
        people = [Witness(stage, name) for name in PEOPLE]
        play(stage, people, story)
        stage.store()
        for witness in people:
            witness.absorb()
            witness.leave(clean=True)
        stage.pass_time(30)
        state = stage.hub.state
        assert not any((state.sessions, state.people, state.guest_nicks, state.creating, state.returning))
        stage.restart()
        rooms = stage.hub.state.accounts.rooms.values()
        assert all(room.members for room in rooms if room.guests)
        assert all(room.last == len(stage.disk.get(room.id, [])) for room in rooms)
