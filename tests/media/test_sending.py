"""A picture becomes smaller until it fits into a message."""

import pytest
from PIL import Image

from chatroom.common.grid import Grid, GridTooLarge, decode, encode
from chatroom.media import draw_to_send, sending
from tests.media.pictures import Save, halves


async def test_what_fits_keeps_its_width(save: Save) -> None:
    picture, grid = await draw_to_send(save("a.png"))
    assert decode(grid) == picture.grid
    assert picture.grid.columns == 80


@pytest.mark.parametrize(("fits", "columns"), [(60, 60), (59, 40)])
async def test_what_does_not_fit_is_drawn_smaller(
    save: Save, monkeypatch: pytest.MonkeyPatch, fits: int, columns: int
) -> None:
    widths: list[int] = []

    def choosy(grid: Grid) -> str:
        width = grid.columns
        widths.append(width)
        if width > fits:
            raise GridTooLarge("too large")
        return "fits"

    monkeypatch.setattr(sending, "encode", choosy)
    picture, grid = await draw_to_send(save("a.png", halves(size=(160, 80))))
    assert (picture.grid.columns, grid) == (columns, "fits")
    assert widths[-1] == columns


async def test_what_never_fits_is_told(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_grid: object) -> str:
        raise GridTooLarge("too large")

    monkeypatch.setattr(sending, "encode", never)
    with pytest.raises(GridTooLarge):
        await draw_to_send(save("a.png"))


async def test_noise_fits(save: Save) -> None:
    noise = Image.effect_noise((320, 200), 100).convert("RGB")
    picture, grid = await draw_to_send(save("noise.png", noise))
    assert encode(picture.grid) == grid
