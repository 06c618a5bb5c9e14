"""Drawings: pages split into drawings, embedded, clustered, filtered."""

from collections import Counter

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.clusters import (
    ClusterConfig,
    EncoderConfig,
    clusters_table,
    embedding_columns,
    nearest_clusters,
    unique_rows,
)
from singleline_pipeline.assets.step_settings import StepSettings, else_built_in
from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow
from singleline_pipeline.orchestration.external import FIT_COLUMNS, cluster_names, external_versions
from singleline_pipeline.orchestration.label_sources import observe_labels
from singleline_pipeline.orchestration.preview import sheet
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.studio_link import studio_link

GROUP = "drawings"


class SplitConfig(dg.Config):
    """How the strokes of a page are split into drawings. Units: 200 on the longer side of all ink of the page."""

    min_overlap: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Provisional drawings are one where their boxes share this much of the smaller. "
        + else_built_in("drawings", "min_overlap"),
    )
    min_area: float | None = Field(
        None,
        ge=0,
        le=20000,
        description="A drawing that fits into a square of this area, in square units, is dropped. "
        + else_built_in("drawings", "min_area"),
    )


class FilterConfig(dg.Config):
    """What no drawing of the dataset may fall short of, whatever its cluster."""

    min_points: int = Field(12, ge=2, le=1000, description="Fewest points, when simplified to 1 unit.")
    min_side: float = Field(
        40.0, ge=0, le=5000, description="Least length of its longer side, in pixels of the page."
    )


@table_asset(group=GROUP, code_version="3", partitioned=True)
def drawings(
    context: dg.AssetExecutionContext, config: SplitConfig, home: HomeResource, spliced_strokes: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Pages split into drawings, each on its own canvas, 200 units on its longer side. Those that were split off or
    merged by hand are taken as they are."""
    from singleline_pipeline import rendering
    from singleline_pipeline.geometry import drawings_of_page

    settings = StepSettings(context, home.get(), "drawings", config.model_dump())
    rows, dropped, strokes = [], [], 0
    pages = spliced_strokes.select(["page_id", "sketchbook", "sha256", "group", "settled"]).to_pylist()
    for page, line in zip(pages, strokes_from_arrow(spliced_strokes["strokes"]), strict=True):
        strokes += len(line)
        grouped = {"groups": page.pop("group"), "settled": page.pop("settled")}
        found = drawings_of_page(line, **grouped, **settings.of(page["sha256"]))
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
        external=settings.version(page["sha256"] for page in pages),
        metadata={
            **settings.metadata([page["page_id"] for page in pages], [page["sha256"] for page in pages]),
            "drawings_by_page": dict(Counter(row["page_id"] for row in rows)),
            "dropped": dg.MetadataValue.md(
                "\n".join(f"- {line}" for line in dropped) or "Nothing was dropped."
            ),
            "drawings": sheet(pictures, table["drawing_id"].to_pylist(), context.partition_key, cell=110),
        },
    )


@table_asset(group=GROUP, code_version="4", kinds={"pytorch"}, partitioned=True)
def drawing_embeddings(
    context: dg.AssetExecutionContext, config: EncoderConfig, home: HomeResource, drawings: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """What an encoder sees in each drawing, drawn cleanly with a pen of one width."""
    from singleline_pipeline import rendering

    pictures = (rendering.rasterize(strokes) for strokes in strokes_from_arrow(drawings["strokes"]))
    columns = {name: drawings[name] for name in ("drawing_id", "page_id", "sketchbook", "sha256")}
    settings = config.chosen(context, home)
    encoder = settings.of()["name"]
    table = table_of("drawing_embeddings", columns | embedding_columns(pictures, encoder))
    observe_labels(context, "drawing_labels", home.get(), rows=table)
    counts = {"in": drawings.num_rows, "out": table.num_rows}
    return materialized(
        context,
        "drawing_embeddings",
        table,
        counts=counts,
        metadata={"encoder": encoder},
        external=settings.version(),
    )


@table_asset(
    group=GROUP,
    code_version="2",
    kinds={"scikit-learn"},
    partitioned=False,
    deps=["cluster_names"],
    metadata=studio_link(),
)
def drawing_clusters(
    context: dg.AssetExecutionContext,
    config: ClusterConfig,
    home: HomeResource,
    drawings: pads.Dataset,
    drawing_embeddings: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """K-means over all drawings, frozen as that of the pages. A contact sheet for each cluster: say include or exclude
    in labels.csv; until then a drawing is included."""
    from singleline_pipeline import rendering
    from singleline_pipeline.embedding import drawing_key

    rows = drawing_embeddings.to_table(columns=["drawing_id", "embedding", "encoder", "encoder_version"])
    found = drawings.to_table(columns=["drawing_id", "sha256", "box", "strokes"]).sort_by("drawing_id")
    found = found.append_column(
        "key",
        [
            [
                drawing_key(*page)
                for page in zip(found["sha256"].to_pylist(), found["box"].to_pylist(), strict=True)
            ]
        ],
    )
    found = unique_rows(found, "key")
    rows = rows.take(pc.index_in(found["drawing_id"], value_set=rows["drawing_id"]))
    keys = found["key"].to_pylist()
    strokes = dict(zip(keys, strokes_from_arrow(found["strokes"]), strict=True))

    def picture(key: str) -> bytes:
        return rendering.encode_preview(rendering.rasterize(strokes[key], size=150, pen=1.4), format="png")

    suggestions = ["include"] * len(keys)
    return clusters_table(context, "drawing_clusters", config, home, rows, keys, suggestions, picture)


@table_asset(
    group=GROUP,
    code_version="2",
    partitioned=True,
    deps=["drawing_clusters", "drawing_labels"],
    metadata=studio_link(),
)
def filtered_drawings(
    context: dg.AssetExecutionContext,
    config: FilterConfig,
    home: HomeResource,
    drawings: pa.Table,
    drawing_embeddings: pa.Table,
) -> dg.MaterializeResult[pa.Table]:
    """Every drawing, with whether it goes on and why not: by hand, by its cluster, or under the fixed minimum of size
    and points. Nothing here depends on other sketchbooks."""
    from singleline_pipeline import embedding, rendering
    from singleline_pipeline.geometry import simplify
    from singleline_pipeline.lake import Lake

    place = home.get()
    external = external_versions("filtered_drawings", context.partition_key, place)
    labels = embedding.read_labels(place.labels / "labels.csv")
    by_hand = labels.drawings()
    clusters = Lake(place.lake).read_optional("drawing_clusters", columns=FIT_COLUMNS)
    near = nearest_clusters(drawing_embeddings, clusters, cluster_names(clusters, labels, place, "drawing"))
    strokes = strokes_from_arrow(drawings["strokes"])
    decided = []
    for index, row in enumerate(drawings.select(["sha256", "box"]).to_pylist()):
        points = sum(len(simplify(stroke, 1.0)) for stroke in strokes[index])
        side = max(row["box"][2] - row["box"][0], row["box"][3] - row["box"][1])
        said = embedding.match_drawing(row["sha256"], row["box"], by_hand)
        decided.append(_decide(config, said, near["name"][index], points, side))
    table = table_of(
        "filtered_drawings",
        {
            **{
                name: drawings[name]
                for name in ("drawing_id", "page_id", "sketchbook", "sha256", "box", "strokes")
            },
            "kept": [reason is None for reason, _ in decided],
            "reason": [reason for reason, _ in decided],
            "decided_by": [by for _, by in decided],
            **{name: near[name] for name in ("fit_id", "cluster", "distance")},
        },
    )
    kept = sum(reason is None for reason, _ in decided)
    out = [index for index, (reason, _) in enumerate(decided) if reason is not None]
    ids = drawings["drawing_id"].to_pylist()
    pictures = [rendering.rasterize(strokes[index], size=110, pen=1.4) for index in out]
    captions = [f"{ids[index]}: {decided[index][0]}" for index in out]
    return materialized(
        context,
        "filtered_drawings",
        table,
        counts={"in": drawings.num_rows, "kept": kept, "not kept": len(out)},
        external=external,
        metadata={
            "kept": kept,
            "not_kept": dict(Counter(decided[index][0] for index in out)),
            "left_out": sheet(pictures, captions, "Left out", cell=110),
        },
    )


def _decide(
    config: FilterConfig, said: str | None, cluster: str | None, points: int, side: float
) -> tuple[str | None, str]:
    """Why a drawing is not kept (None: it is), and who decided."""
    if said is not None:
        return ("excluded by hand" if said == "exclude" else None), "hand"
    if side < config.min_side:
        return f"smaller than {config.min_side:g} px", "minimum"
    if points < config.min_points:
        return f"fewer than {config.min_points} points", "minimum"
    if cluster is not None:
        return ("its cluster is excluded" if cluster == "exclude" else None), "cluster"
    return None, "nobody"
