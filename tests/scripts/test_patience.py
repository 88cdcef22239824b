"""How long a script waits for a server that is there, and for one that is away."""

from chatroom.scripts.patience import Patience


class Scene:
    """A clock, a link, and somebody who waits."""

    def __init__(self, *, timeout_s: float = 30.0, away_s: float = 3.0, is_there: bool = True) -> None:
        self.now, self.is_there = 100.0, is_there
        self.patience = Patience(timeout_s, away_s, clock=lambda: self.now, is_there=lambda: self.is_there)

    def after(self, seconds: float) -> float:
        """What is left after some time more."""
        self.now += seconds
        return self.patience.left_s

    def becomes(self, *, there: bool) -> None:
        self.patience.look()
        self.is_there = there


def test_a_server_that_is_there_has_the_time_out() -> None:
    scene = Scene()
    assert scene.after(29.0) == 1.0
    assert scene.after(1.0) == 0.0


def test_a_link_that_is_lost_ends_it_sooner_than_the_time_out() -> None:
    scene = Scene()
    scene.after(1.0)
    scene.becomes(there=False)
    assert scene.after(2.0) == 1.0
    assert scene.after(1.0) == 0.0


def test_a_server_that_is_away_is_waited_for_longer_than_the_time_out() -> None:
    scene = Scene(away_s=600.0, is_there=False)
    assert scene.after(599.0) == scene.patience.away_left_s == 1.0


def test_a_server_that_comes_back_has_all_of_the_time_out() -> None:
    scene = Scene()
    scene.after(29.0)
    scene.becomes(there=False)
    scene.after(1.0)
    scene.becomes(there=True)
    assert scene.after(0.0) == 30.0


def test_a_server_that_falls_over_and_over_is_away_in_sum() -> None:
    scene = Scene()
    for _time in range(3):
        scene.becomes(there=False)
        scene.after(1.0)
        scene.becomes(there=True)
        scene.after(1.0)
    assert scene.patience.away_left_s == 0.0


def test_what_moves_begins_both_anew_and_what_is_waited_for_only_the_time_out() -> None:
    scene = Scene()
    scene.becomes(there=False)
    scene.after(2.0)
    scene.becomes(there=True)
    scene.after(2.0)
    scene.patience.begin()
    assert (scene.patience.left_s, scene.patience.away_left_s) == (30.0, 1.0)
    scene.patience.renew()
    assert (scene.patience.left_s, scene.patience.away_left_s) == (30.0, 3.0)


def test_without_a_time_for_it_there_is_no_difference() -> None:
    scene = Scene(away_s=0.0, is_there=False)
    assert scene.after(10.0) == 20.0
    assert scene.patience.away_left_s == 0.0
