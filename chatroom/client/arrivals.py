"""What the frames of a link mean for a session: events for its reader, answers for those who asked."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import msgspec

from chatroom.client.events import (
    LineArrived,
    LinesMissed,
    PresenceChanged,
    RoomClosed,
    RoomOpened,
    ServerProblem,
    SessionEvent,
)
from chatroom.client.following import Follower, Stored
from chatroom.client.keeping import Keeper
from chatroom.client.link import LinkCut
from chatroom.client.login import goodbye
from chatroom.client.reopening import Lost, is_conversation, why_unknown
from chatroom.client.requests import Requests
from chatroom.client.resume import Progress
from chatroom.client.sending import Sending
from chatroom.client.sentences import explain
from chatroom.client.store import LINES_MAX
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode
from chatroom.protocol.codec import decode_line
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    Ack,
    Done,
    Failed,
    Gap,
    Goodbye,
    Invitations,
    Joined,
    LeftRoom,
    Line,
    Page,
    People,
    Person,
    Presence,
    PresenceEvent,
    Refusal,
    RoomInfo,
    Rooms,
)
from chatroom.protocol.ids import MessageId, RoomId, UserId


@dataclass(slots=True)
class Me:
    """Who one is on the server."""

    user: UserId
    nick: str = ""
    color: str = ""


class Arrivals:
    """Takes the frames of one session's links.

    Attributes:
        progress: How far each room was told.
        rooms: Those whose lines come.
        followers: Those who read a room without its gaps.
        lost: Conversations that the server does not have any more.

    Args:
        opened: Rooms whose lines come although one is no member.
    """

    def __init__(
        self,
        me: Me,
        opened: Collection[RoomId],
        requests: Requests,
        sending: Sending,
        keeper: Keeper,
        tell: Callable[[SessionEvent], None],
        texts: Texts,
    ) -> None:
        self.progress = Progress()
        self.rooms: dict[RoomId, RoomInfo] = {}
        self.followers: list[Follower] = []
        self.lost = Lost()
        self._me = me
        self._opened_only = opened
        self._requests = requests
        self._sending = sending
        sending.why = self._why_refused
        self._keeper = keeper
        self._tell = tell
        self._texts = texts

    def rooms_back(self, rooms: list[RoomInfo], *, kept: set[RoomId]) -> None:
        """A new link brings the lines of these rooms again; tell what was missed, and what is no more.

        Args:
            kept: Rooms that are opened anew without being among one's own.
        """
        for gone in self.rooms.keys() - {room.id for room in rooms} - kept:
            self.lost.add(self.rooms[gone])
            self._closed(gone, is_lost=True)
        for room in rooms:
            self._opened(room)
        self.keep_rooms()

    @property
    def own_rooms(self) -> list[RoomInfo]:
        """Those that one is in."""
        return [room for room in self.rooms.values() if room.id not in self._opened_only]

    def keep_rooms(self) -> None:
        """Have those that one is in kept on disk, after a change."""
        self._keeper.keep_rooms([*self.own_rooms, *self.lost.rooms.values()])

    def take(self, received: FrameReceived) -> None:
        """Take in a frame.

        Raises:
            LinkCut: It ends the link.
        """
        frame = received.frame
        match frame:
            case Line():
                self._line(frame, received.body)
            case Ack():
                self._sending.stored(frame.dev, frame.n, MessageId(frame.id) if frame.id else None)
            case Refusal():
                self._sending.refused(frame)
            case Presence():
                self._presence(frame)
            case Joined():
                self._joined(frame)
            case LeftRoom():
                self._requests.answer(frame.rid, frame)
                self._closed(frame.room)
                self.keep_rooms()
            case Page() | Rooms() | People() | Done() | Invitations():
                self._requests.answer(frame.rid, frame)
            case Gap():
                self._gap(frame)
            case Goodbye():
                raise goodbye(frame, self._texts)
            case Failed():
                self._failed(frame)
            case _:
                pass

    def page(self, page: Page) -> list[Stored]:
        """The lines of a page; what is recent of them is kept.

        Raises:
            RemoteProtocolError: One of them is no line.
        """
        stored: list[Stored] = []
        recent = (self.progress.newest(page.room) or MessageId(page.last)) - LINES_MAX
        for raw in page.lines:
            body = bytes(raw)
            line = decode_line(body)
            if line.room != page.room or (stored and line.id <= stored[-1][0].id):
                continue
            stored.append((line, body))
            if line.user == self._me.user:
                self._sending.stored(line.dev, line.n, MessageId(line.id))
            if line.id > recent:
                self._keeper.line(line, body)
        return stored

    def _line(self, line: Line, body: bytes) -> None:
        is_new, missed = self.progress.arrived(line)
        if missed is not None:
            self._tell(missed)
        own = line.user == self._me.user
        if is_new:
            self._tell(LineArrived(line, body, self._sending.key_of(line.dev, line.n) if own else ""))
            self._keeper.line(line, body)
            for follower in self.followers:
                if follower.room == line.room:
                    follower.arrived(line, body)
        if own:
            self._sending.stored(line.dev, line.n, MessageId(line.id))

    def _opened(self, room: RoomInfo) -> None:
        self.rooms[room.id] = room
        if self.lost.found(room.id):
            self._sending.retry_all(room.id)
        missed = self.progress.opened(room.id, room.last)
        if missed is not None:
            self._tell(missed)
        for follower in self.followers:
            if follower.room == room.id and room.last < follower.after:
                follower.replaced(room.last)
            elif follower.room == room.id:
                follower.exists(room.last)

    def _closed(self, room: RoomId, *, is_lost: bool = False) -> None:
        self.progress.closed(room)
        self.rooms.pop(room, None)
        self._tell(RoomClosed(room, is_lost))

    def _joined(self, frame: Joined) -> None:
        asked = self._requests.answer(frame.rid, frame)
        opened = RoomOpened(frame.room, frame.people, frame.more, frame.created, asked)
        self._tell(opened)
        self._opened(frame.room)
        self.keep_rooms()

    def _gap(self, gap: Gap) -> None:
        """Lines were left out, one's own among them perhaps: what was sent there is asked about again."""
        after = self.progress.newest(gap.room)
        self.progress.opened(gap.room, max(gap.last, after or 0))
        self._tell(
            LinesMissed(gap.room, MessageId(gap.after) if after is None else after, MessageId(gap.last))
        )
        for follower in self.followers:
            if follower.room == gap.room:
                follower.exists(gap.last)
        self._sending.send_again(gap.room)

    def _presence(self, frame: Presence) -> None:
        if frame.event is PresenceEvent.RENAMED:
            self._renamed(frame.people)
        self.lost.see(frame.people)
        self._tell(PresenceChanged(frame.room, frame.event, frame.people))

    def _renamed(self, people: list[Person]) -> None:
        named = {person.user: person for person in people}
        if self._me.user in named:
            self._me.nick = named[self._me.user].nick
        for room in list(self.rooms.values()):
            if any(person.user in named for person in room.direct):
                direct = [named.get(person.user, person) for person in room.direct]
                self.rooms[room.id] = msgspec.structs.replace(room, direct=direct)
                self.keep_rooms()

    def _why_refused(self, refusal: Refusal, room: RoomId) -> str:
        """The sentence for people, who do not know the ids of conversations."""
        if is_conversation(room) and refusal.code in (ErrorCode.ROOM_UNKNOWN, ErrorCode.NOT_MEMBER):
            info = self.lost.rooms.get(room) or self.rooms.get(room)
            return why_unknown(self._texts, info, self._me.user)
        return self._requests.explain(refusal)

    def _failed(self, frame: Failed) -> None:
        if frame.rid and self._requests.answer(frame.rid, frame):
            return
        reason = explain(self._texts, frame.code, frame.text, frame.args)
        if frame.fatal:
            raise LinkCut(reason)
        self._tell(ServerProblem(frame.code, reason))
