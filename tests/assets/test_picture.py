"""The picture of the README is whole in itself: whoever looks at it asks no other host for anything."""

import re
from pathlib import Path

PICTURE = Path(__file__).parents[2] / "assets" / "chatroom.svg"
LARGEST = 400 * 1024


def test_the_picture_is_small() -> None:
    assert 0 < PICTURE.stat().st_size < LARGEST


def test_the_picture_fetches_nothing() -> None:
    svg = PICTURE.read_text(encoding="utf-8")
    assert "@font-face" not in svg
    assert not re.search(r"href|<script|<image|@import|url\((?!#)", svg)


def test_the_picture_shows_the_program() -> None:
    words = re.sub(r"<[^>]*>", "", PICTURE.read_text(encoding="utf-8")).replace("&#160;", " ")
    for wanted in (
        "#general",
        "#random",
        "ONLINE — 3",
        "AWAY — 1",
        "new messages",
        "joined the room",
        "日本",
    ):
        assert wanted in words
