"""No order of things loses a message or shows one twice, and nobody's frames upset the hub."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.protocol.frames import (
    Ack,
    AnyFrame,
    AskInvitation,
    Away,
    Bye,
    Direct,
    Fetch,
    Frame,
    Hello,
    Join,
    Joined,
    Leave,
    Line,
    ListRooms,
    Login,
    Open,
    Ping,
    Refusal,
    Rename,
    Send,
    Welcome,
    Who,
)
from chatroom.protocol.ids import DeviceId, RoomId, UserId
from chatroom.protocol.kinds import BY_FRAME, Sender
from chatroom_server.core.inputs import Received
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Actor, Key, Stage

NAMES = ("ann", "bob", "eve")


@dataclass
class Client:
    """A client that keeps what it was not told is stored, and sends it again after every cut."""

    stage: Stage
    name: str
    actor: Actor | None = None
    outbox: dict[int, str] = field(default_factory=dict)
    n: int = 0
    seen: list[int] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def connect(self) -> None:
        if self.actor is not None:
            return
        actor = self.actor = self.stage.arrive(self.name)
        actor.hello()
        actor.login(self.name, devices=["d1"])
        self.absorb()

    def cut(self) -> None:
        self.absorb()
        if self.actor is not None:
            self.actor.leave()
        self.actor = None

    def write(self, body: str) -> None:
        self.written.append(body)
        self._send(body)

    def absorb(self) -> None:
        """Take in what came."""
        for frame in self.actor.take() if self.actor else []:
            match frame:
                case Welcome(devices=devices, rooms=rooms):
                    self.n = max(self.n, devices["d1"])
                    self._expect(rooms[0].last if rooms else None)
                    if not rooms and self.actor:
                        self.actor.join(GENERAL)
                    for n, body in sorted(self.outbox.items()):
                        self._transmit(n, body)
                case Joined(room=room) if room.id == GENERAL and not self.seen:
                    self._expect(room.last)
                    for n, body in sorted(self.outbox.items()):
                        self._transmit(n, body)
                case Line(id=id_):
                    assert not self.seen or id_ == self.seen[-1] + 1, "each line once, and in order"
                    self.seen = [*self.seen[-1:], id_]
                    if frame.user == Key(self.name).user:
                        assert self.outbox.pop(frame.n, frame.body) == frame.body
                case Ack(n=n):
                    self.outbox.pop(n, None)
                case Refusal(code=code, n=n):
                    assert code in ("number-passed", "not-stored", "not-member"), code
                    if code != "not-member" and n in self.outbox:
                        self._send(self.outbox.pop(n))
                case _:
                    pass

    def _expect(self, last: int | None) -> None:
        self.seen = [] if last is None else [last]

    def _send(self, body: str) -> None:
        self.n += 1
        self.outbox[self.n] = body
        self._transmit(self.n, body)

    def _transmit(self, n: int, body: str) -> None:
        if self.actor is not None and self.actor.wire.state.value == "online":
            self.actor.give(Send(GENERAL, DeviceId("d1"), n, body))


person = st.integers(0, len(NAMES) - 1)
steps = st.one_of(
    st.tuples(st.just("write"), person),
    st.tuples(st.just("write"), person),
    st.tuples(st.just("connect"), person),
    st.tuples(st.just("cut"), person),
    st.tuples(st.sampled_from(["store", "store", "refuse", "flush", "restart", "wait"]), st.integers(1, 6)),
)


def play(story: list[tuple[str, int]]) -> tuple[Stage, list[Client]]:
    stage = Stage(HubSettings(rate=0))
    stage.slow = True
    clients = [Client(stage, name) for name in NAMES]
    for place, (step, number) in enumerate(story):
        match step:
            case "write":
                clients[number].write(f"{NAMES[number]} {place}")
            case "connect":
                clients[number].connect()
            case "cut":
                clients[number].cut()
            case "store":
                stage.store(number)
            case "refuse":
                stage.refuse()
            case "flush":
                stage.flush()
            case "restart":
                for client in clients:
                    client.absorb()
                    client.actor = None
                stage.restart()
            case _:
                stage.pass_time(number * 3)
        for client in clients:
            client.absorb()
    settle(stage, clients)
    return stage, clients


def settle(stage: Stage, clients: list[Client]) -> None:
    """Let everybody come online, and everything be stored."""
    stage.slow = False
    stage.store()
    for client in clients:
        client.cut()
        client.connect()
    for _round in range(10):
        for client in clients:
            client.absorb()
    assert [client.outbox for client in clients] == [{}] * len(clients)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=50))
def test_every_message_is_stored_once_whatever_happens(story: list[tuple[str, int]]) -> None:
    stage, clients = play(story)
    stage.restart()
    watcher = stage.enter("sam", GENERAL)
    assert watcher.last(Joined).room.last == len(stage.disk.get(GENERAL, []))
    bodies = [line.decode().split('"body":"')[1][:-2] for line in stage.disk.get(GENERAL, [])]
    written = [body for client in clients for body in client.written]
    assert sorted(bodies) == sorted(written)
    if not any(step == "refuse" for step, _number in story):
        for client in clients:
            assert [body for body in bodies if body in client.written] == client.written


# --- garbage ------------------------------------------------------------------------------------------
word = st.sampled_from(
    [
        "",
        "general",
        "work",
        "ann",
        "bob",
        "@",
        "=x",
        "a\x1b[31m",
        "é" * 30,
        "{x}",
        "%s",
        "\u202e",
        '"' * 256,
        "🏖" * 256,
    ]
)
ids = word.filter(lambda text: len(text) < 256)
"""Two of the longest words do not fit into one frame."""
count = st.sampled_from([0, 1, 2, 7, 2**53 - 1])
rooms = word.map(RoomId)
devs = st.sampled_from(["d1", "d2", "zzz"]).map(DeviceId)
blob = st.binary(max_size=40)
frames: st.SearchStrategy[AnyFrame] = st.one_of(
    st.builds(Hello, st.tuples(count, count), st.binary(min_size=32, max_size=32), st.just("garbage")),
    st.builds(Login, word, blob, blob, blob, st.lists(devs, max_size=16), st.booleans(), blob),
    st.builds(
        Send, rooms, devs, count, word, st.sampled_from(["", "me", "image", "topic", "edit"]), word, count
    ),
    st.builds(Join, count, word, st.booleans()),
    st.builds(Leave, count, rooms),
    st.builds(Open, count, word),
    st.builds(Direct, count, word, ids.map(UserId)),
    st.builds(Fetch, count, rooms, st.none() | count, st.none() | count, st.integers(1, 512)),
    st.builds(ListRooms, count),
    st.builds(Who, count, word),
    st.builds(Rename, count, word),
    st.builds(AskInvitation, count, word),
    st.builds(Away, st.booleans()),
    st.builds(Bye),
    st.builds(Ping),
)


def test_the_garbage_is_of_all_kinds() -> None:
    kinds: set[type] = {info.frame for info in BY_FRAME.values() if info.sender is Sender.CLIENT}
    made = {
        Hello,
        Login,
        Send,
        Join,
        Leave,
        Open,
        Direct,
        Fetch,
        ListRooms,
        Who,
        Rename,
        AskInvitation,
        Away,
        Bye,
    }
    assert kinds == made
    assert all(issubclass(kind, Frame) for kind in made)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), frames), max_size=40),
    st.lists(st.sampled_from(["store", "refuse", "wait"]), max_size=10),
)
def test_nobodys_frames_upset_the_hub(said: list[tuple[int, AnyFrame]], outcomes: list[str]) -> None:
    stage = Stage(HubSettings(guests=True))
    guest = stage.arrive()
    guest.hello()
    guest.login("gus", devices=["d1"])
    stranger, greeted = stage.arrive(), stage.arrive("eve")
    greeted.hello()
    actors = [stage.enter("ann", GENERAL), stage.enter("bob", GENERAL, quiet=True), guest, stranger, greeted]
    stage.slow = True
    for place, (who, frame) in enumerate(said):
        if actors[who].wire.state.value == "online":
            stage.feed(Received(actors[who].id, [frame]))
        else:
            actors[who].give(frame)
        outcome = outcomes[place] if place < len(outcomes) else ""
        if outcome == "wait":
            stage.pass_time(4)
        elif outcome:
            (stage.store if outcome == "store" else stage.refuse)()
    stage.store()
    for actor in actors:
        actor.leave()
    stage.pass_time(30)
    state = stage.hub.state
    assert not any((state.links, state.sessions, state.people, state.guest_nicks))
