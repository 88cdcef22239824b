"""Pictures that the tests of this folder draw."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image

FORMATS: Final = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP"}
LOGO: Final = Path(__file__).parents[2] / "assets" / "logo.png"

Save = Callable[..., Path]
"""The fixture `save`: name, picture (default: `halves`), options of Pillow."""


def halves(mode: str = "RGB", size: tuple[int, int] = (80, 44)) -> Image.Image:
    """Orange on the left, blue on the right."""
    image = Image.new("RGB", size, (255, 136, 0))
    image.paste((0, 0, 255), (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)
