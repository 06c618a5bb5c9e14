"""The checks stand between a fault and everything downstream: each must see the fault that it is there for."""

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest

from singleline_pipeline.nested import strokes_to_arrow
from singleline_pipeline.orchestration.checks import UNIQUE, check_specs, check_table
from singleline_pipeline.schemas import SCHEMAS

LINE = np.array([[0.0, 0.0], [1.0, 1.0]])


def drawings(ids: list[str], strokes: list, scale: float = 1.0) -> pa.Table:
    return pa.table({"drawing_id": ids, "strokes": strokes_to_arrow(strokes), "scale": [scale] * len(ids)})


def failed(table: pa.Table, counts: dict[str, int]) -> dict[str, str | None]:
    return {
        result.check_name: result.description
        for result in check_table("drawings", table, counts)
        if not result.passed
    }


def test_a_sound_table_passes_all_of_its_declared_checks() -> None:
    table = drawings(["a", "b"], [[LINE], [LINE, LINE]])
    results = list(check_table("drawings", table, {"in": 3, "out": 2, "dropped": 1}))
    assert all(isinstance(result, dg.AssetCheckResult) and result.passed for result in results)
    assert {result.check_name for result in results} == {
        spec.name for spec in check_specs("drawings", SCHEMAS["drawings"])
    }


@pytest.mark.parametrize(
    ("table", "counts", "check", "says"),
    [
        (drawings(["a", "a"], [[LINE], [LINE]]), {"in": 2, "out": 2}, "unique_ids", "a among them"),
        (drawings(["a"], [[LINE * np.nan]]), {"in": 1, "out": 1}, "no_nan", "column strokes: 4 numbers"),
        (drawings(["a"], [[LINE]], scale=np.inf), {"in": 1, "out": 1}, "no_nan", "column scale"),
        (drawings(["a"], [[]]), {"in": 1, "out": 1}, "no_empty_drawing", "1 drawings without a stroke"),
        (drawings(["a"], [[np.zeros((0, 2))]]), {"in": 1, "out": 1}, "no_empty_drawing", "1 strokes without"),
        (drawings(["a"], [[LINE]]), {"in": 3, "out": 1, "dropped": 1}, "counts_add_up", "3 went in"),
    ],
)
def test_each_fault_fails_its_check_and_no_other(table, counts, check, says) -> None:
    problems = failed(table, counts)
    assert set(problems) == {check}
    assert says in problems[check]


def test_every_asset_says_what_names_its_rows() -> None:
    """An asset without an entry would fail at run time, in the middle of the night."""
    assert set(UNIQUE) == set(SCHEMAS)
    for name, columns in UNIQUE.items():
        assert set(columns) <= set(SCHEMAS[name].names)
