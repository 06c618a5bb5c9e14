"""A small lake with two declared assets: one of strokes, one of vectors."""

from pathlib import Path

import pyarrow as pa
import pytest

from singleline_pipeline.lake import Lake

STROKES = pa.list_(pa.list_(pa.list_(pa.float32(), 2)))
TOY_SCHEMAS = {
    "pages": pa.schema(
        [
            pa.field("page_id", pa.string(), nullable=False, metadata={"description": "The page"}),
            pa.field("width", pa.int32(), nullable=False, metadata={"description": "Width", "unit": "px"}),
            pa.field("note", pa.string(), metadata={"description": "A remark"}),
            pa.field("strokes", STROKES, nullable=False, metadata={"description": "Lines"}),
            pa.field("file", pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])),
        ]
    ),
    "vectors": pa.schema(
        [
            pa.field("page_id", pa.string(), nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), 1), nullable=False),
        ]
    ),
}


def pages(*names: str, width: int = 1500) -> pa.Table:
    """A table of the asset `pages`, with all columns nullable and without descriptions, as steps make them."""
    return pa.table(
        {
            "page_id": pa.array(names, pa.string()),
            "width": pa.array([width] * len(names), pa.int32()),
            "note": pa.array([None] * len(names), pa.string()),
            "strokes": pa.array([[[[0, 0], [1, 2]], [[3, 3]]] for _ in names], STROKES),
            "file": pa.array(
                [{"bytes": name.encode() * 50, "path": name} for name in names],
                TOY_SCHEMAS["pages"].field("file").type,
            ),
        }
    )


def vectors(names: list[str], size: int) -> pa.Table:
    """A table of the asset `vectors`, of the given length of vector."""
    values = pa.array([[float(i)] * size for i in range(len(names))], pa.list_(pa.float32(), size))
    return pa.table({"page_id": pa.array(names, pa.string()), "embedding": values})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake on disk."""
    return Lake(tmp_path / "lake", schemas=TOY_SCHEMAS)
