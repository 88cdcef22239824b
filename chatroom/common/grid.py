"""A picture as people see it in a terminal: characters and few colors, small enough to stand in a line.

The encoded form is the base64 (RFC 4648, section 4) of one version byte and a zlib stream (RFC 1950).
Version 1 holds, numbers of two bytes with the high byte first:

    columns, rows, colors           one byte each
    palette                         three bytes (red, green, blue) for each color
    inks                            two bytes; an ink is a character in a color
    ink colors                      one byte for each ink: its place in the palette, 255 for none
    length, ink characters          two bytes; so many bytes of UTF-8, one character for each ink
    cells                           row by row the ink of each: one byte while 256 inks suffice, else two

A photograph of 80 x 42 whose characters follow from its 64 colors takes 3 KB.
"""

import binascii
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

COLUMNS_MAX: Final = 200
ROWS_MAX: Final = 60
PALETTE_MAX: Final = 64
ENCODED_MAX: Final = 32 * 1024
"""Characters of base64 in an encoded grid."""

NO_COLOR: Final = 255
"""What stands in `Grid.colors` for a cell in the reader's own colour."""

RGB = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_VERSION: Final = 1
_ONE_BYTE_INKS: Final = 256
_CELLS_MAX: Final = COLUMNS_MAX * ROWS_MAX
_RAW_MAX: Final = 3 + 3 * PALETTE_MAX + 2 + _CELLS_MAX + 2 + 4 * _CELLS_MAX + 2 * _CELLS_MAX
_DRAWABLE: Final = re.compile(
    # Printable ASCII and Latin-1, lines and blocks, Braille, sextants. A list of what may pass outlives new
    # versions of Unicode: nothing of it is wide, combining, a control, or drawn from right to left.
    "[\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff\u2500-\u259f\u2800-\u28ff\U0001fb00-\U0001fb92]*"
)


class GridError(ValueError):
    """The grid, or what should have been one, breaks a rule; the text says which."""


class GridTooLarge(GridError):  # noqa: N818 - reads as what happened
    """The grid is valid, but its encoded form would not fit into a line."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Characters in rows, each with a color out of a small palette; always valid.

    Attributes:
        columns: 1 to 200 cells.
        rows: 1 to 60.
        characters: All cells, row by row, without line ends; each is one cell wide on every terminal.
        colors: For each cell its place in the palette, or `NO_COLOR`.
        palette: At most 64 colors.

    Raises:
        GridError: Sizes, characters or colors are not as said here.
    """

    columns: int
    rows: int
    characters: str
    colors: bytes
    palette: tuple[RGB, ...] = ()

    def __post_init__(self) -> None:
        _check_sizes(self.columns, self.rows, len(self.palette))
        cells = self.columns * self.rows
        if len(self.characters) != cells or len(self.colors) != cells:
            raise GridError(
                f"a picture of {self.columns} x {self.rows} needs {cells} characters and as many colors"
            )
        if not _DRAWABLE.fullmatch(self.characters):
            raise GridError("a picture has a character that cannot be drawn in one cell")
        if any(not 0 <= part <= 255 for color in self.palette for part in color):
            raise GridError("a color of a picture is out of range")
        if any(color != NO_COLOR and color >= len(self.palette) for color in set(self.colors)):
            raise GridError("a picture uses a color that is not in its palette")

    def rows_of_cells(self) -> Iterator[tuple[str, bytes]]:
        """Yield each row, top first: its characters and their places in the palette."""
        for start in range(0, self.columns * self.rows, self.columns):
            end = start + self.columns
            yield self.characters[start:end], self.colors[start:end]


def encode(grid: Grid) -> str:
    """Give the text that stands for a grid in a line; `decode` inverts it.

    Raises:
        GridTooLarge: The text would be longer than 32 KiB.
    """
    packed = bytes([_VERSION]) + zlib.compress(_pack(grid), 9)
    text = binascii.b2a_base64(packed, newline=False).decode("ascii")
    if len(text) > ENCODED_MAX:
        raise GridTooLarge(
            f"the picture takes {len(text):,} bytes, {ENCODED_MAX:,} are allowed: draw it smaller"
        )
    return text


def decode(text: str) -> Grid:
    """Read what `encode` wrote, from anybody: work and memory are bounded whatever the text is.

    Raises:
        GridError: It is no grid, or not one of version 1, or one that breaks a rule.
    """
    if len(text) > ENCODED_MAX:
        raise GridTooLarge(f"a picture takes {ENCODED_MAX:,} bytes at most, this one {len(text):,}")
    try:
        packed = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise GridError("a picture is not valid base64") from error
    if packed[:1] != bytes([_VERSION]):
        raise GridError("a picture has a version that this program does not know")
    return _unpack(_Reader(_inflate(packed[1:])))


def fit(grid: Grid, width: int) -> Grid:
    """Resample a grid to at most this many columns, keeping its proportions; it is never enlarged."""
    columns = min(grid.columns, max(1, width))
    if columns == grid.columns:
        return grid
    rows = max(1, (2 * grid.rows * columns + grid.columns) // (2 * grid.columns))
    across, down = _centres(grid.columns, columns), _centres(grid.rows, rows)
    cells = [row * grid.columns + column for row in down for column in across]
    characters = "".join(grid.characters[cell] for cell in cells)
    return Grid(columns, rows, characters, bytes(grid.colors[cell] for cell in cells), grid.palette)


def plain_lines(grid: Grid) -> list[str]:
    """Give the rows as text without colors and without the spaces at their ends."""
    return [characters.rstrip(" ") for characters, _ in grid.rows_of_cells()]


def _check_sizes(columns: int, rows: int, colors: int) -> None:
    if not (1 <= columns <= COLUMNS_MAX and 1 <= rows <= ROWS_MAX):
        raise GridError(
            f"a picture has 1 to {COLUMNS_MAX} columns and 1 to {ROWS_MAX} rows, not {columns} x {rows}"
        )
    if colors > PALETTE_MAX:
        raise GridError(f"a picture has {PALETTE_MAX} colors at most, not {colors}")


def _centres(old: int, new: int) -> list[int]:
    """Which of `old` places lie under the middles of `new` ones."""
    return [(2 * place + 1) * old // (2 * new) for place in range(new)]


def _pack(grid: Grid) -> bytes:
    inks: dict[tuple[str, int], int] = {}
    cells = [inks.setdefault(ink, len(inks)) for ink in zip(grid.characters, grid.colors, strict=True)]
    characters = "".join(character for character, _ in inks).encode()
    width = 1 if len(inks) <= _ONE_BYTE_INKS else 2
    return b"".join(
        (
            bytes((grid.columns, grid.rows, len(grid.palette))),
            *map(bytes, grid.palette),
            len(inks).to_bytes(2, "big"),
            bytes(color for _, color in inks),
            len(characters).to_bytes(2, "big"),
            characters,
            *(cell.to_bytes(width, "big") for cell in cells),
        )
    )


def _inflate(packed: bytes) -> bytes:
    """Expand one whole zlib stream, and never more than a grid can take."""
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(packed, _RAW_MAX + 1)
    except zlib.error as error:
        raise GridError("a picture is damaged") from error
    if len(raw) > _RAW_MAX:
        raise GridError("a picture expands to more than a picture can take")
    if not stream.eof or stream.unused_data:
        raise GridError("a picture is cut off, or something follows it")
    return raw


class _Reader:
    """Takes fields off the front of bytes; what is missing is a `GridError`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, length: int) -> bytes:
        taken = self._raw[self._at : self._at + length]
        if len(taken) < length:
            raise GridError("a picture is cut off")
        self._at += length
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def finish(self) -> None:
        if self._at != len(self._raw):
            raise GridError("something follows a picture's last cell")


def _unpack(reader: _Reader) -> Grid:
    columns, rows, colors = reader.take(3)
    _check_sizes(columns, rows, colors)
    parts = iter(reader.take(3 * colors))
    palette = tuple(zip(parts, parts, parts, strict=True))
    inks = _unpack_inks(reader)
    width = 1 if len(inks) <= _ONE_BYTE_INKS else 2
    packed = reader.take(columns * rows * width)
    reader.finish()
    cells = (
        packed
        if width == 1
        else [high << 8 | low for high, low in zip(packed[::2], packed[1::2], strict=True)]
    )
    if max(cells) >= len(inks):
        raise GridError("a cell of a picture names an ink that it does not have")
    characters = "".join(inks[cell][0] for cell in cells)
    return Grid(columns, rows, characters, bytes(inks[cell][1] for cell in cells), palette)


def _unpack_inks(reader: _Reader) -> list[tuple[str, int]]:
    count = reader.number()
    colors = reader.take(count)
    try:
        characters = reader.take(reader.number()).decode()
    except UnicodeDecodeError as error:
        raise GridError("a picture's characters are not valid UTF-8") from error
    if len(characters) != count:
        raise GridError(f"a picture has {count} inks, but {len(characters)} characters for them")
    return list(zip(characters, colors, strict=True))
