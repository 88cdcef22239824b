from pathlib import Path

import pytest
from PIL import Image

from tests.media.pictures import FORMATS, Save, halves


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a picture into the test's folder; the ending of its name tells the format."""

    def write(name: str, image: Image.Image | None = None, **options: object) -> Path:
        path = tmp_path / name
        (image or halves()).save(path, FORMATS[path.suffix[1:]], **options)
        return path

    return write
