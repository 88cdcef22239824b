"""The hub: the pure centre of the server. Inputs in, effects out; it owns what is known of this moment.

Nothing is true before the log has yielded it. A message is a draft until `Stored` brings its line back; only
then it is shown, and only then its number counts. So is a user, a nick, a room, a membership: each is a line
of the account log first, and what depends on it waits for that line as the `ref` of its draft.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chatroom.protocol.errors import ERRORS, ErrorCode
from chatroom.protocol.frames import Goodbye
from chatroom.protocol.ids import Epoch, MessageId, RoomId, UserId
from chatroom_server.core import handlers, limits, logins, messages, presence
from chatroom_server.core.accounts import Accounts, RoomLine
from chatroom_server.core.effects import Effect, WakeAt
from chatroom_server.core.inputs import (
    Arrived,
    Input,
    InvitationReplaced,
    Left,
    PageSent,
    Received,
    Refused,
    SettingsChanged,
    Started,
    Stopping,
    Stored,
    Woke,
)
from chatroom_server.core.ports import ACCOUNTS, StoredRun
from chatroom_server.core.settings import HubSettings, ServerIdentity
from chatroom_server.core.state import Change, HubState, room_id

USERS_FILE = "users.json"
DEVICES_FILE = "devices.jsonl"


@dataclass(frozen=True, slots=True)
class Projections:
    """What the log's next flush has to write: whole files, and additions to files."""

    replaced: dict[str, bytes]
    appended: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Counts:
    """What an operator asks for."""

    links: int
    online: int
    users: int
    rooms: int
    lines: int


class Hub:
    """Decides everything, performs nothing.

    Args:
        accounts: As of the last flush.
        devices: The contents of `devices.jsonl`, as of the last flush.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        settings: HubSettings,
        epoch: Epoch,
        accounts: Accounts | None = None,
        devices: bytes = b"",
    ) -> None:
        self.state = HubState(identity, settings, epoch, accounts or Accounts())
        self.state.devices.load(devices)

    # --- before and beside the inputs ----------------------------------------------------------------
    def restore(
        self, lines: Iterable[tuple[RoomId, MessageId, bytes]], lasts: Mapping[RoomId, MessageId]
    ) -> None:
        """Take in what the log holds beyond the last flush, once, before anything else.

        Args:
            lines: Of all rooms, in their order.
            lasts: The number of each room's newest stored line.
        """
        state = self.state
        for name, _id, line in lines:
            if name == ACCOUNTS:
                state.accounts.apply(line)
            else:
                messages.take_foreign(state, line)
        state.accounts.drop_guest_rooms(lambda _room: False)
        for id_, last in lasts.items():
            state.accounts.note_last(id_, last)

    def take_projections(self) -> Projections:
        """What changed since the last call, for the log's flush: it reflects all that the log has yielded."""
        replaced: dict[str, bytes] = {}
        appended: dict[str, bytes] = {}
        if self.state.accounts.changed:
            replaced[USERS_FILE] = self.state.accounts.to_json()
        devices, is_whole = self.state.devices.take_changes()
        if devices:
            (replaced if is_whole else appended)[DEVICES_FILE] = devices
        return Projections(replaced, appended)

    def counts(self) -> Counts:
        """How much of everything there is."""
        state = self.state
        return Counts(
            links=len(state.links),
            online=sum(session.shown for session in state.sessions.values()),
            users=len(state.accounts.users),
            rooms=state.accounts.named_rooms,
            lines=sum(room.last for room in state.accounts.rooms.values()),
        )

    # --- inputs ------------------------------------------------------------------------------------------
    def handle(self, input_: Input, now: float, at_ms: int) -> list[Effect]:
        """Say what is to be done about something that happened.

        Args:
            now: Monotonic seconds.
            at_ms: Milliseconds since 1970, UTC.

        Returns:
            Effects, to be carried out in this order. Should this ever raise, the next call returns what was
            to be done until then: it is part of what is known.
        """
        state = self.state
        state.now, state.at = now, at_ms
        if type(input_) is Received:
            self._receive(input_)
        elif type(input_) is Stored:
            self._take_stored(input_)
        else:
            self._happen(input_)
        wake = state.timers.next_wake()
        if wake is not None:
            state.effects.append(WakeAt(wake))
        effects, state.effects = state.effects, []
        return effects

    def _receive(self, received: Received) -> None:
        link = self.state.links.get(received.link)
        if link is not None and not self.state.stopping:
            for frame in received.frames:
                handlers.receive(self.state, link, frame)

    def _take_stored(self, stored: Stored) -> None:
        for run in stored.runs:
            if run.room == ACCOUNTS:
                self._take_changes(run)
            else:
                messages.take_stored(self.state, run)

    def _happen(self, input_: Input) -> None:
        state = self.state
        match input_:
            case Refused():
                self._take_refused(input_)
            case Arrived():
                logins.arrive(state, input_)
            case Left(link_id, clean):
                if (link := state.links.get(link_id)) is not None:
                    logins.leave(state, link, clean=clean)
            case PageSent(link_id):
                if (link := state.links.get(link_id)) is not None:
                    state.end_request(link)
            case Woke():
                for action in state.timers.take_due(state.now):
                    action()
            case Started():
                self._start()
            case InvitationReplaced(secret):
                state.identity = replace(state.identity, invitation_secret=secret)
            case SettingsChanged(settings):
                state.change_settings(settings)
            case Stopping(back_in_s):
                self._stop(back_in_s)

    def _take_changes(self, run: StoredRun) -> None:
        for line, change in zip(run.lines, run.refs, strict=True):
            changed = self.state.accounts.apply(line)
            if isinstance(change, Change):
                change.then(changed)

    def _take_refused(self, refused: Refused) -> None:
        for draft in refused.drafts:
            if isinstance(draft.ref, Change):
                draft.ref.otherwise(refused.reason)
            else:
                messages.take_refused(self.state, draft, refused.reason)

    # --- start and stop ----------------------------------------------------------------------------------
    def _start(self) -> None:
        """Gather returns; make the default room, and those that have lines but no account line."""
        presence.gather_returns(self.state)
        settings = self.state.settings
        names = {room_id(settings.default_room): settings.default_room}
        names |= {room: str(room) for room in self.state.accounts.lost if not room.startswith("=")}
        self._create({id_: name for id_, name in names.items() if id_ not in self.state.accounts.rooms})

    def _create(self, names: dict[RoomId, str]) -> None:
        state = self.state
        if not names:
            return

        def then(_changed: bool) -> None:
            """They are rooms now."""

        def again(_reason: str) -> None:
            state.timers.add(state.now + limits.CREATE_AGAIN_AFTER_S, lambda: self._create(names))

        lines = [RoomLine(room=id_, name=name, user=UserId("")) for id_, name in names.items()]
        state.store(lines, then, again)

    def _stop(self, back_in_s: float) -> None:
        state = self.state
        state.stopping = True
        code = ErrorCode.RESTARTING if back_in_s else ErrorCode.STOPPED
        goodbye = Goodbye(code, ERRORS[code].sentence, back_in_s)
        for link in list(state.links.values()):
            state.deliver(link, goodbye)
            state.close(link)
