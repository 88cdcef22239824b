import binascii
import random
import unicodedata
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from chatroom.common.grid import (
    COLUMNS_MAX,
    ENCODED_MAX,
    NO_COLOR,
    PALETTE_MAX,
    ROWS_MAX,
    Grid,
    GridError,
    GridTooLarge,
    decode,
    encode,
    fit,
    plain_lines,
)
from chatroom.protocol.limits import GRID_MAX

SMALL = Grid(3, 2, "ab cd ", bytes([0, 1, NO_COLOR, 1, 0, NO_COLOR]), ((255, 0, 0), (0, 0, 255)))
DRAWABLE = [
    chr(point)
    for first, last in ((0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0xFF), (0x2500, 0x259F), (0x2800, 0x28FF))
    for point in range(first, last + 1)
]


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    columns, rows = draw(st.integers(1, 40)), draw(st.integers(1, ROWS_MAX))
    part = st.integers(0, 255)
    palette = draw(st.lists(st.tuples(part, part, part), max_size=PALETTE_MAX))
    dice = random.Random(draw(st.integers()))
    places = [*range(len(palette)), NO_COLOR]
    characters = "".join(dice.choices(DRAWABLE, k=columns * rows))
    return Grid(columns, rows, characters, bytes(dice.choices(places, k=columns * rows)), tuple(palette))


def packed(raw: bytes, *, version: int = 1, after: bytes = b"") -> str:
    """The text of a grid whose fields are these bytes, sound or not."""
    whole = bytes([version]) + zlib.compress(raw, 9) + after
    return binascii.b2a_base64(whole, newline=False).decode()


def fields(
    columns: int = 1, rows: int = 1, ink: str = "x", cells: bytes = b"\0", color: int = NO_COLOR
) -> bytes:
    """The raw form of a grid with a single ink and no palette."""
    characters = ink.encode()
    head = bytes([columns, rows, 0]) + b"\0\1" + bytes([color])
    return head + len(characters).to_bytes(2, "big") + characters + cells


@given(grids())
@settings(max_examples=60)
def test_decoding_inverts_encoding(grid: Grid) -> None:
    assert decode(encode(grid)) == grid


def test_the_written_form_is_the_documented_one() -> None:
    assert decode(packed(fields())) == Grid(1, 1, "x", bytes([NO_COLOR]))
    raw = (
        bytes([3, 2, 2, 255, 0, 0, 0, 0, 255]) + b"\0\5" + bytes([0, 1, 255, 1, 0]) + b"\0\5ab cd\0\1\2\3\4\2"
    )
    assert zlib.decompress(binascii.a2b_base64(encode(SMALL))[1:]) == raw
    assert decode(packed(raw)) == SMALL


def test_more_inks_than_one_byte_can_count_come_back() -> None:
    characters = "".join(DRAWABLE[:300])
    grid = Grid(100, 3, characters, bytes([NO_COLOR]) * 300)
    assert decode(encode(grid)) == grid


def test_the_limit_is_the_one_of_the_protocol() -> None:
    assert ENCODED_MAX == GRID_MAX


def test_a_grid_too_rich_for_a_line_is_refused() -> None:
    dice = random.Random(7)
    cells = COLUMNS_MAX * ROWS_MAX
    palette = tuple((dice.randrange(256), dice.randrange(256), dice.randrange(256)) for _ in range(64))
    characters = "".join(dice.choices(DRAWABLE, k=cells))
    grid = Grid(COLUMNS_MAX, ROWS_MAX, characters, bytes(dice.choices(range(64), k=cells)), palette)
    with pytest.raises(GridTooLarge, match="draw it smaller"):
        encode(grid)


@given(st.text(max_size=200))
def test_any_text_is_a_grid_or_a_grid_error(text: str) -> None:
    with pytest.raises(GridError):
        decode(text)


@given(st.binary(max_size=200))
def test_any_fields_are_a_grid_or_a_grid_error(raw: bytes) -> None:
    try:
        grid = decode(packed(raw))
    except GridError:
        return
    assert decode(encode(grid)) == grid


@given(grids(), st.data())
@settings(max_examples=60)
def test_a_grid_with_a_changed_byte_raises_only_grid_errors(grid: Grid, data: st.DataObject) -> None:
    raw = bytearray(zlib.decompress(binascii.a2b_base64(encode(grid))[1:]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = decode(packed(bytes(raw)))
    except GridError:
        return
    assert decode(encode(changed)) == changed


def test_every_shortened_grid_is_refused() -> None:
    raw = zlib.decompress(binascii.a2b_base64(encode(SMALL))[1:])
    whole = binascii.a2b_base64(encode(SMALL))
    for length in range(len(raw)):
        with pytest.raises(GridError):
            decode(packed(raw[:length]))
    for length in range(len(whole)):
        with pytest.raises(GridError):
            decode(binascii.b2a_base64(whole[:length], newline=False).decode())


def test_a_bomb_is_not_expanded() -> None:
    bomb = packed(bytes(20_000_000))
    assert len(bomb) < ENCODED_MAX
    with pytest.raises(GridError, match="more than a picture can take"):
        decode(bomb)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "version"),
        ("A" * (ENCODED_MAX + 4), "at most"),
        ("!!!!", "base64"),
        ("\udc80é", "base64"),
        (encode(SMALL) + "\n", "base64"),
        (encode(SMALL)[:8] + " " + encode(SMALL)[8:], "base64"),
        (packed(fields(), version=2), "does not know"),
        ("AQID", "damaged"),
        (packed(fields(), after=b"x"), "something follows"),
        (packed(fields(cells=b"\0\0")), "follows"),
        (packed(fields(columns=0, cells=b"")), "1 to 200 columns"),
        (packed(fields(columns=201, cells=bytes(201))), "1 to 200 columns"),
        (packed(fields(rows=61, cells=bytes(61))), "1 to 60 rows"),
        (packed(bytes([1, 1, 65]) + bytes(195)), "64 colors"),
        (packed(fields(cells=b"\1")), "an ink that"),
        (packed(fields(color=0)), "not in its palette"),
        (packed(fields(ink="xy")), "2 characters"),
        (packed(bytes([1, 1, 0]) + b"\0\1\xff\0\1\xff\0"), "UTF-8"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(GridError, match=why):
        decode(text)


@pytest.mark.parametrize(
    "character",
    [
        "\x00", "\x1b", "\n", "\t", "\x7f", "\x9b", "\xad", "\xa0",
        "\u0301", "\u200b", "\u202e", "\u2066", "\u200f", "\u05d0", "\u0639", "\ufe0f", "\u1160", "\ue000",
        "\u754c", "\uff57", "\U0001f600", "\U0001f1eb", "\U000e0041",
    ],
)  # fmt: skip
def test_characters_that_act_or_are_not_one_cell_wide_are_refused(character: str) -> None:
    with pytest.raises(GridError, match="cannot be drawn"):
        decode(packed(fields(ink=character)))


@given(st.characters())
@settings(max_examples=500)
def test_only_printable_characters_of_one_cell_pass(character: str) -> None:
    try:
        Grid(1, 1, character, bytes([NO_COLOR]))
    except GridError:
        return
    assert inert(character)


def inert(character: str) -> bool:
    """Printable, one cell wide, and it moves nothing around it."""
    return (
        character.isprintable()
        and cell_len(character) == 1
        and not unicodedata.combining(character)
        and unicodedata.east_asian_width(character) not in "WF"
        and unicodedata.bidirectional(character) not in {"R", "AL", "AN", "RLE", "RLO", "RLI"}
    )


def test_all_that_pictures_are_drawn_with_passes_and_is_inert() -> None:
    sextants = [chr(point) for point in range(0x1FB00, 0x1FB93)]
    for character in [*DRAWABLE, *sextants]:
        assert inert(character), hex(ord(character))
        Grid(1, 1, character, bytes([NO_COLOR]))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"characters": "ab"}, "needs 6 characters"),
        ({"colors": b""}, "needs 6 characters"),
        ({"palette": ((256, 0, 0), (0, 0, 0))}, "out of range"),
        ({"palette": ((0, 0, 0),)}, "not in its palette"),
        ({"palette": ((0, 0, 0),) * 65}, "64 colors"),
        ({"rows": 0}, "1 to 60 rows"),
    ],
)
def test_an_invalid_grid_cannot_be_made(change: dict[str, object], why: str) -> None:
    with pytest.raises(GridError, match=why):
        replace(SMALL, **change)  # type: ignore[arg-type]  # the table mixes the types of the fields


@given(grids(), st.integers(-3, 300))
@settings(max_examples=60)
def test_a_fitted_grid_is_no_wider_and_keeps_its_proportions(grid: Grid, width: int) -> None:
    fitted = fit(grid, width)
    assert fitted.columns == min(grid.columns, max(1, width))
    assert fitted.rows <= grid.rows
    assert abs(fitted.rows - grid.rows * fitted.columns / grid.columns) < 1
    assert set(fitted.characters) <= set(grid.characters)


def test_fitting_takes_the_middles_and_leaves_a_narrow_grid_alone() -> None:
    grid = Grid(6, 2, "abcdefghijkl", bytes([0, 0, 1, 1, 0, 0] * 2), ((1, 1, 1), (2, 2, 2)))
    assert fit(grid, 2) == Grid(2, 1, "hk", bytes([0, 0]), grid.palette)
    assert fit(grid, 6) is grid
    assert fit(grid, 500) is grid


def test_plain_lines_are_the_rows_without_the_spaces_at_their_ends() -> None:
    assert plain_lines(SMALL) == ["ab", "cd"]
    assert plain_lines(Grid(2, 2, " x  ", bytes([NO_COLOR] * 4))) == [" x", ""]
