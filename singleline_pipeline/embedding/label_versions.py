"""Which labels touch which tables: a version of what was said about some rows, and of the names of clusters.

A version changes when, and only when, what the rows become may change. So a label given to a page of one sketchbook
leaves every other sketchbook as it is, and the name of a cluster touches those that have a row in it.
"""

import hashlib
import json
from collections.abc import Collection, Mapping

from singleline_pipeline.embedding.label_keys import split_drawing_key
from singleline_pipeline.embedding.labels import Labels

CLUSTER_SCOPES = ("page_cluster", "drawing_cluster")


def rows_version(labels: Labels, scope: str, sha256: Collection[str], names: Mapping[int, str | None]) -> str:
    """Return a version of the labels that touch the pages, or the drawings on the pages, of a table.

    Args:
        labels: All of them.
        scope: page or drawing.
        sha256: Of the table's pages.
        names: Name, given or carried over, of each cluster that a row of the table is in, by its number.
    """
    there = set(sha256)
    said: object
    if scope == "page":
        said = sorted((key, label) for key, label in labels.resolve(scope).items() if key in there)
    else:  # in the order in which they were given: of two boxes that overlap alike the later one counts
        said = sorted((key, boxes) for key, boxes in labels.drawings().items() if key in there)
    named = sorted((number, name) for number, name in names.items() if name)
    return _hash({"said": said, "names": named})


def names_version(labels: Labels, sha256: Collection[str]) -> str:
    """Return a version of what clusters were called, and of what `page_clusters` and `drawing_clusters` report beside:
    lines that say nothing, and labels of pages that are in no sketchbook.

    Args:
        labels: All of them.
        sha256: Of all pages there are.
    """
    there = set(sha256)
    # In the order in which they were given: the latest name of a row is the one that is carried over.
    names = {scope: list(labels.resolve(scope).items()) for scope in CLUSTER_SCOPES}
    pages = sorted(key for key in labels.resolve("page") if key not in there)
    drawings = sorted(key for key in labels.resolve("drawing") if split_drawing_key(key)[0] not in there)
    return _hash({"names": names, "of nothing": [pages, drawings], "problems": labels.problems})


def _hash(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
