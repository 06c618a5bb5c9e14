"""Models: SketchRNN and the sketch transformer, trained on the dataset."""

from typing import Literal

import dagster as dg
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import stroke3_from_arrow
from singleline_pipeline.orchestration.preview import picture
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.schemas import SCHEMAS

GROUP = "models"


class TrainConfig(dg.Config):
    """How a model is trained. The same data and settings go on from the last checkpoint."""

    preset: Literal["small", "story"] = Field(
        "small",
        description="Sizes of model and training: small for minutes on two cores, story for real work.",
    )
    max_seconds: float | None = Field(
        None,
        ge=1,
        description="CPU seconds from the first step, evaluations included; empty: until it no longer learns.",
    )
    max_steps: int | None = Field(None, ge=1, description="Optimizer steps at most; empty: the preset's.")
    threads: int | None = Field(None, ge=1, le=256, description="Threads of PyTorch; empty: all cores.")
    seed: int = Field(0, ge=0, description="Seed of weights, order, augmentation and noise.")


def _train(
    context: dg.AssetExecutionContext,
    name: str,
    config: TrainConfig,
    home: HomeResource,
    dataset: pa.Table,
    augmented: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    from singleline_pipeline import rendering
    from singleline_pipeline.dataset import SPLITS, find_snapshot, fingerprint_of
    from singleline_pipeline.sketch_models import train, train_settings
    from singleline_pipeline.sketch_models.runs import promote, run_folder

    splits = {
        split: stroke3_from_arrow(dataset.filter(pa.compute.equal(dataset["split"], split))["stroke3"])
        for split in SPLITS
    }
    settings = train_settings(name, **config.model_dump())
    seen = dict(
        zip(("drawings", "variants"), (content_version(dataset), content_version(augmented)), strict=True)
    )
    ...
