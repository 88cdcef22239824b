"""Draws a picture's file as a grid of characters, with ascii-magic, on the machine of the one who sends it.

Nothing but the grid and the file's name leaves it: neither metadata nor the folder. ascii-magic is only given
what it draws well, a small upright RGB picture of exactly as many pixels as there will be cells; orientation,
transparency, odd modes and extreme shapes are dealt with before. The colors are reduced first, so that a
cell's character follows from its color: the grid of a photograph then takes half the room. Pillow and
ascii-magic are imported with the first picture (120 ms).
"""

import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatroom.common.grid import COLUMNS_MAX, NO_COLOR, PALETTE_MAX, ROWS_MAX, Grid
from chatroom.media.errors import PictureError, Problem, shown
from chatroom.media.files import picture_format, read_picture

if TYPE_CHECKING:
    from PIL.Image import Image

PIXELS_MAX: Final = 16_000_000
"""Of a picture in memory; JPEG files may have 64 times as many, since they are read at a smaller scale."""

_CELL_RATIO: Final = 2.2
"""Height of a cell of a terminal over its width, as ascii-magic has it."""

_PIXELS_PER_COLUMN: Final = 4
_DARK, _LIGHT = (0, 0, 0), (255, 255, 255)
_HARDLY_VISIBLE: Final = 64
"""Difference from the ground, of red, green or blue, that needs to be passed somewhere."""

_ORIENTATION: Final = 0x0112
_one_at_a_time = threading.Lock()
"""Several large pictures at once would take hundreds of MiB; and muting warnings is for the whole program."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture.

    Attributes:
        name: Of its file, without the folder, inert.
    """

    name: str
    grid: Grid

    @property
    def caption(self) -> str:
        """The body of its message, such as `logo.png, 28 x 10`."""
        return f"{self.name}, {self.grid.columns} x {self.grid.rows}"


def draw(path: Path, *, columns: int = 80) -> Picture:
    """Draw a PNG, JPEG, GIF (its first frame) or WebP file. Blocking, 20 ms and more; call it in a thread.

    Args:
        path: The file; `~/` is understood.
        columns: At most so many (1 to 200); fewer if the picture is smaller or higher than 60 rows.

    Raises:
        PictureError: It cannot be drawn; its text says why and what to do.
    """
    path = _expanded(path)
    columns = min(max(1, columns), COLUMNS_MAX)
    data = read_picture(path)
    with _one_at_a_time, _muted(), _translated(path):
        small = _shrink(_upright(_load(path, data, columns)), columns)
    return Picture(shown(path.name), _to_grid(small))


async def draw_off_loop(path: Path, *, columns: int = 80) -> Picture:
    """Do as `draw` does on a thread, so that the event loop goes on meanwhile."""
    from asyncio import to_thread

    return await to_thread(draw, path, columns=columns)


def _expanded(path: Path) -> Path:
    with suppress(RuntimeError):  # nobody knows where home is: then it will not be found
        return path.expanduser()
    return path


@contextmanager
def _muted() -> Iterator[None]:
    """Keep Pillow's warnings, about odd metadata or many pixels, off the terminal that shows the screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Put whatever a decoder raises, which can be anything, into our words."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except PictureError:
        raise
    except (DecompressionBombError, MemoryError) as error:
        raise PictureError(Problem.TOO_MANY_PIXELS, path) from error
    except Exception as error:
        raise PictureError(Problem.DAMAGED, path) from error


def _load(path: Path, data: bytes, columns: int) -> "Image":
    """Decode the first frame, a JPEG at no larger a scale than is needed."""
    from PIL import Image

    image = Image.open(BytesIO(data), formats=(picture_format(data) or "",))
    image.draft("RGB", (columns * _PIXELS_PER_COLUMN,) * 2)
    if image.width * image.height > PIXELS_MAX:
        raise PictureError(Problem.TOO_MANY_PIXELS, path)
    image.load()
    return image


def _upright(image: "Image") -> "Image":
    """Turn as the camera noted; damage in such notes leaves it as it is."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    with suppress(OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        turn = turns.get(image.getexif().get(_ORIENTATION, 1))
        return image if turn is None else image.transpose(turn)
    return image


def _shrink(image: "Image", columns: int) -> "Image":
    """Give an opaque RGB picture with one pixel for each cell."""
    from PIL.Image import Resampling

    size = _cells(image.width, image.height, columns)
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip
        image = image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image = image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)
    return _opaque(image) if image.mode == "RGBA" else image


def _cells(width: int, height: int, columns: int) -> tuple[int, int]:
    """Columns and rows for a picture of so many pixels: in proportion, within the bounds, never enlarged."""
    columns = min(columns, width)
    highest = ROWS_MAX * _CELL_RATIO * width / height
    columns = max(1, min(columns, round(highest)))
    return columns, min(ROWS_MAX, max(1, round(columns * height / width / _CELL_RATIO)))


def _opaque(image: "Image") -> "Image":
    """Put a transparent picture on dark ground; on light only if nothing of it could be seen on dark."""
    dark = _on(image, _DARK)
    if max(dark.tobytes()) > _HARDLY_VISIBLE:
        return dark
    light = _on(image, _LIGHT)
    return light if min(light.tobytes()) < 255 - _HARDLY_VISIBLE else dark


def _on(image: "Image", ground: tuple[int, int, int]) -> "Image":
    from PIL import Image

    below = Image.new("RGBA", image.size, (*ground, 255))
    below.alpha_composite(image)
    return below.convert("RGB")


def _to_grid(small: "Image") -> Grid:
    """Reduce the colors, then let ascii-magic choose a character for each pixel."""
    from ascii_magic import AsciiArt  # type: ignore[import-untyped]  # it has no types
    from PIL.Image import Dither

    reduced = small.quantize(PALETTE_MAX, kmeans=1, dither=Dither.NONE)
    opaque = reduced.convert("RGB")
    # At a width ratio of 1 it keeps the size that it is given, so that its rows are ours.
    art = AsciiArt.from_pillow_image(opaque).to_ascii(columns=small.width, width_ratio=1.0)
    characters = str(art).replace("\n", "")
    places = {index: place for place, index in enumerate(dict.fromkeys(reduced.tobytes()))}
    parts = reduced.getpalette() or []
    palette = tuple((parts[3 * index], parts[3 * index + 1], parts[3 * index + 2]) for index in places)
    colors = (
        NO_COLOR if character == " " else places[index]
        for character, index in zip(characters, reduced.tobytes(), strict=True)
    )
    return Grid(small.width, small.height, characters, bytes(colors), palette)
