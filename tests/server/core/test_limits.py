"""Every bound of the table: what happens there, and that it is the bound."""

import ast
from pathlib import Path

import msgspec
import pytest

from chatroom.protocol.codec import encode
from chatroom.protocol.frames import (
    Direct,
    Done,
    Failed,
    Fetch,
    Join,
    Joined,
    Leave,
    ListRooms,
    Open,
    Rename,
    Rooms,
    Welcome,
)
from chatroom.protocol.ids import RoomId
from chatroom.protocol.limits import DEVICES_PER_LINK_MAX, DEVICES_PER_USER_MAX, REQUESTS_MAX
from chatroom_server.core import limits
from chatroom_server.core.inputs import PageSent
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Actor, Stage


def codes(actor: Actor) -> list[str]:
    return [failed.code for failed in actor.all(Failed)]


def test_every_bound_has_a_test() -> None:
    names = {name for name in vars(limits) if name.isupper()}
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    used = {
        node.attr
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
    }
    used |= {
        str(node.value)
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
    }
    assert names - used == set()


# --- links --------------------------------------------------------------------------------------------
def test_links_of_the_server() -> None:
    assert HubSettings().max_links == limits.LINKS_MAX
    stage = Stage(HubSettings(max_links=2))
    first, second, third = stage.arrive(), stage.arrive(), stage.arrive()
    assert codes(third) == ["server-full"]
    assert third.closed
    assert not second.closed
    first.leave()
    third.leave()
    assert codes(stage.arrive()) == []


def test_links_of_an_address() -> None:
    assert HubSettings().max_links_per_address == limits.LINKS_PER_ADDRESS_MAX
    stage = Stage(HubSettings(max_links_per_address=1))
    first = stage.arrive(host="10.0.0.1", local=False, tls=True)
    assert codes(stage.arrive(host="10.0.0.1", local=False, tls=True)) == ["too-many-links"]
    assert codes(stage.arrive(host="10.0.0.2", local=False, tls=True)) == []
    assert [codes(stage.arrive()) for _link in range(3)] == [[], [], []]
    for actor in list(stage.actors.values()):
        actor.leave()
    assert codes(first) == []
    assert stage.hub.state.addresses == {}


def test_all_of_an_ipv6_network_is_one_address() -> None:
    stage = Stage(HubSettings(max_links_per_address=1))
    hosts = [
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8:0:1::1",
        "::ffff:10.0.0.1",
        "::ffff:10.0.0.2",
        "10.0.0.1",
        "x:",
    ]
    refused = [bool(codes(stage.arrive(host=host, local=False, tls=True))) for host in hosts]
    assert refused == [False, True, False, False, False, True, False]


def test_links_that_have_not_logged_in(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "HANDSHAKES_MAX", 2)
    ann, bob = stage.enter("ann"), stage.enter("bob")
    waiting = [stage.arrive(), stage.arrive()]
    assert codes(stage.arrive()) == ["server-full"]
    waiting[0].leave()
    assert codes(stage.arrive()) == []
    for actor in (ann, bob, *waiting[1:]):
        actor.leave()
    assert stage.hub.state.handshakes == 1


def test_logins_of_a_link(stage: Stage) -> None:
    stage.enter("ann")
    bob = stage.arrive("bob")
    bob.hello()
    for _try in range(limits.LOGIN_TRIES_MAX + 1):
        bob.login("ann")
    assert codes(bob) == ["nick-taken"] * limits.LOGIN_TRIES_MAX
    assert bob.last(Failed).fatal
    assert bob.closed


def test_the_time_of_a_login(stage: Stage) -> None:
    stranger = stage.arrive()
    stage.pass_time(limits.HANDSHAKE_TIMEOUT_S)
    assert codes(stranger) == ["handshake-too-slow"]


def test_rooms_open_on_a_link(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "OPEN_ROOMS_MAX", 2)
    stage.enter("ann").join("work", create=True)
    stage.enter("bob").join("play", create=True)
    tail = stage.enter("eve", quiet=True)
    for rid, room in enumerate([GENERAL, "work", "play", "work"], start=1):
        tail.give(Open(rid, room))
    assert [(failed.code, failed.rid) for failed in tail.all(Failed)] == [("too-many-rooms", 3)]


def test_requests_that_wait(stage: Stage) -> None:
    ann = stage.enter("ann")
    for rid in range(1, REQUESTS_MAX + 2):
        ann.give(Fetch(rid, GENERAL))
    assert [(failed.code, failed.rid) for failed in ann.all(Failed)] == [
        ("too-many-requests", REQUESTS_MAX + 1)
    ]
    stage.feed(PageSent(ann.id))
    ann.give(Fetch(99, GENERAL))
    ann.give(Rename(100, "anna"))
    assert codes(ann) == ["too-many-requests"] * 2


def test_requests_that_are_answered_wait_no_more(stage: Stage) -> None:
    ann = stage.enter("ann")
    stage.slow = True
    for outcome in (stage.store, stage.refuse, stage.store):
        ann.join("a", create=True)
        ann.join("a")
        ann.join(GENERAL)
        ann.give(Rename(50, "anna"))
        outcome()
        outcome()
    stage.store()
    assert stage.hub.state.links[ann.id].requests == 0


# --- accounts -------------------------------------------------------------------------------------------
def test_users_of_the_server() -> None:
    assert HubSettings().max_users == limits.USERS_MAX
    stage = Stage(HubSettings(max_users=1))
    stage.enter("ann")
    bob = stage.arrive("bob")
    bob.hello()
    bob.login("bob")
    assert codes(bob) == ["server-full"]
    assert stage.enter("ann", nick="").last(Welcome).back


def test_users_that_are_being_stored_count() -> None:
    stage = Stage(HubSettings(max_users=1))
    stage.slow = True
    ann, bob = stage.arrive("ann"), stage.arrive("bob")
    for actor, nick in ((ann, "ann"), (bob, "bob")):
        actor.hello()
        actor.login(nick)
    assert codes(bob) == ["server-full"]


def test_nicks_of_a_user(stage: Stage) -> None:
    ann = stage.enter("ann")
    for number in range(3 * limits.NICKS_KEPT):
        ann.give(Rename(number, f"ann{number}"))
    user = stage.hub.state.accounts.users[ann.user]
    assert len(user.nicks) == limits.NICKS_KEPT
    assert len(stage.hub.state.accounts.nicks) == limits.NICKS_KEPT


def test_rooms_of_the_server() -> None:
    assert HubSettings().max_rooms == limits.ROOMS_MAX
    stage = Stage(HubSettings(max_rooms=2))
    ann, bob = stage.enter("ann"), stage.enter("bob")
    stage.slow = True
    ann.join("work", create=True)
    bob.join("play", create=True)
    assert codes(bob) == ["too-many-rooms"]
    stage.store()
    bob.give(Direct(1, "ann"))
    stage.store()
    assert bob.last(Joined).room.direct


def test_rooms_that_a_user_creates(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "ROOMS_PER_USER_MAX", 2)
    ann, bob = stage.enter("ann"), stage.enter("bob")
    stage.slow = True
    for name in ("a", "b", "c"):
        ann.join(name, create=True)
    stage.store()
    ann.join("c", create=True)
    assert codes(ann) == ["too-many-rooms"] * 2
    bob.join("c", create=True)
    stage.store()
    assert bob.last(Joined).room.id == "c"


def test_conversations_that_a_user_begins(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "DIRECTS_PER_USER_MAX", 1)
    ann = stage.enter("ann")
    for rid, name in enumerate(("bob", "eve", "bob"), start=1):
        stage.enter(name)
        ann.give(Direct(rid, name))
    assert [(failed.code, failed.rid) for failed in ann.all(Failed)] == [("too-many-rooms", 2)]


def test_memberships_of_a_user(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setattr(limits, "MEMBERSHIPS_MAX", 2)
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob")
    for name in ("a", "b", "c"):
        bob.join(name, create=True)
    assert codes(bob) == ["too-many-rooms"]
    ann.join("a")
    ann.join("b")
    assert codes(ann) == ["too-many-rooms"]
    visitors = [stage.enter(name) for name in ("eve", "sam", "tom")]
    for visitor in visitors:
        visitor.give(Direct(1, "ann"))
    assert [codes(visitor) for visitor in visitors] == [[], [], ["too-many-rooms"]]


def test_who_left_a_conversation_is_not_brought_back_above_the_bound(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr(limits, "MEMBERSHIPS_MAX", 1)
    ann, bob, eve = stage.enter("ann"), stage.enter("bob"), stage.enter("eve")
    ann.give(Direct(1, "bob"))
    room = ann.last(Joined).room.id
    bob.give(Leave(1, room))
    eve.give(Direct(1, "bob"))
    ann.say("hello?", room)
    assert ann.bodies(room) == ["hello?"]
    assert bob.bodies(room) == []
    bob.give(Direct(2, "ann"))
    assert codes(bob) == ["too-many-rooms"]


def test_devices_of_a_user(stage: Stage) -> None:
    def login(first: int) -> Actor:
        ann = stage.arrive("ann")
        ann.hello()
        names = [f"d{number}" for number in range(first, first + DEVICES_PER_LINK_MAX)]
        ann.login("ann", devices=names)
        ann.dev = names[0]
        for name in names if ann.all(Welcome) else []:
            ann.dev, ann.n = name, 0
            ann.say("x")
        return ann

    stage.enter("ann", GENERAL, dev="d0").leave()
    for first in range(0, DEVICES_PER_USER_MAX, DEVICES_PER_LINK_MAX):
        login(first).leave()
    full = login(DEVICES_PER_USER_MAX)
    assert codes(full) == ["too-many-devices"]
    assert full.closed
    assert login(0).all(Welcome)
    stage.pass_time(limits.DEVICES_IDLE_DAYS * 86_400 + 1)
    assert login(DEVICES_PER_USER_MAX).all(Welcome)


def test_devices_that_never_stored_anything_leave_with_their_link(stage: Stage) -> None:
    stage.enter("ann", dev="d1").leave()
    ann = stage.enter("ann", nick="", dev="d2")
    assert list(stage.hub.state.devices.of(ann.user)) == ["d2"]


def test_lists_fit_into_their_frames(stage: Stage) -> None:
    stage.hub.state.settings = HubSettings(rate=0)
    room = '"' * 40
    for creator in range(12):
        ann = stage.enter(f"ann{creator}")
        for number in range(limits.ROOMS_PER_USER_MAX):
            name = f"{creator}-{number}-{room}"[:40]
            ann.join(name, create=True)
            ann.say('"' * 400, name, kind="topic")
    ann.give(ListRooms(1))
    rooms = ann.last(Rooms)
    assert len(rooms.rooms) + rooms.more == 12 * limits.ROOMS_PER_USER_MAX + 1
    assert len(msgspec.json.encode(rooms)) < limits.LIST_BYTES_MAX + 1000
    encode(rooms)


def test_a_welcome_names_all_rooms_and_fits_into_its_frame(stage: Stage) -> None:
    stage.hub.state.settings = HubSettings(rate=0)
    accounts = stage.hub.state.accounts
    ann = stage.enter("ann")
    stage.hub.state.settings = HubSettings(rate=0)
    for creator in range(5):
        other = stage.enter(f"o{creator}")
        for number in range(limits.ROOMS_PER_USER_MAX):
            name = f"{creator}-{number}-{'é' * 40}"[:40]
            other.join(name, create=True)
            accounts.set_topic(RoomId(name), '"' * 400)
            ann.give(Join(1, name))
    welcome = stage.enter("ann", nick="").last(Welcome)
    assert len(welcome.rooms) == limits.MEMBERSHIPS_MAX
    assert welcome.rooms[0].topic
    assert not welcome.rooms[-1].topic
    encode(welcome)


def test_presence_times_are_in_the_table() -> None:
    assert limits.RETURN_WITHIN_S == limits.GATHER_RETURNS_S == 10
    assert limits.CREATE_AGAIN_AFTER_S < 10


# --- what leaves nothing behind -----------------------------------------------------------------------------
def test_who_left_leaves_nothing_in_memory(stage: Stage) -> None:
    for number in range(3):
        actor = stage.enter(f"u{number}", GENERAL)
        actor.say("x")
        actor.leave()
    stage.pass_time(60)
    stage.enter("ann").leave()
    stage.pass_time(60)
    state = stage.hub.state
    assert not any((state.links, state.sessions, state.people, state.addresses))
    assert not any((state.creating, state.entering, state.claimed_nicks, state.returning))
    assert len(state.buckets) <= 1


def test_done_is_said_to_who_asked(stage: Stage) -> None:
    ann = stage.enter("ann")
    ann.give(Rename(4, "anna"))
    assert ann.last(Done) == Done(4)
