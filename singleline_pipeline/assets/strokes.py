"""Strokes: the pen's centerline traced from pages of drawings, joined and spliced."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
import numpy as np
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow
from singleline_pipeline.orchestration.preview import picture, sheet

if TYPE_CHECKING:
    from singleline_pipeline.geometry import LineOfPage

GROUP = "strokes"

# Strokes of a page and the provisional drawing of each, connected.
Connect = Callable[[list[np.ndarray], np.ndarray], "LineOfPage"]


class TraceConfig(dg.Config):
    """Which pages are traced."""

    group: str = Field("drawings", description="Group of the pages that are traced; the others are left out.")


class JoinConfig(dg.Config):
    """How strokes are joined end to end."""

    max_gap: float = Field(
        15.0,
        ge=0,
        le=200,
        description="Widest gap that is joined, in units of the drawing: 200 on its longer side.",
    )
    min_points: int = Field(
        10,
        ge=0,
        le=1000,
        description="A stroke shorter than this many points of its drawing, sampled to 1000, is dropped.",
    )


class SpliceConfig(dg.Config):
    """How the strokes of a drawing become one line."""

    method: Literal["route", "splice"] = Field(
        "route",
        description="route: one line that may go over drawn line again (route inspection); splice: a stroke "
        "is inserted into the one that both its ends are near to.",
    )
    max_gap: float | None = Field(
        None,
        ge=0,
        le=400,
        description="route: widest gap that is bridged; splice: largest sum of the two gaps; in units of the drawing "
        "(200 on its longer side). Empty: 30 for route, 40 for splice.",
    )
    retrace_cost: float = Field(
        0.3,
        ge=0,
        le=1,
        description="route: what drawing a line again costs, against 1 for a line nobody drew.",
    )


@table_asset(group=GROUP, code_version="2", kinds={"opencv"}, partitioned=True)
def strokes(
    context: dg.AssetExecutionContext, config: TraceConfig, raw_pages: pa.Table, page_groups: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Centerlines of the pen on every page of drawings, each with its provisional drawing; binder, page number and
    specks are set aside with their box. Pages from a tablet are not traced: their strokes are known."""
    from singleline_pipeline import rendering, scans, tracing

    group_of = dict(zip(page_groups["page_id"].to_pylist(), page_groups["group"].to_pylist(), strict=True))
    rows, overlays, outline = [], [], None
    for page in raw_pages.select(["page_id", "sketchbook", "sha256", "width", "height", "image"]).to_pylist():
        if group_of.get(page["page_id"]) != config.group:
            continue
        data, name = page.pop("image")["bytes"], page["page_id"]
        if scans.is_vector(data):
            drawn = scans.read_vector_page(data, name=name)
            image = drawn.picture()
            traced = tracing.drawn_page(drawn.strokes, image, drawn.pen_width)
        else:
            image = scans.decode_image(data, name=name)
            traced = tracing.trace(image)
        rows.append(page | {"traced": traced})
        if len(overlays) < 6:
            overlays.append(rendering.overlay(image, traced.strokes, ignored=traced.ignored, max_side=600))
        outline = outline or tracing.outline_preview(image)

    table = table_of(
        "strokes",
        {
            **{
                name: [row[name] for row in rows]
                for name in ("page_id", "sketchbook", "sha256", "width", "height")
            },
            "strokes": strokes_to_arrow([row["traced"].strokes for row in rows]),
            "group": [row["traced"].groups.tolist() for row in rows],
            "pen_width": [row["traced"].pen_width for row in rows],
            "skew": [row["traced"].skew for row in rows],
            "paper": [row["traced"].paper.tolist() for row in rows],
            "ignored": [
                [{"kind": item.kind, "box": list(item.box)} for item in row["traced"].ignored] for row in rows
            ],
        },
    )
    empty = [row["page_id"] for row in rows if not row["traced"].strokes]
    if empty:
        context.log.warning(
            f"No line was found on {', '.join(empty)}. Look at the scan, or label it badscans."
        )
    metadata = {
        "strokes": sum(len(row["traced"].strokes) for row in rows),
        "pages_without_a_line": len(empty),
        "pages_askew": sum(row["traced"].skew != 0 for row in rows),
    }
    if rows:
        captions = [row["page_id"] for row in rows[: len(overlays)]]
        metadata["traced"] = sheet(overlays, captions, "Traced line over the page", cell=330)
        metadata["outline"] = picture(outline, f"outline of {captions[0]} by vtracer")
    counts = {"in": raw_pages.num_rows, "out": len(rows), "other groups": raw_pages.num_rows - len(rows)}
    return materialized(context, "strokes", table, counts=counts, metadata=metadata)


def _connected(
    context: dg.AssetExecutionContext,
    name: str,
    table: pa.Table,
    connect: Connect,
    compared: Mapping[str, Connect] | None = None,
) -> dg.MaterializeResult[pa.Table]:
    """The table of an asset that connects the strokes of each page within its provisional drawings.

    The metadata tell what each of the methods `compared` makes of the same pages: strokes, and line added
    and retraced as shares of the line that came in.
    """
    from singleline_pipeline import rendering

    before = strokes_from_arrow(table["strokes"])
    groups = [np.asarray(group) for group in table["group"].to_pylist()]
    lines = [connect(page, group) for page, group in zip(before, groups, strict=True)]
    columns = {name: table[name] for name in ("page_id", "sketchbook", "sha256")}
    columns["strokes"] = strokes_to_arrow([line.strokes for line in lines])
    columns["group"] = [line.groups.tolist() for line in lines]
    columns["strokes_before"] = [len(page) for page in before]
    columns["strokes_after"] = [len(line.strokes) for line in lines]
    columns["strokes_dropped"] = [line.dropped for line in lines]
    for measure in ("length", "added", "retraced", "lost"):
        columns[measure] = [getattr(line, measure) for line in lines]

    length = sum(line.length for line in lines)
    metadata: dict[str, Any] = {
        "strokes_before": sum(columns["strokes_before"]),
        "strokes_after": sum(columns["strokes_after"]),
        "strokes_dropped": sum(columns["strokes_dropped"]),
        "line_added": sum(line.added for line in lines) / length if length else 0.0,
        "line_retraced": sum(line.retraced for line in lines) / length if length else 0.0,
        "line_lost": sum(line.lost for line in lines) / length if length else 0.0,
    }
    for method, other in (compared or {}).items():
        account = lines
        if other is not connect:
            account = [other(page, group) for page, group in zip(before, groups, strict=True)]
        metadata[f"{method}_strokes"] = sum(len(line.strokes) for line in account)
        metadata[f"{method}_added"] = sum(line.added for line in account) / length if length else 0.0
        metadata[f"{method}_retraced"] = sum(line.retraced for line in account) / length if length else 0.0
    if lines:
        some = slice(0, 4)
        pairs = rendering.before_after_sheet(
            before[some], [line.strokes for line in lines][some], table["page_id"].to_pylist()[some]
        )
        metadata["before_and_after"] = picture(pairs, "strokes before and after, one colour each")
    counts = {"in": table.num_rows, "out": len(lines)}
    return materialized(context, name, table_of(name, columns), counts=counts, metadata=metadata)


@table_asset(group=GROUP, code_version="1", partitioned=True)
def joined_strokes(
    context: dg.AssetExecutionContext, config: JoinConfig, strokes: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """Strokes whose ends are near each other joined, the nearest first, within each provisional drawing; what is
    then still too short to be a line is dropped, and counted."""
    from singleline_pipeline.geometry import join_page

    def connect(page: list[np.ndarray], groups: np.ndarray) -> "LineOfPage":
        return join_page(page, groups, max_gap=config.max_gap, min_points=config.min_points)

    return _connected(context, "joined_strokes", strokes, connect)


@table_asset(group=GROUP, code_version="2", partitioned=True)
def spliced_strokes(
    context: dg.AssetExecutionContext, config: SpliceConfig, joined_strokes: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """The strokes of each provisional drawing as one line where gaps allow it, going over drawn line again where that
    saves a line nobody drew; or spliced into each other. The metadata compare the two."""
    from singleline_pipeline.geometry import route_page, splice_page

    gaps = {"route": 30.0, "splice": 40.0}
    if config.max_gap is not None:
        gaps[config.method] = config.max_gap
    methods: dict[str, Connect] = {
        "route": partial(route_page, max_gap=gaps["route"], retrace_cost=config.retrace_cost),
        "splice": partial(splice_page, max_gap=gaps["splice"]),
    }
    return _connected(context, "spliced_strokes", joined_strokes, methods[config.method], methods)
