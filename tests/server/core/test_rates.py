"""Who sends too fast is read more slowly, and loses nothing."""

from chatroom.protocol.frames import Away, ListRooms, Send
from chatroom.protocol.ids import DeviceId
from chatroom_server.core import limits
from chatroom_server.core.effects import Hold
from chatroom_server.core.inputs import SettingsChanged
from chatroom_server.core.rates import Bucket, message_cost
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Actor, Stage


def test_a_bucket_fills_at_its_rate_and_no_higher() -> None:
    bucket = Bucket(burst=10, rate=5, tokens=10, filled_at=0)
    assert bucket.take(10, now=0) == 0
    assert bucket.take(1, now=0) == 0.2
    assert bucket.take(1, now=0.4) == 0
    assert not bucket.is_full(2.3)
    assert bucket.is_full(2.5)
    assert bucket.take(10, now=100) == 0
    assert bucket.take(1, now=100) == 0.2


def test_without_a_rate_sending_is_free() -> None:
    bucket = Bucket(burst=0, rate=0, tokens=0, filled_at=0)
    assert bucket.take(1e9, now=0) == 0
    assert bucket.is_full(0)


def test_long_messages_cost_more() -> None:
    assert [message_cost(size) for size in (0, 60, 4095, 4096, 65_536)] == [1, 1, 1, 2, 17]


def test_pictures_cost_what_checking_them_takes() -> None:
    assert [message_cost(size, has_grid=True) for size in (60, 4096, 65_536)] == [10, 10, 17]
    stage = Stage(HubSettings(burst=20, rate=1))
    ann = stage.enter("ann", GENERAL)
    for _ in range(3):
        ann.say("x", kind="image", grid="none")
    assert holds(stage, ann)[-1] >= 10


def holds(stage: Stage, actor: Actor) -> list[float]:
    return [
        effect.until - stage.now
        for effect in stage.effects
        if isinstance(effect, Hold) and effect.link == actor.id
    ]


def test_other_bounds_count_at_once_for_who_is_here() -> None:
    stage = Stage(HubSettings(burst=2, rate=1))
    ann = stage.enter("ann", GENERAL)
    for _ in range(5):
        ann.say("x")
    assert holds(stage, ann)
    stage.effects.clear()
    stage.feed(SettingsChanged(HubSettings(burst=100, rate=1)))
    for _ in range(90):
        ann.say("y")
    assert not holds(stage, ann)
    assert len(ann.bodies()) == 95


def test_a_change_of_something_else_fills_no_bucket() -> None:
    stage = Stage(HubSettings(burst=2, rate=1))
    ann = stage.enter("ann", GENERAL)
    for _ in range(5):
        ann.say("x")
    stage.effects.clear()
    stage.feed(SettingsChanged(HubSettings(burst=2, rate=1, max_rooms=1)))
    ann.say("y")
    assert holds(stage, ann)


def test_a_pipe_of_lines_is_slowed_and_whole() -> None:
    stage = Stage(HubSettings(burst=15, rate=10))
    ann = stage.enter("ann", GENERAL)
    for number in range(50):
        if ann.held_until > stage.now:
            stage.pass_time(ann.held_until - stage.now)
        ann.say(str(number))
    assert ann.bodies() == [str(number) for number in range(50)]
    assert 3.8 <= stage.now - 1010 <= 4.2


def test_frames_that_were_on_their_way_make_the_wait_longer() -> None:
    stage = Stage(HubSettings(burst=15, rate=10))
    ann = stage.enter("ann", GENERAL)
    for number in range(30):
        ann.say(str(number))
    waits = holds(stage, ann)
    assert waits == sorted(waits)
    assert 2.0 <= waits[-1] <= 2.2
    assert len(ann.bodies()) == 30


def test_all_links_of_a_user_share_one_bucket_and_coming_back_fills_none() -> None:
    stage = Stage(HubSettings(burst=14, rate=0.001))
    ann = stage.enter("ann", GENERAL)
    for number in range(9):
        ann.say(str(number))
    assert holds(stage, ann) == []
    ann.leave(clean=True)
    stage.enter("bob").leave(clean=True)
    again = stage.enter("ann", nick="")
    again.say("x")
    assert holds(stage, again)


def test_requests_cost_as_messages_do() -> None:
    stage = Stage(HubSettings(burst=3, rate=1))
    ann = stage.enter("ann")
    for _time in range(4):
        ann.give(Away(away=True))
    assert len(holds(stage, ann)) == 1


def test_requests_that_make_more_work_cost_more() -> None:
    stage = Stage(HubSettings(burst=45, rate=1))
    ann = stage.enter("ann", GENERAL)
    for rid in range(2):
        ann.give(ListRooms(rid))
    assert holds(stage, ann) == []
    ann.give(ListRooms(2))
    assert holds(stage, ann) == [20]


def test_a_refused_message_costs_too() -> None:
    stage = Stage(HubSettings(burst=3, rate=1))
    ann = stage.enter("ann")
    for _time in range(4):
        ann.give(Send(GENERAL, DeviceId("d1"), 1))
    assert len(holds(stage, ann)) == 1


def test_guests_have_a_tenth() -> None:
    stage = Stage(HubSettings(burst=100, rate=10, guests=True))
    gil = stage.arrive()
    gil.hello()
    gil.login("gil")
    for _time in range(11):
        gil.give(Away(away=True))
    (wait_s,) = holds(stage, gil)
    assert wait_s == 1 / (10 * limits.GUEST_SHARE)


def test_a_rate_of_nothing_is_no_bound() -> None:
    stage = Stage(HubSettings(burst=0, rate=0))
    ann = stage.enter("ann", GENERAL)
    for _time in range(100):
        ann.say("x")
    assert holds(stage, ann) == []
