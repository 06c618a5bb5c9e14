"""Rows of maps, and lakes that hold them, for the tests of what is published."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from singleline_pipeline.export import MapRows
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import strokes_to_arrow, vectors_to_arrow
from singleline_pipeline.schemas import SCHEMAS


def loops(count: int, seed: int = 0, points: int = 60, tremble: float = 0) -> list[list[np.ndarray]]:
    """Drawings of one closed line, 200 units on the longer side; `tremble`: how far a point is off, units."""
    rng = np.random.default_rng(seed)
    drawings = []
    for _ in range(count):
        angle = np.linspace(0, 2 * np.pi, points)
        radius = 1 + 0.4 * np.sin(angle[:, None] * rng.integers(2, 9, 3) + rng.uniform(0, 6, 3)).sum(axis=1)
        line = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
        line -= line.min(axis=0)
        drawings.append([200 * line / line.max() + rng.normal(0, tremble, line.shape)])
    return drawings


def drawn_rows(count: int, books: int = 3, seed: int = 0, points: int = 60, tremble: float = 0) -> MapRows:
    """Drawings of a few sketchbooks, anywhere on the map."""
    rng = np.random.default_rng(seed)
    book = np.sort(np.arange(count) % books)
    ids = [f"sb{number + 1:02d}p{row:03d}d01" for row, number in enumerate(book)]
    groups = {
        "sketchbook": [f"sb{number + 1:02d}" for number in book],
        "cluster": [f"cluster {number}" for number in rng.integers(0, 4, count)],
    }
    places = rng.normal(size=(count, 2)).astype(np.float32)
    return MapRows(ids, places, groups, loops(count, seed, points, tremble))


def page_rows(count: int, side: int = 200) -> MapRows:
    """Pages of noise, which no codec makes small."""
    rng = np.random.default_rng(0)
    pictures = [
        cv2.imencode(".jpg", rng.integers(0, 255, (side, side * 3 // 4, 3), np.uint8))[1].tobytes()
        for _ in range(count)
    ]
    places = rng.normal(size=(count, 2)).astype(np.float32)
    kinds = ["notes" if row % 3 else "drawings" for row in range(count)]
    groups = {"sketchbook": ["sb01"] * count, "kind": kinds}
    return MapRows([f"sb01p{row:03d}" for row in range(count)], places, groups, pictures=pictures)


def write_drawings(lake: Lake, rows: MapRows, kept: list[bool] | None = None) -> None:
    """The tables that a map of drawings is made from, as the pipeline leaves them."""
    assert rows.drawings is not None
    count, book = len(rows.ids), rows.groups["sketchbook"]
    kept = kept or [True] * count
    common = {"drawing_id": rows.ids, "sketchbook": book, "sha256": [f"{row:064x}" for row in range(count)]}
    common |= {"box": [[0.0, 0.0, 1.0, 1.0]] * count, "page_id": [name[:-3] for name in rows.ids]}
    reasons = [None if one else "its cluster is excluded" for one in kept]
    encoder = {"encoder": ["a"] * count, "encoder_version": ["1"] * count}
    tables = {
        "filtered_drawings": {
            "strokes": strokes_to_arrow(rows.drawings),
            "kept": kept,
            "reason": reasons,
            "decided_by": ["nobody"] * count,
            "fit_id": ["f"] * count,
            "cluster": [int(name.split()[1]) for name in rows.groups["cluster"]],
            "distance": [0.0] * count,
        },
        "drawing_embeddings": {
            "embedding": vectors_to_arrow(np.random.default_rng(0).normal(size=(count, 6))),
            **encoder,
        },
    }
    for asset, columns in tables.items():
        table = table_of(asset, common | columns)
        for name in sorted(set(book)):
            lake.write(asset, table.filter(pa.array([one == name for one in book])), name)
    on_map = {
        "x": rows.places[:, 0],
        "y": rows.places[:, 1],
        "group": [reason or "kept" for reason in reasons],
        "thumbnail": [b""] * count,
        "made_from": [""] * count,
        **encoder,
    }
    lake.write("drawing_map", table_of("drawing_map", common | on_map))


def write_pages(lake: Lake, rows: MapRows) -> None:
    """The tables that a map of pages is made from."""
    assert rows.pictures is not None
    count = len(rows.ids)
    common = {"page_id": rows.ids, "sketchbook": ["sb01"] * count, "folder": ["art"] * count}
    common |= {"sha256": [f"{row:064x}" for row in range(count)], "group": list(rows.groups["kind"])}
    encoder = {"encoder": ["a"] * count, "encoder_version": ["1"] * count}
    vectors = vectors_to_arrow(np.random.default_rng(0).normal(size=(count, 6)))
    groups = {
        "decided_by": ["suggestion"] * count,
        "suggestion": ["notes"] * count,
        "fit_id": [None] * count,
        "cluster": [None] * count,
        "distance": [None] * count,
    }
    raw = {
        "path": [f"sb01/{name}.jpg" for name in rows.ids],
        "width": [150] * count,
        "height": [200] * count,
        "image": [{"bytes": b"", "path": ""}] * count,
        "thumbnail": list(rows.pictures),
    }
    embedded = {"embedding": vectors} | encoder
    lake.write("page_groups", table_of("page_groups", common | groups), "sb01")
    lake.write("raw_pages", table_of("raw_pages", common | raw), "sb01")
    lake.write("page_embeddings", table_of("page_embeddings", common | embedded), "sb01")
    on_map = {"x": rows.places[:, 0], "y": rows.places[:, 1], "made_from": [""] * count} | encoder
    lake.write("page_map", table_of("page_map", common | on_map | {"thumbnail": list(rows.pictures)}))


def table_of(asset: str, columns: dict) -> pa.Table:
    """A table of an asset; columns that are no matter of what is published are empty."""
    rows, arrays = len(next(iter(columns.values()))), []
    for field in SCHEMAS[asset]:
        values = columns.get(field.name)
        if values is None:
            empty = "" if pa.types.is_string(field.type) else [] if pa.types.is_nested(field.type) else 0
            values = [None if field.nullable else empty] * rows
        arrays.append(values if isinstance(values, pa.Array) else pa.array(values, field.type))
    return pa.table(arrays, names=SCHEMAS[asset].names)


def new_lake(folder: Path) -> Lake:
    return Lake(folder / "lake")
