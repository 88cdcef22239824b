"""People without a key: who comes through a gateway, what they are called, and who comes again."""

import pytest

from chatroom.protocol import auth
from chatroom.protocol.frames import (
    Failed,
    Joined,
    Rename,
    ServerHello,
    Welcome,
)
from chatroom_server.core import limits
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, IDENTITY, Actor, Stage

OUTSIDE = "10.1.2.3"


def foreign(
    stage: Stage, nick: str = "", *, host: str = OUTSIDE, port: int = 0, name: str | None = None
) -> Actor:
    """Somebody behind a gateway; with a `name`, one who claims a key."""
    actor = stage.arrive(name, host=host, port=port, local=False, foreign=True)
    actor.dev = "t1"
    actor.hello()
    actor.login(nick, devices=["t1"])
    return actor


# --- through a gateway ----------------------------------------------------------------------
def test_a_gateway_brings_guests_without_tls_and_without_the_setting(stage: Stage) -> None:
    ann, gil = stage.enter("ann", GENERAL), foreign(stage, "gil")
    assert gil.last(ServerHello).guests
    welcome = gil.last(Welcome)
    assert (welcome.nick, welcome.guest, welcome.back) == ("gil", True, False)
    gil.join(GENERAL)
    gil.say("hello")
    assert ann.lines()[-1].guest


def test_a_key_has_no_place_behind_a_gateway(stage: Stage) -> None:
    stage.enter("ann")
    claimed = foreign(stage, "ann", name="ann")
    assert claimed.error == "not-allowed"
    assert not claimed.all(Welcome)


def test_links_of_one_address_are_counted_behind_a_gateway_too() -> None:
    stage = Stage(HubSettings(max_links_per_address=1))
    foreign(stage, "gil")
    refused = stage.arrive(host=OUTSIDE, local=False, foreign=True)
    assert refused.last(Failed).code == "too-many-links"


def test_who_gives_no_nick_is_called_by_its_address(stage: Stage) -> None:
    four, six = foreign(stage, port=567), foreign(stage, host="2001:db8::1", port=567)
    assert four.last(Welcome).nick == "10.1.2.3:567"
    assert six.last(Welcome).nick == "[2001:db8::1]:567"
    assert four.user == auth.guest_id(IDENTITY.guest_secret, OUTSIDE, 567, "10.1.2.3:567")
    long = foreign(stage, host="2001:db8:1111:2222:3333:4444:5555:6666", port=65535)
    assert long.last(Welcome).nick == "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"
    four.give(Rename(1, "gil"))
    stage.enter("ann", GENERAL)
    four.join(GENERAL)
    four.say("me")
    assert four.lines()[-1].nick == "gil"


def test_nobody_else_is_called_by_an_address(stage: Stage) -> None:
    four = foreign(stage, port=567)
    claimed = foreign(stage, "10.1.2.3:567")
    assert claimed.error == "nick-invalid"
    ann = stage.enter("ann")
    ann.give(Rename(1, four.last(Welcome).nick))
    assert ann.last(Failed).args == {"reason": "a nick cannot look like an address"}


def test_without_a_gateway_a_guest_needs_a_nick() -> None:
    stage = Stage(HubSettings(guests=True))
    actor = stage.arrive()
    actor.hello()
    actor.login()
    assert actor.error == "nick-needed"


# --- coming again ----------------------------------------------------------------------
def come_again(stage: Stage, nick: str = "gil", port: int = 567) -> Actor:
    """Come, be in a room, leave, and come again from the same address."""
    first = foreign(stage, nick, port=port)
    assert not first.last(Welcome).back
    first.join(GENERAL)
    first.leave(clean=True)
    return foreign(stage, nick, port=port)


def test_a_guest_who_had_left_is_back_in_the_first_room_that_it_joins(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.join("work", create=True)
    gil = come_again(stage)
    assert gil.last(Welcome).back
    assert gil.last(Welcome).rooms == []
    gil.join(GENERAL)
    gil.join("work")
    assert ann.presence() == [("joined", ["gil"]), ("left", ["gil"]), ("back", ["gil"]), ("joined", ["gil"])]


def test_a_token_is_enough_to_be_back(stage: Stage) -> None:
    ann, gil = stage.enter("ann", GENERAL), foreign(stage, "gil")
    gil.leave(clean=True)
    again = stage.arrive(host=OUTSIDE, local=False, foreign=True)
    again.hello()
    again.login("gill", token=gil.last(Welcome).token)
    assert again.last(Welcome).back
    again.join(GENERAL)
    assert ann.presence() == [("back", ["gill"])]


def test_who_comes_from_another_port_or_under_another_nick_is_new(stage: Stage) -> None:
    come_again(stage).leave(clean=True)
    assert not foreign(stage, "gil", port=568).last(Welcome).back
    assert not foreign(stage, "tom", port=567).last(Welcome).back


def test_who_took_a_nick_is_back_under_it(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    gil = foreign(stage, port=567)
    gil.join(GENERAL)
    for rid, nick in enumerate(["tom", "gil"]):
        gil.give(Rename(rid, nick))
    gil.leave(clean=True)
    again = foreign(stage, "gil", port=567)
    assert again.last(Welcome).back
    assert again.user == auth.guest_id(IDENTITY.guest_secret, OUTSIDE, 567, "gil")
    again.join(GENERAL)
    assert ann.presence()[-1] == ("back", ["gil"])
    again.leave(clean=True)
    assert not foreign(stage, "gil", port=568).last(Welcome).back
    assert not foreign(stage, "tom", port=567).last(Welcome).back


def test_who_is_called_by_its_address_is_never_back(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    unnamed = come_again(stage, "")
    assert not unnamed.last(Welcome).back
    assert not stage.hub.state.former_guests
    unnamed.join(GENERAL)
    assert ann.presence()[-1] == ("joined", ["10.1.2.3:567"])
    unnamed.leave()
    again = stage.arrive(host=OUTSIDE, local=False, foreign=True)
    again.hello()
    again.login(token=unnamed.last(Welcome).token)
    assert again.last(Welcome).user == unnamed.user
    assert not again.last(Welcome).back


def test_a_guest_that_a_cut_made_come_again_is_in_its_rooms(stage: Stage) -> None:
    ann, gil = stage.enter("ann", GENERAL), foreign(stage, "gil", port=567)
    gil.join(GENERAL)
    gil.leave()
    again = foreign(stage, "gil", port=567)
    assert again.last(Welcome).back
    assert [room.id for room in again.last(Welcome).rooms] == [GENERAL]
    ann.join("work", create=True)
    again.join("work")
    assert ann.presence() == [("joined", ["gil"]), ("joined", ["gil"])]
    ann.say("hello")
    assert again.bodies() == ["hello"]


def test_a_script_of_a_guest_who_is_back_says_it_once(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    ann.join("work", create=True)
    foreign(stage, "gil", port=567).leave(clean=True)
    script = stage.arrive(host=OUTSIDE, port=567, local=False, foreign=True)
    script.hello()
    script.login("gil", quiet=True)
    script.join(GENERAL)
    assert ann.presence() == []
    foreign(stage, "gil", port=567).join("work")
    assert ann.presence() == [("back", ["gil"]), ("joined", ["gil"])]


def test_a_guest_that_joins_is_answered_once(stage: Stage) -> None:
    gil = foreign(stage, "gil", port=567)
    twin = foreign(stage, "gil", port=567)
    gil.join(GENERAL)
    assert [joined.rid for joined in gil.all(Joined)] == [1]
    assert [joined.rid for joined in twin.all(Joined)] == [0]


def test_guests_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "GUESTS_REMEMBERED", 2)
    for nick in ("gil", "tom", "gil", "max"):
        foreign(stage, nick, port=567).leave(clean=True)
    assert len(stage.hub.state.former_guests) == 2
    assert [foreign(stage, nick, port=567).last(Welcome).back for nick in ("gil", "tom", "max")] == [
        True,
        False,
        True,
    ]
