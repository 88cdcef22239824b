"""Foreign links of one address share what one user may send: coming again makes nobody faster."""

from chatroom.protocol.frames import Failed, Welcome
from chatroom_server.core import limits
from chatroom_server.core.settings import HubSettings
from tests.server.core.stage import GENERAL, Stage
from tests.server.core.test_guests import foreign
from tests.server.core.test_rates import holds

SETTINGS = HubSettings(burst=100, rate=10)


def test_who_comes_again_and_again_is_held_and_then_sent_away() -> None:
    stage = Stage(SETTINGS)
    codes = []
    for number in range(200):
        guest = foreign(stage, f"g{number}", port=number + 1)
        codes.append([frame.code for frame in guest.all(Failed)] or bool(holds(stage, guest)))
        guest.leave(clean=True)
    free = int(SETTINGS.burst / limits.FOREIGN_LOGIN_COST)
    assert codes[:free] == [False] * free
    assert codes[free] is True, "it is in, and read more slowly"
    assert codes[-1] == ["too-many-links"], limits.FOREIGN_DEBT_MAX_S
    other = foreign(stage, "other", host="10.9.9.9")
    assert other.all(Welcome), "another address pays nothing for it"
    stage.pass_time(limits.FOREIGN_DEBT_MAX_S)
    assert foreign(stage, "again", port=999).all(Welcome), "who was refused has cost nothing"


def test_however_fast_an_address_sends_it_waits_so_long_and_no_longer() -> None:
    stage = Stage(SETTINGS)
    guests = [foreign(stage, f"g{number}", port=number + 1) for number in range(15)]
    for guest in guests:
        guest.join(GENERAL)
        for _ in range(50):
            guest.say("x")
    refused = foreign(stage, "early", port=98)
    assert not refused.all(Welcome)
    stage.pass_time(limits.FOREIGN_WAIT_MAX_S)
    assert foreign(stage, "late", port=99).all(Welcome)


def test_links_of_one_address_share_what_they_may_send() -> None:
    stage = Stage(SETTINGS)
    guests = [foreign(stage, f"g{number}", port=number + 1) for number in range(12)]
    for guest in guests:
        guest.join(GENERAL)
    waits = []
    for _ in range(5):
        for guest in guests:
            guest.say("x")
            waits.append(max(holds(stage, guest), default=0.0))
    alone = Stage(SETTINGS)
    one = foreign(alone, "one")
    one.join(GENERAL)
    for _ in range(5):
        one.say("x")
    assert max(waits) > max(holds(alone, one), default=0.0)


def test_without_a_rate_everybody_comes() -> None:
    stage = Stage(HubSettings(burst=0, rate=0))
    assert all(foreign(stage, f"g{number}", port=number + 1).all(Welcome) for number in range(50))
