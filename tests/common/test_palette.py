"""Whatever colour a user draws, it can be read on dark and on light."""

from itertools import combinations

import pytest

from chatroom.common.colors import PALETTE, contrast, draw_color, parse_color

COLORS = [color for text in PALETTE if (color := parse_color(text))]


def test_there_are_many_and_none_twice() -> None:
    assert len(set(COLORS)) == len(PALETTE) >= 24


@pytest.mark.parametrize("background", [(255, 255, 255), (250, 244, 237), (30, 30, 30), (0, 0, 0)])
def test_each_can_be_read_on_dark_and_on_light(background: tuple[int, int, int]) -> None:
    assert min(contrast(color, background) for color in COLORS) > 3.7


def test_no_two_are_alike() -> None:
    def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
        return sum(abs(a - b) for a, b in zip(one, other, strict=True))

    assert min(distance(one, other) for one, other in combinations(COLORS, 2)) > 24


def test_every_number_draws_one() -> None:
    assert {draw_color(seed) for seed in range(200)} == set(PALETTE)
