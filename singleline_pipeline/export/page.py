"""The map to publish: one HTML file that opens anywhere, with no network, and draws the drawings in real time."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from singleline_pipeline import rendering
from singleline_pipeline.export.errors import ExportError
from singleline_pipeline.export.packing import pack_drawings, pack_numbers
from singleline_pipeline.export.scripts import join_modules

PICTURE_BYTES = 3_400_000
"""What all pictures of pages may take: in base64 and with everything else, the file stays under 5 MB."""

LINE_BYTES, BYTES_A_DRAWING = 4_300_000, 2_850
"""What packed lines may take: 1,500 drawings and everything else stay under 5 MB; with more of them, so much each."""

_STEPS = (0.05, 0.1, 0.2, 0.4)
"""Steps that lines are packed in, units: the finest that fits is taken. At 0.05 a line is off by 0.3 px where a drawing
is 1000 px high; at 0.1 curves begin to look like polygons."""

_SIDES = (224, 176, 136, 104, 80, 56)
"""Longer sides of pictures of pages, px: the largest that fits is taken."""

_OF_THE_STUDIO = ("search.js",)


@dataclass(frozen=True)
class MapRows:
    """What is published, n rows in the order of their ids."""

    ids: Sequence[str]
    places: NDArray[np.float32]
    """(n, 2) on the map, any unit."""
    groups: dict[str, Sequence[str]]
    """What rows can be coloured by, such as sketchbook and cluster: the n names of each."""
    drawings: Sequence[Sequence[np.ndarray]] | None = None
    """n drawings of strokes (m, 2), 200 units on the longer side; None for pages."""
    pictures: Sequence[bytes] | None = None
    """n files of small pictures; None for drawings."""


@dataclass(frozen=True)
class MapWords:
    """What the page says of itself."""

    title: str
    by: str = ""
    about: str = ""


def map_page(rows: MapRows, words: MapWords) -> str:
    """The page, as HTML. The same rows and words give the same text.

    Raises:
        ExportError: There are no rows, or a picture cannot be read.
    """
    if not len(rows.ids):
        raise ExportError("There is nothing to show on a map.")
    data = {
        "title": words.title,
        "by": words.by,
        "about": words.about,
        "kind": "page" if rows.drawings is None else "drawing",
        "ids": list(rows.ids),
        **_places(rows.places),
        "groups": [_group(name, values) for name, values in rows.groups.items()],
        **(_pictures(rows) if rows.drawings is None else _lines(rows.drawings)),
    }
    # In a script element only "<" could end it.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    here, studio = (
        files("singleline_pipeline.export") / "static",
        files("singleline_pipeline.studio") / "static",
    )
    modules = {file.name: file.read_text("utf-8") for file in here.iterdir() if file.name.endswith(".js")}
    modules |= {name: (studio / name).read_text("utf-8") for name in _OF_THE_STUDIO}
    script = "\n" + join_modules(modules, "main.js")
    style = "\n" + (here / "map.css").read_text("utf-8")
    parts = {
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'",
        "title": html.escape(f"{words.title}, by {words.by}" if words.by else words.title),
        "description": html.escape(words.about),
        "style": style,
        "data": text,
        "script": script,
    }
    page = (here / "map.html").read_text("utf-8")
    # In one pass: what is filled in is not looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], page)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _places(places: NDArray[np.float32]) -> dict[str, str]:
    """The map in the middle of a square of 65536 steps, its longer side filling it."""
    low, high = places.min(axis=0).astype(float), places.max(axis=0).astype(float)
    side = max(float((high - low).max()), 1e-6)
    steps = np.rint(((places - (low + high) / 2) / side + 0.5) * 65535)
    return {axis: pack_numbers(steps[:, index], "<u2") for index, axis in enumerate("xy")}


def _group(name: str, values: Sequence[str]) -> dict[str, object]:
    names = sorted(set(values), key=_natural)
    number = {value: index for index, value in enumerate(names)}
    return {"name": name, "names": names, "of": pack_numbers([number[value] for value in values], "<u2")}


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts "cluster 2" before "cluster 10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _lines(drawings: Sequence[Sequence[np.ndarray]]) -> dict[str, object]:
    tenths = [round(10 * rendering.drawing_seconds(strokes)) for strokes in drawings]
    for step in _STEPS:
        lines = pack_drawings(drawings, step)
        if len(lines) <= max(LINE_BYTES, BYTES_A_DRAWING * len(drawings)):
            break
    return {"step": step, "lines": lines, "tenths": pack_numbers(tenths, "<u2")}


def _pictures(rows: MapRows) -> dict[str, object]:
    assert rows.pictures is not None
    wanted, small = float(_SIDES[0]), []
    for side in _SIDES:
        if side > wanted and side != _SIDES[-1]:
            continue
        small = [_small(data, side, name) for data, name in zip(rows.pictures, rows.ids, strict=True)]
        size = sum(map(len, small))
        if size <= PICTURE_BYTES:
            break
        # Bytes grow a little less than the area: a side that is too large by this is not worth a try.
        wanted = side * (PICTURE_BYTES / size) ** 0.5 * 1.1
    return {"pictures": [base64.b64encode(data).decode() for data in small]}


def _small(data: bytes, side: int, name: str) -> bytes:
    """A picture as WebP, at most `side` px on its longer side."""
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise ExportError(f"The picture of {name} cannot be read. Materialize page_map again.")
    factor = side / max(image.shape[:2])
    if factor < 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 55])[1].tobytes()
