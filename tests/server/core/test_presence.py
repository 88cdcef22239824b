"""Who is told of whom: arrivals, cuts, returns, departures, and being away."""

import pytest

from chatroom.protocol.frames import Away, Bye, Direct, Presence, Who
from chatroom.protocol.frames import People as PeopleFrame
from chatroom.protocol.limits import PEOPLE_MAX
from chatroom_server.core import limits, presence
from chatroom_server.core.effects import Broadcast, Happening
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Actor, Stage


def states(actor: Actor) -> dict[str, str]:
    actor.give(Who(77, GENERAL))
    return {person.nick: person.state.value for person in actor.last(PeopleFrame).people}


def test_a_member_who_comes_back_is_told(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.leave(clean=True)
    assert states(ann) == {"ann": "online", "bob": "offline"}
    bob = stage.enter("bob", nick="")
    assert ann.presence() == [("joined", ["bob"]), ("gone", ["bob"]), ("back", ["bob"])]
    assert bob.presence() == []
    assert states(ann) == {"ann": "online", "bob": "online"}


def test_a_bye_is_told_at_once_and_closes(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.give(Bye())
    assert bob.closed
    assert ann.presence()[-1] == ("gone", ["bob"])
    bob.leave()
    stage.pass_time(20)
    assert len(ann.presence()) == 2


def test_a_bye_before_the_login_is_just_an_end(stage: Stage) -> None:
    stranger = stage.arrive()
    stranger.give(Bye())
    assert stranger.closed
    assert stranger.frames == []


def test_a_short_cut_goes_unsaid(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.leave()
    stage.pass_time(9.5)
    assert states(ann)["bob"] == "online"
    bob = stage.enter("bob", nick="")
    stage.pass_time(60)
    assert ann.presence() == [("joined", ["bob"])]


def test_a_long_cut_is_a_departure(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.leave()
    stage.pass_time(10)
    assert ann.presence()[-1] == ("gone", ["bob"])
    assert stage.reports()[-1].happening is Happening.DEPARTED


def test_each_cut_has_its_own_ten_seconds(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.leave()
    stage.pass_time(8)
    stage.enter("bob", nick="").leave()
    stage.pass_time(8)
    assert len(ann.presence()) == 1
    stage.pass_time(2)
    assert ann.presence()[-1] == ("gone", ["bob"])


def test_one_of_several_links_goes_unsaid(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    twin = stage.enter("bob", nick="")
    bob.give(Bye())
    stage.pass_time(20)
    assert ann.presence() == [("joined", ["bob"])]
    twin.give(Bye())
    assert ann.presence()[-1] == ("gone", ["bob"])


def test_scripts_announce_nothing(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    script = stage.enter("bob", nick="", quiet=True)
    script.give(Away(away=True))
    bob.give(Bye())
    assert ann.presence()[1:] == [("gone", ["bob"])]
    assert states(ann)["bob"] == "offline"
    script.give(Bye())
    stage.pass_time(20)
    assert len(ann.presence()) == 2


def test_a_script_does_not_keep_a_cut_user_online(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    stage.enter("bob", nick="", quiet=True)
    bob.leave()
    stage.pass_time(10)
    assert ann.presence()[-1] == ("gone", ["bob"])


# --- away -----------------------------------------------------------------------------------------------
def test_away_is_who_is_away_on_all_devices(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    twin = stage.enter("bob", nick="")
    bob.give(Away(away=True))
    assert states(ann)["bob"] == "online"
    twin.give(Away(away=True))
    twin.give(Away(away=True))
    assert states(ann)["bob"] == "away"
    twin.give(Away(away=False))
    assert ann.presence()[1:] == [("away", ["bob"]), ("here", ["bob"])]


def test_a_new_link_brings_one_back_from_away_and_its_end_does_not(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.give(Away(away=True))
    twin = stage.enter("bob", nick="")
    twin.give(Bye())
    assert ann.presence()[1:] == [("away", ["bob"]), ("here", ["bob"]), ("away", ["bob"])]


def test_who_was_away_and_left_is_online_at_the_return(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    bob.give(Away(away=True))
    bob.give(Bye())
    stage.enter("bob", nick="")
    assert states(ann)["bob"] == "online"


def test_a_conversation_sees_who_comes_and_goes(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    ann.give(Direct(1, "bob"))
    bob.give(Bye())
    assert ann.presence() == [("gone", ["bob"])]


# --- guests -----------------------------------------------------------------------------------------------
def guest(stage: Stage) -> Actor:
    gil = stage.arrive()
    gil.hello()
    gil.login("gil")
    gil.join(GENERAL)
    return gil


def test_a_guests_membership_ends_with_it() -> None:
    stage = Stage(HubSettings(guests=True))
    ann, gil = stage.enter("ann", GENERAL), guest(stage)
    assert states(ann) == {"ann": "online", "gil": "online"}
    gil.leave()
    stage.pass_time(9)
    assert states(ann) == {"ann": "online", "gil": "online"}
    stage.pass_time(1)
    assert ann.presence() == [("joined", ["gil"]), ("left", ["gil"])]
    assert states(ann) == {"ann": "online"}
    gil = guest(stage)
    gil.leave(clean=True)
    assert ann.presence()[2:] == [("joined", ["gil"]), ("left", ["gil"])]
    assert stage.hub.state.sessions.keys() == {ann.user}
    assert stage.hub.state.guest_nicks == {}


# --- after a start ----------------------------------------------------------------------------------------
def test_returns_after_a_start_are_told_together(stage: Stage) -> None:
    for name in ("ann", "bob", "eve", "sam"):
        stage.enter(name, GENERAL)
    stage.restart()
    ann = stage.enter("ann", nick="")
    stage.enter("bob", nick="")
    stage.pass_time(limits.TELL_RETURNS_S)
    stage.enter("eve", nick="").leave(clean=True)
    assert ann.presence() == [("here", ["ann", "bob"]), ("gone", ["eve"])]
    assert states(ann) == {"ann": "online", "bob": "online", "eve": "offline", "sam": "offline"}
    stage.pass_time(10)
    assert ann.presence()[2:] == [("back", ["ann", "bob"])]
    stage.enter("sam", nick="")
    assert ann.presence()[3:] == [("back", ["sam"])]


def test_returns_after_a_start_are_few_frames(stage: Stage) -> None:
    names = [f"u{number}" for number in range(30)]
    for name in names:
        stage.enter(name, GENERAL)
    stage.restart()
    first, *others = [stage.enter(name, nick="") for name in names]
    others[-1].give(Away(away=True))
    stage.pass_time(limits.TELL_RETURNS_S)
    assert first.presence() == [("away", ["u29"]), ("here", names[:-1])]
    assert set(states(first).values()) == {"online", "away"}


def test_many_returns_are_told_in_frames_of_bounded_size(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(presence, "PEOPLE_MAX", PEOPLE_MAX // 25)
    stage.hub.state.settings = HubSettings(rate=0)
    count = 23
    names = [f"u{number}" for number in range(count)]
    for name in names:
        stage.enter(name, GENERAL)
    stage.restart()
    for name in names:
        stage.enter(name, nick="")
    stage.pass_time(limits.TELL_RETURNS_S)
    before = len(stage.effects)
    stage.pass_time(10)
    frames = [effect.frame for effect in stage.effects[before:] if isinstance(effect, Broadcast)]
    told = [len(frame.people) for frame in frames if isinstance(frame, Presence)]
    assert told == [20, 3]
    ann = stage.enter("ann", GENERAL)
    ann.give(Who(5, GENERAL))
    answer = ann.last(PeopleFrame)
    assert (len(answer.people), answer.more) == (20, 4)
