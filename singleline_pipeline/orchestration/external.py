"""Versions of the inputs that are no assets: the folder of a sketchbook, the labels given by hand."""

import hashlib
import json

from singleline_pipeline.home import Home

# The clusters read the labels of rows only to report those of nothing, and lines that say nothing.
_REPORTING = ("page_clusters", "drawing_clusters")
_LABEL_SCOPES = {
    "page_clusters": ("page", "page_cluster"),
    "page_groups": ("page", "page_cluster"),
    "drawing_clusters": ("drawing", "drawing_cluster"),
    "filtered_drawings": ("drawing", "drawing_cluster"),
}


def external_versions(asset: str, partition: str | None, home: Home) -> dict[str, str]:
    """What an asset reads beside other assets, as name -> version; empty for most.

    Raises:
        PageError: The sketchbook's folder cannot be read.
    """
    if asset in ("raw_pages", "rejected_pages"):
        from singleline_pipeline.scans import folder_fingerprint

        return {"folder": folder_fingerprint(home.folder_of(str(partition))).fingerprint}
    if asset in _LABEL_SCOPES:
        from singleline_pipeline.embedding.labels import read_labels

        labels = read_labels(home.labels / "labels.csv")
        said: dict[str, list] = {
            scope: sorted(labels.resolve(scope).items()) for scope in _LABEL_SCOPES[asset]
        }
        if asset in _REPORTING:
            said["problems"] = labels.problems
        return {"labels": hashlib.sha256(json.dumps(said).encode()).hexdigest()}
    return {}
