"""The colours of users, and how they are made legible on any background (WCAG 2.2, contrast ratio)."""

import colorsys
import re
from typing import Final

RGB = tuple[int, int, int]
_WRITTEN: Final = re.compile("#[0-9a-fA-F]{6}")

PALETTE: Final = (
    "#d54644", "#c05d0c", "#a26f06", "#877a00", "#5d8507", "#098b4b",
    "#0d8877", "#088690", "#1282ac", "#2177e1", "#7069e3", "#9c5ad0",
    "#bc4dac", "#cf457d", "#9e6d59", "#907548", "#767d4c", "#578261",
    "#40847d", "#458095", "#607aa2", "#7d72a0", "#946c8f", "#a06a74",
)  # fmt: skip
"""What a user's colour is drawn from: 14 full and 10 muted hues (OKLCH), all of the one luminance (0.19)
that can be read on white and on black."""


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
