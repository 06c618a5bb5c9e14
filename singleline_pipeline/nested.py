"""Lists of numpy arrays to nested Arrow columns and back, through offsets: ten times faster than by Python lists."""

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

Drawing = list[np.ndarray]


def _offsets(lengths: Sequence[int]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), pa.int32())


def _points(arrays: Sequence[np.ndarray], width: int) -> pa.Array:
    rows = [np.asarray(array, np.float32).reshape(-1, width) for array in arrays]
    values = np.concatenate(rows).ravel() if rows else np.zeros(0, np.float32)
    return pa.ListArray.from_arrays(
        _offsets([len(row) for row in rows]), pa.FixedSizeListArray.from_arrays(pa.array(values), width)
    )


def strokes_to_arrow(drawings: Sequence[Drawing]) -> pa.Array:
    """Drawings, each a list of (n, 2) strokes, as `list<list<fixed_size_list<float32>[2]>>`."""
    strokes = [stroke for drawing in drawings for stroke in drawing]
    return pa.ListArray.from_arrays(_offsets([len(drawing) for drawing in drawings]), _points(strokes, 2))


def stroke3_to_arrow(drawings: Sequence[np.ndarray]) -> pa.Array:
    """Drawings as (n, 3) stroke-3 arrays, as `list<fixed_size_list<float32>[3]>`."""
    return _points(drawings, 3)


def _ragged(lists: pa.ListArray, width: int) -> list[np.ndarray]:
    # `values` ignores a slice where `offsets` keeps it, so indexing one by the other is right for slices too.
    offsets = lists.offsets.to_numpy()
    points = lists.values
    flat = points.values.to_numpy(zero_copy_only=False)
    start = points.offset
    # Copied: Arrow's own memory is read-only.
    rows = flat[start * width : (start + len(points)) * width].reshape(-1, width).copy()
    return [rows[a:b] for a, b in itertools.pairwise(offsets)]


def strokes_from_arrow(column: pa.ChunkedArray | pa.Array) -> list[Drawing]:
    """The drawings of a strokes column: a list of (n, 2) float64 arrays each."""
    drawings: list[Drawing] = []
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        strokes = [stroke.astype(np.float64) for stroke in _ragged(chunk.values, 2)]
        offsets = chunk.offsets.to_numpy()
        drawings += [strokes[a:b] for a, b in itertools.pairwise(offsets)]
    return drawings


def stroke3_from_arrow(column: pa.ChunkedArray | pa.Array) -> list[np.ndarray]:
    """The drawings of a stroke-3 column: an (n, 3) array each, of the column's own type."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [drawing for chunk in chunks for drawing in _ragged(chunk, 3)]


def vectors_to_arrow(vectors: np.ndarray) -> pa.Array:
    """An (n, d) array as a fixed-size list column of float32."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])


def vectors_from_arrow(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A fixed-size list column as an (n, d) float32 array."""
    size = column.type.list_size
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, size) for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros((0, size), np.float32)
