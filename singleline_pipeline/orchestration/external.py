"""Versions of the inputs that are no tables: the folder of a sketchbook, the labels given by hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.nested import vectors_from_arrow
from singleline_pipeline.orchestration.settings_versions import settings_version

if TYPE_CHECKING:
    from singleline_pipeline.embedding import Labels

READ_LABELS = {
    "page_clusters": "cluster_names",
    "page_groups": "page_labels",
    "drawing_clusters": "cluster_names",
    "filtered_drawings": "drawing_labels",
}
"""The assets that read labels.csv, and the part of it that each of them reads: a source asset of `labels`."""

FIT_COLUMNS = ["fit_id", "cluster", "centroid", "members", "encoder", "encoder_version"]
"""What others read of a table of clusters. Names are read where they are said: whoever labels and then runs one
sketchbook need not think of running the clusters first."""


def external_versions(asset: str, partition: str | None, home: Home) -> dict[str, str]:
    """What an asset reads beside other assets, as name -> version; empty for most.

    Raises:
        PageError: The sketchbook's folder cannot be read.
        LabelError: The labels, or the clusters that they name, cannot be read.
    """
    if asset in ("raw_pages", "rejected_pages"):
        from singleline_pipeline.corrections import read_corrections
        from singleline_pipeline.scans import folder_fingerprint

        folder = folder_fingerprint(home.folder_of(str(partition))).fingerprint
        files = _pages("raw_pages", partition, home) | _pages("rejected_pages", partition, home)
        return {"folder": folder, "private": read_corrections(home.labels).private_version(files)}
    if asset == "joined_strokes":
        from singleline_pipeline.corrections import read_corrections

        corrections = read_corrections(home.labels).version(_pages("strokes", partition, home))
        return {"corrections": corrections} | settings_version(asset, partition, home)
    source = READ_LABELS.get(asset)
    found = {} if source is None else {source: labels_version(source, partition, home)}
    return found | settings_version(asset, partition, home)


def labels_version(
    source: str,
    partition: str | None,
    home: Home,
    *,
    rows: pa.Table | None = None,
    clusters: pa.Table | None = None,
) -> str:
    """The version of a part of labels.csv: for a sketchbook, of the rows that touch its pages or its drawings.

    Args:
        source: page_labels, drawing_labels, or cluster_names, which belongs to no sketchbook.
        partition: The sketchbook.
        home: Where labels and tables lie.
        rows: The sketchbook's embeddings, where they are not in the lake yet.
        clusters: The fit, where it is not in the lake yet.
    """
    from singleline_pipeline.embedding.label_versions import names_version, rows_version
    from singleline_pipeline.embedding.labels import read_labels

    lake, labels = Lake(home.lake), read_labels(home.labels / "labels.csv")
    if source == "cluster_names":
        pages = (
            _readable(lake, "page_embeddings", book, ["sha256"])
            for book in lake.partitions("page_embeddings")
        )
        return names_version(labels, {key for page in pages if page for key in page["sha256"].to_pylist()})
    scope = source.removesuffix("_labels")
    if rows is None:
        rows = _readable(lake, f"{scope}_embeddings", partition, ["sha256", "embedding"])
    if rows is None or not rows.num_rows:
        return rows_version(labels, scope, (), {})
    if clusters is None:
        clusters = _readable(lake, f"{scope}_clusters", None, FIT_COLUMNS)
    names = _reaching(rows, clusters, cluster_names(clusters, labels, home, scope))
    return rows_version(labels, scope, rows["sha256"].to_pylist(), names)


def cluster_names(clusters: pa.Table | None, labels: "Labels", home: Home, scope: str) -> list[str | None]:
    """The name, given by hand or carried over from an earlier fit, that each cluster has by now.

    Args:
        clusters: `page_clusters` or `drawing_clusters`, or None while nothing was fitted.
        labels: As they are now.
        home: Where earlier fits are kept.
        scope: page or drawing.
    """
    from singleline_pipeline.embedding import load_fits, name_clusters

    if clusters is None or not clusters.num_rows:
        return []
    scope = f"{scope}_cluster"
    fits = load_fits(home.labels / "fits", scope)
    fit_id, members = clusters["fit_id"][0].as_py(), clusters["members"].to_pylist()
    return [name for name, _ in name_clusters(fit_id, members, fits, labels.resolve(scope))]


def _reaching(
    rows: pa.Table, clusters: pa.Table | None, names: Sequence[str | None]
) -> dict[int, str | None]:
    """The names of the clusters that rows are in; all of them where the vectors cannot be compared: the step that is to
    compare them says why."""
    from singleline_pipeline.embedding import assign

    if clusters is None or not clusters.num_rows:
        return {}
    vectors, centroids = vectors_from_arrow(rows["embedding"]), vectors_from_arrow(clusters["centroid"])
    if vectors.shape[1] != centroids.shape[1]:
        return dict(enumerate(names))
    return {number: names[number] for number in set(assign(vectors, centroids)[0].tolist())}


def _pages(asset: str, partition: str | None, home: Home) -> set[str]:
    """SHA-256 of the pages of a sketchbook in a table, as far as it can be read."""
    table = _readable(Lake(home.lake), asset, partition, ["sha256"])
    return set(table["sha256"].to_pylist()) - {None} if table else set()


def _readable(lake: Lake, asset: str, partition: str | None, columns: list[str]) -> pa.Table | None:
    """A table, None where it is not there or cannot be read: the step that reads it says what is wrong with it."""
    try:
        return lake.read(asset, partition, columns)
    except LakeError:
        return None
