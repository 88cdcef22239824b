"""The fold of the account log, and `users.json`."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.protocol.ids import RoomId, UserId
from chatroom_server.core.accounts import (
    Accounts,
    AccountsError,
    AnyAccountLine,
    MemberLine,
    NickLine,
    RoomLine,
    UserLine,
    encode_rest,
)

USERS = [UserId(name) for name in ("ann", "bob", "eve")]
ROOMS = [RoomId(name) for name in ("general", "work", "=xyz")]
NICKS = ["a", "A", "b", "c\u0327", "d", "e", "f", "g", "h", "i", "j", "k"]

users = st.sampled_from(USERS)
rooms = st.sampled_from(ROOMS)
nicks = st.sampled_from(NICKS)
lines = st.one_of(
    st.builds(UserLine, user=users, key=st.just(b"k"), nick=nicks, color=st.just("#ffffff")),
    st.builds(NickLine, user=users, nick=nicks),
    st.builds(RoomLine, room=rooms, name=rooms, user=users),
    st.builds(
        RoomLine,
        room=st.just(ROOMS[2]),
        user=users,
        direct=st.tuples(users, users),
        guests=st.dictionaries(users, nicks, max_size=2),
    ),
    st.builds(MemberLine, user=users, room=rooms, member=st.booleans()),
)


def stored(place: int, line: AnyAccountLine) -> bytes:
    return b'{"id":%d,%b' % (place, encode_rest(1000 + place, line))


def facts(accounts: Accounts) -> object:
    """All that accounts know, to compare."""
    return (
        {
            user.id: (user.key, user.nicks, user.color, user.since, set(user.rooms))
            for user in accounts.users.values()
        },
        {
            room.id: (
                room.name,
                room.creator,
                room.since,
                room.direct,
                room.guests,
                room.topic,
                set(room.members),
            )
            for room in accounts.rooms.values()
        },
        accounts.nicks,
        accounts.created,
        accounts.named_rooms,
        accounts.guest_rooms,
        accounts.last,
    )


def fold(history: list[AnyAccountLine]) -> Accounts:
    accounts = Accounts()
    for place, line in enumerate(history, start=1):
        accounts.apply(stored(place, line))
    return accounts


@given(st.lists(lines, max_size=60), st.integers(0, 60))
def test_a_file_and_the_lines_behind_it_are_the_whole_log(history: list[AnyAccountLine], cut: int) -> None:
    accounts = Accounts.from_json(fold(history[:cut]).to_json())
    for place, line in enumerate(history, start=1):  # those in the file come again, and change nothing
        accounts.apply(stored(place, line))
    assert facts(accounts) == facts(fold(history))


@given(st.lists(lines, max_size=60))
def test_both_sides_of_each_relation_agree(history: list[AnyAccountLine]) -> None:
    accounts = fold(history)
    for user in accounts.users.values():
        assert all(user.id in accounts.rooms[room].members for room in user.rooms)
        assert user.nicks
    for room in accounts.rooms.values():
        assert all(room.id in accounts.users[user].rooms for user in room.members)
    assert all(owner in accounts.users for owner in accounts.nicks.values())
    assert len(accounts.nicks) == sum(len(user.nicks) for user in accounts.users.values())


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_lines_of_another_kind_change_nothing(line: bytes) -> None:
    accounts = Accounts()
    assert not accounts.apply(line)
    assert not accounts.apply(b'{"id":1,"at":2,"kind":"new","x":1}')
    assert not accounts.changed


def test_a_line_reads_as_the_log_writes_it() -> None:
    line = UserLine(user=USERS[0], key=b"12", nick="ann", color="#fff")
    assert stored(3, line) == (
        b'{"id":3,"at":1003,"kind":"user","user":"ann","key":"MTI=","nick":"ann","color":"#fff"}'
    )


def test_the_file_is_for_people_to_read() -> None:
    accounts = fold(
        [
            UserLine(user=USERS[0], key=b"12", nick="ann", color="#fff"),
            RoomLine(room=ROOMS[0], name="General", user=USERS[0]),
            MemberLine(user=USERS[0], room=ROOMS[0]),
        ]
    )
    accounts.set_topic(ROOMS[0], "trees")
    accounts.set_topic(RoomId("nowhere"), "trees")
    text = accounts.to_json().decode()
    assert len(text.splitlines()) == 7
    assert json.loads(text) == {
        "format": 1,
        "last": 3,
        "users": [
            {
                "user": "ann",
                "key": "MTI=",
                "nicks": ["ann"],
                "color": "#fff",
                "since": 1001,
                "rooms": ["general"],
            }
        ],
        "rooms": [{"room": "general", "name": "General", "creator": "ann", "since": 1002, "topic": "trees"}],
    }
    assert not accounts.changed
    assert Accounts.from_json(accounts.to_json()).rooms[ROOMS[0]].topic == "trees"


def test_nothing_is_a_server_without_accounts() -> None:
    assert Accounts.from_json(b"").users == {}
    assert Accounts.from_json(Accounts().to_json()).users == {}


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b'{"format":2}', b'{"users":[]}'])
def test_another_file_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(AccountsError, match=r"users\.json (cannot be read|has format 2)"):
        Accounts.from_json(data)


def test_a_long_history_of_names_stays_small() -> None:
    chance = random.Random(1)
    history: list[AnyAccountLine] = [UserLine(user=USERS[0], key=b"k", nick="n0")]
    history += [NickLine(user=USERS[0], nick=f"n{chance.randrange(50)}") for _line in range(500)]
    assert len(fold(history).nicks) <= 8
