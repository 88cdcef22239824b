import random
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from chatroom.common.grid import ENCODED_MAX, NO_COLOR, Grid, decode, encode, plain_lines
from chatroom.media import ascii_art
from chatroom.media.ascii_art import draw, draw_off_loop
from chatroom.media.errors import PictureError, Problem
from tests.media.pictures import FORMATS, LOGO, Save, halves

ORANGE, BLUE = (255, 136, 0), (0, 0, 255)
ORIENTATION = 0x0112


def color_at(grid: Grid, column: int, row: int) -> tuple[int, int, int] | None:
    place = grid.colors[row * grid.columns + column]
    return None if place == NO_COLOR else grid.palette[place]


def near(found: tuple[int, int, int] | None, wanted: tuple[int, int, int], by: int = 12) -> bool:
    return found is not None and all(abs(one - other) <= by for one, other in zip(found, wanted, strict=True))


def problem(path: Path) -> Problem:
    with pytest.raises(PictureError) as caught:
        draw(path)
    assert str(path) in str(caught.value)
    return caught.value.problem


def test_the_logo_is_drawn_named_and_captioned() -> None:
    picture = draw(LOGO, columns=28)
    assert (picture.name, picture.caption) == ("logo.png", "logo.png, 28 x 8")
    assert (picture.grid.columns, picture.grid.rows) == (28, 8)
    assert len(set(picture.grid.characters)) > 10
    assert decode(encode(picture.grid)) == picture.grid


@pytest.mark.parametrize("ending", FORMATS)
def test_each_format_is_drawn_in_its_own_colors(save: Save, ending: str) -> None:
    grid = draw(save(f"halves.{ending}")).grid
    assert (grid.columns, grid.rows) == (80, 20)
    for row in (0, 10, 19):
        assert near(color_at(grid, 5, row), ORANGE)
        assert near(color_at(grid, 75, row), BLUE)
    assert plain_lines(grid)[0][5] != plain_lines(grid)[0][75]


def test_colors_are_those_of_the_picture_to_the_letter(save: Save) -> None:
    grid = draw(save("plain.png", Image.new("RGB", (50, 50), (200, 100, 50)))).grid
    assert grid.palette == ((200, 100, 50),)


def test_nothing_is_printed(save: Save, capfd: pytest.CaptureFixture[str]) -> None:
    draw(save("halves.png"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("orientation", "orange", "wide"),
    [
        (1, "left", True), (2, "right", True), (3, "right", True), (4, "left", True),
        (5, "top", False), (6, "top", False), (7, "bottom", False), (8, "bottom", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_it_stands_as_the_camera_was_held(
    save: Save, ending: str, orientation: int, orange: str, wide: bool
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    grid = draw(save(f"turned.{ending}", exif=exif), columns=40).grid
    right, bottom = grid.columns - 1, grid.rows - 1
    corners = {"left": (0, 0), "right": (right, 0), "top": (0, 0), "bottom": (0, bottom)}
    opposite = {"left": (right, bottom), "right": (0, bottom), "top": (0, bottom), "bottom": (0, 0)}
    assert near(color_at(grid, *corners[orange]), ORANGE, by=40)
    assert near(color_at(grid, *opposite[orange]), BLUE, by=40)
    assert (grid.rows < 20) == wide


def test_damaged_notes_of_the_camera_leave_it_as_it_is(save: Save) -> None:
    path = save("odd.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\1\x12\0\3")
    assert near(color_at(draw(path).grid, 0, 0), ORANGE)
    path = save("odd.png", exif=b"no tiff at all")
    assert near(color_at(draw(path).grid, 0, 0), ORANGE)


def test_what_is_transparent_is_dark(save: Save) -> None:
    image = halves("RGBA")
    image.paste((255, 255, 255, 0), (0, 0, 40, 44))
    for ending in ("png", "webp"):
        grid = draw(save(f"clear.{ending}", image, lossless=True)).grid
        assert plain_lines(grid)[0].startswith(" " * 35)
        assert near(color_at(grid, 75, 0), BLUE)
    half = Image.new("RGBA", (20, 20), (200, 100, 50, 128))
    assert near(draw(save("half.png", half)).grid.palette[0], (100, 50, 25), by=2)


def test_a_transparent_color_of_a_palette_is_dark(save: Save) -> None:
    image = halves().quantize(8)
    orange = image.getpixel((0, 0))
    for ending in ("png", "gif"):
        grid = draw(save(f"clear.{ending}", image, transparency=orange)).grid
        assert plain_lines(grid)[0].startswith(" " * 35)
        assert near(color_at(grid, 75, 0), BLUE)


def test_dark_lines_on_nothing_stay_visible(save: Save) -> None:
    image = Image.new("RGBA", (80, 44), (0, 0, 0, 0))
    image.paste((20, 20, 60, 255), (0, 0, 40, 44))
    lines = plain_lines(draw(save("ink.png", image)).grid)
    assert lines[0][0] not in {" ", lines[0][79]}
    empty = Image.new("RGBA", (80, 44), (0, 0, 0, 0))
    assert set(plain_lines(draw(save("empty.png", empty)).grid)) == {""}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_greys_of_every_mode_are_grey(save: Save, mode: str) -> None:
    grey = Image.new("L", (60, 44), 255)
    grey.paste(120 if mode != "1" else 0, (30, 0, 60, 44))
    image = grey.convert(mode) if mode != "I;16" else wide_grey()
    grid = draw(save("grey.png", image)).grid
    assert all(max(color) - min(color) <= 2 for color in grid.palette)
    assert near(color_at(grid, 2, 2), (255, 255, 255), by=3)
    if mode != "1":
        assert near(color_at(grid, 57, 2), (120, 120, 120), by=3)


def wide_grey() -> Image.Image:
    """16 bits of grey: 255 and 120 of 255, as the other modes have."""
    row = struct.pack("<30H", *[0xFFFF] * 30) + struct.pack("<30H", *[120 * 257] * 30)
    return Image.frombytes("I;16", (60, 44), row * 44)


def test_print_colors_are_understood(save: Save) -> None:
    grid = draw(save("print.jpg", halves("CMYK"))).grid
    assert near(color_at(grid, 5, 5), ORANGE, by=30)
    assert near(color_at(grid, 75, 5), BLUE, by=30)


@pytest.mark.parametrize(
    ("size", "cells"),
    [
        ((2000, 1), (80, 1)),
        ((1, 2000), (1, 60)),
        ((1, 1), (1, 1)),
        ((2000, 2000), (80, 36)),
        ((100, 1000), (13, 59)),
        ((16, 16), (16, 7)),
        ((80, 92), (80, 42)),
        ((3000, 2), (80, 1)),
    ],
)
def test_every_shape_stays_in_proportion_and_within_bounds(
    save: Save, size: tuple[int, int], cells: tuple[int, int]
) -> None:
    grid = draw(save("shape.png", Image.new("RGB", size, ORANGE))).grid
    assert (grid.columns, grid.rows) == cells


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (30, 30), (200, 200), (5000, 200)])
def test_the_width_is_bounded(save: Save, asked: int, given: int) -> None:
    assert draw(save("wide.png", Image.new("RGB", (900, 300), ORANGE)), columns=asked).grid.columns == given


def test_of_what_moves_the_first_frame_is_drawn(save: Save) -> None:
    frames = {"save_all": True, "append_images": [Image.new("RGB", (80, 44), BLUE)], "duration": 100}
    for ending in ("gif", "webp", "png"):
        grid = draw(save(f"moving.{ending}", Image.new("RGB", (80, 44), ORANGE), **frames)).grid
        assert near(color_at(grid, 40, 10), ORANGE)


def test_a_photograph_of_80_by_42_takes_about_3_kilobytes(save: Save) -> None:
    encoded = encode(draw(save("photo.jpg", photograph())).grid)
    assert 1_500 < len(encoded) < 3_800


def test_the_richest_picture_fits_into_a_line(save: Save) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((800, 528), 100) for _ in range(3)])
    grid = draw(save("noise.png", noise), columns=200).grid
    assert (grid.columns, grid.rows) == (200, 60)
    assert len(encode(grid)) < ENCODED_MAX


def photograph() -> Image.Image:
    """Broad and fine shades in all colors, as photographs have."""
    layers = []
    for angle in (0, 90, 200):
        broad = Image.radial_gradient("L").rotate(angle).resize((800, 924))
        fine = Image.effect_noise((20, 23), 60).resize((800, 924), Image.Resampling.BICUBIC)
        layers.append(Image.blend(broad, fine, 0.4))
    return Image.merge("RGB", layers)


def test_nothing_but_name_and_grid_leaves(save: Save) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    notes = PngInfo()
    notes.add_text("Author", "SecretName")
    plain = draw(save("a.jpg"))
    marked = draw(save("a.jpg", exif=exif, comment=b"SecretPlace"))
    assert marked == plain
    assert draw(save("a.png", pnginfo=notes)) == draw(save("a.png"))
    assert set(marked.caption) <= set("a.jpg, 80 x 20")


def test_a_hostile_name_is_inert(save: Save, tmp_path: Path) -> None:
    path = save("a.png").rename(tmp_path / "a\x1b[31m\u202e\udcff.png")
    assert draw(path).name == "a\ufffd[31m\ufffd\ufffd.png"


def test_a_path_in_the_home_folder_is_understood(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert draw(Path("~/a.png")).name == "a.png"


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("part", [0.03, 0.4, 0.8])
def test_a_file_that_was_cut_off_is_damaged(save: Save, ending: str, part: float) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((90, 60), 100) for _ in range(3)])
    path = save(f"cut.{ending}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: max(14, int(len(data) * part))])
    assert problem(path) is Problem.DAMAGED


def test_what_cannot_be_opened_is_told_as_it_is(tmp_path: Path) -> None:
    assert problem(tmp_path) is Problem.FOLDER
    assert problem(tmp_path / "missing.png") is Problem.MISSING
    (tmp_path / "text.png").write_text("hello")
    assert problem(tmp_path / "text.png") is Problem.NO_PICTURE


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG with a sound header and next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(4001, 4000), (10_000, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(*size))
    assert problem(path) is Problem.TOO_MANY_PIXELS


def test_a_gif_that_claims_a_huge_screen_is_refused(save: Save) -> None:
    path = save("bomb.gif")
    data = path.read_bytes()
    path.write_bytes(data[:6] + b"\xff\xff\xff\xff" + data[10:])
    assert problem(path) is Problem.TOO_MANY_PIXELS


def test_a_png_of_16_megapixels_is_drawn(save: Save) -> None:
    assert draw(save("large.png", Image.new("1", (4000, 4000), 1))).grid.columns == 80


def test_a_large_photograph_is_read_at_a_smaller_scale(save: Save) -> None:
    grid = draw(save("large.jpg", halves("L", (6000, 4000)))).grid
    assert (grid.columns, grid.rows) == (80, 24)


def test_a_file_full_of_text_is_refused(save: Save) -> None:
    notes = PngInfo()
    for number in range(80):
        notes.add_text(f"bomb{number}", "x" * 1_000_000, zip=True)
    assert problem(save("text.png", pnginfo=notes)) is Problem.DAMAGED


async def test_drawing_happens_off_the_loop(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    real = ascii_art.draw

    def watched(path: Path, *, columns: int) -> ascii_art.Picture:
        threads.append(threading.current_thread())
        return real(path, columns=columns)

    monkeypatch.setattr(ascii_art, "draw", watched)
    picture = await draw_off_loop(save("a.png"), columns=30)
    assert picture.caption == "a.png, 30 x 7"
    assert threads != [threading.current_thread()]
    with pytest.raises(PictureError, match=r"missing\.png does not exist; check the path"):
        await draw_off_loop(Path("/missing.png"))


def test_pictures_may_be_drawn_on_several_threads(save: Save) -> None:
    paths = [save(f"{number}.{ending}") for number in range(2) for ending in FORMATS]
    with ThreadPoolExecutor(4) as pool:
        assert [picture.name for picture in pool.map(draw, paths)] == [path.name for path in paths]


@pytest.mark.parametrize("ending", FORMATS)
def test_garbage_is_drawn_or_refused_and_never_anything_else(save: Save, ending: str) -> None:
    dice = random.Random(ending)
    path = save(f"garbage.{ending}")
    sound = path.read_bytes()
    for _ in range(40):
        garbage = bytearray(sound)
        for _ in range(dice.randrange(1, 6)):
            garbage[dice.randrange(12, len(sound))] = dice.randrange(256)
        path.write_bytes(garbage)
        with suppress(PictureError):
            assert draw(path, columns=10).grid.columns <= 10
