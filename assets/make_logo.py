"""Draws `logo.png`, the speech bubble that stands for chatroom: `python assets/make_logo.py`."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

SIZE: Final = (160, 100)
SCALE: Final = 4
"""It is drawn larger and reduced, which smooths its edges."""

GROUND, BUBBLE, SHADE = (0, 0, 0, 0), (86, 182, 194, 255), (40, 44, 52, 255)
DOTS: Final = ((224, 108, 117, 255), (229, 192, 123, 255), (152, 195, 121, 255))


def logo() -> Image.Image:
    """Give the logo, 160 x 100 pixels on transparent ground."""
    image = Image.new("RGBA", (SIZE[0] * SCALE, SIZE[1] * SCALE), GROUND)
    pen = ImageDraw.Draw(image)
    pen.polygon(_scaled(36, 62, 30, 96, 70, 70), fill=BUBBLE)
    pen.rounded_rectangle(_scaled(6, 4, 153, 76), radius=26 * SCALE, fill=BUBBLE)
    pen.rounded_rectangle(_scaled(13, 11, 146, 69), radius=20 * SCALE, fill=SHADE)
    for place, color in enumerate(DOTS):
        left = 36 + 34 * place
        pen.ellipse(_scaled(left, 30, left + 20, 50), fill=color)
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def _scaled(*pixels: int) -> list[int]:
    return [pixel * SCALE for pixel in pixels]


if __name__ == "__main__":
    logo().save(Path(__file__).with_name("logo.png"), optimize=True)
