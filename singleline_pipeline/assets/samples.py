"""Samples: what the current weights of each model draw, and how they draw it."""

from collections import Counter

import dagster as dg
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import stroke3_from_arrow, stroke3_to_arrow
from singleline_pipeline.orchestration.preview import picture
from singleline_pipeline.orchestration.resources import HomeResource

GROUP = "samples"


class SampleConfig(dg.Config):
    """What is drawn, and how often."""

    temperatures: list[float] = Field(
        [0.2, 0.5, 0.8], description="Temperatures of the free samples, in (0, 1]."
    )
    free: int = Field(12, ge=1, le=500, description="Free samples at each temperature.")
    reconstructions: int = Field(8, ge=0, le=500, description="Validation drawings that are drawn again.")
    variability: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How freely they are: 0 as the model understood them, 1 as if it had not seen them.",
    )
    completions: int = Field(
        8, ge=0, le=500, description="Validation drawings of which the first third is given."
    )
    interpolations: int = Field(8, ge=0, le=50, description="Steps between two validation drawings.")
    seed: int = Field(0, ge=0, description="Seed of all samples.")


def _samples(
    context: dg.AssetExecutionContext, name: str, config: SampleConfig, home: HomeResource, dataset: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    from singleline_pipeline import geometry, rendering
    from singleline_pipeline.sketch_models.gallery import GallerySettings, draw_gallery
    from singleline_pipeline.sketch_models.runs import current_run

    run = current_run(home.get().models / name)
    held_out = dataset.filter(pa.compute.not_equal(dataset["split"], "train"))
    sources = dict(
        zip(held_out["drawing_id"].to_pylist(), stroke3_from_arrow(held_out["stroke3"]), strict=True)
    )
    pieces = draw_gallery(run, sources, GallerySettings(**config.model_dump()))

    strokes = [geometry.from_stroke3(piece.stroke3) for piece in pieces]
    plain = ("sample_id", "kind", "temperature", "seed", "ended", "source_drawing")
    table = table_of(
        f"{name}_samples",
        {
            **{column: [getattr(piece, column) for piece in pieces] for column in plain},
            "run": [run.name] * len(pieces),
            "stroke3": stroke3_to_arrow([piece.stroke3 for piece in pieces]),
            "points": [len(piece.stroke3) for piece in pieces],
            "svg": [rendering.animated_svg(drawing) for drawing in strokes],
            "plotter_svg": [rendering.plotter_svg(drawing, width_mm=150) for drawing in strokes],
        },
    )
    kinds = Counter(piece.kind for piece in pieces)
    sheets = {}
    for kind in kinds:
        of_kind = [index for index, piece in enumerate(pieces) if piece.kind == kind]
        chosen = of_kind[:: -(-len(of_kind) // 24)]  # of every temperature
        animated = rendering.animated_sheet_svg(
            [strokes[index] for index in chosen],
            [pieces[index].sample_id for index in chosen],
            columns=6,
            title=kind,
        )
        sheets[f"{kind}_samples"] = picture(animated, f"{kind} samples, drawing themselves")
    return materialized(
        context,
        f"{name}_samples",
        table,
        counts={"in": sum(kinds.values()), **kinds},
        metadata={
            "run": run.name,
            "ended_by_themselves": sum(piece.ended for piece in pieces) / max(1, len(pieces)),
            **sheets,
        },
    )


@table_asset(group=GROUP, code_version="1", kinds={"pytorch"}, partitioned=False, deps=["sketch_rnn"])
def sketch_rnn_samples(
    context: dg.AssetExecutionContext, config: SampleConfig, home: HomeResource, stroke3_dataset: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Drawings by the current SketchRNN: free ones, validation drawings again, completed, and in between; each as
    an animated SVG that draws the line, and as one for a plotter."""
    return _samples(context, "sketch_rnn", config, home, stroke3_dataset)


@table_asset(group=GROUP, code_version="1", kinds={"pytorch"}, partitioned=False, deps=["sketch_transformer"])
def sketch_transformer_samples(
    context: dg.AssetExecutionContext, config: SampleConfig, home: HomeResource, stroke3_dataset: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Drawings by the current sketch transformer, as those of SketchRNN."""
    return _samples(context, "sketch_transformer", config, home, stroke3_dataset)
