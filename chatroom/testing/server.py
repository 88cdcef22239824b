"""A server for tests of clients: real frames on loopback, all state in memory, and misfortunes on demand."""

import asyncio
import ssl
from typing import Final, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.client.address import Address
from chatroom.client.tasks import Tasks
from chatroom.common.names import room_key
from chatroom.protocol import ERRORS, Connection, ErrorCode, Role, auth
from chatroom.protocol.codec import frame_line
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    Ack,
    AnyFrame,
    AskInvitation,
    Away,
    Bye,
    Direct,
    Done,
    Failed,
    Fetch,
    Gap,
    Goodbye,
    Hello,
    Invitations,
    Join,
    Joined,
    Leave,
    LeftRoom,
    ListRooms,
    Login,
    Open,
    Page,
    People,
    Presence,
    PresenceEvent,
    Refusal,
    Rename,
    Rooms,
    Send,
    ServerHello,
    Welcome,
    Who,
)
from chatroom.protocol.ids import DeviceId, Epoch, RoomId, UserId
from chatroom.testing.world import FakeRoom, FakeUser, World

_NONCE: Final = b"n" * 32
_CHUNK: Final = 1 << 16


class FakeServer:
    """Listens on a free port of this machine while its `async with` block lasts.

    Attributes:
        world: Users, rooms and lines; a test may change them.
        received: Every frame that came, oldest first.
        refusals: Codes with which frames of a type are answered from now on: requests, logins and messages.
        ignores: Types of frames that are not answered from now on.
        holds: Whether messages wait in place of being stored; `release` stores them.
        on_their_way: Those that wait.
        signs_wrongly: Whether it cannot prove that it holds its key.
        is_deaf: Whether it hears nothing, pings included.

    Args:
        tls: Speaks TLS with this.
    """

    def __init__(
        self,
        key: Ed25519PrivateKey | None = None,
        world: World | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.world = world or World()
        self.received: list[AnyFrame] = []
        self.refusals: dict[type, ErrorCode] = {}
        self.ignores: set[type] = set()
        self.holds = False
        self.signs_wrongly = False
        self.is_deaf = False
        self.key = key or Ed25519PrivateKey.generate()
        self.public_key = self.key.public_key().public_bytes_raw()
        self._port = port
        self._tls = tls
        self._links: list[_FakeLink] = []
        self.on_their_way: dict[tuple[UserId, str, int], tuple[FakeUser, Send]] = {}
        self._server: asyncio.Server | None = None
        self._tasks = Tasks("fake")

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address("127.0.0.1", self._port)

    @property
    def pin(self) -> str:
        """Its key, as invitations hold it."""
        return auth.pin(self.public_key)

    @property
    def links(self) -> int:
        """How many clients are logged in."""
        return sum(link.user is not None for link in self._links)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, after `stop` on the same port again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up on everybody, and listen no more."""
        if self._server is not None:
            self._server.close()
        self.drop_links()
        await self._tasks.cancel_all()

    def drop_links(self) -> None:
        """Cut all links."""
        for link in self._links:
            link.abort()
        self._links.clear()

    def say_goodbye(self, code: ErrorCode = ErrorCode.RESTARTING, back_in_s: float = 1.0) -> None:
        """End all links on purpose."""
        self.tell_all(Goodbye(code, ERRORS[code].sentence, back_in_s))
        self.drop_links_soon()

    def drop_links_soon(self) -> None:
        """Cut all links when what was sent has left."""
        for link in self._links:
            link.close()
        self._links.clear()

    def say(self, nick: str, room: str, body: str, *, kind: str = "") -> None:
        """Have somebody say something."""
        author = self.world.add_user(nick)
        n = self.world.last_number(author.user, "zz") + 1
        sent = Send(self.world.add_room(room).id, DeviceId("zz"), n, body, kind)
        self.publish(author, sent)

    def publish(self, author: FakeUser, sent: Send) -> None:
        """Store a message, and send its line to all who have its room open."""
        line = self.world.store(author, sent)
        for link in self._links:
            if sent.room in link.rooms or (link.user is author):
                link.write(frame_line(line))

    def release(self) -> None:
        """Store what was held."""
        self.holds = False
        held, self.on_their_way = self.on_their_way, {}
        for author, sent in held.values():
            self.publish(author, sent)

    def skip(self, nick: str, room: str, count: int) -> None:
        """Store lines that no link is sent, and tell the gap."""
        opened = self.world.add_room(room)
        before = len(opened.lines)
        author = self.world.add_user(nick)
        for at in range(count):
            n = self.world.last_number(author.user, "zz") + 1
            self.world.store(author, Send(opened.id, DeviceId("zz"), n, f"skipped {at}"))
        self.tell_all(Gap(opened.id, before, len(opened.lines)), opened.id)

    def open_for(self, room: FakeRoom) -> None:
        """Open a room on the links of its members, who did not ask."""
        for link in self._links:
            if link.user is not None and link.user.user in room.members and room.id not in link.rooms:
                link.rooms.add(room.id)
                link.send(Joined(0, self.world.info(room), self.world.people(room)))

    def tell_all(self, frame: AnyFrame, room: RoomId | None = None) -> None:
        """Send a frame to all who are logged in, or have a room open."""
        for link in self._links:
            if link.user is not None and (room is None or room in link.rooms):
                link.send(frame)

    def hold(self, author: FakeUser, sent: Send) -> None:
        """Store a message, or later."""
        if self.holds:
            self.on_their_way[author.user, sent.dev, sent.n] = (author, sent)
        else:
            self.publish(author, sent)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _FakeLink(self, writer)
        self._links.append(link)
        try:
            while chunk := await reader.read(_CHUNK):
                if link in self._links and not self.is_deaf:
                    link.feed(chunk)
        except ConnectionError:
            pass
        finally:
            if link in self._links:
                self._links.remove(link)
            writer.close()


class _FakeLink:
    """One client's link."""

    def __init__(self, server: FakeServer, writer: asyncio.StreamWriter) -> None:
        self.user: FakeUser | None = None
        self.rooms: set[RoomId] = set()
        self._server = server
        self._world = server.world
        self._writer = writer
        self._connection = Connection(Role.SERVER, now=0.0)
        self._client_nonce = b""

    def feed(self, chunk: bytes) -> None:
        for event in self._connection.feed(chunk, now=0.0):
            if isinstance(event, FrameReceived):
                self._server.received.append(event.frame)
                self._take(event.frame)
        self.write(self._connection.take_output())

    def send(self, frame: AnyFrame) -> None:
        self._connection.send(frame)
        self.write(self._connection.take_output())

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()

    def _take(self, frame: AnyFrame) -> None:
        if type(frame) in self._server.ignores:
            return
        code = self._server.refusals.get(type(frame))
        if code is not None:
            self._refuse(frame, code)
            return
        match frame:
            case Hello():
                self._greet(frame)
            case Login():
                self._login(frame)
            case Send():
                self._send(frame)
            case Bye():
                self.close()
            case Away():
                pass
            case _ if self.user is not None:
                self._answer(frame, self.user)

    def _refuse(self, frame: AnyFrame, code: ErrorCode) -> None:
        row = ERRORS[code]
        if isinstance(frame, Send):
            self.send(Refusal(frame.dev, frame.n, code, row.sentence, {"reason": "test", "n": str(frame.n)}))
            return
        args = {"nick": getattr(frame, "nick", ""), "room": str(getattr(frame, "room", "")), "reason": "test"}
        self.send(Failed(code, row.sentence, getattr(frame, "rid", 0), args, row.fatal))
        if row.fatal:
            self.close()

    def _greet(self, hello: Hello) -> None:
        self._client_nonce = hello.nonce
        transcript = auth.server_transcript(
            1, hello.nonce, b"x" * 32 if self._server.signs_wrongly else _NONCE
        )
        self.send(ServerHello(1, _NONCE, self._server.public_key, self._server.key.sign(transcript)))

    def _login(self, login: Login) -> None:
        transcript = auth.login_transcript(
            1, self._client_nonce, _NONCE, self._server.public_key, login.nick, login.devices
        )
        user_id = auth.user_id(login.key) if login.key else auth.guest_id(b"", "", 0, login.nick)
        if login.key and not auth.is_signed(login.key, login.signature, transcript):
            self._refuse(login, ErrorCode.BAD_SIGNATURE)
            return
        if problem := self._nick_problem(user_id, login.nick):
            self._refuse(login, problem)
            return
        back = user_id in self._world.users
        self.user = self._world.users.setdefault(user_id, FakeUser(user_id, login.nick))
        self.user.nick = login.nick or self.user.nick
        mine = [room for room in self._world.rooms.values() if user_id in room.members]
        self.rooms = set() if login.quiet else {room.id for room in mine}
        devices = {str(dev): self._world.last_number(user_id, dev) for dev in login.devices}
        infos = [self._world.info(room) for room in mine]
        self.send(
            Welcome(
                user_id,
                self.user.nick,
                self.user.color,
                Epoch(self._world.epoch),
                back=back,
                guest=not login.key,
                token=b"" if login.key else b"t" * 16,
                devices=devices,
                rooms=infos,
                default_room=RoomId("general"),
                at=self._world.at,
            )
        )

    def _nick_problem(self, user: UserId, nick: str) -> ErrorCode | None:
        if not nick and user not in self._world.users:
            return ErrorCode.NICK_NEEDED
        holder = self._world.named(nick) if nick else None
        return ErrorCode.NICK_TAKEN if holder is not None and holder.user != user else None

    def _send(self, sent: Send) -> None:
        assert self.user is not None
        user = self.user
        known = self._world.stored.get((user.user, sent.dev, sent.n))
        if (user.user, sent.dev, sent.n) in self._server.on_their_way:
            return
        if known is None and sent.n > self._world.last_number(user.user, sent.dev):
            self._server.hold(user, sent)
        elif known is None:
            self._refuse(sent, ErrorCode.NUMBER_PASSED)
        elif known[0] != sent:
            self._refuse(sent, ErrorCode.NUMBER_CONFLICT)
        else:
            self.send(Ack(sent.dev, sent.n, sent.room, known[1]))

    def _answer(self, frame: AnyFrame, user: FakeUser) -> None:
        world = self._world
        match frame:
            case Join() | Open():
                self._open_named(frame, user)
            case Direct():
                other = world.users.get(UserId(frame.user)) or world.named(frame.nick)
                room = world.direct(user, other or world.add_user(frame.nick))
                self._open(frame.rid, room, user)
                self._server.open_for(room)
            case Leave():
                self.rooms.discard(frame.room)
                world.rooms[frame.room].members.discard(user.user)
                self.send(LeftRoom(frame.rid, frame.room))
            case Fetch():
                self.send(self._page(frame))
            case ListRooms():
                rooms = [world.info(room) for room in world.rooms.values() if not room.direct]
                self.send(Rooms(frame.rid, rooms))
            case Who():
                named = world.rooms.get(RoomId(room_key(frame.room)))
                if named is None:
                    self._refuse(frame, ErrorCode.ROOM_UNKNOWN)
                    return
                self.send(People(frame.rid, named.id, world.people(named)))
            case Rename():
                user.nick = frame.nick
                self.send(Done(frame.rid))
            case AskInvitation():
                line = f"chatroom://{self._server.address}/{frame.room}?pin={self._server.pin}&key=secret"
                self.send(Invitations(frame.rid, [line]))
            case _:
                pass

    def _open_named(self, frame: Join | Open, user: FakeUser) -> None:
        creates = isinstance(frame, Join) and frame.create
        known = RoomId(room_key(frame.room)) in self._world.rooms
        if not known and not creates:
            self._refuse(frame, ErrorCode.ROOM_UNKNOWN)
            return
        room = self._world.add_room(frame.room)
        self._open(frame.rid, room, user, is_join=isinstance(frame, Join), created=not known)

    def _open(
        self, rid: int, room: FakeRoom, user: FakeUser, *, is_join: bool = True, created: bool = False
    ) -> None:
        if is_join and user.user not in room.members:
            room.members.add(user.user)
            presence = Presence(room.id, PresenceEvent.JOINED, [user.person()])
            self._server.tell_all(presence, room.id)
        self.rooms.add(room.id)
        people = self._world.people(room)
        self.send(Joined(rid, self._world.info(room), people, created=created))

    def _page(self, fetch: Fetch) -> Page:
        lines = self._world.rooms[fetch.room].lines
        if fetch.after is not None:
            chosen = lines[fetch.after : fetch.after + fetch.limit]
        else:
            end = len(lines) if fetch.before is None else min(len(lines), max(0, fetch.before - 1))
            chosen = lines[max(0, end - fetch.limit) : end]
        return Page(fetch.rid, fetch.room, len(lines), [msgspec.Raw(line) for line in chosen])
