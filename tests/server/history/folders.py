"""Data folders with lines as the hub writes them, for tests of what reads such folders."""

import hashlib
from pathlib import Path

import msgspec

from chatroom.protocol.codec import decode_line
from chatroom.protocol.ids import DeviceId, RoomId, UserId
from chatroom_server.core.accounts import (
    Accounts,
    AnyAccountLine,
    MemberLine,
    RoomLine,
    UserLine,
    encode_rest,
)
from chatroom_server.core.devices import Devices
from chatroom_server.core.hub import DEVICES_FILE, USERS_FILE
from chatroom_server.core.ports import ACCOUNTS, Draft
from chatroom_server.history import Files, LogSettings
from tests.server.history.harness import SMALL, Rig

USERS = [UserId(name * 16) for name in "abc"]
AT = 1_763_705_123_456


class Folder:
    """A log in a data folder, and the projections that a hub would make of it."""

    def __init__(self, rig: Rig, devices: Devices, accounts: Accounts) -> None:
        self.rig, self._devices, self._accounts = rig, devices, accounts
        self._numbers: dict[tuple[UserId, str], int] = {}
        self._seen = 0

    @classmethod
    async def open(cls, path: Path, files: Files | None = None, settings: LogSettings = SMALL) -> "Folder":
        """Open a folder, and make users and rooms when it is new."""
        rig = await Rig.open(path, files, settings)
        projections = rig.recovery.projections
        devices, accounts = Devices(), Accounts.from_json(projections.get(USERS_FILE, b""))
        devices.load(projections.get(DEVICES_FILE, b""))
        folder = cls(rig, devices, accounts)
        for device in devices:
            folder._numbers[device.user, device.dev] = device.last
        for room, _number, line in rig.recovery.lines:
            folder._take(room, line)
        if rig.recovery.created:
            await folder._make_accounts()
        return folder

    async def _make_accounts(self) -> None:
        lines: list[AnyAccountLine] = [
            *(UserLine(user=user, key=user.encode() * 2, nick=user[0]) for user in USERS),
            RoomLine(room=RoomId("general"), name="General", user=USERS[0]),
            RoomLine(room=RoomId("dev"), name="dev", user=USERS[0]),
            RoomLine(room=RoomId("empty"), name="Empty", user=USERS[0]),
            *(MemberLine(user=user, room=RoomId("general")) for user in USERS),
        ]
        self.rig.give([Draft(ACCOUNTS, encode_rest(AT, line)) for line in lines])
        await self.rig.answered()

    def draft(self, text: str, room: str = "general", who: int = 0, n: int = 0, **more: object) -> Draft:
        """The next message of somebody."""
        user = USERS[who]
        number = n or self._numbers.get((user, "a1"), 0) + 1
        self._numbers[user, "a1"] = max(number, self._numbers.get((user, "a1"), 0))
        said = {"at": AT + number * 60_000, "room": room, "user": user, "nick": user[0], "dev": "a1"}
        encoded = msgspec.json.encode(said | {"n": number, "body": text} | more)
        return Draft(RoomId(room), encoded[1:])

    async def say(self, count: int, room: str = "general", who: int = 0) -> None:
        """Store so many messages, in a few rounds."""
        for start in range(0, count, 5):
            self.rig.give(
                [self.draft(f"line {i} ☕", room, who) for i in range(start, min(start + 5, count))]
            )
            await self.rig.answered()

    async def store(self, *drafts: Draft) -> None:
        """Store these."""
        self.rig.give(drafts)
        await self.rig.answered()

    async def flush(self) -> None:
        """Write rooms and projections."""
        stored = self.rig.stored()
        for line in stored[self._seen :]:
            self._take(line.room, line.line)
        self._seen = len(stored)
        devices, is_whole = self._devices.take_changes()
        replaced = {USERS_FILE: self._accounts.to_json()}
        if is_whole:
            replaced[DEVICES_FILE] = devices
        await self.rig.log.flush(replaced, {} if is_whole else {DEVICES_FILE: devices})

    def _take(self, room: RoomId, line: bytes) -> None:
        if room == ACCOUNTS:
            self._accounts.apply(line)
        else:
            said = decode_line(line)
            self._devices.note(said)
            key = said.user, str(DeviceId(said.dev))
            self._numbers[key] = max(said.n, self._numbers.get(key, 0))

    async def close(self) -> None:
        """End as a server does."""
        await self.flush()
        await self.rig.log.close()

    async def die(self) -> None:
        """End as if killed."""
        await self.rig.die()


def room_files(folder: Path, room: str = "general") -> list[Path]:
    """The segments of a room, oldest first."""
    return sorted(next((folder / "rooms").glob(f"{room}-*")).glob("*.jsonl"))


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file and folder with its time and a hash of what it holds."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted([folder, *folder.rglob("*")])
    }
