"""What a published map shows, read from the lake: rows that are in all of its tables now."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from singleline_pipeline.export.errors import ExportError
from singleline_pipeline.export.page import MapRows, MapWords, map_page
from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import strokes_from_arrow

KEPT, LEFT_OUT = "kept", "left out"


def export_map(
    lake: Lake, out: Path, *, scope: str = "drawings", everything: bool = False, words: MapWords | None = None
) -> tuple[Path, str]:
    """Publish a map: `drawings`, by default those that are kept, or `pages`.

    `out` is a file (.html), or a folder for drawing_map.html or page_map.html. Returns the file, and a sentence about
    what it holds.

    Raises:
        MissingTableError: The map, or what it shows, has not been materialized.
        ExportError: There is nothing to show, or `out` is no place for a file.
    """
    name = f"{scope.removesuffix('s')}_map"
    file = _file(out, f"{name}.html")
    rows, sentence = _pages(lake) if scope == "pages" else _drawings(lake, everything)
    text = map_page(rows, words or MapWords(title=scope.capitalize())).encode()
    with atomic_writer(file) as page:
        page.write(text)
    return file, f"{len(rows.ids)} {scope}, {len(text) / 1e6:.2f} MB{sentence}"


def _file(out: Path, name: str) -> Path:
    if out.suffix.lower() in (".html", ".htm"):
        if out.is_dir():
            raise ExportError(f"{out} is a folder. Give --out the name of a file, or a folder without .html.")
        return out
    if out.exists() and not out.is_dir():
        raise ExportError(
            f"{out} is a file, and no .html. Give --out a file that ends in .html, or a folder."
        )
    return out / name


def _drawings(lake: Lake, everything: bool) -> tuple[MapRows, str]:
    places = lake.read("drawing_map", columns=["drawing_id", "x", "y"])
    found = lake.dataset(
        "filtered_drawings", ["drawing_id", "sketchbook", "strokes", "kept", "cluster"]
    ).to_table()
    chosen = found if everything else found.filter(found["kept"])
    places, shown = _both(places, chosen, "drawing_id")
    if not shown.num_rows:
        raise ExportError(_nothing(found.num_rows, chosen.num_rows))
    groups = {"sketchbook": shown["sketchbook"].to_pylist()}
    if shown["cluster"].null_count < shown.num_rows:
        numbers = shown["cluster"].to_pylist()
        groups["cluster"] = ["no cluster" if one is None else f"cluster {one}" for one in numbers]
    if everything:
        groups["kept"] = [KEPT if kept else LEFT_OUT for kept in shown["kept"].to_pylist()]
    left_out = found.num_rows - chosen.num_rows
    note = f"; {left_out} that are not kept stay out: --all shows them" if left_out else ""
    rows = MapRows(shown["drawing_id"].to_pylist(), places, groups, strokes_from_arrow(shown["strokes"]))
    return rows, note + _not_on_map(chosen.num_rows - shown.num_rows, "drawing_map")


def _pages(lake: Lake) -> tuple[MapRows, str]:
    on_map = lake.read("page_map", columns=["page_id", "x", "y", "thumbnail"])
    found = lake.dataset("page_groups", ["page_id", "sketchbook", "group"]).to_table()
    places, shown = _both(on_map, found, "page_id")
    if not shown.num_rows:
        raise ExportError(_nothing(found.num_rows, found.num_rows, "page"))
    pictures = on_map.take(_rows(on_map["page_id"], shown["page_id"]))["thumbnail"].to_pylist()
    groups = {"sketchbook": shown["sketchbook"].to_pylist(), "kind": shown["group"].to_pylist()}
    rows = MapRows(shown["page_id"].to_pylist(), places, groups, pictures=pictures)
    return rows, _not_on_map(found.num_rows - shown.num_rows, "page_map")


def _rows(ids: pa.ChunkedArray, wanted: pa.ChunkedArray) -> pa.Array:
    """The row of each wanted id, null where it is not there."""
    return pc.index_in(wanted, value_set=ids)


def _both(places: pa.Table, found: pa.Table, row_id: str) -> tuple[np.ndarray, pa.Table]:
    """Places (n, 2) of the rows of `found` that are on the map, and these rows, ordered by id.

    The map may be of an earlier run: what has gone since, or is private now, is not published.
    """
    shown = found.filter(pc.is_in(found[row_id], value_set=places[row_id])).sort_by(row_id)
    at = places.take(_rows(places[row_id], shown[row_id]))
    return np.column_stack([at["x"].to_numpy(), at["y"].to_numpy()]), shown


def _not_on_map(missing: int, name: str) -> str:
    return f"; {missing} are not on the map yet: materialize {name}" if missing else ""


def _nothing(found: int, chosen: int, thing: str = "drawing") -> str:
    if not found:
        return f"There are no {thing}s yet. Run `singleline run` first."
    if not chosen:
        return f"None of the {found} {thing}s is kept. Include some in the studio, or show all of them with --all."
    return f"None of the {thing}s is on the map. Materialize {thing}_map first: `singleline run`."
