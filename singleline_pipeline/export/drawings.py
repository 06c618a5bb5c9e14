"""The dataset and the samples for other programs: npz, ndjson, plotter SVG, a Hugging Face folder, animations."""

import html
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from singleline_pipeline import geometry, rendering
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import stroke3_from_arrow

SAMPLES = ("sketch_rnn_samples", "sketch_transformer_samples")


def write_drawings(folder: Path, drawings: Mapping[str, np.ndarray]) -> Path:
    """Write stroke-3 drawings (n, 3) as animated and plotter SVGs, as samples.npz, and as a page that shows them all.

    Returns the page, an HTML file that needs nothing but the SVGs beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, stroke3 in drawings.items():
        strokes = geometry.from_stroke3(stroke3)
        (folder / f"{name}.svg").write_text(rendering.animated_svg(strokes, title=name))
        (folder / f"{name}.plotter.svg").write_text(rendering.plotter_svg(strokes, width_mm=150))
    geometry.save_npz(folder / "samples.npz", {"train": list(drawings.values())})
    return _write_page(folder, {name: name for name in drawings})


def _write_page(folder: Path, captions: Mapping[str, str]) -> Path:
    figures = "\n".join(
        f'<figure><img src="{html.escape(name)}.svg" alt="{html.escape(caption)}" width="220">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for name, caption in captions.items()
    )
    page = folder / "index.html"
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Drawings</title><style>body{font:14px system-ui;"
        "display:flex;flex-wrap:wrap;gap:12px;margin:24px}figure{margin:0}figcaption{color:#666}</style>\n"
        f"{figures}\n</html>\n"
    )
    return page


def export_from_lake(lake: Lake, what: str, out: Path) -> Path:
    """Write the dataset (`npz`, `ndjson`, `svg`, `huggingface`) or the `samples` of both models below `out`.

    `out` may be a file for npz and ndjson. Returns what was written: a file, or a folder.

    Raises:
        MissingTableError: The dataset, or the samples, have not been materialized.
    """
    if what == "samples":
        return _export_samples(lake, out)
    table = lake.read("stroke3_dataset")
    splits = {
        split: stroke3_from_arrow(table.filter(pc.equal(table["split"], split))["stroke3"])
        for split in ("train", "valid", "test")
    }
    if what in ("npz", "ndjson"):
        file = out if out.suffix == f".{what}" else out / f"stroke3_dataset.{what}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if what == "npz":
            geometry.save_npz(file, splits)
        else:
            strokes = [geometry.from_stroke3(stroke3) for stroke3 in stroke3_from_arrow(table["stroke3"])]
            geometry.save_ndjson(file, strokes, keys=table["drawing_id"].to_pylist())
        return file
    folder = out / what
    if what == "svg":
        folder.mkdir(parents=True, exist_ok=True)
        for name, stroke3 in zip(
            table["drawing_id"].to_pylist(), stroke3_from_arrow(table["stroke3"]), strict=True
        ):
            (folder / f"{name}.svg").write_text(
                rendering.plotter_svg(geometry.from_stroke3(stroke3), width_mm=150)
            )
        return folder
    return _export_huggingface(table, folder)


def _export_huggingface(table: pa.Table, folder: Path) -> Path:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    names = {"train": "train", "valid": "validation", "test": "test"}
    for split, name in names.items():
        rows = table.filter(pc.equal(table["split"], split))
        pq.write_table(rows, folder / "data" / f"{name}-00000-of-00001.parquet", compression="zstd")
    files = "\n".join(f"  - split: {name}\n    path: data/{name}-*" for name in names.values())
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}\n---\n\n# Single-line drawings\n\n"
        f"{table.num_rows} drawings as stroke-3: rows of dx, dy, lift_pen, 200 units on the longer side. All "
        "drawings of a sketchbook page are in one split.\n"
    )
    return folder


def _export_samples(lake: Lake, out: Path) -> Path:
    folder = out / "samples"
    for asset in SAMPLES:
        table = lake.read(asset, columns=["sample_id", "kind", "temperature", "svg", "plotter_svg"])
        place = folder / asset.removesuffix("_samples")
        place.mkdir(parents=True, exist_ok=True)
        for row in table.to_pylist():
            (place / f"{row['sample_id']}.svg").write_text(row["svg"])
            (place / f"{row['sample_id']}.plotter.svg").write_text(row["plotter_svg"])
        _write_page(place, {name: name for name in table["sample_id"].to_pylist()})
    return folder
