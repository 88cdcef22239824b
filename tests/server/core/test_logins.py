"""Who comes in, under which nick, and who does not."""

import pytest

from chatroom.protocol import auth
from chatroom.protocol.frames import (
    AskInvitation,
    Done,
    Failed,
    Hello,
    Presence,
    Rename,
    ServerHello,
    Welcome,
)
from chatroom.protocol.ids import UserId
from chatroom_server.core.accounts import UserLine
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, IDENTITY, Actor, Stage


def arrive_outside(stage: Stage, name: str | None, host: str = "10.1.2.3") -> Actor:
    actor = stage.arrive(name, host=host, local=False, tls=True)
    actor.hello()
    return actor


def greeted(stage: Stage, name: str | None) -> Actor:
    actor = stage.arrive(name)
    actor.hello()
    return actor


def codes(actor: Actor) -> list[str]:
    return [failed.code for failed in actor.all(Failed)]


# --- hello ----------------------------------------------------------------------
def test_the_server_signs_both_nonces(stage: Stage) -> None:
    ann = stage.arrive("ann")
    hello = ann.hello()
    assert hello.version == 1
    assert hello.key == IDENTITY.public_key
    assert auth.is_signed(hello.key, hello.signature, auth.server_transcript(1, ann.nonce, hello.nonce))
    assert not hello.guests


def test_the_nonce_of_each_link_is_its_own(stage: Stage) -> None:
    assert stage.arrive("ann").hello().nonce != stage.arrive("ann").hello().nonce


@pytest.mark.parametrize(("versions", "answer"), [((1, 9), 1), ((0, 1), 1), ((2, 3), None), ((0, 0), None)])
def test_the_highest_common_version_is_taken(
    stage: Stage, versions: tuple[int, int], answer: int | None
) -> None:
    ann = stage.arrive("ann")
    ann.give(Hello(versions, ann.nonce))
    if answer is None:
        assert ann.last(Failed).args == {"min": "1", "max": "1"}
        assert ann.error == "no-common-version"
        assert ann.closed
    else:
        assert ann.last(ServerHello).version == answer


def test_a_slow_handshake_ends(stage: Stage) -> None:
    silent, half, ann = stage.arrive(), greeted(stage, "bob"), stage.enter("ann")
    stage.pass_time(9.9)
    assert silent.frames == []
    stage.pass_time(0.2)
    assert codes(silent) == codes(half) == ["handshake-too-slow"]
    assert silent.closed
    assert half.closed
    assert not ann.closed


def test_from_another_machine_only_tls_is_heard(stage: Stage) -> None:
    plain = stage.arrive("ann", host="10.1.2.3", local=False, tls=False)
    assert codes(plain) == ["tls-required"]
    assert plain.closed


# --- keys ----------------------------------------------------------------------
def test_a_new_user_is_welcomed_when_stored_and_not_before(stage: Stage) -> None:
    stage.slow = True
    ann = greeted(stage, "ann")
    ann.login("ann", devices=["d1"])
    assert ann.all(Welcome) == []
    stage.store()
    welcome = ann.last(Welcome)
    assert not welcome.back
    assert welcome.user == auth.user_id(ann.key.public if ann.key else b"")
    assert welcome.color.startswith("#")
    assert welcome.default_room == GENERAL
    assert welcome.epoch == "e1"
    assert welcome.rooms == []


def test_a_user_whom_the_disk_refuses_may_try_again(stage: Stage) -> None:
    stage.slow = True
    ann = greeted(stage, "ann")
    ann.login("ann")
    stage.refuse()
    assert ann.error == "not-stored"
    assert not ann.closed
    stage.slow = False
    ann.login("ann")
    assert ann.last(Welcome).nick == "ann"


def test_two_links_with_one_new_key_are_one_user(stage: Stage) -> None:
    stage.slow = True
    one, other = greeted(stage, "ann"), greeted(stage, "ann")
    one.login("ann")
    other.login("ann")
    stage.store()
    assert one.last(Welcome).user == other.last(Welcome).user
    assert other.last(Welcome).links == 2
    assert stage.hub.counts().users == 1


def test_who_waited_for_a_refused_line_is_asked_to_try_itself(stage: Stage) -> None:
    stage.slow = True
    one, other, gone = greeted(stage, "ann"), greeted(stage, "ann"), greeted(stage, "ann")
    for actor in (one, other, gone):
        actor.login("ann")
    gone.leave()
    stage.refuse()
    assert one.error == "not-stored"
    stage.slow = False
    stage.store()
    assert other.last(Welcome).nick == "ann"


def test_a_link_that_is_gone_before_its_user_is_stored_is_welcomed_nowhere(stage: Stage) -> None:
    stage.slow = True
    ann = greeted(stage, "ann")
    ann.login("ann")
    ann.leave()
    stage.store()
    assert ann.all(Welcome) == []
    assert stage.hub.counts().users == 1
    assert stage.hub.counts().links == 0


def test_a_false_signature_ends_the_link(stage: Stage) -> None:
    ann = greeted(stage, "ann")
    ann.login("ann", spoil=True)
    assert ann.error == "bad-signature"
    assert ann.closed


def test_a_login_of_another_link_cannot_be_replayed(stage: Stage) -> None:
    first, second = greeted(stage, "ann"), greeted(stage, "ann")
    hello = first.last(ServerHello)
    second.frames = [hello]  # signs what the first link's server said
    second.login("ann")
    assert second.error == "bad-signature"


def test_the_color_stays(stage: Stage) -> None:
    color = stage.enter("ann").last(Welcome).color
    stage.restart()
    assert stage.enter("ann", nick="").last(Welcome).color == color


# --- invitations ----------------------------------------------------------------------
def test_a_new_key_from_outside_needs_the_invitation(stage: Stage) -> None:
    for secret, code in ((b"", "invitation-needed"), (b"guessed", "invitation-wrong")):
        ann = arrive_outside(stage, "ann")
        ann.login("ann", secret=secret)
        assert codes(ann) == [code]
        assert ann.closed
    ann = arrive_outside(stage, "ann")
    ann.login("ann", secret=b"invited")
    assert ann.last(Welcome).nick == "ann"


def test_a_known_key_needs_none(stage: Stage) -> None:
    stage.enter("ann")
    ann = arrive_outside(stage, "ann")
    ann.login()
    assert ann.last(Welcome).back


def test_an_open_server_needs_none() -> None:
    ann = arrive_outside(Stage(HubSettings(open=True)), "ann")
    ann.login("ann")
    assert ann.last(Welcome).nick == "ann"


# --- nicks ----------------------------------------------------------------------
def test_a_nick_belongs_to_the_key_that_took_it_first(stage: Stage) -> None:
    stage.enter("ann")
    bob = greeted(stage, "bob")
    bob.login("ANN")
    assert bob.last(Failed).args == {"nick": "ANN"}
    assert bob.error == "nick-taken"
    assert not bob.closed
    bob.login("bob")
    assert bob.last(Welcome).nick == "bob"


def test_a_nick_that_is_being_stored_is_taken(stage: Stage) -> None:
    stage.slow = True
    ann, bob = greeted(stage, "ann"), greeted(stage, "bob")
    ann.login("sam")
    bob.login("Sam")
    assert bob.error == "nick-taken"
    stage.store()
    assert ann.last(Welcome).nick == "sam"


def test_a_nick_that_the_disk_refused_is_free_again(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    stage.slow = True
    ann.give(Rename(1, "sam"))
    stage.refuse()
    assert ann.last(Failed).rid == 1
    assert ann.error == "not-stored"
    stage.slow = False
    bob.give(Rename(1, "sam"))
    assert bob.last(Done).rid == 1


@pytest.mark.parametrize("nick", ["", "   ", "@ann", "a\x1bb", "x" * 25, "/quit"])
def test_an_impossible_nick_may_be_corrected(stage: Stage, nick: str) -> None:
    ann = greeted(stage, "ann")
    ann.login(nick)
    if nick:
        assert ann.error == "nick-invalid"
        ann.login("ann")
        assert ann.last(Welcome).nick == "ann"
    else:
        assert ann.error == "nick-needed"


def test_another_nick_at_the_login_renames(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    again = stage.enter("ann", nick="anna")
    assert again.last(Welcome).nick == "anna"
    assert bob.presence()[-1] == ("renamed", ["anna"])
    assert bob.last(Presence).people[0].was == "ann"
    ann.say("still me")
    assert bob.lines()[-1].nick == "anna"


def test_another_nick_at_the_login_that_is_taken_is_refused(stage: Stage) -> None:
    stage.enter("ann")
    stage.enter("bob")
    bob = greeted(stage, "bob")
    bob.login("ann")
    assert bob.error == "nick-taken"
    stage.slow = True
    bob.login("bobby")
    stage.refuse()
    assert bob.error == "not-stored"


def test_rename(stage: Stage) -> None:
    ann, bob = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL)
    for rid, (nick, error) in enumerate([("bob", "nick-taken"), ("@", "nick-invalid")], start=1):
        ann.give(Rename(rid, nick))
        assert (ann.last(Failed).rid, ann.error) == (rid, error)
    ann.give(Rename(7, "Ann"))
    ann.give(Rename(8, "Ann"))
    assert [done.rid for done in ann.all(Done)] == [7, 8]
    assert bob.presence() == [("renamed", ["Ann"])]


def test_old_nicks_stay_ones_own_and_the_oldest_is_free_again(stage: Stage) -> None:
    ann, bob = stage.enter("ann"), stage.enter("bob")
    for number in range(7):
        ann.give(Rename(number, f"ann{number}"))
    bob.give(Rename(1, "ann"))
    assert bob.error == "nick-taken"
    ann.give(Rename(8, "ann7"))
    bob.give(Rename(2, "ann"))
    assert bob.last(Done).rid == 2
    ann.give(Rename(9, "ann3"))
    assert ann.last(Done).rid == 9


def test_a_nick_that_another_node_gave_away_is_taken(stage: Stage) -> None:
    ann = stage.enter("ann")
    bob = greeted(stage, "bob")
    stage.slow = True
    ann.give(Rename(5, "sam"))
    bob.login("max")
    for user, nick in (("u1", "sam"), ("u2", "max")):
        stage.store_foreign(UserLine(user=UserId(user), key=b"k", nick=nick, color="#ffffff"))
    stage.store()
    assert (ann.error, ann.last(Failed).rid) == ("nick-taken", 5)
    assert bob.error == "nick-taken"
    assert not bob.closed


# --- guests ----------------------------------------------------------------------
@pytest.fixture
def kiosk() -> Stage:
    return Stage(HubSettings(guests=True))


def guest(stage: Stage, nick: str, token: bytes = b"") -> Actor:
    actor = greeted(stage, None)
    actor.dev = "g1"
    actor.login(nick, token=token, devices=["g1"])
    return actor


def test_guests_are_admitted_where_the_operator_says_so(stage: Stage, kiosk: Stage) -> None:
    refused = guest(stage, "gil")
    assert refused.error == "no-guests"
    assert refused.closed
    gil = guest(kiosk, "gil")
    assert gil.last(ServerHello).guests
    welcome = gil.last(Welcome)
    assert welcome.guest
    assert welcome.token
    assert not welcome.back
    assert welcome.user == auth.guest_id(IDENTITY.guest_secret, "127.0.0.1", 4000 + gil.id, "gil")


def test_a_guest_speaks_and_is_marked(kiosk: Stage) -> None:
    ann, gil = kiosk.enter("ann", GENERAL), guest(kiosk, "gil")
    gil.join(GENERAL)
    gil.say("hello")
    assert ann.lines()[-1].guest
    assert ann.last(Presence).people[0].guest


def test_a_token_makes_a_guest_the_same_guest(kiosk: Stage) -> None:
    gil = guest(kiosk, "gil")
    gil.join(GENERAL)
    gil.say("one")
    gil.leave()
    again = guest(kiosk, "", gil.last(Welcome).token)
    welcome = again.last(Welcome)
    assert (welcome.user, welcome.nick, welcome.color) == (gil.user, "gil", gil.last(Welcome).color)
    assert [room.id for room in welcome.rooms] == [GENERAL]
    assert welcome.devices == {"g1": 1}


def test_a_guest_of_before_the_restart_is_the_same_guest(kiosk: Stage) -> None:
    gil = guest(kiosk, "gil")
    gil.join(GENERAL)
    gil.say("one")
    kiosk.flush()
    kiosk.restart()
    again = guest(kiosk, "gil", gil.last(Welcome).token)
    assert again.user == gil.user
    assert again.last(Welcome).devices == {"g1": 1}
    assert again.last(Welcome).back
    assert again.last(Welcome).rooms == []


@pytest.mark.parametrize("token", [b"x", b".", b"AAAA.abcdefgh", "é.ü".encode()])
def test_a_made_up_token_is_worth_nothing(kiosk: Stage, token: bytes) -> None:
    gil = guest(kiosk, "gil")
    other = guest(kiosk, "tom", token)
    assert other.user != gil.user


def test_a_token_for_another_guest_is_worth_nothing(kiosk: Stage) -> None:
    gil, tom = guest(kiosk, "gil"), guest(kiosk, "tom")
    mixed = tom.last(Welcome).token.partition(b".")[0] + b"." + gil.user.encode()
    assert guest(kiosk, "max", mixed).user not in (gil.user, tom.user)


def test_guests_take_no_nick_of_others(kiosk: Stage) -> None:
    kiosk.enter("ann")
    gil, tom = guest(kiosk, "Ann"), guest(kiosk, "tom")
    assert gil.error == "nick-taken"
    assert guest(kiosk, "TOM").error == "nick-taken"
    assert guest(kiosk, "").error == "nick-needed"
    tom.give(Rename(1, "ann"))
    assert tom.error == "nick-taken"
    tom.give(Rename(2, "tim"))
    assert tom.last(Done).rid == 2
    assert guest(kiosk, "tom").last(Welcome).nick == "tom"
    bob = greeted(kiosk, "bob")
    bob.login("tim")
    assert bob.error == "nick-taken"
    tom.leave(clean=True)
    bob.login("tim")
    assert bob.last(Welcome).nick == "tim"


def test_a_guest_renames_at_a_second_login(kiosk: Stage) -> None:
    gil = guest(kiosk, "gil")
    gil.join(GENERAL)
    ann = kiosk.enter("ann", GENERAL)
    assert guest(kiosk, "gill", gil.last(Welcome).token).last(Welcome).nick == "gill"
    assert ann.presence() == [("renamed", ["gill"])]


def test_guests_create_and_invite_nobody(kiosk: Stage) -> None:
    gil = guest(kiosk, "gil")
    kiosk.enter("ann")
    gil.join("new", create=True)
    assert gil.error == "not-allowed"
    gil.give(AskInvitation(2))
    assert codes(gil) == ["not-allowed"] * 2
    assert [failed.rid for failed in gil.all(Failed)] == [1, 2]
