"""What the studio shows of pages and of drawings: columns of the lake's tables, side by side, in arrays.

A run may be writing while the tables are read, so that they are of different ages. Everything is therefore joined by
id, and each item's cluster is found anew from its vector and the centroids that are there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from singleline_pipeline.embedding.far_off import refit_suggestion, relative_distance
from singleline_pipeline.embedding.label_keys import drawing_key
from singleline_pipeline.lake import Lake, LakeError, MissingTableError
from singleline_pipeline.nested import vectors_from_arrow
from singleline_pipeline.studio.doubt import distances
from singleline_pipeline.studio.kinds import DRAWINGS, NONE, PAGES, Kind

_FIXED_MINIMUM = ("smaller than", "fewer than")
"""How the reasons of `filtered_drawings` begin that are no matter of labels."""


@dataclass(frozen=True)
class Clusters:
    """A frozen fit. Without one, everything here is empty."""

    fit_id: str = ""
    members: list[list[str]] = field(default_factory=list)
    suggested: list[int] = field(default_factory=list)
    """Code of what most members of a cluster look like."""
    centroids: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    radius: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """Distance that 95 % of a cluster's members are within."""


@dataclass(frozen=True)
class Collection:
    """All pages, or all drawings, by row. Arrays have n values."""

    kind: Kind
    ids: list[str]
    keys: list[str]
    """What labels of the rows go by; the same page in two sketchbooks has one key."""
    books: list[str]
    book: NDArray[np.int16]
    """Index into `books`."""
    place: NDArray[np.float32]
    """(n, 2) on the map; NaN for what was not there when the map was made."""
    aspect: NDArray[np.float32]
    """Width over height."""
    suggestion: NDArray[np.int8]
    """Code of what it looks like; `NONE` for drawings."""
    in_table: NDArray[np.int8]
    """Code of what the lake's table says it is: what the last run made of the labels."""
    under_minimum: NDArray[np.bool_]
    """Drawings that are too small, whatever their cluster."""
    page: NDArray[np.int32]
    """Row of a drawing's page, -1 where it is gone; a page's own row."""
    clusters: Clusters
    distance: NDArray[np.float32]
    """(n, k) to each centroid."""
    vectors: NDArray[np.float16]
    """(n, d) of length 1."""
    thumbnails: list[str]
    """Hash of each thumbnail: its address."""
    problems: list[str]
    """Sentences about what is missing or does not fit together."""

    @cached_property
    def row(self) -> dict[str, int]:
        """Row by id."""
        return {name: index for index, name in enumerate(self.ids)}

    @cached_property
    def thumbnails_version(self) -> str:
        """Hash of the hashes of all thumbnails: as long as it is the same, so are the sheets."""
        return hashlib.blake2b("\n".join(self.thumbnails).encode(), digest_size=8).hexdigest()

    @cached_property
    def row_of_thumbnail(self) -> dict[str, int]:
        """A row by the hash of its thumbnail."""
        return {name: index for index, name in enumerate(self.thumbnails) if name}

    @cached_property
    def cluster(self) -> NDArray[np.int16]:
        """Nearest cluster of each row, -1 where there are none."""
        if not self.distance.shape[1]:
            return np.full(len(self.ids), -1, np.int16)
        return self.distance.argmin(axis=1).astype(np.int16)

    @cached_property
    def relative(self) -> NDArray[np.float32]:
        """Distance of each row to its centroid, in radii of that cluster; 0 without clusters."""
        if not self.distance.shape[1]:
            return np.zeros(len(self.ids), np.float32)
        return relative_distance(self.distance.min(axis=1), self.cluster, self.clusters.radius)

    @cached_property
    def suggestion_to_refit(self) -> str:
        """A sentence, where the clusters no longer fit what there is."""
        members = {key for cluster in self.clusters.members for key in cluster}
        if not members:
            return ""
        is_member = [key in members for key in self.keys]
        return refit_suggestion(self.relative, is_member, self.kind.scope) or ""


def thumbnail_hash(data: bytes) -> str:
    """The address of a thumbnail: 16 hex digits of the hash of its bytes."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def empty(kind: Kind, problems: Sequence[str] = ()) -> Collection:
    """A collection of nothing."""
    none = np.zeros(0, np.int8)
    return Collection(
        kind, [], [], [], none.astype(np.int16), np.zeros((0, 2), np.float32), none.astype(np.float32),
        none, none, none.astype(bool), none.astype(np.int32), Clusters(), np.zeros((0, 0), np.float32),
        np.zeros((0, 0), np.float16), [], list(problems),
    )  # fmt: skip


def read_pages(lake: Lake) -> Collection:
    """Read every page that has been embedded. Without a table of pages the collection is empty."""
    columns = ["page_id", "sketchbook", "sha256"]
    try:
        pages = _all(lake, "page_embeddings", [*columns, "embedding"])
    except MissingTableError:
        return empty(PAGES)
    ids = pages["page_id"].to_pylist()
    groups = _optional(lake, "page_groups", ["page_id", "group", "suggestion"])
    sizes, hashes = _page_thumbnails(lake, ids)
    said = [_code(PAGES, groups, name, ids) for name in ("suggestion", "group")]
    return _collection(
        lake, PAGES, pages, pages["sha256"].to_pylist(), sizes, hashes, said[0], said[1],
        np.zeros(len(ids), bool), np.arange(len(ids), dtype=np.int32),
    )  # fmt: skip


def read_drawings(lake: Lake, pages: Collection) -> Collection:
    """Read every drawing that has been embedded."""
    columns = ["drawing_id", "page_id", "sketchbook", "sha256"]
    try:
        drawings = _all(lake, "drawing_embeddings", [*columns, "embedding"])
        boxes = _all(lake, "drawings", ["drawing_id", "box"])
    except MissingTableError:
        return empty(DRAWINGS)
    boxed = _rows_of(boxes, "drawing_id", drawings["drawing_id"].to_pylist())
    there = boxed >= 0
    drawings = drawings.filter(pa.array(there))
    ids = drawings["drawing_id"].to_pylist()
    box = vectors_from_arrow(boxes["box"])[boxed[there]]
    keys = [drawing_key(sha, one) for sha, one in zip(drawings["sha256"].to_pylist(), box, strict=True)]

    filtered = _optional(lake, "filtered_drawings", ["drawing_id", "kept", "reason"])
    in_table, under = np.full(len(ids), NONE, np.int8), np.zeros(len(ids), bool)
    if filtered is not None:
        found = _rows_of(filtered, "drawing_id", ids)
        kept, reason = filtered["kept"].to_pylist(), filtered["reason"].to_pylist()
        for row, index in enumerate(found):
            if index >= 0:
                in_table[row] = DRAWINGS.code("include" if kept[index] else "exclude")
                under[row] = str(reason[index] or "").startswith(_FIXED_MINIMUM)
    hashes = dict.fromkeys(ids, "")
    try:
        drawn = lake.read_optional("drawing_map", columns=["drawing_id", "thumbnail"])
    except LakeError:  # told where the places are read
        drawn = None
    if drawn is not None:
        for name, data in zip(drawn["drawing_id"].to_pylist(), drawn["thumbnail"], strict=True):
            if name in hashes:
                hashes[name] = thumbnail_hash(data.as_buffer())
    row_of_page = pages.row
    page = np.array([row_of_page.get(name, -1) for name in drawings["page_id"].to_pylist()], np.int32)
    return _collection(
        lake, DRAWINGS, drawings, keys, np.ones(len(ids), np.float32), list(hashes.values()),
        np.full(len(ids), NONE, np.int8), in_table, under, page,
    )  # fmt: skip


def _collection(
    lake: Lake,
    kind: Kind,
    table: pa.Table,
    keys: list[str],
    aspect: NDArray[np.float32],
    thumbnails: list[str],
    suggestion: NDArray[np.int8],
    in_table: NDArray[np.int8],
    under_minimum: NDArray[np.bool_],
    page: NDArray[np.int32],
) -> Collection:
    ids = table[f"{kind.scope}_id"].to_pylist()
    vectors = vectors_from_arrow(table["embedding"])
    problems: list[str] = []
    clusters = _clusters(lake, kind)
    if clusters.centroids.shape[1] not in (0, vectors.shape[1]) and len(ids):
        problems.append(
            f"The clusters of {kind.plural} were fitted with another encoder than the one that looked at the "
            f"{kind.plural}: fit them anew (clusters_job in the Dagster UI)."
        )
        clusters = Clusters()
    fitted = bool(clusters.fit_id)
    distance = distances(vectors, clusters.centroids) if fitted else np.zeros((len(ids), 0), np.float32)
    sketchbook = table["sketchbook"].combine_chunks().dictionary_encode()
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return Collection(
        kind=kind,
        ids=ids,
        keys=keys,
        books=sketchbook.dictionary.to_pylist(),
        book=sketchbook.indices.to_numpy().astype(np.int16),
        place=_places(lake, kind, ids, problems),
        aspect=aspect,
        suggestion=suggestion,
        in_table=in_table,
        under_minimum=under_minimum,
        page=page,
        clusters=clusters,
        distance=distance,
        vectors=(vectors / lengths).astype(np.float16),
        thumbnails=thumbnails,
        problems=problems,
    )


def _clusters(lake: Lake, kind: Kind) -> Clusters:
    columns = ["fit_id", "cluster", "members", "suggested_name", "centroid", "radius"]
    table = lake.read_optional(f"{kind.scope}_clusters", columns=columns)
    if table is None or not table.num_rows:
        return Clusters()
    return Clusters(
        table["fit_id"][0].as_py(),
        table["members"].to_pylist(),
        [kind.code(name) for name in table["suggested_name"].to_pylist()],
        vectors_from_arrow(table["centroid"]),
        table["radius"].to_numpy(),
    )


def _places(lake: Lake, kind: Kind, ids: list[str], problems: list[str]) -> NDArray[np.float32]:
    """(n, 2) on the map. Without one that can be read there are still the clusters."""
    places = np.full((len(ids), 2), np.nan, np.float32)
    try:
        table = lake.read_optional(f"{kind.scope}_map", columns=[f"{kind.scope}_id", "x", "y"])
    except LakeError as error:
        problems.append(str(error))
        return places
    if table is not None:
        found = _rows_of(table, f"{kind.scope}_id", ids)
        on_it = found >= 0
        for axis, name in enumerate(("x", "y")):
            places[on_it, axis] = table[name].to_numpy()[found[on_it]]
    return places


def _page_thumbnails(lake: Lake, ids: list[str]) -> tuple[NDArray[np.float32], list[str]]:
    """Aspect and hash of each page's thumbnail, a sketchbook in memory at a time."""
    row = {name: index for index, name in enumerate(ids)}
    aspect, hashes = np.ones(len(ids), np.float32), [""] * len(ids)
    for book in lake.partitions("raw_pages"):
        table = lake.read("raw_pages", book, ["page_id", "width", "height", "thumbnail"])
        shape = table["width"].to_numpy() / table["height"].to_numpy()
        for index, name in enumerate(table["page_id"].to_pylist()):
            if name in row:
                aspect[row[name]] = shape[index]
                hashes[row[name]] = thumbnail_hash(table["thumbnail"][index].as_buffer())
    return aspect, hashes


def _code(kind: Kind, table: pa.Table | None, column: str, ids: list[str]) -> NDArray[np.int8]:
    codes = np.full(len(ids), NONE, np.int8)
    if table is not None:
        found = _rows_of(table, f"{kind.scope}_id", ids)
        values = np.array([kind.code(name) for name in table[column].to_pylist()], np.int8)
        codes[found >= 0] = values[found[found >= 0]]
    return codes


def _rows_of(table: pa.Table, column: str, ids: Sequence[str]) -> NDArray[np.int64]:
    """The row of each id in a table, -1 where it is not there."""
    row = {name: index for index, name in enumerate(table[column].to_pylist())}
    return np.array([row.get(name, -1) for name in ids], np.int64)


def _all(lake: Lake, asset: str, columns: list[str]) -> pa.Table:
    """All partitions of an asset as one table, ordered by id. Vectors of two encoders raise LakeError."""
    return lake.dataset(asset, columns).to_table().sort_by(columns[0])


def _optional(lake: Lake, asset: str, columns: list[str]) -> pa.Table | None:
    try:
        return _all(lake, asset, columns)
    except MissingTableError:
        return None
