"""Strokes: the pen's centerline traced from pages of drawings, joined and spliced."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
import numpy as np
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.step_settings import StepSettings, else_built_in
from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow
from singleline_pipeline.orchestration.preview import picture, sheet
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.settings_file import GAPS

if TYPE_CHECKING:
    from singleline_pipeline.geometry import LineOfPage

GROUP = "strokes"

# Strokes of a page and the provisional drawing of each, connected under the page's settings.
Connect = Callable[[list[np.ndarray], Sequence[int], Mapping[str, Any]], "LineOfPage"]


class TraceConfig(dg.Config):
    """Which pages are traced."""

    group: str = Field("drawings", description="Group of the pages that are traced; the others are left out.")


class JoinConfig(dg.Config):
    """How strokes are joined end to end."""

    max_gap: float | None = Field(
        None,
        ge=0,
        le=200,
        description="Widest gap that is joined, in units of the drawing: 200 on its longer side. "
        + else_built_in("joined_strokes", "max_gap"),
    )
    min_points: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="A stroke shorter than this many points of its drawing, sampled to 1000, is dropped. "
        + else_built_in("joined_strokes", "min_points"),
    )


class SpliceConfig(dg.Config):
    """How the strokes of a drawing become one line."""

    method: Literal["as in settings.toml", "route", "splice"] = Field(
        "as in settings.toml",
        description="route: one line that may go over drawn line again (route inspection); splice: a stroke "
        "is inserted into the one that both its ends are near to; as in settings.toml: what that says, else route.",
    )
    max_gap: float | None = Field(
        None,
        ge=0,
        le=400,
        description="route: widest gap that is bridged; splice: largest sum of the two gaps; in units of the drawing "
        "(200 on its longer side). Empty: as in settings.toml, else 30 for route, 40 for splice.",
    )
    retrace_cost: float | None = Field(
        None,
        ge=0,
        le=1,
        description="route: what drawing a line again costs, against 1 for a line nobody drew. "
        + else_built_in("spliced_strokes", "retrace_cost"),
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
    before: Sequence[list[np.ndarray]],
    lines: Sequence["LineOfPage"],
    *,
    columns: Mapping[str, Any],
    metadata: Mapping[str, Any],
    external: Mapping[str, str] | None = None,
) -> dg.MaterializeResult[pa.Table]:
    """The table of an asset that connects the strokes of each page within its provisional drawings.

    Args:
        context: Of the running step.
        name: Name of the asset.
        table: Its pages.
        before: Strokes of each page that came in.
        lines: What they became.
        columns: Those that only this asset has.
        metadata: What only this asset tells.
        external: Versions of inputs that are no assets.
    """
    from singleline_pipeline import rendering

    columns = {**{name: table[name] for name in ("page_id", "sketchbook", "sha256")}, **columns}
    columns["strokes"] = strokes_to_arrow([line.strokes for line in lines])
    columns["group"] = [line.groups.tolist() for line in lines]
    columns["strokes_before"] = [len(page) for page in before]
    columns["strokes_after"] = [len(line.strokes) for line in lines]
    columns["strokes_dropped"] = [line.dropped for line in lines]
    for measure in ("length", "added", "retraced", "lost"):
        columns[measure] = [getattr(line, measure) for line in lines]

    told: dict[str, Any] = {
        "strokes_before": sum(columns["strokes_before"]),
        "strokes_after": sum(columns["strokes_after"]),
        "strokes_dropped": sum(columns["strokes_dropped"]),
        **_shares(lines, "line"),
        "line_lost": sum(line.lost for line in lines) / (sum(line.length for line in lines) or 1.0),
        **metadata,
    }
    if lines:
        some = slice(0, 4)
        pairs = rendering.before_after_sheet(
            list(before[some]), [line.strokes for line in lines][some], table["page_id"].to_pylist()[some]
        )
        told["before_and_after"] = picture(pairs, "strokes before and after, one colour each")
    return materialized(
        context,
        name,
        table_of(name, columns),
        counts={"in": table.num_rows, "out": len(lines)},
        metadata=told,
        external=external,
    )


def _shares(lines: Sequence["LineOfPage"], prefix: str) -> dict[str, float]:
    """Line added and retraced, as shares of the line that came in."""
    length = sum(line.length for line in lines) or 1.0
    return {
        f"{prefix}_added": sum(line.added for line in lines) / length,
        f"{prefix}_retraced": sum(line.retraced for line in lines) / length,
    }


@table_asset(group=GROUP, code_version="2", partitioned=True)
def joined_strokes(
    context: dg.AssetExecutionContext, config: JoinConfig, home: HomeResource, strokes: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """What was corrected by hand (strokes erased, drawings split or merged), then strokes whose ends are near each
    other joined, the nearest first, within each provisional drawing; what is then still too short to be a line is
    dropped, and counted."""
    from singleline_pipeline.corrections import correct_page, read_corrections
    from singleline_pipeline.geometry import bounding_box, drawing_length, join_page

    said = read_corrections(home.get().labels)
    before = strokes_from_arrow(strokes["strokes"])
    rows = strokes.select(["sha256", "group", "pen_width"]).to_pylist()
    pages = [
        correct_page(page, row["group"], said.of_page(row["sha256"]), row["pen_width"])
        for page, row in zip(before, rows, strict=True)
    ]
    settings = StepSettings(context, home.get(), "joined_strokes", config.model_dump())
    lines = []
    for page, row in zip(pages, rows, strict=True):
        line = join_page(page.strokes, page.groups.tolist(), **settings.of(row["sha256"]))
        gone = drawing_length(page.erased)
        lines.append(replace(line, length=line.length + gone, lost=line.lost + gone))
    there = {row["sha256"] for row in rows}
    problems = said.problems + [
        one.not_applied()
        for one in [
            *(one for page in pages for one in page.unmatched),
            *(one for one in said.of_sketchbook(context.partition_key) if one.page not in there),
        ]
    ]
    for problem in problems:
        context.log.warning(problem)
    return _connected(
        context,
        "joined_strokes",
        strokes,
        before,
        lines,
        columns={
            "settled": [page.settled for page in pages],
            "erased": [[bounding_box([stroke]) for stroke in page.erased] for page in pages],
        },
        metadata={
            "strokes_erased_by_hand": sum(len(page.erased) for page in pages),
            "drawings_settled_by_hand": sum(len(page.settled) for page in pages),
            "correction_problems": "\n".join(problems) or "none",
            **settings.metadata(strokes["page_id"].to_pylist(), strokes["sha256"].to_pylist()),
        },
        external={"corrections": said.version(there)} | settings.version(there),
    )


@table_asset(group=GROUP, code_version="3", partitioned=True)
def spliced_strokes(
    context: dg.AssetExecutionContext, config: SpliceConfig, home: HomeResource, joined_strokes: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """The strokes of each provisional drawing as one line where gaps allow it, going over drawn line again where that
    saves a line nobody drew; or spliced into each other. The metadata compare the two."""
    from singleline_pipeline.geometry import route_page, splice_page

    def gap(of: Mapping[str, Any], method: str) -> float:
        return of["max_gap"] if of["method"] == method else GAPS[method]

    def route(page: list[np.ndarray], groups: Sequence[int], of: Mapping[str, Any]) -> "LineOfPage":
        return route_page(page, groups, max_gap=gap(of, "route"), retrace_cost=of["retrace_cost"])

    def splice(page: list[np.ndarray], groups: Sequence[int], of: Mapping[str, Any]) -> "LineOfPage":
        return splice_page(page, groups, max_gap=gap(of, "splice"))

    methods: dict[str, Connect] = {"route": route, "splice": splice}
    settings = StepSettings(context, home.get(), "spliced_strokes", config.model_dump())
    pages = joined_strokes["sha256"].to_pylist()
    of_page = [settings.of(page) for page in pages]
    before, groups = strokes_from_arrow(joined_strokes["strokes"]), joined_strokes["group"].to_pylist()
    found = {
        method: [connect(*page) for page in zip(before, groups, of_page, strict=True)]
        for method, connect in methods.items()
    }
    compared: dict[str, Any] = {}
    for method, lines in found.items():
        compared |= {f"{method}_strokes": sum(len(line.strokes) for line in lines)} | _shares(lines, method)
    return _connected(
        context,
        "spliced_strokes",
        joined_strokes,
        before,
        [found[of["method"]][index] for index, of in enumerate(of_page)],
        columns={"settled": joined_strokes["settled"]},
        metadata=compared | settings.metadata(joined_strokes["page_id"].to_pylist(), pages),
        external=settings.version(pages),
    )
