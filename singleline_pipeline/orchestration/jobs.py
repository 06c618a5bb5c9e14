"""What can be started as one run: a sketchbook, the clusters, the datasets, a retraining, the samples."""

import dagster as dg

SKETCHBOOK_ASSETS = (
    "raw_pages",
    "rejected_pages",
    "page_embeddings",
    "page_groups",
    "strokes",
    "joined_strokes",
    "spliced_strokes",
    "drawings",
    "drawing_embeddings",
    "filtered_drawings",
)
CLUSTER_ASSETS = ("page_clusters", "drawing_clusters")
DATASET_ASSETS = ("stroke3_dataset", "augmented_dataset", "stroke_codebook")
MAP_ASSETS = ("page_map", "drawing_map")
MODEL_ASSETS = ("sketch_rnn", "sketch_transformer")
SAMPLE_ASSETS = ("sketch_rnn_samples", "sketch_transformer_samples")
COMPARISON_ASSETS = ("model_comparison",)

_HOUR = 3600


def _at_most(seconds: int) -> dict[str, str]:
    """The run tag by which run monitoring ends a run that hangs, or whose machine lost power."""
    return {"dagster/max_runtime": str(seconds)}


sketchbook_job = dg.define_asset_job(
    "sketchbook_job",
    selection=dg.AssetSelection.assets(*SKETCHBOOK_ASSETS),
    tags=_at_most(2 * _HOUR),
    description="Everything about one sketchbook, from its scans to the drawings that go to the dataset.",
)

clusters_job = dg.define_asset_job(
    "clusters_job",
    selection=dg.AssetSelection.assets(*CLUSTER_ASSETS),
    config={"ops": {asset: {"config": {"refit": True}} for asset in CLUSTER_ASSETS}},
    tags=_at_most(2 * _HOUR),
    description="Fit the clusters of pages and of drawings anew, over all sketchbooks. Names given by hand "
    "are carried over where most members of a cluster had them. Then run sketchbook_job for each book.",
)

dataset_job = dg.define_asset_job(
    "dataset_job",
    selection=dg.AssetSelection.assets(*DATASET_ASSETS, *MAP_ASSETS),
    tags=_at_most(4 * _HOUR),
    description="The datasets for training, from all sketchbooks, and the maps of pages and drawings.",
)

retrain_job = dg.define_asset_job(
    "retrain_job",
    selection=dg.AssetSelection.assets(*DATASET_ASSETS, *MODEL_ASSETS, *SAMPLE_ASSETS, *COMPARISON_ASSETS),
    tags=_at_most(48 * _HOUR),
    description="Datasets from all sketchbooks, both models trained on them, samples of both, and their comparison.",
)

samples_job = dg.define_asset_job(
    "samples_job",
    selection=dg.AssetSelection.assets(*SAMPLE_ASSETS),
    tags=_at_most(2 * _HOUR),
    description="New samples of the models as they are.",
)

jobs = [sketchbook_job, clusters_job, dataset_job, retrain_job, samples_job]
