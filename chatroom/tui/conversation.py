"""What a session's events make of the model: rooms, people, lines. No widgets, no network."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from chatroom.client.events import (
    LineArrived,
    LinesMissed,
    MessageChanged,
    MessageState,
    Offline,
    Online,
    OwnMessage,
    PastReplaced,
    PresenceChanged,
    RoomClosed,
    RoomOpened,
    SessionEvent,
)
from chatroom.model.members import Members, MembersView
from chatroom.model.notices import Notice
from chatroom.model.rooms import Rooms, RoomView
from chatroom.model.timeline import Timeline, Unsent
from chatroom.protocol.frames import PresenceEvent, RoomInfo
from chatroom.protocol.ids import RoomId, UserId

SAID = frozenset(
    {
        PresenceEvent.JOINED,
        PresenceEvent.BACK,
        PresenceEvent.GONE,
        PresenceEvent.LEFT,
        PresenceEvent.RENAMED,
    }
)
"""What of presence stands between the lines; the rest only shows in the list of people."""


class Part(Enum):
    """Parts of the screen that have to be drawn anew."""

    ROOMS = auto()
    PEOPLE = auto()
    LOG = auto()


_OF_A_LINE = frozenset((Part.ROOMS, Part.LOG))
"""A set keeps the hashes of its members: thousands of lines a second need them."""


@dataclass(slots=True)
class Changes:
    """What a batch of events changed.

    Attributes:
        meant_in: Rooms in which somebody meant oneself.
    """

    parts: set[Part] = field(default_factory=set)
    meant_in: list[RoomId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a server on this machine.

    Attributes:
        current: The room that was on the screen.
        nick: What one was called there.
        lines: The newest lines of each room, oldest first.
    """

    rooms: list[RoomInfo] = field(default_factory=list)
    markers: Mapping[RoomId, int] = field(default_factory=dict)
    drafts: Mapping[RoomId, str] = field(default_factory=dict)
    lines: Mapping[RoomId, list[bytes]] = field(default_factory=dict)
    current: RoomId | None = None
    nick: str = ""


class Conversation:
    """All rooms of one user on one server, as far as they are known.

    A room that is closed without one's asking stays where it is while it is on the screen, or something of
    one's own is in it: what one writes there must not go on in another one.

    Args:
        now_ms: The time (ms since 1970, UTC), for notices.

    Attributes:
        closed: Rooms that stay and are closed; True for those that the server does not have.
        leaving: Rooms that one has asked to leave.
        has_draft: Whether something is being written in a room.
    """

    def __init__(self, me: UserId, now_ms: Callable[[], int]) -> None:
        self.me = me
        self.nick = ""
        self.rooms = Rooms(me, "")
        self.read_markers: dict[RoomId, int] = {}
        self.closed: dict[RoomId, bool] = {}
        self.leaving: set[RoomId] = set()
        self.has_draft: Callable[[RoomId], bool] = lambda _room: False
        self._now_ms = now_ms
        self._timelines: dict[RoomId, Timeline] = {}
        self._members: dict[RoomId, Members] = {}
        self._infos: dict[RoomId, RoomInfo] = {}

    # --- looking ---------------------------------------------------------------------------------
    @property
    def current(self) -> RoomView | None:
        """The room on the screen."""
        return self.rooms.view(self.rooms.current) if self.rooms.current is not None else None

    @property
    def people(self) -> MembersView:
        """The people of the room on the screen."""
        room = self.rooms.current
        return self.members(room).view() if room is not None else MembersView()

    def timeline(self, room: RoomId) -> Timeline:
        """The lines of a room."""
        if room not in self._timelines:
            self._timelines[room] = Timeline(room, self.me)
        return self._timelines[room]

    def members(self, room: RoomId) -> Members:
        """The people of a room."""
        return self._members.setdefault(room, Members())

    def room_name(self, room: RoomId) -> str:
        """`#general`, or the other one's nick."""
        view = self.rooms.view(room)
        if view is None:
            return f"#{room}"
        return view.name if view.direct else f"#{view.name}"

    # --- changing --------------------------------------------------------------------------------
    def show(self, room: RoomId) -> None:
        """Put a room on the screen; a mark stands where the unread begins."""
        before = self.rooms.current
        if before is not None and before != room:
            self.timeline(before).trim()
        self.rooms.current = room
        if before in self.closed and before != room:
            self._close(before, is_lost=self.closed[before])
        if view := self.rooms.view(room):
            self.timeline(room).new_after = view.read if view.read < view.last else None

    def mark_read(self, room: RoomId, line_id: int) -> bool:
        """Lines up to one were seen; False when they were before."""
        if not self.rooms.mark_read(room, line_id):
            return False
        self.read_markers[room] = line_id
        return True

    def say(self, text: str) -> None:
        """Answer something, between the lines of the current room."""
        if self.rooms.current is not None:
            self.timeline(self.rooms.current).note(Notice(at=self._now_ms(), text=text))

    def restore(self, kept: Kept) -> None:
        """Begin with what is kept on this machine: it can be read before the server answers."""
        self.nick = self.rooms.nick = self.nick or kept.nick
        self.read_markers.update(kept.markers)
        for info in kept.rooms:
            timeline = self.timeline(info.id)
            timeline.fill(kept.lines.get(info.id, ()))
            last = max(info.last, timeline.last, kept.markers.get(info.id, 0))
            if info.id not in self.rooms:
                self._open(msgspec.structs.replace(info, last=last))

    def apply(self, events: Iterable[SessionEvent]) -> Changes:
        """Take what the session told, oldest first."""
        changes = Changes()
        for event in events:
            self._apply(event, changes)
        return changes

    def _apply(self, event: SessionEvent, changes: Changes) -> None:
        match event:
            case LineArrived():
                self._take_line(event, changes)
            case MessageChanged(message):
                self.take_own(message)
                changes.parts.add(Part.LOG)
            case PresenceChanged():
                self._take_presence(event, changes)
            case Online():
                self._take_welcome(event)
                changes.parts.update(Part)
            case RoomOpened():
                self._open(event.room)
                self.members(event.room.id).replace(event.people, event.more)
                changes.parts.update(Part)
            case RoomClosed(room):
                self._close(room, is_lost=event.is_lost)
                changes.parts.update(Part)
            case LinesMissed(room, _after, last):
                self.timeline(room).extend_to(last)
                self.rooms.extend_to(room, last)
                changes.parts.update((Part.ROOMS, Part.LOG))
            case PastReplaced():
                self._forget()
                changes.parts.update(Part)
            case Offline():
                for timeline in self._timelines.values():
                    timeline.failed_all()

    def take_own(self, message: OwnMessage) -> None:
        """A message of one's own is pending, stored or failed."""
        timeline = self.timeline(message.room)
        if message.state is MessageState.STORED:
            timeline.drop_unsent(message.key)
            return
        timeline.put_unsent(
            Unsent(
                key=message.key,
                dev=message.dev,
                n=message.n,
                body=message.body,
                kind=message.kind,
                grid=message.grid,
                failed=message.state is MessageState.FAILED,
                reason=message.reason,
            )
        )

    def _take_line(self, event: LineArrived, changes: Changes) -> None:
        timeline = self.timeline(event.line.room)
        if event.key:
            timeline.drop_unsent(event.key)
        timeline.append(event.body)
        if self.rooms.arrived(event.line):
            changes.meant_in.append(event.line.room)
        changes.parts.update(_OF_A_LINE)

    def _take_presence(self, event: PresenceChanged, changes: Changes) -> None:
        self.members(event.room).apply(event.event, event.people)
        if event.event is PresenceEvent.RENAMED:
            self._rename(event)
        others = tuple(person for person in event.people if person.user != self.me)
        if others and event.event in SAID:
            notice = Notice(at=self._now_ms(), event=event.event, people=others)
            self.timeline(event.room).note(notice)
        changes.parts.update((Part.PEOPLE, Part.LOG, Part.ROOMS))

    def _rename(self, event: PresenceChanged) -> None:
        named = {person.user: person for person in event.people}
        if self.me in named:
            self.nick = self.rooms.nick = named[self.me].nick
        for info in list(self._infos.values()):
            if any(person.user in named for person in info.direct):
                people = [named.get(person.user, person) for person in info.direct]
                self._open(msgspec.structs.replace(info, direct=people))

    def _take_welcome(self, event: Online) -> None:
        welcome = event.welcome
        self.nick = self.rooms.nick = welcome.nick
        still = {info.id for info in welcome.rooms}
        for gone in [view.id for view in self.rooms.views() if view.id not in still]:
            self._close(gone, is_lost=True)
        for info in welcome.rooms:
            self._open(info)

    def _open(self, info: RoomInfo) -> None:
        self.closed.pop(info.id, None)
        self._infos[info.id] = info
        self.rooms.open(info, self.read_markers.get(info.id))
        self.timeline(info.id).extend_to(info.last)

    def _close(self, room: RoomId, *, is_lost: bool) -> None:
        if room not in self.leaving and self._is_in_use(room):
            self.closed.setdefault(room, is_lost)
            return
        self.closed.pop(room, None)
        self.leaving.discard(room)
        self.rooms.close(room)
        self._infos.pop(room, None)
        self._members.pop(room, None)
        if room in self._timelines and not self._timelines[room].unsent:
            del self._timelines[room]

    def _is_in_use(self, room: RoomId) -> bool:
        if room not in self.rooms:
            return False
        has_unsent = room in self._timelines and bool(self._timelines[room].unsent)
        return room == self.rooms.current or has_unsent or self.has_draft(room)

    def _forget(self) -> None:
        """The log has another past; how far it reaches is in the welcome that follows."""
        self.read_markers.clear()
        for room, timeline in self._timelines.items():
            timeline.reset()
            self.rooms.reset(room, 0)
