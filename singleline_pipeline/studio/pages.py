"""A single page: its picture at the size of a screen, the line on it, and what other settings would make of it."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.dataset as ds
from PIL import Image, ImageOps

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, MissingTableError
from singleline_pipeline.nested import strokes_from_arrow
from singleline_pipeline.studio.errors import RequestError

LONGER_SIDE = 1600
"""Of a page's picture, px."""

UNSEEN = 0.25
"""Page px that a shown line may lie beside the stored one."""

Strokes = list[np.ndarray]


def page_picture(lake: Lake, book: str, page_id: str) -> bytes:
    """A page as a JPEG of at most `LONGER_SIDE`. Raises MissingTableError where the lake does not have it."""
    pages = lake.dataset("raw_pages", ["page_id", "image"], [book])
    found = pages.to_table(
        filter=ds.field("page_id") == page_id
    )  # a few row groups, not the whole sketchbook
    if not found.num_rows:
        raise MissingTableError(f"{page_id} is not in raw_pages any more: run its sketchbook.")
    data = found["image"][0].as_py()["bytes"]
    picture = _jpeg_at_a_smaller_size(data) or _any_picture(data, page_id)
    picture.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=84)
    return buffer.getvalue()


def _jpeg_at_a_smaller_size(data: bytes) -> Image.Image | None:
    """A large scan takes 100 ms and 10 MB to decode at a half of its size, and a second and 300 MB as it is."""
    if not data.startswith(b"\xff\xd8"):
        return None  # also what Pillow cannot open at all: an SVG
    with Image.open(io.BytesIO(data)) as picture:
        if picture.mode not in ("RGB", "L"):
            return None
        picture.draft("RGB", (LONGER_SIDE, LONGER_SIDE))
        return ImageOps.exif_transpose(picture).convert("RGB")


def _any_picture(data: bytes, name: str) -> Image.Image:
    from singleline_pipeline.scans import decode_image

    return Image.fromarray(np.ascontiguousarray(decode_image(data, name=name)[:, :, ::-1]))


def page_lines(lake: Lake, book: str, page_id: str) -> dict[str, Any]:
    """What was traced on a page, in page px: strokes as traced, the line that they became, what was left out."""
    answer: dict[str, Any] = {
        "width": 0,
        "height": 0,
        "traced": [],
        "line": [],
        "ignored": [],
        "drawings": [],
    }
    size = row_of_page(lake, "raw_pages", book, page_id, ["width", "height"])
    if size is not None:
        answer |= {name: size[name][0].as_py() for name in ("width", "height")}
    traced = row_of_page(lake, "strokes", book, page_id, ["strokes", "ignored"])
    if traced is not None:
        answer["traced"] = as_numbers(strokes_from_arrow(traced["strokes"])[0])
        answer["ignored"] = traced["ignored"][0].as_py()
    line = row_of_page(lake, "spliced_strokes", book, page_id, ["strokes"])
    if line is not None:
        answer["line"] = as_numbers(strokes_from_arrow(line["strokes"])[0])
    drawings = row_of_page(lake, "drawings", book, page_id, ["drawing_id", "box"])
    if drawings is not None:
        boxes = zip(drawings["drawing_id"].to_pylist(), drawings["box"].to_pylist(), strict=True)
        answer["drawings"] = [{"id": name, "box": box} for name, box in boxes]
    return answer


def try_settings(
    home: Home, lake: Lake, book: str, page_id: str, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What the pipeline's own functions make of a traced page under other settings; nothing is written.

    Args:
        home: Where corrections by hand lie.
        lake: Where strokes lie.
        book: The page's sketchbook.
        page_id: The page.
        settings: Every setting of the page, by section and name of settings.toml.

    Raises RequestError (404) where the page has not been traced.
    """
    from singleline_pipeline.corrections import correct_page, read_corrections
    from singleline_pipeline.dataset import DatasetSettings, simplified
    from singleline_pipeline.geometry import drawings_of_page, join_page, route_page, splice_page
    from singleline_pipeline.geometry.strokes import StrokeError

    table = row_of_page(lake, "strokes", book, page_id, ["sha256", "strokes", "group", "pen_width"])
    if table is None:
        raise RequestError(
            f"{page_id} has not been traced: only pages in the group drawings are.", status=404
        )
    before = strokes_from_arrow(table["strokes"])[0]
    said = read_corrections(home.labels).of_page(table["sha256"][0].as_py())
    page = correct_page(before, table["group"][0].as_py(), said, table["pen_width"][0].as_py())
    joined = join_page(page.strokes, page.groups.tolist(), **settings["joined_strokes"])
    way = dict(settings["spliced_strokes"])
    if way.pop("method") == "route":
        line = route_page(joined.strokes, joined.groups.tolist(), **way)
    else:
        line = splice_page(joined.strokes, joined.groups.tolist(), max_gap=way["max_gap"])
    found = drawings_of_page(line.strokes, line.groups.tolist(), settled=page.settled, **settings["drawings"])
    dataset = DatasetSettings(**settings["stroke3_dataset"])
    drawings = []
    for drawing in found.drawings:
        try:
            simple, epsilon = simplified(drawing.strokes, dataset)
        except StrokeError:  # not within the budget of points: the dataset leaves it out, and says so
            simple, epsilon = drawing.strokes, 0.0
        corner = np.array(drawing.box[:2])
        drawings.append(
            {
                "box": [round(float(value), 1) for value in drawing.box],
                "points_before": sum(map(len, drawing.strokes)),
                "points": sum(map(len, simple)),
                "epsilon": round(epsilon, 2),
                "strokes": as_numbers([_on_page(stroke, drawing.scale, corner) for stroke in simple]),
            }
        )
    length = joined.length or 1.0
    return {
        "before": as_numbers(before),
        "drawings": drawings,
        "strokes_before": len(before),
        "strokes_joined": len(joined.strokes),
        "strokes_after": len(line.strokes),
        "added": round((joined.added + line.added) / length, 4),
        "retraced": round(line.retraced / length, 4),
        "lost": round((joined.lost + line.lost) / length, 4),
    }


def as_numbers(strokes: Strokes) -> list[list[float]]:
    """Strokes as flat lists x, y, x, y, ... to a tenth of a pixel, without the points that no eye would miss."""
    from singleline_pipeline.geometry import simplify

    return [np.round(simplify(stroke, UNSEEN).ravel(), 1).tolist() for stroke in strokes]


def _on_page(stroke: np.ndarray, scale: float, corner: np.ndarray) -> np.ndarray:
    """A stroke of a drawing's own canvas back in page px."""
    return stroke / scale + corner


def row_of_page(lake: Lake, asset: str, book: str, page_id: str, columns: list[str]) -> Any:
    """A page's rows of a table, the named columns of them; None where there are none."""
    try:
        pages = lake.dataset(asset, ["page_id", *columns], [book])
    except MissingTableError:
        return None
    found = pages.to_table(filter=ds.field("page_id") == page_id)
    return found if found.num_rows else None
