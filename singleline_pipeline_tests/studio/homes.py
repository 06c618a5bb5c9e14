"""Homes with a lake as the pipeline leaves it, made in a moment: tables of the studio's tests."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from singleline_pipeline.embedding import (
    GROUPS,
    StoredFit,
    assign,
    cluster_key,
    drawing_key,
    fit_clusters,
    save_fit,
    suggested_names,
)
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import strokes_to_arrow, vectors_to_arrow
from singleline_pipeline.schemas import SCHEMAS

COLOURS = ((250, 250, 250), (200, 160, 240), (220, 235, 235), (60, 60, 70), (150, 210, 160))
SHARES = (0.5, 0.2, 0.15, 0.08, 0.07)


@dataclass(frozen=True)
class MadeHome:
    """A home, and what its pages are: what an oracle would say of them."""

    home: Home
    truth: dict[str, str]
    """Group by page id."""
    clusters: list[str]
    """Keys of the pages' clusters."""

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    @property
    def labels(self) -> Path:
        return self.home.labels / "labels.csv"

    def copied_to(self, root: Path) -> "MadeHome":
        """The same in another place."""
        shutil.copytree(self.home.root, root)
        return replace(self, home=Home.from_environment(root))


@dataclass(frozen=True)
class MadePages:
    """Columns of pages, in the order of their ids."""

    ids: list[str]
    books: list[str]
    sha256: list[str]
    files: list[bytes]
    sizes: list[tuple[int, int]]
    """Width and height, px."""
    thumbnails: list[bytes]
    vectors: np.ndarray
    looks: list[str]
    """What folder and statistics suggest."""


def make_home(
    root: Path, *, pages: int = 40, books: int = 2, seed: int = 0, k: int = 8, apart: float = 4.0
) -> MadeHome:
    """Pages of five groups that lie apart in the space of vectors, and two drawings on each page of drawings."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(GROUPS), pages, p=SHARES)
    book = np.sort(np.arange(pages) % books)
    centres = rng.normal(size=(len(GROUPS), 16)) * apart
    vectors = (centres[kind] + rng.normal(size=(pages, 16))).astype(np.float32)
    pictures = [[_picture(group, number) for number in range(12)] for group in range(len(GROUPS))]
    # What follows the end of a JPEG is not looked at: each page has bytes of its own.
    files = [pictures[group][n % 12] + b"%d" % n for n, group in enumerate(kind)]
    looks = [GROUPS[group] for group in kind]
    made = MadePages(
        ids=[f"sb{book[n] + 1:02d}p{n:04d}" for n in range(pages)],
        books=[f"sb{number + 1:02d}" for number in book],
        sha256=[f"{n:064x}" for n in range(1, pages + 1)],
        files=files,
        sizes=[(120, 160)] * pages,
        thumbnails=files,
        vectors=vectors,
        looks=looks,
    )
    places = vectors[:, :2] + rng.normal(size=(pages, 2)).astype(np.float32)
    home, keys = write_pages(root, made, places, k)
    lake = Lake(home.lake)
    for name in dict.fromkeys(made.books):
        drawn = [
            (page, sha)
            for page, sha, of, look in zip(made.ids, made.sha256, made.books, looks, strict=True)
            if of == name and look == "drawings"
        ]
        _write_drawings(lake, name, drawn, rng)
    _cluster_drawings(lake, home)
    return MadeHome(home, dict(zip(made.ids, looks, strict=True)), keys)


def write_pages(root: Path, pages: MadePages, places: np.ndarray, k: int) -> tuple[Home, list[str]]:
    """The tables of pages, clustered into k. Return the home and the clusters' keys."""
    home = Home.from_environment(root)
    lake = Lake(home.lake)
    fit = fit_clusters(pages.vectors, pages.sha256, k=k, starts=2)
    save_fit(home.labels / "fits", StoredFit("page_cluster", fit.fit_id, "a", "1", fit.members))
    suggested = suggested_names(fit.members, dict(zip(pages.sha256, pages.looks, strict=True)))
    lake.write("page_clusters", _clusters("page_clusters", fit, suggested))
    number, distance = assign(pages.vectors, fit.centroids)
    for name in dict.fromkeys(pages.books):
        rows = np.flatnonzero(np.array(pages.books) == name)
        count = len(rows)
        of = {
            "page_id": [pages.ids[n] for n in rows],
            "sketchbook": [name] * count,
            "sha256": [pages.sha256[n] for n in rows],
        }
        raw = {
            "folder": ["art"] * count,
            "path": [f"{name}/art/{n:04d}.jpg" for n in rows],
            "width": [pages.sizes[n][0] for n in rows],
            "height": [pages.sizes[n][1] for n in rows],
            "image": [{"bytes": pages.files[n], "path": f"{n:04d}.jpg"} for n in rows],
            "thumbnail": [pages.thumbnails[n] for n in rows],
        }
        embedded = {
            "folder": ["art"] * count,
            "embedding": vectors_to_arrow(pages.vectors[rows]),
            "encoder": ["a"] * count,
            "encoder_version": ["1"] * count,
            "statistics": [[]] * count,
        }
        groups = {
            "group": [pages.looks[n] for n in rows],
            "decided_by": ["suggestion"] * count,
            "suggestion": [pages.looks[n] for n in rows],
            "fit_id": [fit.fit_id] * count,
            "cluster": number[rows],
            "distance": distance[rows],
        }
        for asset, columns in (("raw_pages", raw), ("page_embeddings", embedded), ("page_groups", groups)):
            _write(lake, asset, name, of | columns)
    on_map = {"page_id": pages.ids, "sketchbook": pages.books, "x": places[:, 0], "y": places[:, 1]}
    _write(lake, "page_map", None, on_map | {"group": pages.looks, "thumbnail": pages.thumbnails})
    return home, [cluster_key(fit.fit_id, n) for n in range(fit.k)]


def _write_drawings(lake: Lake, book: str, pages: list[tuple[str, str]], rng: np.random.Generator) -> None:
    """Two loops on each page, each traced in two pieces a few pixels apart."""
    loops = [[_loop(30, 40), _loop(85, 110)] for _ in pages]
    traced = [[part for loop in page for part in (loop[:20], loop[21:])] for page in loops]
    of = {
        "page_id": [name for name, _ in pages],
        "sketchbook": [book] * len(pages),
        "sha256": [sha for _, sha in pages],
    }
    _write(
        lake,
        "strokes",
        book,
        of
        | {
            "width": [120] * len(pages),
            "height": [160] * len(pages),
            "strokes": strokes_to_arrow(traced),
            "group": [[0, 0, 1, 1]] * len(pages),
            "pen_width": [2.0] * len(pages),
            "skew": [0.0] * len(pages),
            "paper": [[[0.0, 0.0], [119.0, 0.0], [119.0, 159.0], [0.0, 159.0]]] * len(pages),
            "ignored": [[{"kind": "number", "box": [2.0, 150.0, 12.0, 158.0]}] for _ in pages],
        },
    )
    line = {"strokes_before": 4, "strokes_after": 2, "strokes_dropped": 0}
    line |= dict.fromkeys(("length", "added", "retraced", "lost"), 0.0)
    for asset in ("joined_strokes", "spliced_strokes"):
        _write(
            lake,
            asset,
            book,
            of
            | {"strokes": strokes_to_arrow(loops), "group": [[0, 1]] * len(pages)}
            | {name: [value] * len(pages) for name, value in line.items()},
        )
    rows = [(page, sha, number) for page, sha in pages for number in (0, 1)]
    boxes = [[10.0, 20.0, 50.0, 60.0], [65.0, 90.0, 105.0, 130.0]]
    drawn = {
        "drawing_id": [f"{page}d{number + 1:02d}" for page, _, number in rows],
        "page_id": [page for page, _, _ in rows],
        "sketchbook": [book] * len(rows),
        "sha256": [sha for _, sha, _ in rows],
    }
    strokes = strokes_to_arrow([[_loop(100, 100) * 2] for _ in rows])
    box = {"box": [boxes[number] for _, _, number in rows], "strokes": strokes}
    _write(
        lake,
        "drawings",
        book,
        drawn
        | box
        | {"scale": [5.0] * len(rows), "n_strokes": [1] * len(rows), "n_points": [40] * len(rows)},
    )
    _write(
        lake,
        "filtered_drawings",
        book,
        drawn
        | box
        | {
            "kept": [True] * len(rows),
            "reason": [None] * len(rows),
            "decided_by": ["nobody"] * len(rows),
            "fit_id": [None] * len(rows),
            "cluster": [None] * len(rows),
            "distance": [None] * len(rows),
        },
    )
    vectors = rng.normal(size=(len(rows), 16)).astype(np.float32) + 5 * np.array(
        [[number] for _, _, number in rows], np.float32
    ).reshape(-1, 1)
    _write(
        lake,
        "drawing_embeddings",
        book,
        drawn
        | {
            "embedding": vectors_to_arrow(vectors),
            "encoder": ["a"] * len(rows),
            "encoder_version": ["1"] * len(rows),
            "statistics": [[] for _ in rows],
        },
    )


def _cluster_drawings(lake: Lake, home: Home) -> None:
    found = lake.dataset("drawings").to_table().sort_by("drawing_id")
    embedded = lake.dataset("drawing_embeddings").to_table().sort_by("drawing_id")
    vectors = np.stack(embedded["embedding"].to_numpy(zero_copy_only=False)).astype(np.float32)
    keys = [
        drawing_key(*one) for one in zip(found["sha256"].to_pylist(), found["box"].to_pylist(), strict=True)
    ]
    fit = fit_clusters(vectors, keys, k=4, starts=2)
    save_fit(home.labels / "fits", StoredFit("drawing_cluster", fit.fit_id, "a", "1", fit.members))
    lake.write("drawing_clusters", _clusters("drawing_clusters", fit, ["include"] * fit.k))
    thumbnail = cv2.imencode(".png", np.full((96, 96), 255, np.uint8))[1].tobytes()
    _write(
        lake,
        "drawing_map",
        None,
        {
            "drawing_id": found["drawing_id"],
            "sketchbook": found["sketchbook"],
            "x": vectors[:, 0],
            "y": vectors[:, 1],
            "group": ["kept"] * len(keys),
            "thumbnail": [thumbnail + b"%d" % n for n in range(len(keys))],
        },
    )


def _clusters(name: str, fit, suggested: list[str]) -> pa.Table:
    return _table(
        name,
        {
            "fit_id": [fit.fit_id] * fit.k,
            "cluster": list(range(fit.k)),
            "centroid": vectors_to_arrow(fit.centroids),
            "size": [len(cluster) for cluster in fit.members],
            "radius": fit.radius,
            "members": fit.members,
            "suggested_name": suggested,
            "name": [None] * fit.k,
            "agreement": [None] * fit.k,
            "encoder": ["a"] * fit.k,
            "encoder_version": ["1"] * fit.k,
        },
    )


def _write(lake: Lake, asset: str, partition: str | None, columns: dict) -> None:
    lake.write(asset, _table(asset, columns), partition)


def _table(asset: str, columns: dict) -> pa.Table:
    schema = SCHEMAS[asset]
    rows = len(next(iter(columns.values())))
    arrays = []
    for field in schema:
        # The studio does not look at the others: one that is added to a schema need not be known here.
        nothing = None if field.nullable else _nothing(field.type)
        values = columns[field.name] if field.name in columns else [nothing] * rows
        arrays.append(
            values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, field.type)
        )
    return pa.table(arrays, names=schema.names)


def _nothing(kind: pa.DataType) -> object:
    """A value of a type that says nothing."""
    if pa.types.is_fixed_size_list(kind):
        return [_nothing(kind.value_type)] * kind.list_size
    if pa.types.is_string(kind):
        return ""
    return [] if pa.types.is_nested(kind) else 0


def _loop(x: float, y: float) -> np.ndarray:
    angle = np.linspace(0.05, 2 * np.pi - 0.05, 40)  # a pen that stops just before it is back
    return np.column_stack([x + 20 * np.cos(angle), y + 20 * np.sin(angle)])


def _picture(group: int, number: int) -> bytes:
    image = np.full((160, 120, 3), COLOURS[group], np.uint8)
    for stroke in range(group + 1):
        cv2.ellipse(image, (60, 40 + 25 * stroke), (30 + number, 12), 8 * number, 0, 320, (40, 30, 30), 2)
    return cv2.imencode(".jpg", image)[1].tobytes()
