"""Drawings: pages split into drawings, embedded, clustered, filtered."""

from collections import Counter

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.pages import ClusterConfig, EncoderConfig
from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow, vectors_to_arrow
from singleline_pipeline.orchestration.preview import sheet
from singleline_pipeline.orchestration.resources import HomeResource

GROUP = "drawings"


class SplitConfig(dg.Config):
    """How the strokes of a page are split into drawings. Units: 200 on the longer side of all ink of the page."""

    min_overlap: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Provisional drawings are one where their boxes share this much of the smaller.",
    )
    min_area: float = Field(
        500.0,
        ge=0,
        le=20000,
        description="A drawing whose box is smaller than this, in square units, is dropped.",
    )


class FilterConfig(dg.Config):
    """What no drawing of the dataset may fall short of, whatever its cluster."""

    min_points: int = Field(12, ge=2, le=1000, description="Fewest points, when simplified to 1 unit.")
    min_side: float = Field(
        40.0, ge=0, le=5000, description="Least length of its longer side, in pixels of the page."
    )


@table_asset(group=GROUP, code_version="1", partitioned=True)
def drawings(
    context: dg.AssetExecutionContext, config: SplitConfig, spliced_strokes: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Pages split into drawings, each on its own canvas, 200 units on its longer side."""
    from singleline_pipeline import rendering
    from singleline_pipeline.geometry import drawings_of_page

    rows, dropped, strokes = [], [], 0
    pages = spliced_strokes.select(["page_id", "sketchbook", "sha256", "group"]).to_pylist()
    for page, line in zip(pages, strokes_from_arrow(spliced_strokes["strokes"]), strict=True):
        strokes += len(line)
        found = drawings_of_page(
            line, page.pop("group"), min_overlap=config.min_overlap, min_area=config.min_area
        )
        for number, drawing in enumerate(found.drawings, start=1):
            rows.append(page | {"drawing_id": f"{page['page_id']}d{number:02d}", "drawing": drawing})
        dropped += [f"{page['page_id']}: {len(indices)} strokes at {box}" for indices, box in found.dropped]

    table = table_of(
        "drawings",
        {
            **{
                name: [row[name] for row in rows]
                for name in ("drawing_id", "page_id", "sketchbook", "sha256")
            },
            "box": [list(row["drawing"].box) for row in rows],
            "scale": [row["drawing"].scale for row in rows],
            "strokes": strokes_to_arrow([row["drawing"].strokes for row in rows]),
            "n_strokes": [len(row["drawing"].strokes) for row in rows],
            "n_points": [sum(map(len, row["drawing"].strokes)) for row in rows],
        },
    )
    pictures = [rendering.rasterize(row["drawing"].strokes, size=120, pen=1.4) for row in rows]
    out = sum(len(row["drawing"].strokes) for row in rows)
    return materialized(
        context,
        "drawings",
        table,
        counts={"in": strokes, "out": out, "dropped": strokes - out},
        metadata={
            "drawings_by_page": dict(Counter(row["page_id"] for row in rows)),
            "dropped": dg.MetadataValue.md(
                "\n".join(f"- {line}" for line in dropped) or "Nothing was dropped."
            ),
            "drawings": sheet(pictures, table["drawing_id"].to_pylist(), context.partition_key, cell=110),
        },
    )


@table_asset(group=GROUP, code_version="1", kinds={"pytorch"}, partitioned=True)
def drawing_embeddings(
    context: dg.AssetExecutionContext, config: EncoderConfig, drawings: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """What an encoder sees in each drawing, drawn cleanly with a pen of one width."""
    from singleline_pipeline import embedding, rendering

    seen = embedding.describe_images(
        (rendering.rasterize(strokes) for strokes in strokes_from_arrow(drawings["strokes"])), config.encoder
    )
    table = table_of(
        "drawing_embeddings",
        {name: drawings[name] for name in ("drawing_id", "page_id", "sketchbook", "sha256")} | seen.columns(),
    )
    counts = {"in": drawings.num_rows, "out": table.num_rows}
    metadata = {"encoder": f"{seen.encoder} {seen.version}", "size": seen.vectors.shape[1]}
    return materialized(context, "drawing_embeddings", table, counts=counts, metadata=metadata)
