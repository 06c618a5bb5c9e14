"""Real drawings, and what the original code makes of them; the artist's data are not part of the project."""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from singleline_pipeline.geometry import (
    drawing_length,
    join_strokes,
    load_npz,
    per_group,
    route_strokes,
    splice_strokes,
)

FOLDER = os.environ.get("SINGLELINE_BENCH_DATA")
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="SINGLELINE_BENCH_DATA does not name a folder with reference_geometry.parquet"
)


def reference(*columns: str) -> list[list[list[np.ndarray]]]:
    table = pq.read_table(Path(FOLDER or "") / "reference_geometry.parquet", columns=list(columns))
    return [[[np.array(stroke) for stroke in row[name]] for name in columns] for row in table.to_pylist()]


@pytest.mark.parametrize(("column", "max_gap"), [("joined_15", 15.0), ("joined_30", 30.0)])
def test_join_equals_the_original_ties_included(column: str, max_gap: float) -> None:
    for strokes, expected in reference("strokes", column):
        joined = join_strokes(strokes, max_gap)
        assert len(joined) == len(expected)
        assert all(np.array_equal(a, b) for a, b in zip(joined, expected, strict=True))


def test_compat_splice_equals_the_original_ties_included() -> None:
    for joined, expected in reference("joined_15", "spliced_40"):
        spliced = splice_strokes(joined, 40.0, compat=True)
        assert len(spliced) == len(expected)
        assert all(np.array_equal(a, b) for a, b in zip(spliced, expected, strict=True))


def test_splice_leaves_as_few_strokes_as_the_original_and_loses_no_ink() -> None:
    ours = theirs = added = line = 0.0
    for strokes, joined, expected in reference("strokes", "joined_15", "spliced_40"):
        result = per_group(joined, [0] * len(joined), lambda s: splice_strokes(s, 40.0))
        assert result.lost == 0
        ours, theirs = ours + len(result.strokes), theirs + len(expected)
        added, line = (
            added + drawing_length(result.strokes) - drawing_length(strokes),
            line + drawing_length(strokes),
        )
    assert ours <= theirs
    assert added <= 0.16 * line


def test_route_makes_one_line_of_most_drawings_with_less_line_of_its_own() -> None:
    """The original: 3.5 strokes, 8 % single, 16 % added, 3 % lost."""
    counts, added, line = [], 0.0, 0.0
    for (strokes,) in reference("strokes"):
        result = per_group(strokes, [0] * len(strokes), route_strokes)
        assert result.lost == 0
        counts.append(len(result.strokes))
        added, line = added + result.added, line + drawing_length(strokes)
    assert np.mean(counts) <= 1.45
    # The others have ink that is further than the gap from all else, most of it crumbs: no bridge may reach it.
    assert np.mean(np.array(counts) == 1) >= 0.61
    assert added <= 0.075 * line


@pytest.mark.parametrize("name", ["look_i16.npz", "look_minn10.npz"])
def test_the_published_datasets_are_read_as_numpy_reads_them(name: str) -> None:
    file = Path(FOLDER or "") / name
    ours = load_npz(file)
    with np.load(file, allow_pickle=True, encoding="latin1") as theirs:
        for split, drawings in ours.items():
            assert all(np.array_equal(a, b) for a, b in zip(drawings, theirs[split], strict=True))
