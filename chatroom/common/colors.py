"""The colours of users, and how they are made legible on any background (WCAG 2.2, contrast ratio)."""

import colorsys
import re
from typing import Final

RGB = tuple[int, int, int]
_WRITTEN: Final = re.compile("#[0-9a-fA-F]{6}")

PALETTE: Final = (
    "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2",
    "#d19a66", "#7aa2f7", "#9ece6a", "#f7768e", "#2ac3de", "#bb9af7",
    "#ff9e64", "#73daca", "#b48ead", "#a3be8c", "#d08770", "#88c0d0",
    "#ebcb8b", "#5fa8d3", "#c9706f", "#8fbc5a", "#a98bd6", "#4fb0a5",
)  # fmt: skip
"""What a user's colour is drawn from: of middle lightness, so that dark and light themes can show it."""


def draw_color(seed: int) -> str:
    """The colour that a random number stands for, `#rrggbb`."""
    return PALETTE[seed % len(PALETTE)]


def parse_color(text: str) -> RGB | None:
    """Read `#rrggbb`; None for anything else."""
    if not _WRITTEN.fullmatch(text):
        return None
    value = int(text[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def _luminance(color: RGB) -> float:
    red, green, blue = (_linear(part / 255) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(one: RGB, other: RGB) -> float:
    """The contrast of two colours, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def legible(color: RGB, background: RGB, wanted: float = 4.5) -> RGB:
    """A colour of the same hue that reads well on a background: only its lightness moves."""
    if contrast(color, background) >= wanted:
        return color
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in color))
    goal = 1.0 if _luminance(background) < 0.18 else 0.0
    near, far = lightness, goal
    for _step in range(8):
        middle = (near + far) / 2
        if contrast(_rgb(hue, middle, saturation), background) >= wanted:
            far = middle
        else:
            near = middle
    return _rgb(hue, far, saturation)


def _rgb(hue: float, lightness: float, saturation: float) -> RGB:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)
