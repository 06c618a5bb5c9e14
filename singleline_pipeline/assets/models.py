"""Models: SketchRNN and the sketch transformer, trained on the dataset."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import dagster as dg
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import stroke3_from_arrow
from singleline_pipeline.orchestration.preview import picture
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline.sketch_models.history import in_words, score_name

GROUP = "models"


class TrainConfig(dg.Config):
    """How a model is trained. The same data and settings go on from the last checkpoint."""

    preset: Literal["small", "hour", "story"] = Field(
        "small",
        description="Sizes of model and training: small for minutes on two cores, hour for the same sizes and more "
        "time, story for the story's sizes.",
    )
    augmentation: Literal["preset", "ahead", "on_the_fly", "none"] = Field(
        "preset",
        description="ahead: learn from augmented_dataset, which can be looked at; on_the_fly: from drawings varied "
        "anew each time, as the preset has it; none: from the drawings as they are. preset: on_the_fly for hour, "
        "which would learn a fixed set by heart, and ahead for the others.",
    )
    max_seconds: float | None = Field(
        None,
        ge=1,
        description="CPU seconds from the first step, evaluations included; empty: until it stops learning.",
    )
    max_steps: int | None = Field(
        None, ge=1, description="Optimizer steps at most; empty: until it stops learning."
    )
    threads: int | None = Field(None, ge=1, le=256, description="Threads of PyTorch; empty: all cores.")
    seed: int = Field(0, ge=0, description="Seed of weights, order, augmentation and noise.")
    tokens: int | None = Field(
        None,
        ge=100,
        le=5000,
        description="Codes of the sketch transformer's token variant; empty: the continuous model.",
    )

    def learned_from(self) -> Literal["ahead", "on_the_fly", "none"]:
        """Where the variants of the drawings come from."""
        if self.augmentation == "preset":
            return "on_the_fly" if self.preset == "hour" else "ahead"
        return self.augmentation


class TrainingLog:
    """Tells a log of every validation score, and otherwise at most every 30 s that training goes on."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last = time.monotonic()

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Take a row of the history."""
        if row["split"] == "valid" or time.monotonic() - self._last >= 30:
            self._last = time.monotonic()
            score = score_name(row)
            self._log.info(
                f"step {row['step']}, {row['seconds']:.0f} s: {row['split']} {row[score]:.3f} {in_words(score)}"
            )


class _Forward(logging.Handler):
    """Passes warnings of the training on to the log of the step, which shows nobody else's."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage())


@contextmanager
def warnings_in(log: logging.Logger) -> Iterator[None]:
    """Show what a training warns of in this log while the block runs."""
    source, handler = logging.getLogger("singleline_pipeline.sketch_models"), _Forward(log)
    source.addHandler(handler)
    try:
        yield
    finally:
        source.removeHandler(handler)


def _train(
    context: dg.AssetExecutionContext,
    name: str,
    config: TrainConfig,
    home: HomeResource,
    dataset: pa.Table,
    augmented: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    from singleline_pipeline import rendering
    from singleline_pipeline.dataset import SPLITS, fingerprint
    from singleline_pipeline.sketch_models import TrainSettings, train
    from singleline_pipeline.sketch_models.runs import promote, run_folder
    from singleline_pipeline.sketch_models.sheets import SAMPLES

    options = config.model_dump(exclude={"augmentation"})
    augmentation = config.learned_from()
    settings = (
        TrainSettings(**options)
        if augmentation == "on_the_fly"
        else TrainSettings(**options, augmentation=None)
    )
    ids, of_split = dataset["drawing_id"].to_pylist(), dataset["split"].to_pylist()
    drawings = stroke3_from_arrow(dataset["stroke3"])
    splits = {
        name: [d for d, split in zip(drawings, of_split, strict=True) if split == name] for name in SPLITS
    }
    seen = fingerprint(zip(ids, of_split, drawings, strict=True))
    run = run_folder(home.get().models / name, seen, settings)
    with warnings_in(context.log):
        result = train(
            name,
            splits,
            run,
            settings,
            augmented=stroke3_from_arrow(augmented["stroke3"]) if augmentation == "ahead" else None,
            dataset_fingerprint=seen,
            progress=TrainingLog(context.log),
        )
    promotion = promote(home.get().models / name, run, splits["valid"] or splits["train"])
    if promotion.other_kind:
        context.log.warning(
            f"{run.name} is in use now. The weights that were had a score of another kind (tokens or not, or another "
            "tolerance), which says nothing about which is better; they stay in their folder."
        )
    if not promotion.promoted:
        context.log.warning(
            f"{run.name} is not better than the weights in use ({promotion.score:.3f} against "
            f"{promotion.current_score:.3f} {in_words(promotion.score_name)} on the same drawings); those stay in use."
        )

    columns = {
        column: [row.get(column) for row in result.history]
        for column in SCHEMAS[name].names
        if column != "run"
    }
    table = table_of(name, columns | {"run": [run.name] * len(result.history)})
    return materialized(
        context,
        name,
        table,
        counts=None,
        config={"preset": config.preset},
        metadata={
            promotion.score_name: promotion.score,
            "promoted": promotion.promoted,
            "steps": result.steps,
            "stopped_because": result.stopped_because,
            "weights": dg.MetadataValue.path(str(run)),
            "dataset_fingerprint": seen,
            "samples": picture((run / SAMPLES).read_text(encoding="utf-8"), "samples"),
            "learning_curve": picture(
                rendering.learning_curve_svg(result.history, title=name, score=result.score_name),
                "learning curve",
            ),
        },
    )


@table_asset(
    group=GROUP, code_version="2", kinds={"pytorch", "huggingface"}, partitioned=False, counted=False
)
def sketch_rnn(
    context: dg.AssetExecutionContext,
    config: TrainConfig,
    home: HomeResource,
    stroke3_dataset: pa.Table,
    augmented_dataset: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """SketchRNN, trained on the dataset. Goes on from its last checkpoint where data and settings are the same; its
    weights come into use only if they are not worse than the present ones on the held-out pages."""
    return _train(context, "sketch_rnn", config, home, stroke3_dataset, augmented_dataset)


@table_asset(
    group=GROUP, code_version="2", kinds={"pytorch", "huggingface"}, partitioned=False, counted=False
)
def sketch_transformer(
    context: dg.AssetExecutionContext,
    config: TrainConfig,
    home: HomeResource,
    stroke3_dataset: pa.Table,
    augmented_dataset: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """The sketch transformer, trained on the dataset as SketchRNN is."""
    return _train(context, "sketch_transformer", config, home, stroke3_dataset, augmented_dataset)
