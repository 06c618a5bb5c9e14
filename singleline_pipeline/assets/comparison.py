"""The comparison of the two models that are in use."""

import dagster as dg
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import stroke3_from_arrow
from singleline_pipeline.orchestration.preview import picture
from singleline_pipeline.orchestration.resources import HomeResource

GROUP = "models"


class ComparisonConfig(dg.Config):
    """What the models draw to be compared."""

    temperatures: list[float] = Field(
        [0.2, 0.4, 0.8],
        min_length=1,
        description="Temperatures of the samples, in (0, 1]; the plotted figures are those of the middle one.",
    )
    samples: int = Field(
        150, ge=1, le=5000, description="Samples at each temperature; at least 20 for the two-sample scores."
    )
    limit: int = Field(250, ge=2, le=5000, description="Points at which a sample is cut off.")
    seed: int = Field(0, ge=0, description="Seed of samples, noise and resampling.")


@table_asset(
    group=GROUP,
    code_version="1",
    kinds={"pytorch"},
    partitioned=False,
    counted=False,
    deps=["sketch_rnn", "sketch_transformer"],
)
def model_comparison(
    context: dg.AssetExecutionContext, config: ComparisonConfig, home: HomeResource, stroke3_dataset: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Both models in use on the drawings that neither learned from: where the nats go, what the far past is worth,
    whether samples are distributed as drawings are, whether any is a copy. With a report to look at."""
    from singleline_pipeline import comparison
    from singleline_pipeline.comparison.report import samples_sheet, score_markdown
    from singleline_pipeline.dataset import fingerprint

    ids, splits = stroke3_dataset["drawing_id"].to_pylist(), stroke3_dataset["split"].to_pylist()
    drawings = stroke3_from_arrow(stroke3_dataset["stroke3"])
    train = {name: one for name, one, split in zip(ids, drawings, splits, strict=True) if split == "train"}
    held_out = {name: one for name, one in zip(ids, drawings, strict=True) if name not in train}
    settings = comparison.ComparisonSettings(
        **config.model_dump() | {"temperatures": tuple(config.temperatures)}
    )
    current = comparison.current_models(home.get().models)
    found = comparison.compare_models(
        current.models,
        train,
        held_out,
        settings,
        dataset_fingerprint=fingerprint(zip(ids, splits, drawings, strict=True)),
        progress=context.log.info,
    )
    notes = [*current.missing, *found.notes]
    for note in notes:
        context.log.info(note)
    report = comparison.write_report(found, home.get().models / "comparison" / "report.html")
    rows = [figure.plain() | {"run": current.runs.get(figure.model)} for figure in found.figures]
    return materialized(
        context,
        "model_comparison",
        table_of("model_comparison", {name: [row[name] for row in rows] for name in rows[0]}),
        counts=None,
        metadata={
            **found.headline(settings.headline),
            "report": dg.MetadataValue.path(str(report)),
            "figures": dg.MetadataValue.md(score_markdown(found)),
            "left_out": dg.MetadataValue.md(
                "\n".join(f"- {note}" for note in notes) or "Nothing was left out."
            ),
            "samples": picture(samples_sheet(found, settings.headline), "held-out drawings and samples"),
        },
    )
