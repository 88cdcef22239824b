"""Colours are read strictly, and legible wherever they are shown."""

import colorsys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.colors import PALETTE, RGB, contrast, draw_color, legible, parse_color

parts = st.integers(0, 255)
colors = st.tuples(parts, parts, parts)


@given(colors, colors)
def test_any_color_is_legible_on_any_background(color: RGB, background: RGB) -> None:
    moved = legible(color, background)
    assert contrast(moved, background) >= 4.5
    assert all(0 <= part <= 255 for part in moved)
    assert legible(moved, background) == moved


@given(colors, colors)
def test_a_legible_color_stays(color: RGB, background: RGB) -> None:
    if contrast(color, background) >= 4.5:
        assert legible(color, background) == color


@pytest.mark.parametrize("background", [(0x12, 0x12, 0x12), (0xF5, 0xF5, 0xF5)])
@pytest.mark.parametrize("color", PALETTE)
def test_the_palette_keeps_its_hues(color: str, background: RGB) -> None:
    parsed = parse_color(color)
    assert parsed is not None
    hue, _, _ = colorsys.rgb_to_hls(*(part / 255 for part in parsed))
    moved, _, _ = colorsys.rgb_to_hls(*(part / 255 for part in legible(parsed, background)))
    assert min(abs(hue - moved), 1 - abs(hue - moved)) < 0.02


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1
    assert contrast((0x77, 0x77, 0x77), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    assert contrast((255, 255, 255), (0, 0, 255)) == contrast((0, 0, 255), (255, 255, 255))


@given(colors)
def test_a_written_color_is_read(color: RGB) -> None:
    written = "#{:02x}{:02x}{:02x}".format(*color)
    assert parse_color(written) == parse_color(written.upper()) == color


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#fff",
        "red",
        "#12345",
        "#1234567",
        "#+12345",
        "#1_2345",
        "# 12345",
        "#12345g",
        "#12345\n",
        "#１２３４５６",
    ],
)
def test_anything_else_is_no_color(text: str) -> None:
    assert parse_color(text) is None


@given(st.integers(min_value=0))
def test_a_color_is_drawn_from_the_palette(seed: int) -> None:
    assert draw_color(seed) in PALETTE
    assert draw_color(seed) == draw_color(seed + len(PALETTE))


def test_the_colors_of_the_palette_differ() -> None:
    assert len(set(PALETTE)) == len(PALETTE)
