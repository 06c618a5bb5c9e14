"""Reading 80 sketchbooks at once, as every unpartitioned asset does, through the IO manager."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow
from singleline_pipeline.orchestration.io_manager import ParquetIOManager
from singleline_pipeline.schemas import SCHEMAS

SKETCHBOOKS = [f"sb{number:02d}" for number in range(1, 81)]
DRAWINGS = 30  # a sketchbook


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawings of 80 sketchbooks: 2400 of four strokes and 1000 points each."""
    folder = tmp_path_factory.mktemp("lake")
    rng = np.random.default_rng(0)
    for book in SKETCHBOOKS:
        drawings = [list(rng.uniform(0, 200, (4, 250, 2))) for _ in range(DRAWINGS)]
        names = [f"{book}p{number:03d}" for number in range(DRAWINGS)]
        boxes = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(4 * DRAWINGS, np.float32)), 4)
        columns = {
            "drawing_id": [f"{name}d01" for name in names],
            "page_id": names,
            "sketchbook": [book] * DRAWINGS,
            "sha256": [f"{index:064x}" for index in range(DRAWINGS)],
            "box": boxes,
            "scale": np.ones(DRAWINGS, np.float32),
            "strokes": strokes_to_arrow(drawings),
            "n_strokes": np.full(DRAWINGS, 4, np.int32),
            "n_points": np.full(DRAWINGS, 1000, np.int32),
        }
        Lake(folder).write("drawings", pa.table(columns, schema=SCHEMAS["drawings"]), book)
    return folder


def load(lake: Path, kind: type, columns: list[str] | None = None) -> object:
    """What an asset without partitions gets for a parameter of this type."""
    partitions = dg.StaticPartitionsDefinition(SKETCHBOOKS)
    context = dg.build_input_context(
        asset_key=dg.AssetKey("drawings"),
        asset_partitions_def=partitions,
        asset_partition_key_range=dg.PartitionKeyRange(SKETCHBOOKS[0], SKETCHBOOKS[-1]),
        dagster_type=dg.DagsterType(lambda _context, _value: True, name="table", typing_type=kind),
        definition_metadata={"columns": columns} if columns else None,
    )
    return ParquetIOManager(lake=str(lake)).load_input(context)


def test_fan_in_of_80_tables(benchmark: BenchmarkFixture, lake: Path) -> None:
    """All tables whole, and the strokes in them as arrays."""

    def read() -> dict[str, list[list[np.ndarray]]]:
        tables = load(lake, dict[str, pa.Table])
        return {book: strokes_from_arrow(table["strokes"]) for book, table in tables.items()}  # type: ignore[attr-defined]

    drawings = benchmark.pedantic(read, warmup_rounds=1, rounds=5)
    assert list(drawings) == SKETCHBOOKS
    assert (
        sum(len(stroke) for book in drawings.values() for strokes in book for stroke in strokes) == 2_400_000
    )


def test_fan_in_of_one_column(benchmark: BenchmarkFixture, lake: Path) -> None:
    """As one lazy dataset, of which the strokes, 99 % of the bytes, are never read."""

    def read() -> pa.Table:
        dataset = load(lake, ds.Dataset, ["drawing_id", "n_points"])
        assert isinstance(dataset, ds.Dataset)
        return dataset.to_table()

    table = benchmark.pedantic(read, warmup_rounds=1, rounds=5)
    assert table.column_names == ["drawing_id", "n_points"]
    assert table.num_rows == 80 * DRAWINGS
    assert table["drawing_id"][0].as_py() == "sb01p000d01"
    assert table["drawing_id"][-1].as_py() == "sb80p029d01"
