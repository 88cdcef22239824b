"""Messages: what becomes a line, what is refused, and what sending again does."""

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.common import grid as grids
from chatroom.common.inert import inert
from chatroom.protocol.codec import decode_line
from chatroom.protocol.frames import Ack, Direct, Joined, Leave, Line, Open, Refusal, Rename, Send, Welcome
from chatroom.protocol.ids import DeviceId
from chatroom.protocol.limits import IN_FLIGHT_MAX, MESSAGE_MAX, REMEMBERED_NUMBERS, TOPIC_MAX
from chatroom_server.core import limits, messages
from chatroom_server.core.effects import BroadcastLines, DeliverLine
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Actor, Key, Stage

GRID = grids.encode(grids.Grid(2, 1, "ab", bytes([0, 255]), ((255, 0, 0),)))


@pytest.fixture
def ann(stage: Stage) -> Actor:
    return stage.enter("ann", GENERAL)


def refused(actor: Actor) -> list[tuple[int, str]]:
    return [(refusal.n, refusal.code) for refusal in actor.all(Refusal)]


# --- the line ----------------------------------------------------------------------
def test_a_line_has_its_fields_in_the_order_of_the_protocol(stage: Stage, ann: Actor) -> None:
    ann.say('salut "toi" \n🏖')
    (line,) = stage.disk[GENERAL]
    assert list(json.loads(line).items()) == [
        ("id", 1),
        ("at", stage.at),
        ("room", "general"),
        ("user", Key("ann").user),
        ("nick", "ann"),
        ("color", ann.last(Welcome).color),
        ("dev", "d1"),
        ("n", 1),
        ("body", 'salut "toi" \n🏖'),
    ]
    assert "🏖".encode() in line
    assert b"\n" not in line


def test_kinds_and_grids_have_their_place_in_the_line(stage: Stage, ann: Actor) -> None:
    ann.say("waves", kind="me")
    ann.say("logo.png, 2 x 1", kind="image", grid=GRID)
    action, image = (list(json.loads(line).items())[7:] for line in stage.disk[GENERAL])
    assert action == [("n", 1), ("kind", "me"), ("body", "waves")]
    assert image == [("n", 2), ("kind", "image"), ("body", "logo.png, 2 x 1"), ("grid", GRID)]


def test_a_guest_stands_last_in_the_line() -> None:
    stage = Stage(HubSettings(guests=True))
    gil = stage.arrive()
    gil.hello()
    gil.dev = "g1"
    gil.login("gil", devices=["g1"])
    gil.join(GENERAL)
    gil.say("hi", kind="me")
    assert stage.disk[GENERAL][0].endswith(b'"kind":"me","body":"hi","guest":true}')


def test_nothing_is_shown_before_it_is_stored(stage: Stage, ann: Actor) -> None:
    bob = stage.enter("bob", GENERAL)
    stage.slow = True
    ann.say("one")
    assert bob.bodies() == ann.bodies() == []
    stage.store()
    assert bob.bodies() == ann.bodies() == ["one"]


def test_one_broadcast_whoever_listens(stage: Stage, ann: Actor) -> None:
    stage.enter("bob", GENERAL)
    ann.say("one")
    assert sum(isinstance(effect, BroadcastLines) for effect in stage.effects) == 1
    assert not any(isinstance(effect, DeliverLine) for effect in stage.effects)


def test_hostile_text_is_made_inert_at_the_door(ann: Actor) -> None:
    ann.say("a\x1b[31mb\x07c\u202ed")
    assert ann.bodies() == ["abcd"]


# --- what is refused ----------------------------------------------------------------------
@pytest.mark.parametrize("body", ["", "  \n ", "\x1b[2J", "\u200b"])
def test_a_message_must_have_something_to_show(ann: Actor, body: str) -> None:
    ann.say(body)
    ann.say(body, kind="me")
    assert refused(ann) == [(1, "message-empty"), (2, "message-empty")]


def test_a_message_may_be_as_long_as_the_protocol_says(ann: Actor) -> None:
    ann.say("é" * (MESSAGE_MAX // 2))
    ann.say("é" * (MESSAGE_MAX // 2) + "x")
    assert len(ann.bodies()[0]) == MESSAGE_MAX // 2
    assert ann.last(Refusal).code == "message-too-long"
    assert ann.last(Refusal).args == {"size": str(MESSAGE_MAX + 1), "max": str(MESSAGE_MAX)}


@pytest.mark.parametrize("kind", ["edit", "delete", "react", "rights", "new", "\x1b"])
def test_reserved_kinds_are_not_for_clients_yet(ann: Actor, kind: str) -> None:
    ann.say("x", kind=kind)
    assert refused(ann) == [(1, "not-allowed")]


@pytest.mark.parametrize("grid", ["", "x", GRID[:-4], "A" * 40_000, "é"])
def test_a_picture_must_be_one(ann: Actor, grid: str) -> None:
    ann.say("x", kind="image", grid=grid)
    assert refused(ann) == [(1, "picture-invalid")]
    assert ann.last(Refusal).text.startswith("the picture could not be read: ")


def test_a_picture_needs_no_caption(ann: Actor) -> None:
    ann.say("", kind="image", grid=GRID)
    assert ann.lines()[0].grid == GRID


def test_a_grid_is_looked_at_last(stage: Stage, ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    ann.say("a picture", kind="image", grid=GRID)
    checked: list[str] = []
    monkeypatch.setattr(messages, "decode_grid", checked.append)
    ann.say("a picture", kind="image", grid=GRID, n=1)
    ann.say("a picture", "nowhere", kind="image", grid=GRID, n=2)
    ann.dev = "d9"
    ann.say("a picture", kind="image", grid=GRID, n=3)
    assert ann.last(Ack).n == 1
    assert [code for _n, code in refused(ann)] == ["room-unknown", "not-allowed"]
    assert not checked


def test_a_text_has_no_grid(ann: Actor) -> None:
    ann.say("x", grid=GRID)
    assert ann.lines()[0].grid == ""


def test_a_refusal_uses_up_no_number(ann: Actor) -> None:
    ann.say("", n=1)
    ann.say("now", n=1)
    assert [(line.n, line.body) for line in ann.lines()] == [(1, "now")]


def test_who_is_no_member_may_not_send(stage: Stage, ann: Actor) -> None:
    bob = stage.enter("bob")
    bob.say("hello")
    bob.say("hello", "nowhere")
    assert refused(bob) == [(1, "not-member"), (2, "room-unknown")]


def test_a_script_may_send_to_any_room_and_is_answered(stage: Stage, ann: Actor) -> None:
    script = stage.enter("bob", quiet=True)
    script.say("done")
    assert ann.bodies() == ["done"]
    assert script.bodies() == ["done"]
    assert ann.presence() == []
    assert ann.last(Welcome).links == 1
    script.say("news", kind="topic")
    assert refused(script) == [(2, "not-member")]
    script.give(Open(1, GENERAL))
    script.say("again")
    assert script.bodies() == ["done", "again"]


def test_a_script_of_a_guest_may_not() -> None:
    stage = Stage(HubSettings(guests=True))
    gil = stage.arrive()
    gil.hello()
    gil.dev = "g1"
    gil.login("gil", devices=["g1"], quiet=True)
    gil.say("x")
    assert refused(gil) == [(1, "not-member")]


def test_a_conversation_is_written_by_its_two(stage: Stage, ann: Actor) -> None:
    stage.enter("bob")
    script, eve = stage.enter("ann", nick="", quiet=True, dev="d2"), stage.enter("eve", quiet=True)
    ann.give(Direct(1, "bob"))
    room = ann.last(Joined).room.id
    script.say("by a script", room)
    eve.say("me too", room)
    assert ann.bodies(room) == ["by a script"]
    assert refused(eve) == [(1, "room-forbidden")]


def test_a_device_that_the_login_did_not_name(ann: Actor) -> None:
    ann.give(Send(GENERAL, DeviceId("other"), 1, "x"))
    assert refused(ann) == [(1, "not-allowed")]


def test_what_the_disk_refuses_is_told(stage: Stage, ann: Actor) -> None:
    stage.slow = True
    ann.say("one")
    ann.say("two")
    stage.refuse("disk-full")
    assert refused(ann) == [(1, "not-stored"), (2, "not-stored")]
    assert ann.last(Refusal).args == {"reason": "disk-full"}
    stage.slow = False
    ann.say("one", n=1)
    assert ann.bodies() == ["one"]


def test_at_most_so_many_are_in_flight(stage: Stage, ann: Actor) -> None:
    stage.slow = True
    for _message in range(IN_FLIGHT_MAX + 1):
        ann.say("x")
    assert refused(ann) == [(IN_FLIGHT_MAX + 1, "too-many-in-flight")]
    stage.store()
    ann.say("y", n=IN_FLIGHT_MAX + 1)
    stage.store()
    assert len(ann.bodies()) == IN_FLIGHT_MAX + 1


# --- topics ----------------------------------------------------------------------
def test_a_topic_is_the_rooms_when_it_is_stored(stage: Stage, ann: Actor) -> None:
    stage.slow = True
    ann.say("about\ntrees", kind="topic")
    assert topic(stage) == ""
    stage.store()
    assert topic(stage) == "about trees"
    ann.say("x" * (TOPIC_MAX + 1), kind="topic")
    assert ann.last(Refusal).code == "topic-too-long"
    ann.say("", kind="topic")
    stage.store()
    assert topic(stage) == ""


def topic(stage: Stage) -> str:
    return stage.hub.state.accounts.rooms[GENERAL].topic


# --- sending again ----------------------------------------------------------------------
def test_what_is_stored_already_is_acknowledged(ann: Actor) -> None:
    ann.say("one")
    ann.say("one", n=1)
    assert ann.bodies() == ["one"]
    assert ann.all(Ack) == [Ack("d1", 1, GENERAL, 1)]


def test_a_number_with_another_content_is_a_conflict(stage: Stage, ann: Actor) -> None:
    ann.join("work", create=True)
    ann.say("one")
    ann.say("two", n=1)
    ann.say("one", n=1, kind="me")
    ann.say("one", "work", n=1)
    assert refused(ann) == [(1, "number-conflict")] * 3
    stage.slow = True
    ann.say("three", n=2)
    ann.say("four", n=2)
    assert refused(ann)[-1] == (2, "number-conflict")


def test_a_number_that_was_passed_over_is_told(ann: Actor) -> None:
    ann.say("five", n=5)
    ann.say("three", n=3)
    ann.give(Send(GENERAL, DeviceId("d1"), 0, "none"))
    assert refused(ann) == [(3, "number-passed"), (0, "number-passed")]


def test_the_link_that_sent_last_is_answered(stage: Stage) -> None:
    script = stage.enter("ann", quiet=True)
    stage.slow = True
    script.say("one")
    script.leave()
    again = stage.enter("ann", nick="", quiet=True)
    again.say("one", n=1)
    stage.store()
    assert again.bodies() == ["one"]
    assert len(stage.disk[GENERAL]) == 1


def test_a_membership_that_ended_does_not_unmake_what_is_stored(ann: Actor) -> None:
    ann.say("one")
    ann.give(Leave(1, GENERAL))
    ann.say("one", n=1)
    assert ann.last(Ack).id == 1


def test_numbers_are_remembered_over_restarts(stage: Stage, ann: Actor) -> None:
    for body in ("one", "two"):
        ann.say(body)
    stage.flush()
    for body in ("three", "four"):
        ann.say(body)
    stage.restart()
    ann = stage.enter("ann", nick="")
    for n, body in enumerate(["one", "two", "three", "four"], start=1):
        ann.say(body, n=n)
    ann.say("other", n=2)
    assert [ack.id for ack in ann.all(Ack)] == [1, 2, 3, 4]
    assert refused(ann) == [(2, "number-conflict")]
    assert len(stage.disk[GENERAL]) == 4


def test_old_numbers_are_acknowledged_without_their_contents(stage: Stage) -> None:
    stage.hub.state.settings = HubSettings(rate=0)
    ann = stage.enter("ann", GENERAL)
    for number in range(2 * REMEMBERED_NUMBERS):
        ann.say(f"m{number}")
    ann.say("whatever", n=1)
    assert ann.last(Ack) == Ack("d1", 1, GENERAL, 0)
    ann.say(f"m{REMEMBERED_NUMBERS}", n=REMEMBERED_NUMBERS + 1)
    assert ann.last(Ack).id == REMEMBERED_NUMBERS + 1
    stage.flush()
    stage.restart()
    ann = stage.enter("ann", nick="")
    ann.say("m0", n=1)
    assert ann.last(Ack) == Ack("d1", 1, GENERAL, 0)


def test_a_number_whose_contents_were_let_go_early_is_not_called_stored(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMEMBERED_ALL_MAX", 2)
    ann = stage.enter("ann", GENERAL)
    for body in ("one", "two", "three"):
        ann.say(body)
    stage.flush()
    ann.say("new", n=2)
    assert (refused(ann), ann.all(Ack)) == ([(2, "number-conflict")], [])
    stage.restart()
    stage.flush()
    ann = stage.enter("ann", nick="")
    ann.say("new", n=2)
    assert (refused(ann), ann.all(Ack)) == ([(2, "number-conflict")], [])


def test_a_line_names_its_author_as_it_was_then(stage: Stage, ann: Actor) -> None:
    ann.say("one")
    ann.give(Rename(1, "anna"))
    ann.say("two")
    assert [decode_line(line).nick for line in stage.disk[GENERAL]] == ["ann", "anna"]


# --- plain texts ----------------------------------------------------------------------
@given(
    st.one_of(
        st.text(), st.text(st.characters(max_codepoint=0x9F)), st.sampled_from(["a\x7fb", "\x7f", '"', " "])
    )
)
@example("a\x7fb")
@example("\x1b[31mred")
@example("\ud800")
def test_a_text_is_stored_inert_however_plain_it_looks(said: str) -> None:
    body = inert(said)
    if not body or body.isspace():
        with pytest.raises(messages._NotAcceptedError):
            messages._text(said)
    else:
        assert messages._text(said) == (body, msgspec.json.encode(body))


@given(st.lists(st.sampled_from(["general", "tea", "work"]), max_size=12), st.integers(1, 4))
def test_what_is_stored_is_acknowledged_again_whatever_rooms_a_round_had(
    rooms: list[str], at_once: int
) -> None:
    stage = Stage()
    ann = stage.enter("ann", GENERAL)
    for room in ("tea", "work"):
        ann.join(room, create=True)
    stage.slow = True
    for room in rooms:
        ann.say("hi", room)
        if len(stage.waiting) >= at_once:
            stage.store()
    stage.store()
    ids = {(line.n, str(line.room)): line.id for line in ann.all(Line)}
    for n, room in enumerate(rooms, 1):
        ann.say("hi", room, n=n)
    assert [(ack.n, str(ack.room), ack.id) for ack in ann.all(Ack)] == [
        (n, room, ids[n, room]) for n, room in enumerate(rooms, 1)
    ]
