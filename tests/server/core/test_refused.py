"""Behind what the disk refused nothing of the same device is stored, until that comes again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.protocol.frames import Ack, Line, Refusal, Send
from chatroom.protocol.ids import DeviceId
from chatroom_server.core import limits
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Actor, Stage
from tests.server.core.test_guests import foreign

NOT_STORED = "not-stored"


def refusals(actor: Actor) -> list[tuple[int, str]]:
    return [(refusal.n, refusal.code) for refusal in actor.all(Refusal)]


def one_refused(stage: Stage, author: Actor) -> None:
    """The disk refuses number 1, and takes everything afterwards."""
    stage.slow = True
    author.say("one")
    stage.refuse("disk-full")
    stage.slow = False


def test_what_was_sent_behind_it_waits_for_the_same_reason(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    one_refused(stage, ann)
    ann.say("two")
    ann.say("three")
    assert refusals(ann) == [(1, NOT_STORED), (2, NOT_STORED), (3, NOT_STORED)]
    assert ann.last(Refusal).args == {"reason": "disk-full"}
    for n, body in enumerate(("one", "two", "three"), 1):
        ann.say(body, n=n)
    assert ann.bodies() == ["one", "two", "three"]


def test_the_lowest_of_several_has_to_come_again(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    stage.slow = True
    ann.say("one")
    ann.say("two")
    stage.refuse("disk-full")
    stage.slow = False
    ann.say("two", n=2)
    assert ann.bodies() == []
    ann.say("one", n=1)
    ann.say("two", n=2)
    assert ann.bodies() == ["one", "two"]


def test_others_and_other_devices_do_not_wait(stage: Stage) -> None:
    ann, bob, there = stage.enter("ann", GENERAL), stage.enter("bob", GENERAL), stage.enter("ann", dev="d2")
    one_refused(stage, ann)
    bob.say("bob's")
    there.say("ann's other program's")
    assert len(stage.disk[GENERAL]) == 2


def test_a_new_login_waits_for_nothing(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    one_refused(stage, ann)
    ann.leave()
    again = stage.enter("ann")
    again.say("five", n=5)
    assert again.bodies() == ["five"]


def test_what_does_not_come_again_is_not_waited_for_for_ever(stage: Stage) -> None:
    ann = stage.enter("ann", GENERAL)
    one_refused(stage, ann)
    stage.pass_time(limits.REFUSED_HOLD_S - 1)
    ann.say("two")
    stage.pass_time(1)
    ann.say("three")
    assert ann.bodies() == ["three"]


def test_people_at_a_gateway_say_it_again_themselves() -> None:
    stage = Stage(HubSettings(guests=True))
    guest = foreign(stage, "gil")
    guest.join(GENERAL)
    one_refused(stage, guest)
    guest.say("something else")
    assert guest.bodies() == ["something else"]


# --- whatever happens in whatever order ---------------------------------------------------------
class Author:
    """A client that keeps to the protocol, at the end of a slow line; `given_up` should stay empty."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.link = stage.enter("ann", GENERAL)
        self.said = 0
        self.given_up: list[Refusal] = []
        self._waiting: set[int] = set()
        self._in_flight: set[int] = set()
        self._on_the_line: list[int] = []
        self._read = len(self.link.frames)
        self._is_careful = False

    @property
    def is_done(self) -> bool:
        return not self._waiting

    def say(self) -> None:
        self.said += 1
        self._waiting.add(self.said)
        self._send()

    def arrive(self) -> None:
        """One frame reaches the server."""
        if self._on_the_line:
            n = self._on_the_line.pop(0)
            self.link.give(Send(GENERAL, DeviceId("d1"), n, str(n)))

    def read(self) -> None:
        """All that the server has sent arrives."""
        frames, self._read = self.link.frames[self._read :], len(self.link.frames)
        for frame in frames:
            if isinstance(frame, Line | Ack):
                self._in_flight.discard(frame.n)
                self._waiting.discard(frame.n)
                self._is_careful = False
            elif isinstance(frame, Refusal):
                self._in_flight.discard(frame.n)
                self._is_careful = True
                if frame.code != NOT_STORED:
                    self.given_up.append(frame)
        self._send()

    def cut(self) -> None:
        """The link is lost, with all that is on it."""
        self.link.leave()
        self.link = self.stage.enter("ann")
        self._on_the_line.clear()
        self._in_flight.clear()
        self._read = 0
        self._send()

    def _send(self) -> None:
        at_once = 1 if self._is_careful else 4
        for n in sorted(self._waiting - self._in_flight):
            if len(self._in_flight) < at_once:
                self._in_flight.add(n)
                self._on_the_line.append(n)


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(("say", "say", "arrive", "arrive", "read", "store", "refuse", "cut")), min_size=8
    )
)
def test_an_author_who_keeps_to_the_protocol_is_stored_whole_and_in_order(steps: list[str]) -> None:
    stage = Stage(HubSettings())
    author = Author(stage)
    stage.slow = True
    for step in steps:
        if step == "store":
            stage.store(1)
        elif step == "refuse":
            stage.refuse()
        else:
            getattr(author, step)()
    for _turn in range(2 * author.said + 2):
        for _frame in range(4):
            author.arrive()
        stage.store()
        author.read()
    assert author.is_done
    assert author.given_up == []
    assert [line.partition(b'"n":')[2].split(b",")[0] for line in stage.disk.get(GENERAL, [])] == [
        b"%d" % n for n in range(1, author.said + 1)
    ]
