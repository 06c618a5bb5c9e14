"""Datasets of drawings from files, whichever of the two kinds they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from singleline_pipeline.geometry.npz import load_npz
from singleline_pipeline.geometry.stroke3 import validate_stroke3
from singleline_pipeline.geometry.strokes import StrokeError
from singleline_pipeline.nested import stroke3_from_arrow


def load_drawings(file: str | Path) -> dict[str, list[NDArray[Any]]]:
    """The stroke-3 drawings (n, 3) of each split of a `.npz` or a `.parquet`, in the order of the file.

    A Parquet file has the column `stroke3`, list<fixed_size_list<number>[3]>, and `split`; without a
    `split` all of it is train. StrokeError names the file and the row of a drawing that is none.
    """
    path = Path(file)
    if not path.exists():
        raise StrokeError(f"{path} does not exist")
    match path.suffix.lower():
        case ".npz":
            return load_npz(path)
        case ".parquet":
            return _load_parquet(path)
    raise StrokeError(f"{path}: drawings come as .npz or .parquet")


def _load_parquet(path: Path) -> dict[str, list[NDArray[Any]]]:
    try:
        with pq.ParquetFile(path) as parquet:
            names = parquet.schema_arrow.names
            if "stroke3" not in names:
                raise StrokeError(f"{path} has no column stroke3; it has {', '.join(names)}")
            table = parquet.read(columns=[name for name in ("stroke3", "split") if name in names])
    except (pa.ArrowInvalid, OSError) as error:
        raise StrokeError(f"{path} is damaged, or no Parquet file: {error}") from error
    drawings = stroke3_column(table["stroke3"], str(path))
    labels = table["split"].to_pylist() if "split" in names else ["train"] * len(drawings)
    splits: dict[str, list[NDArray[Any]]] = {}
    for row, (label, drawing) in enumerate(zip(labels, drawings, strict=True)):
        if label is None:
            raise StrokeError(f"{path}: row {row} has no split")
        splits.setdefault(label, []).append(drawing)
    return splits


def stroke3_column(column: pa.ChunkedArray | pa.Array, name: str = "stroke3") -> list[NDArray[Any]]:
    """The drawings (n, 3) of an Arrow column list<fixed_size_list<number>[3]>.

    StrokeError names the row that is none.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    drawings: list[NDArray[Any]] = []
    for chunk in chunks:
        kind = chunk.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not (
            pa.types.is_fixed_size_list(kind.value_type) and kind.value_type.list_size == 3
        ):
            raise StrokeError(f"{name}: the column is {kind}; drawings are list<fixed_size_list<float>[3]>")
        numbers = chunk.flatten().flatten()
        if chunk.null_count or chunk.flatten().null_count or numbers.null_count:
            # The counts may be of the whole buffer; the slice may well be free of them.
            for row, value in enumerate(chunk.to_pylist(), len(drawings)):
                if _has_null(value):
                    raise StrokeError(f"{name}: row {row} holds an empty field")
        for rows in stroke3_from_arrow(chunk):
            label = f"{name}: row {len(drawings)}"
            drawing = validate_stroke3(rows, label)
            if len(drawing) == 0:
                raise StrokeError(f"{label} is an empty drawing")
            drawings.append(drawing.astype(np.float32) if drawing.dtype.kind == "f" else drawing)
    return drawings


def _has_null(value: Any) -> bool:
    return value is None or (isinstance(value, list) and any(_has_null(item) for item in value))
