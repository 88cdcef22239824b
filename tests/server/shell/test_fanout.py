"""One write a link and round, shared bytes, and links that are slow."""

from collections.abc import Callable

import pytest

from chatroom.protocol import codec
from chatroom.protocol.frames import Gap
from chatroom.protocol.ids import RoomId
from chatroom_server.shell import fanout as module
from chatroom_server.shell.fanout import FAREWELL_MAX, Fanout
from chatroom_server.shell.tails import TAIL_BYTES_MAX, WRITE_MAX, Outlet

GENERAL, OTHER = RoomId("general"), RoomId("other")


class Recorder(Outlet):
    """A link that keeps what it was written, as long as it takes anything."""

    __slots__ = ("is_stuck", "lacking", "written")

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_stuck = False
        self.lacking: tuple[bytes, OSError | None] = (b"", None)

    def write(self, data: bytes) -> None:
        assert not self.blocked
        self.written.append(data)
        self.blocked = self.is_stuck

    def not_taken(self, data: bytes, sent: int, error: OSError | None = None) -> None:
        self.blocked, self.sink = True, None
        self.lacking = (data[sent:], error)

    @property
    def text(self) -> bytes:
        """All that was written."""
        return b"".join(self.written)


class Stage:
    """A fan-out whose rounds are run by hand."""

    def __init__(self) -> None:
        self.asked = 0
        self.fanout = Fanout(self.ask)

    def ask(self, run_round: Callable[[], None]) -> None:
        self.asked += 1

    def link(self, *rooms: RoomId) -> Recorder:
        recorder = Recorder()
        for room in rooms:
            self.fanout.subscribe(recorder, room, 0)
        return recorder

    def run(self) -> None:
        while self.asked:
            self.asked = 0
            self.fanout.run_round()

    def say(self, *frames: bytes, room: RoomId = GENERAL, first: int = 1) -> None:
        self.fanout.broadcast_lines(room, first, list(frames))

    def whisper(self, link: Recorder, data: bytes) -> None:
        link.queue.append(data)
        link.queued += len(data)
        self.fanout.touch(link)

    def unblock(self, link: Recorder) -> None:
        link.is_stuck = link.blocked = False
        self.fanout.drained(link)
        self.run()


def test_a_round_writes_once_to_each_link_and_shares_the_bytes() -> None:
    stage = Stage()
    links = [stage.link(GENERAL) for _ in range(3)]
    stage.say(b"one", b"two", b"three")
    assert stage.asked == 1
    stage.run()
    assert [link.written for link in links] == [[b"onetwothree"]] * 3
    assert links[0].written[0] is links[2].written[0]
    assert stage.fanout.writes == 3


class Broken(Recorder):
    """A link that raises, which none should."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        raise ValueError("broken")


class Socket:
    """Takes so many bytes of each write, or none at all."""

    def __init__(self, takes: int = 1000, error: OSError | None = None) -> None:
        self.takes, self.error = takes, error
        self.sent: list[bytes] = []

    def send(self, data: bytes, /) -> int:
        if self.error is not None:
            raise self.error
        self.sent.append(data[: self.takes])
        return len(self.sent[-1])


def test_a_round_puts_bytes_right_into_a_sink_and_says_what_it_did_not_take() -> None:
    stage, error = Stage(), BlockingIOError()
    good, short, full = Socket(), Socket(takes=2), Socket(error=error)
    links = [stage.link(GENERAL) for _ in range(3)]
    links[0].sink, links[1].sink, links[2].sink = good, short, full
    stage.say(b"one")
    stage.run()
    assert (good.sent, short.sent, full.sent) == ([b"one"], [b"on"], [])
    assert [link.lacking for link in links] == [(b"", None), (b"e", None), (b"one", error)]
    assert [link.text for link in links] == [b"", b"", b""]
    stage.say(b"two", first=2)
    stage.run()
    assert good.sent == [b"one", b"two"]
    assert [bool(link.behind) for link in links] == [False, True, True]


def test_what_waits_for_a_link_alone_is_not_overtaken_by_its_room() -> None:
    stage = Stage()
    link, other = stage.link(GENERAL), stage.link(OTHER)
    link.sink, other.sink = Socket(), Socket()
    stage.whisper(link, b"you, ")
    stage.say(b"there", room=OTHER)
    stage.say(b"here")
    stage.run()
    assert (link.sink.sent, link.written) == ([], [b"you, here"])
    assert (other.sink.sent, other.written) == ([b"there"], [])


def test_two_rooms_are_one_write() -> None:
    stage = Stage()
    link = stage.link(GENERAL, OTHER)
    link.sink = Socket()
    stage.say(b"there", room=OTHER)
    stage.say(b"here")
    stage.run()
    assert (link.sink.sent, len(link.written)) == ([], 1)
    assert sorted(link.text) == sorted(b"therehere")


class Raising(Socket):
    """Raises what no socket should."""

    def send(self, data: bytes, /) -> int:
        raise ValueError("broken")


class Confused(Recorder):
    """Raises when it hears what its sink did not take."""

    __slots__ = ()

    def not_taken(self, data: bytes, sent: int, error: OSError | None = None) -> None:
        raise ValueError("broken")


@pytest.mark.parametrize("sink", [Raising(), Socket(takes=1), Socket(error=BlockingIOError())])
def test_one_broken_sink_breaks_no_round(sink: Socket) -> None:
    stage = Stage()
    broken = Confused()
    stage.fanout.subscribe(broken, GENERAL, 0)
    good = stage.link(GENERAL)
    broken.sink, good.sink = sink, Socket()
    stage.say(b"one")
    stage.run()
    broken.sink = None
    stage.say(b"two", first=2)
    stage.run()
    assert good.sink.sent == [b"one", b"two"]
    assert broken.blocked


def test_one_broken_link_breaks_no_round() -> None:
    for whispered in (b"", b"?"):  # both ways through a round
        stage = Stage()
        broken, good = Broken(), stage.link(GENERAL)
        stage.fanout.subscribe(broken, GENERAL, 0)
        late = stage.link(GENERAL)
        if whispered:
            stage.whisper(good, whispered)
        stage.say(b"one")
        stage.run()
        stage.say(b"two", first=2)
        stage.run()
        assert good.written == [whispered + b"one", b"two"]
        assert late.written == [b"one", b"two"]
        assert broken.blocked


def test_several_rooms_and_what_is_for_one_link_alone_are_one_write() -> None:
    stage = Stage()
    link = stage.link(GENERAL, OTHER)
    stage.say(b"a")
    stage.say(b"b", room=OTHER)
    stage.whisper(link, b"welcome")
    stage.say(b"c", first=2)
    stage.run()
    assert len(link.written) == 1
    assert sorted([link.text[7:9], link.text[9:]]) == [b"ac", b"b"]
    assert link.text.startswith(b"welcome")


def test_a_link_gets_what_comes_after_its_subscription_only() -> None:
    stage = Stage()
    first = stage.link(GENERAL)
    stage.say(b"before")
    second = stage.link(GENERAL)
    stage.say(b"after", first=2)
    stage.run()
    assert (first.text, second.text) == (b"beforeafter", b"after")


def test_a_room_without_links_keeps_nothing() -> None:
    stage = Stage()
    assert stage.fanout.broadcast_lines(GENERAL, 1, [b"nobody"]) == 0
    link = stage.link(GENERAL)
    stage.say(b"somebody", first=2)
    stage.run()
    assert link.text == b"somebody"
    tail = link.rooms[0]
    assert (tail.size, tail.kept) == (0, 0)


def test_what_was_said_before_a_link_closes_the_room_goes_out_to_it() -> None:
    stage = Stage()
    link = stage.link(GENERAL)
    stage.say(b"last words")
    stage.fanout.unsubscribe(link, GENERAL)
    stage.say(b"not for you", first=2)
    stage.whisper(link, b"left")
    stage.run()
    assert link.text == b"last wordsleft"


def test_nothing_is_written_to_a_full_socket_and_nothing_is_lost() -> None:
    stage = Stage()
    slow, quick = stage.link(GENERAL), stage.link(GENERAL)
    slow.is_stuck = True
    for number in range(1, 11):
        stage.say(b"%d." % number, first=number)
        stage.run()
    assert len(slow.written) == 1
    assert quick.text == b"1.2.3.4.5.6.7.8.9.10."
    stage.unblock(slow)
    assert slow.text == quick.text
    assert len(slow.written) == 2
    assert slow.behind is None
    assert slow.rooms[0].size == 0


def test_slow_links_at_the_same_place_share_the_bytes_too() -> None:
    stage = Stage()
    links = [stage.link(GENERAL) for _ in range(2)]
    for link in links:
        link.is_stuck = True
    stage.say(b"x")
    stage.run()
    stage.say(b"yy", b"zz", first=2)
    stage.run()
    for link in links:
        link.is_stuck = link.blocked = False
        stage.fanout.drained(link)
    stage.run()
    assert links[0].written[1] == b"yyzz"
    assert links[0].written[1] is links[1].written[1]


def test_a_link_that_falls_off_the_tail_is_told_the_gap() -> None:
    stage = Stage()
    slow = stage.link(GENERAL)
    slow.is_stuck = True
    stage.say(b"seen")
    stage.run()
    frame = bytes(100_000)
    for number in range(2, 42):
        stage.say(frame, first=number)
        stage.run()
    assert slow.rooms[0].size <= TAIL_BYTES_MAX + len(frame)
    stage.unblock(slow)
    assert slow.written[1] == codec.encode(Gap(room=GENERAL, after=1, last=41))
    stage.say(b"again", first=42)
    stage.run()
    assert slow.text.endswith(b"again")


def test_what_is_long_comes_in_pieces() -> None:
    stage = Stage()
    link, frame = stage.link(GENERAL), bytes(WRITE_MAX // 4 + 1)
    stage.say(*[frame] * 9)
    stage.run()
    assert len(link.text) == 9 * len(frame)
    assert max(map(len, link.written)) <= WRITE_MAX
    assert link.behind is None


def test_all_tails_together_are_bounded() -> None:
    stage = Stage()
    before, module.TAILS_BYTES_MAX = module.TAILS_BYTES_MAX, 10_000  # type: ignore[misc]  # a smaller bound
    try:
        rooms = [RoomId(str(number)) for number in range(50)]
        slow = stage.link(*rooms)
        slow.is_stuck = True
        stage.whisper(slow, b"full")
        stage.run()
        for room in rooms:
            stage.say(bytes(1000), room=room)
            stage.run()
        assert sum(tail.size for tail in slow.rooms) <= 10_000
        stage.unblock(slow)
        assert slow.behind is None
    finally:
        module.TAILS_BYTES_MAX = before  # type: ignore[misc]


def test_a_slow_link_that_closes_a_room_is_told_of_the_gap_rather_than_sent_it_all() -> None:
    stage = Stage()
    slow = stage.link(GENERAL)
    slow.is_stuck = True
    stage.say(b"seen")
    stage.run()
    stage.say(bytes(FAREWELL_MAX + 1), first=2)
    stage.run()
    stage.fanout.unsubscribe(slow, GENERAL)
    stage.unblock(slow)
    assert slow.written[1] == codec.encode(Gap(room=GENERAL, after=1, last=2))


def test_a_link_that_is_gone_leaves_nothing_behind() -> None:
    stage = Stage()
    slow, other = stage.link(GENERAL), stage.link(GENERAL)
    slow.is_stuck = True
    for number in (1, 2):
        stage.say(b"x", first=number)
        stage.run()
    tail = other.rooms[0]
    assert tail.lagging == 1
    stage.fanout.drop(slow)
    assert (tail.lagging, tail.size, slow.rooms) == (0, 0, [])
    stage.say(b"y", first=3)
    stage.run()
    assert (slow.text, other.text) == (b"x", b"xxy")
