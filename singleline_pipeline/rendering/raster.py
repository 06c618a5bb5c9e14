"""Drawings as pixels: for encoders, laid over their page, and as previews of bounded size."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal, Protocol

import cv2
import numpy as np
from PIL import Image

from .canvas import RenderError, Strokes, check_strokes, place
from .markdown import PREVIEW_BYTES
from .palette import INK, bgr, stroke_colour
from .svg import check_size

_SUBPIXEL_BITS = 4
_OVERSAMPLING = 4
_ALL_COLOURS = 256
_QUALITIES = {"jpeg": (88, 78, 68, 58, 48), "png": (_ALL_COLOURS, 128, 32)}
_SMALLEST_SIDE = 24  # pixels; a smaller picture says nothing


class IgnoredMark(Protocol):
    """What a tracer left out: its kind ("binder") and box (x0, y0, x1, y1) in page pixels."""

    @property
    def kind(self) -> str: ...
    @property
    def box(self) -> Sequence[float]: ...


def check_image(image: np.ndarray, name: str = "The image") -> np.ndarray:
    """The image as BGR uint8 (h, w, 3): grey is repeated, transparency is laid on white."""
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise RenderError(f"{name} holds {array.dtype}: uint8 is needed.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or array.size == 0:
        raise RenderError(f"{name} has the shape {array.shape}: (h, w), (h, w, 3) or (h, w, 4) is needed.")
    if array.ndim == 2:
        return np.repeat(array[:, :, None], 3, axis=2)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.float32) / 255
        return np.rint(array[:, :, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return array


def draw_strokes(
    canvas: np.ndarray,
    strokes: Sequence[np.ndarray],
    colours: Sequence[tuple[int, ...]],
    thickness: int,
    line: int = cv2.LINE_AA,
) -> None:
    """Draw checked strokes, in pixels of the canvas; a single point becomes a dot."""
    factor = 2**_SUBPIXEL_BITS
    for stroke, colour in zip(strokes, colours, strict=True):
        points = np.rint(stroke * factor).astype(np.int32)
        if (points == points[0]).all():
            centre = (int(points[0, 0]), int(points[0, 1]))
            radius = int(max(thickness, 2) * factor * 0.6)
            cv2.circle(canvas, centre, radius, colour, cv2.FILLED, line, _SUBPIXEL_BITS)
        else:
            cv2.polylines(canvas, [points[:, None]], False, colour, thickness, line, _SUBPIXEL_BITS)


def rasterize(strokes: Strokes, *, size: int = 224, pen: float = 2.0, margin: float = 0.06) -> np.ndarray:
    """A drawing in black on white paper, uint8 (size, size), filling the square inside its margin.

    `pen` is the width of the line in pixels of the result, `margin` a fraction of `size`.
    """
    drawn = check_strokes(strokes)
    check_size("The size of the picture", size, 8)
    check_size("The width of the pen", pen, 0.25)
    if not 0 <= margin < 0.5:
        raise RenderError(f"The margin is {margin:g}: it must be a fraction from 0 to under 0.5.")
    large = size * _OVERSAMPLING
    canvas = np.full((large, large), 255, np.uint8)
    placed = place(drawn, large, large, margin * large)
    # OpenCV's pixel (0, 0) has its centre at 0 and not its corner. Its antialiasing would widen the line by
    # more than a pixel; the oversampling does its work.
    centred = [stroke - 0.5 for stroke in placed]
    draw_strokes(canvas, centred, [(0,)] * len(placed), round(pen * _OVERSAMPLING), cv2.LINE_8)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def overlay(
    image: np.ndarray,
    strokes: Strokes,
    *,
    ignored: Sequence[IgnoredMark] = (),
    max_side: int = 900,
) -> np.ndarray:
    """The traced lines over the faded page, one colour a stroke, BGR uint8, at most `max_side` pixels long.

    `strokes` and the boxes of what the tracer ignored, which are outlined with their kind, are in page
    pixels.
    """
    drawn = check_strokes(strokes)
    check_size("The longest side", max_side, 16)
    page = check_image(image, "The page")
    scale = min(1.0, max_side / max(page.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in page.shape[:2])
    small = cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA)
    canvas = 255 - (255 - small.astype(np.uint16)) * 2 // 5
    canvas = canvas.astype(np.uint8)
    _outline(canvas, ignored, scale)
    scaled = [stroke * scale for stroke in drawn]
    # A line thinner than the pen, so that what it follows stays in sight.
    draw_strokes(canvas, scaled, [bgr(stroke_colour(index)) for index in range(len(scaled))], 1)
    return canvas


def _outline(canvas: np.ndarray, ignored: Sequence[IgnoredMark], scale: float) -> None:
    """Outline what was ignored, clipped to the page, with its kind beside the box."""
    height, width = canvas.shape[:2]
    ink = bgr(INK)
    for mark in ignored:
        box = np.asarray(mark.box, dtype=np.float64)
        if box.shape != (4,) or not np.isfinite(box).all():
            raise RenderError(
                f"The box of the ignored {mark.kind} is {mark.box}: (x0, y0, x1, y1) is needed."
            )
        limit = [width - 1, height - 1, width - 1, height - 1]
        x0, y0, x1, y1 = (int(value) for value in np.clip(np.rint(box * scale), 0, limit))
        cv2.rectangle(canvas, (x0, y0), (x1, y1), ink, 1)
        kind = mark.kind.encode("ascii", "replace").decode()
        (text_width, text_height), _ = cv2.getTextSize(kind, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
        x = max(0, min(x0, width - text_width - 2))
        y = y0 - 4 if y0 - 4 >= text_height else min(height - 3, y1 + text_height + 4)
        cv2.putText(canvas, kind, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, 1, cv2.LINE_AA)


def encode(image: np.ndarray, format: Literal["jpeg", "png"], quality: int) -> bytes:
    """A BGR image as a file; `quality` is that of a JPEG, or the number of colours of a PNG (256: all)."""
    picture = Image.fromarray(image[:, :, ::-1])
    buffer = io.BytesIO()
    if format == "jpeg":
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
    else:
        if quality < _ALL_COLOURS:
            picture = picture.quantize(quality, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def encode_within(image: np.ndarray, format: Literal["jpeg", "png"], max_bytes: int) -> bytes:
    """The best file of a BGR image that has at most `max_bytes`; the smallest one where none has."""
    smallest = encode(image, format, _QUALITIES[format][-1])
    if len(smallest) <= max_bytes:
        for quality in _QUALITIES[format][:-1]:
            better = encode(image, format, quality)
            if len(better) <= max_bytes:
                return better
    return smallest


def encode_preview(
    image: np.ndarray, max_bytes: int = PREVIEW_BYTES, format: Literal["jpeg", "png"] = "jpeg"
) -> bytes:
    """The image (h, w[, 3 BGR or 4 BGRA]) as a JPEG or PNG of at most `max_bytes`.

    Quality (for PNG: the number of colours) goes down first, then the size.
    """
    full = check_image(image)
    height, width = full.shape[:2]
    scale = 1.0
    while max(height, width) * scale >= min(_SMALLEST_SIDE, max(height, width)):
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = full if scale == 1.0 else cv2.resize(full, size, interpolation=cv2.INTER_AREA)
        data = encode_within(small, format, max_bytes)
        if len(data) <= max_bytes:
            return data
        scale *= shrinkage(len(data), max_bytes)
    raise RenderError(f"An image of {width} x {height} pixels cannot be shown in {max_bytes} bytes.")


def shrinkage(size: int, max_bytes: int) -> float:
    """By how much to scale the sides of a picture that takes too many bytes, which grow with its area."""
    return float(np.clip(0.97 * (max_bytes / size) ** 0.5, 0.5, 0.95))
