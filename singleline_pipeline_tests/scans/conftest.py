"""Small images in every encoding that a scanner may write, and a record of what gets opened."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_opened: list[str] | None = None


def _note_opened(event: str, arguments: tuple[object, ...]) -> None:
    if (
        _opened is not None
        and event in ("open", "os.scandir", "os.listdir")
        and isinstance(arguments[0], str | os.PathLike)
    ):
        _opened.append(os.fspath(arguments[0]))


sys.addaudithook(_note_opened)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every path that this process opens or lists during the test, whatever call it is made by."""
    global _opened
    _opened = []
    yield _opened
    _opened = None


@pytest.fixture
def picture() -> np.ndarray:
    """An RGB image, uint8 (48, 64, 3), whose corners all differ, so that a wrong turn or flip shows."""
    image = np.full((48, 64, 3), 230, np.uint8)
    image[:16, :24] = (200, 40, 30)
    image[:16, 40:] = (30, 160, 60)
    image[32:, :24] = (40, 60, 190)
    return image


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """(image or array, format, **options of Pillow's save) -> bytes of the file."""

    def encode(image: np.ndarray | Image.Image, kind: str = "JPEG", **options: object) -> bytes:
        if isinstance(image, np.ndarray):
            image = Image.fromarray(image)
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """(path below the test's folder, bytes) -> the file, with its folders made."""

    def write(path: str, data: bytes) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    return write
