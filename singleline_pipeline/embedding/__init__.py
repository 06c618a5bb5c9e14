"""From pictures to vectors, from vectors to clusters and maps, and what people said about them.

Labels are read by programs that never embed anything, so nothing heavy is imported until it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from singleline_pipeline.embedding.errors import EmbeddingError, LabelError
from singleline_pipeline.embedding.fits import StoredFit, load_fits, save_fit
from singleline_pipeline.embedding.groups import GROUPS, UNLABELLED, decide_group
from singleline_pipeline.embedding.names import carry_names, name_clusters, named_clusters, suggested_names

if TYPE_CHECKING:
    from singleline_pipeline.embedding.clusters import ClusterFit, assign, fit_clusters
    from singleline_pipeline.embedding.encoders import (
        DEFAULT_ENCODER,
        Encoder,
        embed_images,
        encoder,
        require_encoder_of_fit,
        require_one_encoder,
    )
    from singleline_pipeline.embedding.far_off import outliers, refit_suggestion, relative_distance
    from singleline_pipeline.embedding.label_keys import (
        ALLOWED_LABELS,
        cluster_key,
        drawing_key,
        match_drawing,
        split_drawing_key,
    )
    from singleline_pipeline.embedding.label_writing import append_labels
    from singleline_pipeline.embedding.labels import Label, Labels, read_labels, unknown_keys
    from singleline_pipeline.embedding.last_map import LastMap, last_places
    from singleline_pipeline.embedding.lookalikes import Rescan, find_rescans
    from singleline_pipeline.embedding.maps import map_points, map_version, moved
    from singleline_pipeline.embedding.statistics import STATISTICS_NAMES, PageStatistics, page_statistics
    from singleline_pipeline.embedding.suggestions import suggest_group

_LOADED_ON_USE = {
    "ClusterFit": "clusters",
    "assign": "clusters",
    "fit_clusters": "clusters",
    "DEFAULT_ENCODER": "encoders",
    "Encoder": "encoders",
    "embed_images": "encoders",
    "encoder": "encoders",
    "require_encoder_of_fit": "encoders",
    "require_one_encoder": "encoders",
    "ALLOWED_LABELS": "label_keys",
    "cluster_key": "label_keys",
    "drawing_key": "label_keys",
    "match_drawing": "label_keys",
    "split_drawing_key": "label_keys",
    "append_labels": "label_writing",
    "Label": "labels",
    "Labels": "labels",
    "read_labels": "labels",
    "unknown_keys": "labels",
    "LastMap": "last_map",
    "last_places": "last_map",
    "Rescan": "lookalikes",
    "find_rescans": "lookalikes",
    "map_points": "maps",
    "map_version": "maps",
    "moved": "maps",
    "outliers": "far_off",
    "refit_suggestion": "far_off",
    "relative_distance": "far_off",
    "STATISTICS_NAMES": "statistics",
    "PageStatistics": "statistics",
    "page_statistics": "statistics",
    "suggest_group": "suggestions",
}

__all__ = [
    "ALLOWED_LABELS",
    "DEFAULT_ENCODER",
    "GROUPS",
    "STATISTICS_NAMES",
    "UNLABELLED",
    "ClusterFit",
    "EmbeddingError",
    "Encoder",
    "Label",
    "LabelError",
    "Labels",
    "LastMap",
    "PageStatistics",
    "Rescan",
    "StoredFit",
    "append_labels",
    "assign",
    "carry_names",
    "cluster_key",
    "decide_group",
    "drawing_key",
    "embed_images",
    "encoder",
    "find_rescans",
    "fit_clusters",
    "last_places",
    "load_fits",
    "map_points",
    "map_version",
    "match_drawing",
    "moved",
    "name_clusters",
    "named_clusters",
    "outliers",
    "page_statistics",
    "read_labels",
    "refit_suggestion",
    "relative_distance",
    "require_encoder_of_fit",
    "require_one_encoder",
    "save_fit",
    "split_drawing_key",
    "suggest_group",
    "suggested_names",
    "unknown_keys",
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LOADED_ON_USE[name]}"), name)
