"""The content version decides what is stale: it must see every change of content and none of memory layout."""

import io
import itertools

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.lake import content_version

TABLE = pa.table(
    {
        "whole": pa.array([1, None, 3, 4], pa.int32()),
        "real": pa.array([0.5, None, -1.25, 1e9], pa.float32()),
        "truth": [True, None, False, True],
        "text": ["a", None, "", "ccc"],
        "bytes": [b"\x00", None, b"", b"xyz"],
        "when": pa.array([1, None, 3, 4], pa.timestamp("us")),
        "strokes": pa.array(
            [[[[1, 2], [3, 4]], []], None, [], [[[5, 6]]]], pa.list_(pa.list_(pa.list_(pa.float32(), 2)))
        ),
        "vector": pa.array([[1, 2], None, [3, 4], [5, 6]], pa.list_(pa.float32(), 2)),
        "file": [
            {"bytes": b"x", "path": None},
            None,
            {"bytes": None, "path": "q"},
            {"bytes": b"", "path": ""},
        ],
        "numbers": pa.array([[("a", 1)], None, [], [("b", 2), ("c", 3)]], pa.map_(pa.string(), pa.float32())),
        "word": pa.array(["u", None, "v", "u"]).dictionary_encode(),
        "nothing": pa.nulls(4),
    }
)


@given(cuts=st.lists(st.integers(0, 4), max_size=4))
@settings(max_examples=30, deadline=None)
def test_version_does_not_depend_on_where_chunks_end(cuts):
    edges = sorted({0, 4, *cuts})
    chunked = pa.concat_tables([TABLE.slice(a, b - a) for a, b in itertools.pairwise(edges)])
    assert content_version(chunked) == content_version(TABLE)


@pytest.mark.parametrize("name", TABLE.column_names)
def test_version_of_a_slice_is_that_of_its_rows_and_not_of_its_buffers(name):
    column = TABLE.select([name])
    inside = pa.concat_tables([column, column, column]).combine_chunks().slice(4, 4)
    assert content_version(inside) == content_version(column)


def test_version_survives_parquet_because_fresh_tables_are_compared_with_read_ones():
    without_dictionary = TABLE.drop_columns(["word"])
    file = io.BytesIO()
    pq.write_table(without_dictionary, file, row_group_size=3)
    assert content_version(pq.read_table(file)) == content_version(without_dictionary)


def test_values_under_nulls_do_not_count():
    hidden = pa.Array.from_buffers(
        pa.int32(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(b"\x07\0\0\0\x09\0\0\0")]
    )
    assert hidden.to_pylist() == [7, None]
    assert content_version(pa.table({"a": hidden})) == content_version(
        pa.table({"a": pa.array([7, None], pa.int32())})
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1, 2]}, {"b": [1, 2]}),
        ({"a": [1, None]}, {"a": [1, 0]}),
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": [[1], [2, 3]]}, {"a": [[1, 2], [3]]}),
        ({"a": [[], None]}, {"a": [None, []]}),
        ({"a": pa.array([1], pa.int32())}, {"a": pa.array([1], pa.int64())}),
        ({"a": pa.array([], pa.int32())}, {"a": pa.array([], pa.float32())}),
        ({"a": [{"x": 1, "y": 2}]}, {"a": [{"x": 2, "y": 1}]}),
        ({"a": [0.0]}, {"a": [1e-30]}),
        ({"a": pa.array([[1]], pa.list_(pa.int8(), 1))}, {"a": pa.array([[1]], pa.list_(pa.int8()))}),
    ],
)  # fmt: skip
def test_every_change_of_content_changes_the_version(one, other):
    assert content_version(pa.table(one)) != content_version(pa.table(other))
