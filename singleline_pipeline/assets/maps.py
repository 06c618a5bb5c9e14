"""Maps: the embedding space of pages and of drawings on a plane, to be looked at."""

from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import strokes_from_arrow, vectors_from_arrow
from singleline_pipeline.orchestration.preview import picture

GROUP = "maps"


class MapConfig(dg.Config):
    """How the plane is found."""

    seed: int = Field(0, ge=0, description="Seed of t-SNE.")


def _map(
    context: dg.AssetExecutionContext,
    name: str,
    config: MapConfig,
    embeddings: pa.Table,
    columns: dict[str, Any],
) -> dg.MaterializeResult[pa.Table]:
    from singleline_pipeline import rendering
    from singleline_pipeline.embedding import map_points

    points = map_points(vectors_from_arrow(embeddings["embedding"]), seed=config.seed)
    table = table_of(name, columns | {"x": points[:, 0], "y": points[:, 1]})
    chart = rendering.scatter_svg(points, table["group"].to_pylist(), title=name.replace("_", " "))
    counts = {"in": embeddings.num_rows, "out": table.num_rows}
    return materialized(context, name, table, counts=counts, metadata={"map": picture(chart, name)})


@table_asset(group=GROUP, code_version="1", kinds={"scikit-learn"}, partitioned=False)
def page_map(
    context: dg.AssetExecutionContext,
    config: MapConfig,
    raw_pages: pads.Dataset,
    page_embeddings: pads.Dataset,
    page_groups: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """Every page on a plane, near the pages that look like it (t-SNE of the embeddings)."""
    pages = page_embeddings.to_table(columns=["page_id", "sketchbook", "embedding"]).sort_by("page_id")
    columns = {name: pages[name] for name in ("page_id", "sketchbook")}
    for name, dataset in (("group", page_groups), ("thumbnail", raw_pages)):
        found = dataset.to_table(columns=["page_id", name])
        columns[name] = found.take(pc.index_in(pages["page_id"], value_set=found["page_id"]))[name]
    return _map(context, "page_map", config, pages, columns)


@table_asset(group=GROUP, code_version="1", kinds={"scikit-learn"}, partitioned=False)
def drawing_map(
    context: dg.AssetExecutionContext,
    config: MapConfig,
    drawing_embeddings: pads.Dataset,
    filtered_drawings: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """Every drawing on a plane, kept or not, near the drawings that look like it."""
    from singleline_pipeline import rendering

    embeddings = drawing_embeddings.to_table(columns=["drawing_id", "sketchbook", "embedding"]).sort_by(
        "drawing_id"
    )
    found = filtered_drawings.to_table(columns=["drawing_id", "strokes", "reason"])
    found = found.take(pc.index_in(embeddings["drawing_id"], value_set=found["drawing_id"]))
    columns = {name: embeddings[name] for name in ("drawing_id", "sketchbook")}
    columns["group"] = pc.fill_null(found["reason"], "kept")
    columns["thumbnail"] = [
        rendering.encode_preview(rendering.rasterize(strokes, size=96, pen=1.2), format="png")
        for strokes in strokes_from_arrow(found["strokes"])
    ]
    return _map(context, "drawing_map", config, embeddings, columns)
