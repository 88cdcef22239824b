"""Make a room of a million messages in a data folder, the same from the same seed, for benchmarks.

    python -m benchmarks.make_room DATA_DIR [--room general] [--messages 1000000] [--users 12] [--seed 1]

The folder may be new, or one that no server has open; the room must not have lines yet.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from chatroom.common.colors import draw_color
from chatroom.common.names import check_room, room_key
from chatroom.protocol.auth import user_id
from chatroom.protocol.ids import RoomId
from chatroom_server.core.accounts import (
    Accounts,
    AnyAccountLine,
    MemberLine,
    RoomLine,
    UserLine,
    encode_rest,
)
from chatroom_server.core.hub import USERS_FILE
from chatroom_server.core.inputs import Refused, Stored
from chatroom_server.core.ports import ACCOUNTS, Draft
from chatroom_server.history import HistoryError, open_log
from chatroom_server.history.bulk import import_room

START_MS: Final = 1_700_000_000_000
_NICKS: Final = ("ada", "linus", "grace", "it4", "zoé", "Ken", "margaret", "barbara", "dennis", "林", "alan")
_TEXT: Final = """salut le la de serveur client a build is green again ça marche who merged this une pause
café merci 👍 oui non peut-être the tests are slow today look at https://example.org/417 deploy rolled back"""
_WORDS: Final = _TEXT.split()


def make_users(count: int, rng: random.Random) -> list[UserLine]:
    """People with keys that nobody has the other half of."""
    keys = [rng.randbytes(32) for _ in range(count)]
    nicks = [_NICKS[index] if index < len(_NICKS) else f"user{index}" for index in range(count)]
    return [
        UserLine(user=user_id(key), key=key, nick=nick, color=draw_color(rng.getrandbits(32)))
        for key, nick in zip(keys, nicks, strict=True)
    ]


def account_lines(users: list[UserLine], room: RoomId) -> list[AnyAccountLine]:
    """What makes these users known, and members of the room."""
    created = RoomLine(room=room, name=str(room), user=users[0].user)
    return [*users, created, *(MemberLine(user=user.user, room=room) for user in users)]


def make_rests(users: list[UserLine], room: RoomId, count: int, rng: random.Random) -> Iterator[bytes]:
    """Lines without their numbers: short talk, some of it long, with pauses."""
    encode = msgspec.json.encode
    prefixes = [
        b'"room":%b,"user":%b,"nick":%b,"color":%b,"dev":"a1","n":'
        % (encode(room), encode(user.user), encode(user.nick), encode(user.color))
        for user in users
    ]
    numbers = [0] * len(users)
    texts = [
        encode(" ".join(rng.choices(_WORDS, k=rng.choice((1, 2, 4, 8, 8, 16, 40))))) for _ in range(4096)
    ]
    at = START_MS
    for _ in range(count):
        who = int(rng.random() ** 2 * len(users))
        numbers[who] += 1
        at += int(rng.random() * 20_000)
        yield b'"at":%d,%b%d,"body":%b}' % (at, prefixes[who], numbers[who], texts[int(rng.random() * 4096)])


async def store_accounts(folder: Path, lines: list[AnyAccountLine]) -> None:
    """Put account lines into the folder's log, and flush what they make."""
    heard: list[Stored | Refused] = []
    log, recovery = await open_log(folder, on_outcome=heard.append)
    try:
        accounts = Accounts.from_json(recovery.projections.get(USERS_FILE, b""))
        for room, _, line in recovery.lines:
            if room == ACCOUNTS:
                accounts.apply(line)
        log.append([Draft(ACCOUNTS, encode_rest(START_MS, line)) for line in lines])
        await log.drain()
        for outcome in heard:
            if isinstance(outcome, Refused):
                raise OSError(f"the accounts could not be stored ({outcome.reason})")
            for line in (line for run in outcome.runs for line in run.lines):
                accounts.apply(line)
        await log.flush({USERS_FILE: accounts.to_json()}, {})
    finally:
        await log.close()


def make_room(folder: Path, room: RoomId, *, messages: int, users: int = 12, seed: int = 1) -> None:
    """Fill a room.

    Raises:
        HistoryError: The folder cannot be used, or the room has lines.
        OSError: The disk refuses.
    """
    rng = random.Random(seed)
    people = make_users(users, rng)
    asyncio.run(store_accounts(folder, account_lines(people, room)))
    import_room(folder, room, make_rests(people, room, messages, rng))


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description="Make a room of many messages in a data folder.")
    parser.add_argument("folder", type=Path, metavar="DATA_DIR")
    parser.add_argument("--room", default="general")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    try:
        make_room(
            given.folder,
            RoomId(room_key(check_room(given.room))),
            messages=given.messages,
            users=given.users,
            seed=given.seed,
        )
    except (HistoryError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.messages} messages in {given.folder} in {time.perf_counter() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
