"""Vectors for TensorBoard's embedding projector: pages and drawings, with what is known of each and its picture."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from singleline_pipeline.embedding import require_one_encoder
from singleline_pipeline.export.errors import ExportError
from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.lake import Lake, MissingTableError
from singleline_pipeline.nested import strokes_from_arrow, vectors_from_arrow

SPRITE_SIDE = 8192
"""Longest side of a sprite in px: what graphics cards take as one texture."""

CELL = 96
"""Side of a picture in a sprite, px, where there is room."""

Columns = dict[str, Sequence[object]]


def export_projector(lake: Lake, out: Path) -> Path:
    """Write a folder that `tensorboard --logdir` shows: vectors, metadata and sprite of pages and of drawings.

    What has no embeddings yet is left out. Returns the folder.

    Raises:
        ExportError: There are no embeddings at all, or `out` is a file.
        EmbeddingError: Rows of one kind were embedded by different encoders.
    """
    if out.exists() and not out.is_dir():
        raise ExportError(f"{out} is a file. Give --out a folder.")
    readers: dict[str, Callable[[Lake], tuple[NDArray[np.float32], Columns, Iterable[np.ndarray]]]]
    readers = {"pages": _pages, "drawings": _drawings}
    entries = []
    for name, read in readers.items():
        try:
            vectors, columns, pictures = read(lake)
        except MissingTableError:
            continue
        if len(vectors):
            entries.append(_write(out / name, name, vectors, columns, pictures))
    if not entries:
        raise ExportError(
            "There are no embeddings of pages or of drawings yet. Materialize page_embeddings first: `singleline run`."
        )
    _save(out / "projector_config.pbtxt", "".join(entries).encode())
    return out


def sprite_grid(rows: int) -> tuple[int, int]:
    """Pictures along each side of a sprite, and their side in px. The projector wants as many rows as columns."""
    across = max(int(np.ceil(np.sqrt(rows))), 1)
    return across, min(CELL, SPRITE_SIDE // across)


def _write(
    folder: Path, name: str, vectors: NDArray[np.float32], columns: Columns, pictures: Iterable[np.ndarray]
) -> str:
    # Not as bytes: TensorBoard tries to read them as text first, and takes what can be decoded for numbers.
    lines = ("\t".join(f"{value:.6g}" for value in vector) for vector in vectors.tolist())
    _save(folder / "vectors.tsv", "".join(f"{line}\n" for line in lines).encode())
    rows = zip(*columns.values(), strict=True)
    table = [list(columns), *([_field(value) for value in row] for row in rows)]
    _save(folder / "metadata.tsv", "".join("\t".join(row) + "\n" for row in table).encode())
    side = _sprite(folder / "sprite.png", pictures, len(vectors))
    return (
        f'embeddings {{\n  tensor_name: "{name}"\n  tensor_path: "{name}/vectors.tsv"\n'
        f'  metadata_path: "{name}/metadata.tsv"\n  sprite {{\n    image_path: "{name}/sprite.png"\n'
        f"    single_image_dim: {side}\n    single_image_dim: {side}\n  }}\n}}\n"
    )


def _field(value: object) -> str:
    """A cell of a table whose cells end with tabs and lines."""
    return " ".join(str("" if value is None else value).split()) or "-"


def _sprite(file: Path, pictures: Iterable[np.ndarray], rows: int) -> int:
    import cv2

    across, side = sprite_grid(rows)
    sheet = np.full((across * side, across * side, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        scale = side / max(picture.shape[:2])
        height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        top = number // across * side + (side - height) // 2
        left = number % across * side + (side - width) // 2
        sheet[top : top + height, left : left + width] = small if small.ndim == 3 else small[..., None]
    _save(file, cv2.imencode(".png", sheet)[1].tobytes())
    return side


def _pages(lake: Lake) -> tuple[NDArray[np.float32], Columns, Iterable[np.ndarray]]:
    groups = lake.dataset("page_groups", ["page_id", "group", "decided_by", "cluster"]).to_table()
    thumbnails = lake.dataset("raw_pages", ["page_id", "thumbnail"]).to_table()
    rows, found = _embedded(lake, "page_embeddings", "page_id", groups)
    at = pc.index_in(rows["page_id"], value_set=thumbnails["page_id"])
    names = ("page_id", "sketchbook", "folder")
    columns = {name: rows[name].to_pylist() for name in names} | _columns(found)
    data = thumbnails.take(at)["thumbnail"].to_pylist()
    pictures = (_decoded(one, name) for one, name in zip(data, rows["page_id"].to_pylist(), strict=True))
    return vectors_from_arrow(rows["embedding"]), columns, pictures


def _drawings(lake: Lake) -> tuple[NDArray[np.float32], Columns, Iterable[np.ndarray]]:
    from singleline_pipeline import rendering

    wanted = ["drawing_id", "strokes", "kept", "reason", "cluster"]
    drawings = lake.dataset("filtered_drawings", wanted).to_table()
    rows, found = _embedded(lake, "drawing_embeddings", "drawing_id", drawings)
    columns = {name: rows[name].to_pylist() for name in ("drawing_id", "page_id", "sketchbook")}
    strokes = strokes_from_arrow(found["strokes"])
    pictures = (rendering.rasterize(one, size=CELL, pen=1.4) for one in strokes)
    return (
        vectors_from_arrow(rows["embedding"]),
        columns | _columns(found.drop_columns(["strokes"])),
        pictures,
    )


def _embedded(lake: Lake, asset: str, row_id: str, others: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows of an asset that are in `others`, too, in the order of their ids, and their rows there.

    The two may be of different runs: what has gone from one of them is not shown.
    """
    rows = lake.dataset(asset).to_table()
    rows = rows.filter(pc.is_in(rows[row_id], value_set=others[row_id])).sort_by(row_id)
    if rows.num_rows:
        require_one_encoder(
            zip(rows["encoder"].to_pylist(), rows["encoder_version"].to_pylist(), strict=True)
        )
    return rows, others.take(pc.index_in(rows[row_id], value_set=others[row_id]))


def _columns(found: pa.Table) -> Columns:
    return {name: found[name].to_pylist() for name in found.column_names[1:]}


def _decoded(data: bytes | None, page: str) -> np.ndarray:
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise ExportError(
            f"The thumbnail of {page} cannot be read. Materialize raw_pages of its sketchbook again."
        )
    return image


def _save(file: Path, data: bytes) -> None:
    with atomic_writer(file) as target:
        target.write(data)
