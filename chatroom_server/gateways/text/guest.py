"""A client of the hub on behalf of somebody who speaks plain text: lines become frames, and frames lines.

It has one room at a time, since a stream of lines has no place for more, and whatever conversations of two
others begin with it. What it asks for is answered before the next line is looked at: who writes `/join lab`
and `salut` at once says it in the lab.
"""

from collections.abc import Callable
from typing import Final

from chatroom.protocol import codec
from chatroom.protocol.errors import ErrorCode, RemoteProtocolError
from chatroom.protocol.frames import (
    Ack,
    AnyFrame,
    Bye,
    Direct,
    Done,
    Failed,
    Fetch,
    Gap,
    Goodbye,
    Hello,
    Join,
    Joined,
    Leave,
    LeftRoom,
    Line,
    ListRooms,
    Login,
    Page,
    People,
    Presence,
    PresenceEvent,
    Refusal,
    Rename,
    Rooms,
    Send,
    Welcome,
    Who,
)
from chatroom.protocol.ids import DeviceId, RoomId, UserId
from chatroom.protocol.limits import VERSION_MAX, VERSION_MIN
from chatroom_server.gateways.text import answers, forms, speech
from chatroom_server.gateways.text.forms import SAY_DEVICE, TEXT_DEVICE
from chatroom_server.gateways.text.in_flight import InFlight
from chatroom_server.gateways.text.present import Present
from chatroom_server.gateways.text.reading import Reading
from chatroom_server.gateways.text.requests import Answer, Requests
from chatroom_server.gateways.text.settings import TextSettings

_PAGE_LIMIT: Final = 256
_QUOTE_MAX: Final = 40
_KNOWN_OF_ONESELF: Final = frozenset({PresenceEvent.BACK, PresenceEvent.GONE, PresenceEvent.LEFT})


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


class Guest:
    """One user without a key.

    Attributes:
        asks: Frames for the hub, in their order; whoever takes them empties the list.
        says: Lines for the person, likewise.
        is_nameless: Is called by its address.
        has_left: Wants, or was told, to go.
    """

    def __init__(self, settings: TextSettings) -> None:
        self.asks: list[AnyFrame] = []
        self.says: list[str] = []
        self.is_nameless = True
        self.has_left = False
        self._settings = settings
        self._texts = settings.texts
        self._me = UserId("")
        self._wanted_nick = ""
        self._room = RoomId("")
        self._room_name = ""
        self._readings: dict[RoomId, Reading] = {}
        self._directs: set[RoomId] = set()
        self._present = Present()
        self._in_flight = InFlight([SAY_DEVICE, TEXT_DEVICE])
        self._requests = Requests()
        self._is_entering = False
        self._greeting = ""

    @property
    def is_busy(self) -> bool:
        """The next line has to wait for an answer."""
        return self._is_entering or self._requests.is_awaited or self._in_flight.is_full

    @property
    def is_idle(self) -> bool:
        """All that was said has come to its end."""
        return not self._is_entering and self._requests.is_empty and self._in_flight.is_empty

    @property
    def awaits(self) -> bool:
        """Something that was said is not asked for yet, or is not answered."""
        return bool(self.asks) or self._is_entering or self._requests.is_awaited

    # --- what the person says ----------------------------------------------------------------------
    def log_in(self, nick: str) -> None:
        """Come in, called by a nick, or with an empty one by one's address."""
        self._is_entering, self._wanted_nick = True, nick
        self.asks.append(Hello((VERSION_MIN, VERSION_MAX), bytes(32)))
        self._log_in()

    def _log_in(self) -> None:
        self.asks.append(Login(self._wanted_nick, devices=[SAY_DEVICE, TEXT_DEVICE]))

    def take(self, said: speech.Speech) -> None:
        """Do what a line says; not while busy."""
        match said:
            case speech.Say(text):
                self._send(self._room, SAY_DEVICE, text)
            case speech.SayText(words):
                self._send(self._room, TEXT_DEVICE, self._without_destination(words))
            case speech.Whisper(nick, text):
                self._whisper(nick, text)
            case speech.LogIn(nick):
                self._rename(nick)
            case speech.JoinRoom(room):
                self._join(room)
            case speech.ShowRooms():
                self._ask(ListRooms, self._show_rooms)
            case speech.ShowPeople():
                self._ask(lambda rid: Who(rid, self._room), self._show_people)
            case speech.ShowHelp():
                self.says += answers.help_lines(self._texts)
            case speech.Quit():
                self._quit()
            case speech.Incomplete(usage):
                self._tell(_("this is written {usage}"), usage=usage)
            case speech.Unknown(name):
                self._say_unknown(name)

    def _send(self, room: RoomId, device: DeviceId, text: str) -> None:
        self.asks.append(Send(room, device, self._in_flight.add(room, device, text), text))

    def _without_destination(self, words: str) -> str:
        """`/text <nick> <text>` names somebody who is present, and yet is for all; see `docs/text.md`."""
        first, _space, rest = words.partition(" ")
        return rest.strip() if rest.strip() and first in self._present else words

    def _whisper(self, nick: str, text: str) -> None:
        def then(frame: AnyFrame) -> None:
            if isinstance(frame, Joined):
                self._send(frame.room.id, SAY_DEVICE, text)

        self._ask(lambda rid: Direct(rid, nick=nick), then)

    def _rename(self, nick: str) -> None:
        def then(frame: AnyFrame) -> None:
            if isinstance(frame, Done):
                self.is_nameless = False

        self._ask(lambda rid: Rename(rid, nick), then)

    def _join(self, room: str) -> None:
        def then(frame: AnyFrame) -> None:
            if not isinstance(frame, Joined):
                return
            if frame.room.id == self._room:
                self._tell(_("you are in the room {room} already"), room=frame.room.name)
                return
            former = self._room
            self._ask(lambda rid: Leave(rid, former), _ignore, waits=False)
            self._readings.pop(former, None)
            self._tell(_("you are in the room {room} now"), room=frame.room.name)
            self._open(frame)

        self._ask(lambda rid: Join(rid, room), then)

    def _quit(self) -> None:
        self.says.append("Au revoir !")
        self.asks.append(Bye())
        self.has_left = True

    def _say_unknown(self, name: str) -> None:
        sentence = _("there is no command {command}; /help shows those there are, // in front says it")
        self._tell(sentence, command=name[:_QUOTE_MAX])

    # --- asking ------------------------------------------------------------------------------------
    def _ask(self, make: Callable[[int], AnyFrame], then: Answer, *, waits: bool = True) -> None:
        """Ask the hub; `waits` holds the next line back until the answer is there."""
        self.asks.append(self._requests.ask(make, then, waits=waits))

    # --- what the hub says -------------------------------------------------------------------------
    def receive(self, frame: AnyFrame) -> None:
        """Take a frame of the hub."""
        match frame:
            case Line():
                self._take_line(frame)
            case Presence():
                self._take_presence(frame)
            case Page() | Rooms() | People() | Done():
                self._requests.answer(frame.rid, frame)
            case Joined():
                self._take_joined(frame)
            case LeftRoom():
                self._take_left(frame)
            case Ack(dev, n):
                self._in_flight.settle(dev, n)
            case Refusal():
                self._take_refusal(frame)
            case Gap():
                self._take_gap(frame)
            case Welcome():
                self._enter(frame)
            case Failed():
                self._take_failed(frame)
            case Goodbye():
                self.says.append(forms.goodbye(frame.back_in_s))
                self.has_left = True

    def _enter(self, welcome: Welcome) -> None:
        self._me = welcome.user
        self.is_nameless = forms.is_address(welcome.nick)
        self._in_flight.go_on_after(welcome.devices)
        if welcome.back and not self.is_nameless:
            self.says.append(forms.welcome_back(welcome.nick))
        elif not self.is_nameless:
            self._greeting = forms.joined(welcome.nick)

        def then(answer: AnyFrame) -> None:
            self._is_entering = False
            if isinstance(answer, Joined):
                self._open(answer)

        self._ask(lambda rid: Join(rid, welcome.default_room), then, waits=False)

    def _open(self, joined: Joined) -> None:
        """Be in a room from now on: its last messages first."""
        room = joined.room
        self._room, self._room_name = room.id, room.name
        self._present.note(joined.people)
        reading = Reading(max(0, room.last - self._settings.history), room.last)
        self._readings[room.id] = reading
        self._fill(room.id, reading, waits=True)
        self._greet()

    def _greet(self) -> None:
        """Say one's own arrival as the others read it, once what was said before is there."""
        reading = self._readings.get(self._room)
        if self._greeting and reading is not None and reading.shown >= reading.opened_at:
            self.says.append(self._greeting)
            self._greeting = ""

    def _take_joined(self, frame: Joined) -> None:
        room = frame.room
        if room.direct:
            self._directs.add(room.id)
            self._readings.setdefault(room.id, Reading(room.last, room.last))
        self._requests.answer(frame.rid, frame)

    def _take_left(self, frame: LeftRoom) -> None:
        if frame.room != self._room:
            self._readings.pop(frame.room, None)
        self._requests.answer(frame.rid, frame)

    def _take_line(self, line: Line) -> None:
        if line.user == self._me:
            self._in_flight.settle(line.dev, line.n)
        reading = self._readings.get(line.room)
        if reading is not None:
            self._show(reading, reading.take(line))
            self._fill(line.room, reading)

    def _show(self, reading: Reading, lines: list[Line]) -> None:
        """Say lines: those from before one came with their time, the others as they come."""
        for line in lines:
            if line.id <= reading.opened_at:
                self.says.append(f"[{self._settings.clock(line.at)}] {forms.said(line)}")
                continue
            self._greet()
            if text := self._live(line):
                self.says.append(text)

    def _live(self, line: Line) -> str:
        """A line as it looks now; one's own only where the course says `to all`."""
        if line.user == self._me and (line.room in self._directs or line.dev != TEXT_DEVICE):
            return ""
        return forms.whispered(line) if line.room in self._directs else forms.said(line)

    def _fill(self, room: RoomId, reading: Reading, *, waits: bool = False) -> None:
        """Ask for a page where lines are missing; `waits` as in `_ask`."""
        if not reading.wants_page:
            return

        def then(frame: AnyFrame) -> None:
            shown = reading.take_page(*_content(frame))
            for line in shown:
                if line.user == self._me and line.id > reading.opened_at:
                    self._in_flight.settle(line.dev, line.n)
            if self._readings.get(room) is not reading:  # one has gone to another room meanwhile
                self._in_flight.settle_room(room)
                return
            if isinstance(frame, Failed):
                self._in_flight.settle_room(room)
                self._tell(_("messages are missing here: {reason}"), reason=self._reason(frame))
            self._show(reading, shown)
            self._fill(room, reading)
            self._greet()

        reading.is_asked = True
        fetch = self._requests.ask(
            lambda rid: Fetch(rid, room, reading.shown, limit=_PAGE_LIMIT), then, waits=waits, explains=True
        )
        self.asks.append(fetch)

    def _take_gap(self, gap: Gap) -> None:
        reading = self._readings.get(gap.room)
        if reading is None:  # one has gone to another room meanwhile, and reads no more of this one
            self._in_flight.settle_room(gap.room)
            return
        reading.fall_behind(gap.last)
        self._fill(gap.room, reading)
        if gap.room == self._room:
            self._ask(lambda rid: Who(rid, gap.room), self._take_people, waits=False)

    def _take_refusal(self, refusal: Refusal) -> None:
        text = self._in_flight.settle(refusal.dev, refusal.n)
        reason = answers.problem(self._texts, refusal.code, refusal.text, refusal.args)
        self._tell(_("not sent: {text} ({reason})"), text=text, reason=reason)

    def _take_failed(self, failed: Failed) -> None:
        if failed.code == ErrorCode.NOT_ALLOWED and failed.rid:
            self._tell(_("that is not possible here"))
        elif not self._requests.is_explained(failed.rid):
            self._tell("{reason}", reason=self._reason(failed))
        if failed.rid:
            self._requests.answer(failed.rid, failed)
        elif failed.fatal:
            self.has_left = True
        elif self._is_entering and self._wanted_nick:  # never outside: then by its address
            self._wanted_nick = ""
            self._log_in()

    def _reason(self, failed: Failed) -> str:
        return answers.problem(self._texts, failed.code, failed.text, failed.args)

    # --- people ------------------------------------------------------------------------------------
    def _take_presence(self, presence: Presence) -> None:
        if presence.room != self._room:
            return
        self._present.take(presence)
        people = presence.people
        if presence.event in _KNOWN_OF_ONESELF:
            people = [person for person in people if person.user != self._me]
        self.says += forms.presence(presence.event, people)

    def _take_people(self, frame: AnyFrame) -> None:
        if isinstance(frame, People):
            self._present.note(frame.people)

    def _show_people(self, frame: AnyFrame) -> None:
        if not isinstance(frame, People):
            return
        self._present.note(frame.people)
        self.says.append(answers.people_line(self._texts, self._room_name, frame))

    def _show_rooms(self, frame: AnyFrame) -> None:
        if not isinstance(frame, Rooms):
            return
        self.says += answers.room_lines(self._texts, frame, self._room)

    # --- sentences ---------------------------------------------------------------------------------
    def _tell(self, sentence: str, **args: object) -> None:
        """Say something that is no chat."""
        self.says.append(answers.remark(self._texts, sentence, **args))


def _ignore(_frame: object) -> None:
    """Nothing is to be done."""


def _content(frame: AnyFrame) -> tuple[list[Line], int]:
    """The lines of a page, and the number of the room's newest; nothing of what is no page."""
    if not isinstance(frame, Page):
        return [], 0
    lines: list[Line] = []
    for raw in frame.lines:
        try:
            lines.append(codec.decode_line(raw))
        except RemoteProtocolError:  # of a newer version
            continue
    return lines, frame.last
