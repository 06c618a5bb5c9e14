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


def make_home(root: Path, *, pages: int = 40, books: int = 2, seed: int = 0, k: int = 8) -> MadeHome:
    """Pages of five groups that lie apart in the space of vectors, and two drawings on each page of drawings."""
    home = Home.from_environment(root)
    lake = Lake(home.lake)
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(GROUPS), pages, p=SHARES)
    book = np.sort(np.arange(pages) % books)
    ids = [f"sb{book[n] + 1:02d}p{n:04d}" for n in range(pages)]
    sha = [f"{n:064x}" for n in range(1, pages + 1)]
    centres = rng.normal(size=(len(GROUPS), 16)) * 4
    vectors = (centres[kind] + rng.normal(size=(pages, 16))).astype(np.float32)
    pictures = [[_picture(group, number) for number in range(12)] for group in range(len(GROUPS))]
    # What follows the end of a JPEG is not looked at: each page has bytes of its own.
    files = [pictures[group][n % 12] + b"%d" % n for n, group in enumerate(kind)]
    looks = [GROUPS[group] for group in kind]

    fit = fit_clusters(vectors, sha, k=k, starts=2)
    save_fit(home.labels / "fits", StoredFit("page_cluster", fit.fit_id, "a", "1", fit.members))
    lake.write(
        "page_clusters",
        _clusters("page_clusters", fit, suggested_names(fit.members, dict(zip(sha, looks, strict=True)))),
    )
    number, distance = assign(vectors, fit.centroids)
    places = vectors[:, :2] + rng.normal(size=(pages, 2)).astype(np.float32)
    for index in range(books):
        rows = np.flatnonzero(book == index)
        name = f"sb{index + 1:02d}"
        of = {
            "page_id": [ids[n] for n in rows],
            "sketchbook": [name] * len(rows),
            "sha256": [sha[n] for n in rows],
        }
        _write(
            lake,
            "raw_pages",
            name,
            of
            | {
                "folder": ["art"] * len(rows),
                "path": [f"{name}/art/{n:04d}.jpg" for n in rows],
                "width": [120] * len(rows),
                "height": [160] * len(rows),
                "image": [{"bytes": files[n], "path": f"{n:04d}.jpg"} for n in rows],
                "thumbnail": [files[n] for n in rows],
            },
        )
        _write(
            lake,
            "page_embeddings",
            name,
            of
            | {
                "folder": ["art"] * len(rows),
                "embedding": vectors_to_arrow(vectors[rows]),
                "encoder": ["a"] * len(rows),
                "encoder_version": ["1"] * len(rows),
                "statistics": [[] for _ in rows],
            },
        )
        _write(
            lake,
            "page_groups",
            name,
            of
            | {
                "group": [looks[n] for n in rows],
                "decided_by": ["suggestion"] * len(rows),
                "suggestion": [looks[n] for n in rows],
                "fit_id": [fit.fit_id] * len(rows),
                "cluster": number[rows],
                "distance": distance[rows],
            },
        )
        _write_drawings(lake, name, [(ids[n], sha[n]) for n in rows if kind[n] == 0], rng)
    _write(
        lake,
        "page_map",
        None,
        {
            "page_id": ids,
            "sketchbook": [f"sb{b + 1:02d}" for b in book],
            "x": places[:, 0],
            "y": places[:, 1],
            "group": looks,
            "thumbnail": files,
        },
    )
    _cluster_drawings(lake, home)
    keys = [cluster_key(fit.fit_id, n) for n in range(fit.k)]
    return MadeHome(home, dict(zip(ids, looks, strict=True)), keys)


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
    arrays = [
        columns[field.name]
        if isinstance(columns[field.name], pa.Array | pa.ChunkedArray)
        else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return pa.table(arrays, names=schema.names)


def _loop(x: float, y: float) -> np.ndarray:
    angle = np.linspace(0.05, 2 * np.pi - 0.05, 40)  # a pen that stops just before it is back
    return np.column_stack([x + 20 * np.cos(angle), y + 20 * np.sin(angle)])


def _picture(group: int, number: int) -> bytes:
    image = np.full((160, 120, 3), COLOURS[group], np.uint8)
    for stroke in range(group + 1):
        cv2.ellipse(image, (60, 40 + 25 * stroke), (30 + number, 12), 8 * number, 0, 320, (40, 30, 30), 2)
    return cv2.imencode(".jpg", image)[1].tobytes()
