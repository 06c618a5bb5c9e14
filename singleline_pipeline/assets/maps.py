"""Maps: the embedding space of pages and of drawings on a plane, to be looked at."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.table_asset import materialized, table_asset, table_of
from singleline_pipeline.home import Home
from singleline_pipeline.nested import strokes_from_arrow, vectors_from_arrow
from singleline_pipeline.orchestration.preview import picture, sheet
from singleline_pipeline.orchestration.resources import HomeResource

GROUP = "maps"


class MapConfig(dg.Config):
    """How the plane is found."""

    anew: bool = Field(
        False,
        description="Find all places anew. Otherwise the map starts from the last one, so that what is known stays "
        "about where it was.",
    )
    seed: int = Field(0, ge=0, description="Seed of t-SNE.")


def _map(
    context: dg.AssetExecutionContext,
    name: str,
    config: MapConfig,
    home: Home,
    embeddings: pa.Table,
    columns: dict[str, Any],
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[pa.Table]:
    from singleline_pipeline import embedding, rendering

    vectors, keys = vectors_from_arrow(embeddings["embedding"]), _keys(columns)
    encoders = list(
        zip(embeddings["encoder"].to_pylist(), embeddings["encoder_version"].to_pylist(), strict=True)
    )
    encoder = embedding.require_one_encoder(encoders) if encoders else ("", "")
    made_from = embedding.map_version(keys, vectors)
    start, note = np.full((len(keys), 2), np.nan), "from nothing: anew was asked for"
    if not config.anew:
        start, version, note = _last_places(name, home, encoder, columns, keys)
    if not config.anew and version == made_from:
        points, note = start.astype(np.float32), "as on the last map: rows and vectors are the same"
    else:
        points = embedding.map_points(vectors, seed=config.seed, start=start)
    columns |= {
        "x": points[:, 0],
        "y": points[:, 1],
        "encoder": embeddings["encoder"],
        "encoder_version": embeddings["encoder_version"],
        "made_from": [made_from] * len(keys),
    }
    table = table_of(name, columns)
    chart = rendering.scatter_svg(points, table["group"].to_pylist(), title=name.replace("_", " "))
    distance = embedding.moved(points, start)
    return materialized(
        context,
        name,
        table,
        counts={"in": embeddings.num_rows, "out": table.num_rows},
        metadata={
            "map": picture(chart, name),
            "places": note,
            **({} if distance is None else {"moved": round(distance, 4)}),
            "encoder": " ".join(encoder) or "none yet",
            **(metadata or {}),
        },
    )


def _keys(columns: dict[str, Any]) -> list[str]:
    """What labels of the rows of a map go by."""
    from singleline_pipeline.embedding import drawing_key

    pages = columns["sha256"].to_pylist()
    if "box" not in columns:
        return pages
    return [drawing_key(*one) for one in zip(pages, columns["box"].to_pylist(), strict=True)]


def _last_places(
    name: str, home: Home, encoder: tuple[str, str], columns: dict[str, Any], keys: list[str]
) -> tuple[np.ndarray, str, str]:
    """Where the rows were on the last map, NaN for those that were not on it; what that was made from; a sentence."""
    from singleline_pipeline.embedding import LastMap, last_places
    from singleline_pipeline.lake import Lake, LakeError

    nowhere = np.full((len(keys), 2), np.nan)
    try:
        last = Lake(home.lake).read_optional(name)
    except LakeError as error:
        return nowhere, "", f"from nothing: the last map cannot be used. {error}"
    if last is None or not last.num_rows:
        return nowhere, "", "from nothing: this is the first map"
    made_by = (last["encoder"][0].as_py(), last["encoder_version"][0].as_py())
    if made_by != encoder:
        return nowhere, "", f"from nothing: the last map was made with the encoder {' '.join(made_by)}"
    row_id = f"{name.removesuffix('_map')}_id"
    before = {column: last[column] for column in last.column_names}
    there = np.column_stack([last["x"].to_numpy(), last["y"].to_numpy()])
    known = LastMap(last[row_id].to_pylist(), _keys(before), there)
    start = last_places(known, columns[row_id].to_pylist(), keys)
    on_it = int(np.isfinite(start).all(axis=1).sum())
    return start, last["made_from"][0].as_py(), f"from the last map: {on_it} of {len(keys)} rows were on it"


@table_asset(group=GROUP, code_version="3", kinds={"scikit-learn"}, partitioned=False)
def page_map(
    context: dg.AssetExecutionContext,
    config: MapConfig,
    home: HomeResource,
    raw_pages: pads.Dataset,
    page_embeddings: pads.Dataset,
    page_groups: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """Every page on a plane, near the pages that look like it (t-SNE of the embeddings, from the last map on); and
    which pages are scans of one page, in whatever light."""
    pages = page_embeddings.to_table(
        columns=["page_id", "sketchbook", "sha256", "embedding", "encoder", "encoder_version"]
    ).sort_by("page_id")
    columns = {name: pages[name] for name in ("page_id", "sketchbook", "sha256")}
    for dataset, names in ((page_groups, ["group"]), (raw_pages, ["thumbnail", "width", "height"])):
        found = dataset.to_table(columns=["page_id", *names])
        found = found.take(pc.index_in(pages["page_id"], value_set=found["page_id"]))
        columns |= {name: found[name] for name in names}
    sizes = np.column_stack([columns.pop(name).to_numpy() for name in ("width", "height")])
    same, metadata = _same_pages(columns["page_id"].to_pylist(), columns["thumbnail"].to_pylist(), sizes)
    return _map(context, "page_map", config, home.get(), pages, columns | same, metadata)


def _same_pages(
    ids: list[str], thumbnails: list[bytes], sizes: np.ndarray
) -> tuple[dict[str, list], dict[str, Any]]:
    """The columns about other scans of a page, and the pairs to be looked at. `sizes`: (n, 2) width, height in px."""
    import cv2

    from singleline_pipeline.embedding import find_rescans

    def thumbnail(row: int) -> np.ndarray:
        return np.asarray(cv2.imdecode(np.frombuffer(thumbnails[row], np.uint8), cv2.IMREAD_COLOR))

    same: dict[str, list] = {
        name: [None] * len(ids) for name in ("same_page", "same_page_likeness", "onto_same_page")
    }
    pairs = find_rescans(len(ids), thumbnail)
    for pair in pairs:
        # From px of thumbnails to px of pages.
        here, there = (sizes[row] / thumbnail(row).shape[1::-1] for row in (pair.picture, pair.of))
        onto = pair.onto / np.append(here, 1) * there[:, None]
        same["same_page"][pair.picture] = ids[pair.of]
        same["same_page_likeness"][pair.picture] = pair.likeness
        same["onto_same_page"][pair.picture] = onto.ravel().tolist()
    shown = [row for pair in pairs for row in (pair.picture, pair.of)]
    twice = sheet([thumbnails[row] for row in shown], [ids[row] for row in shown], "Scanned twice, in pairs")
    return same, {"scanned_twice": len(pairs), **({"pairs": twice} if pairs else {})}


@table_asset(group=GROUP, code_version="2", kinds={"scikit-learn"}, partitioned=False)
def drawing_map(
    context: dg.AssetExecutionContext,
    config: MapConfig,
    home: HomeResource,
    drawing_embeddings: pads.Dataset,
    filtered_drawings: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """Every drawing on a plane, kept or not, near the drawings that look like it (from the last map on)."""
    from singleline_pipeline import rendering

    embeddings = drawing_embeddings.to_table(
        columns=["drawing_id", "sketchbook", "sha256", "embedding", "encoder", "encoder_version"]
    ).sort_by("drawing_id")
    found = filtered_drawings.to_table(columns=["drawing_id", "box", "strokes", "reason"])
    found = found.take(pc.index_in(embeddings["drawing_id"], value_set=found["drawing_id"]))
    columns = {name: embeddings[name] for name in ("drawing_id", "sketchbook", "sha256")}
    columns["box"] = found["box"]
    columns["group"] = pc.fill_null(found["reason"], "kept")
    columns["thumbnail"] = [
        rendering.encode_preview(rendering.rasterize(strokes, size=96, pen=1.2), format="png")
        for strokes in strokes_from_arrow(found["strokes"])
    ]
    return _map(context, "drawing_map", config, home.get(), embeddings, columns)
