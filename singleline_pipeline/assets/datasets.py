"""Datasets: kept drawings as stroke-3, split by page, augmented, and as a codebook of tokens."""

from collections import Counter
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.step_settings import StepSettings, else_built_in
from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import stroke3_from_arrow, stroke3_to_arrow, strokes_from_arrow
from singleline_pipeline.orchestration.preview import picture, sheet
from singleline_pipeline.orchestration.resources import HomeResource

GROUP = "datasets"


class DatasetConfig(dg.Config):
    """How drawings become stroke-3."""

    max_points: int | None = Field(
        None,
        ge=10,
        le=2000,
        description="Most points of a drawing. " + else_built_in("stroke3_dataset", "max_points"),
    )
    min_epsilon: float | None = Field(
        None,
        ge=0,
        le=20,
        description="Tolerance that every drawing is simplified with, in units (200 on the longer side); "
        "more where the budget of points asks for it. " + else_built_in("stroke3_dataset", "min_epsilon"),
    )
    cut_ends: float | None = Field(
        None,
        ge=0,
        lt=0.5,
        description="Share of drawings cut at each end of the distribution of their points. "
        + else_built_in("stroke3_dataset", "cut_ends"),
    )


class AugmentConfig(dg.Config):
    """How variants of the training drawings are made."""

    variants: int = Field(
        10,
        ge=1,
        le=100,
        description="Variants of each drawing of the train split, itself and its reverse included.",
    )
    max_rotation: float = Field(15.0, ge=0, le=180, description="Largest rotation either way, in degrees.")
    max_scale: float = Field(1.2, ge=1, le=3, description="Largest enlargement.")
    max_drop: float = Field(
        0.5, ge=0, le=0.9, description="Largest probability that an inner point is dropped."
    )
    seed: int = Field(
        0, ge=0, description="Seed; each variant has its own, made of this, the drawing and its number."
    )


class CodebookConfig(dg.Config):
    """How large the codebook of the tokens is."""

    codes: int = Field(250, ge=100, le=5000, description="Codes at most; the more, the fewer tokens a point.")
    tolerance: float | None = Field(
        None,
        gt=0,
        description="How far a drawing may lie from its tokens, in units; empty: about 0.5 % of its longer side.",
    )
    seed: int = Field(0, ge=0, description="Seed of K-means.")


@table_asset(group=GROUP, code_version="1", partitioned=False)
def stroke3_dataset(
    context: dg.AssetExecutionContext,
    config: DatasetConfig,
    home: HomeResource,
    filtered_drawings: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """Every kept drawing as stroke-3, with its split. Each version stays as a snapshot in datasets/: the .npz of the
    SketchRNN family and a manifest."""
    from singleline_pipeline import geometry, rendering
    from singleline_pipeline.dataset import (
        SPLITS,
        DatasetSettings,
        KeptDrawing,
        build_dataset,
        write_snapshot,
    )

    said = StepSettings(context, home.get(), "stroke3_dataset", config.model_dump())
    drawings = filtered_drawings.to_table().sort_by("drawing_id")
    kept = drawings.filter(drawings["kept"])
    columns = [kept[name].to_pylist() for name in ("drawing_id", "page_id", "sketchbook", "sha256")]
    settings = DatasetSettings(**said.of())
    of_page = [DatasetSettings(**said.of(page)) for page in columns[3]]
    rows = zip(*columns, strokes_from_arrow(kept["strokes"]), of_page, strict=True)
    dataset = build_dataset([KeptDrawing(*row) for row in rows], settings)
    snapshot = write_snapshot(dataset, settings, home.get().datasets)

    table = table_of(
        "stroke3_dataset",
        {
            **{
                name: [getattr(row, name) for row in dataset.rows]
                for name in ("drawing_id", "page_id", "sketchbook", "split", "strokes", "epsilon")
            },
            "stroke3": stroke3_to_arrow([row.stroke3 for row in dataset.rows]),
            "points": [len(row.stroke3) for row in dataset.rows],
        },
    )
    splits = Counter(row.split for row in dataset.rows)
    without = [split for split in SPLITS if not splits[split]]
    if not table.num_rows:
        context.log.warning(
            f"The dataset is empty: of {drawings.num_rows} drawings none is in it. page_groups says which pages are "
            "not taken for drawings, filtered_drawings which drawings are left out; labels.csv overrules both."
        )
    elif without:
        context.log.warning(
            f"No drawing is in the {' and the '.join(without)} split: there are too few pages (drawings in all: "
            f"{table.num_rows}). Training takes a tenth of train where valid is empty; scan more pages for scores that "
            "mean something."
        )
    before = Lake(home.get().lake).read_optional("stroke3_dataset", columns=["points", "strokes"])
    shown = [
        rendering.rasterize(geometry.from_stroke3(row.stroke3), size=110, pen=1.4)
        for row in dataset.rows[:60]
    ]
    histograms = {
        f"{name}_a_drawing": picture(
            rendering.histogram_svg(
                table[name].to_numpy(),
                previous=before[name].to_numpy() if before else None,
                title=f"{name} a drawing",
                xlabel=name,
            ),
            f"{name} a drawing",
        )
        for name in ("points", "strokes")
    }
    counts = {"in": drawings.num_rows, "out": table.num_rows, "dropped here": len(dataset.dropped)}
    counts["not kept by the filter"] = drawings.num_rows - kept.num_rows
    return materialized(
        context,
        "stroke3_dataset",
        table,
        counts=counts,
        external=said.version(),
        metadata={
            **said.metadata(columns[1], columns[3]),
            "snapshot": dg.MetadataValue.path(str(snapshot)),
            "fingerprint": dataset.fingerprint(),
            "sketchbooks": dict(Counter(row.sketchbook for row in dataset.rows)),
            **{f"drawings_{split}": splits[split] for split in SPLITS},
            "dropped": dict(Counter(dataset.dropped.values())),
            "drawings": sheet(
                shown,
                [row.drawing_id for row in dataset.rows[:60]],
                "Drawings as the models get them",
                cell=110,
            ),
            **histograms,
        },
    )


@table_asset(group=GROUP, code_version="1", partitioned=False)
def augmented_dataset(
    context: dg.AssetExecutionContext, config: AugmentConfig, stroke3_dataset: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Variants of the drawings of the train split: the drawing itself, its reverse, and rotated, enlarged ones with
    fewer points. The models learn from these, so that what they learn from can be looked at."""
    from singleline_pipeline import geometry, rendering
    from singleline_pipeline.sketch_models.augmentation import AugmentationSettings
    from singleline_pipeline.sketch_models.variants import variants_of

    train = stroke3_dataset.filter(pc.equal(stroke3_dataset["split"], "train"))
    settings = AugmentationSettings(config.max_rotation, config.max_scale, config.max_drop)
    rows = [
        (drawing_id, variant)
        for drawing_id, stroke3 in zip(
            train["drawing_id"].to_pylist(), stroke3_from_arrow(train["stroke3"]), strict=True
        )
        for variant in variants_of(drawing_id, stroke3, config.variants, config.seed, settings)
    ]
    variants = [variant for _, variant in rows]
    table = table_of(
        "augmented_dataset",
        {
            "drawing_id": [drawing_id for drawing_id, _ in rows],
            "variant": [variant.number for variant in variants],
            "split": ["train"] * len(rows),
            "reversed": [variant.record.reversed for variant in variants],
            "rotation": [variant.record.rotation_degrees for variant in variants],
            "scale": [variant.record.scale for variant in variants],
            "drop_probability": [variant.record.drop_probability for variant in variants],
            "seed": [variant.seed for variant in variants],
            "stroke3": stroke3_to_arrow([variant.stroke3 for variant in variants]),
            "points": [len(variant.stroke3) for variant in variants],
        },
    )
    shown = range(min(48, len(rows)))
    pictures = [
        rendering.rasterize(geometry.from_stroke3(variants[i].stroke3), size=110, pen=1.4) for i in shown
    ]
    captions = [f"{rows[i][0]} {variants[i].number}" for i in shown]
    return materialized(
        context,
        "augmented_dataset",
        table,
        counts={"in": train.num_rows * config.variants, "out": table.num_rows},
        metadata={
            "drawings_in": train.num_rows,
            "mean_points": float(np.mean(table["points"])) if rows else 0.0,
            "variants": sheet(pictures, captions, "Variants", cell=110),
        },
    )


@table_asset(group=GROUP, code_version="2", kinds={"scikit-learn"}, partitioned=False)
def stroke_codebook(
    context: dg.AssetExecutionContext, config: CodebookConfig, stroke3_dataset: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Codes that write the train split: those that close a row, pen down or lifted, and those that carry it on. The
    token variant of the sketch transformer fits the same to what it is trained on."""
    from singleline_pipeline.sketch_models.codebook import Role
    from singleline_pipeline.sketch_models.codebook_fit import fit_codebook

    train = stroke3_dataset.filter(pc.equal(stroke3_dataset["split"], "train"))
    drawings = stroke3_from_arrow(train["stroke3"])
    points, closed = sum(map(len, drawings)), 0
    columns: dict[str, Any] = {"pen_state": [], "dx": [], "dy": [], "count": []}
    metadata: dict[str, float] = {}
    if drawings:
        codebook = fit_codebook(drawings, config.codes, tolerance=config.tolerance, seed=config.seed)
        closed = int(codebook.counts[codebook.roles != Role.CARRY].sum())
        tokens = int(codebook.counts.sum())
        metadata = {"tolerance": codebook.tolerance, "tokens_per_point": tokens / points}
        columns = {
            "pen_state": [Role(role).name.lower() for role in codebook.roles],
            "dx": codebook.offsets[:, 0],
            "dy": codebook.offsets[:, 1],
            "count": codebook.counts,
        }
    table = table_of("stroke_codebook", {"code": list(range(len(columns["count"]))), **columns})
    return materialized(
        context,
        "stroke_codebook",
        table,
        counts={"in": points, "out": closed},
        metadata={"codes": table.num_rows, **metadata},
    )
