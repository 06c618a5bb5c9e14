"""Contact sheets: many pictures in one, never larger than a preview may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .canvas import RenderError, Strokes, check_strokes, place
from .markdown import PREVIEW_BYTES
from .palette import FAINT, INK, MAT, PAPER, bgr, stroke_colour
from .raster import check_image, draw_strokes, encode, encode_within, shrinkage
from .svg import check_size

_GAP = 6
_CAPTION_PX = 11
_TITLE_PX = 15
_WIDEST = 1200  # pixels; a wider sheet is scaled down by whoever shows it
_SMALLEST_CELL = 48  # pixels; under this a face cannot be told from a figure


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, from matplotlib's own files: it knows Latin, Greek and Cyrillic letters."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise RenderError("matplotlib, which brings the font of the sheets, is not installed.")
    return ImageFont.truetype(
        Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", size
    )


def _clip(text: str, width: int, size: int) -> str:
    """One line of at most `width` pixels, cut in its middle: page ids differ at their ends."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    font = _font(size)
    if font.getlength(line) <= width:
        return line
    for kept in range(len(line) - 1, 0, -1):
        head, tail = line[: kept // 2], line[len(line) - (kept - kept // 2) :]
        if font.getlength(f"{head}…{tail}") <= width:
            return f"{head}…{tail}"
    return "…"


def _shape(count: int, columns: int | None, cell_width: int, cell_height: int) -> tuple[int, int]:
    """Columns and rows of the grid; about 4 : 3 where the number of columns is not given."""
    if columns is None:
        columns = math.ceil(math.sqrt(count * 4 / 3 * cell_height / cell_width))
        columns = min(columns, max(1, (_WIDEST - _GAP) // (cell_width + _GAP)))
    columns = max(1, min(columns, count))
    return columns, math.ceil(count / columns)


def contact_sheet(
    images: Sequence[np.ndarray | bytes],
    captions: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    cell: int = 150,
    title: str | None = None,
    max_bytes: int = PREVIEW_BYTES,
) -> bytes:
    """Pictures in a grid with captions and a title, as an image file of at most `max_bytes`.

    Line drawings become a PNG, photographs a JPEG: whichever is smaller.

    An image is an array (h, w[, 3 BGR or 4 BGRA]) of any size, or an encoded file; one without pixels, or
    that cannot be decoded, gets a crossed-out cell. `cell` is the longer side of a cell in pixels. Quality
    goes down first, then the cells shrink, then only the first pictures are shown, and the sheet says so.
    """
    if captions is not None and len(captions) != len(images):
        raise RenderError(f"There are {len(captions)} captions for {len(images)} images.")
    check_size("The size of a cell", cell, 16)
    if columns is not None:
        check_size("The number of columns", columns, 1)
    pictures = [_thumbnail(image, cell, index) for index, image in enumerate(images)]
    ratios = [picture.shape[1] / picture.shape[0] for picture in pictures if picture is not None]
    ratio = float(np.clip(np.median(ratios), 0.5, 2)) if ratios else 1.0
    texts = list(captions) if captions is not None else [""] * len(pictures)

    shown, side = len(pictures), float(cell)
    first = _sheet(pictures[:6], texts[:6], None, cell, ratio, "", "")
    format: Literal["jpeg", "png"] = "jpeg"
    if len(encode(first, "png", 32)) < len(encode(first, "jpeg", 58)):
        format = "png"
    while True:
        note = f"{shown} of {len(pictures)} shown" if shown < len(pictures) else ""
        sheet = _sheet(pictures[:shown], texts[:shown], columns, int(side), ratio, title or "", note)
        data = encode_within(sheet, format, max_bytes)
        if len(data) <= max_bytes:
            return data
        if shown == 0:
            raise RenderError(f"No contact sheet fits {max_bytes} bytes: allow at least 4000.")
        side *= shrinkage(len(data), max_bytes)
        if side < _SMALLEST_CELL:
            side, shown = float(min(cell, _SMALLEST_CELL)), shown * 2 // 3


def _thumbnail(image: np.ndarray | bytes, side: int, index: int) -> np.ndarray | None:
    """The picture as BGR with its longer side at `side`; None where there is nothing to see."""
    if isinstance(image, bytes):
        decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
        if decoded is None:
            return None
        image = decoded
    if np.asarray(image).size == 0:
        return None
    return _fit(check_image(image, f"Image {index}"), side, side)


def _fit(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture scaled to touch the box from inside; at least one pixel each way."""
    h, w = picture.shape[:2]
    scale = min(width / w, height / h)
    size = (max(1, min(width, round(w * scale))), max(1, min(height, round(h * scale))))
    if size == (w, h):
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _sheet(
    pictures: Sequence[np.ndarray | None],
    texts: Sequence[str],
    columns: int | None,
    cell: int,
    ratio: float,
    title: str,
    note: str,
) -> np.ndarray:
    """The sheet as BGR; `ratio` is the width of a cell over its height."""
    cell_width, cell_height = round(cell * min(1, ratio)), round(cell / max(1, ratio))
    across, down = _shape(max(1, len(pictures)), columns, cell_width, cell_height)
    caption_height = _CAPTION_PX + 4 if any(texts) else 0
    head = _TITLE_PX + 2 * _GAP if title or note or not pictures else 0
    row_height = cell_height + caption_height + _GAP
    width = max(_GAP + across * (cell_width + _GAP), 240 if head else 0)
    height = _GAP + head + (down * row_height if pictures else 0)
    sheet = np.full((height, width, 3), bgr(PAPER), np.uint8)
    for index, picture in enumerate(pictures):
        x = _GAP + index % across * (cell_width + _GAP)
        y = _GAP + head + index // across * row_height
        sheet[y : y + cell_height, x : x + cell_width] = bgr(MAT)
        if picture is None:
            cv2.line(sheet, (x, y), (x + cell_width - 1, y + cell_height - 1), bgr(FAINT), 1, cv2.LINE_AA)
            cv2.line(sheet, (x, y + cell_height - 1), (x + cell_width - 1, y), bgr(FAINT), 1, cv2.LINE_AA)
            continue
        small = _fit(picture, cell_width, cell_height)
        h, w = small.shape[:2]
        left, upper = x + (cell_width - w) // 2, y + (cell_height - h) // 2
        sheet[upper : upper + h, left : left + w] = small

    lettered = Image.fromarray(sheet[:, :, ::-1])
    pen = ImageDraw.Draw(lettered)
    if head:
        words = " · ".join(part for part in (title, note or ("" if pictures else "nothing to show")) if part)
        pen.text((_GAP, _GAP), _clip(words, width - 2 * _GAP, _TITLE_PX), fill=INK, font=_font(_TITLE_PX))
    for index, text in enumerate(texts):
        x = _GAP + index % across * (cell_width + _GAP)
        y = _GAP + head + index // across * row_height + cell_height + 1
        pen.text((x, y), _clip(text, cell_width, _CAPTION_PX), fill=INK, font=_font(_CAPTION_PX))
    return np.asarray(lettered)[:, :, ::-1]


def before_after_sheet(
    before: Sequence[Strokes],
    after: Sequence[Strokes],
    captions: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    cell: int = 420,
    title: str | None = None,
    max_bytes: int = PREVIEW_BYTES,
) -> bytes:
    """Pages or drawings before (left) and after (right) joining, one colour a stroke.

    Both halves of a pair have one scale, and the caption ends with the two numbers of strokes. `cell` is the
    width of a pair in pixels.
    """
    if len(before) != len(after):
        raise RenderError(f"There are {len(before)} drawings before and {len(after)} after.")
    if captions is not None and len(captions) != len(before):
        raise RenderError(f"There are {len(captions)} captions for {len(before)} pairs.")
    pairs, texts = [], []
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        left = check_strokes(old, name=f"Before, drawing {index}")
        right = check_strokes(new, name=f"After, drawing {index}")
        pairs.append(_pair(left, right, cell // 2))
        name = captions[index] + " · " if captions is not None and captions[index] else ""
        texts.append(f"{name}{len(left)} → {len(right)} strokes")
    return contact_sheet(pairs, texts, columns=columns, cell=cell, title=title, max_bytes=max_bytes)


def _pair(left: list[np.ndarray], right: list[np.ndarray], side: int) -> np.ndarray:
    """Two versions of a drawing side by side, BGR (side, 2 side, 3), in one frame."""
    halves = []
    for strokes, other in ((left, right), (right, left)):
        half = np.full((side, side, 3), bgr(PAPER), np.uint8)
        placed = place(strokes, side, side, side * 0.05, like=other)
        draw_strokes(half, placed, [bgr(stroke_colour(number)) for number in range(len(placed))], 1)
        halves.append(half)
    halves[1][:, 0] = bgr(MAT)
    return np.hstack(halves)
