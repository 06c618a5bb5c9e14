"""Nested columns carry strokes through the lake: a wrong offset would give one drawing the line of another."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from singleline_pipeline.nested import (
    stroke3_from_arrow,
    stroke3_to_arrow,
    strokes_from_arrow,
    strokes_to_arrow,
    vectors_from_arrow,
    vectors_to_arrow,
)

floats = st.floats(-1e6, 1e6, width=32)


def arrays(width: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(width)), elements=floats)


drawings = st.lists(st.lists(arrays(2), max_size=4), max_size=5)


def assert_same(found: list, wanted: list) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if isinstance(other, list):
            assert_same(one, other)
        else:
            np.testing.assert_array_equal(one, other)


@given(drawings, st.data())
def test_any_slice_gives_its_own_drawings(pages: list, data: st.DataObject) -> None:
    """Arrow slices keep the values of the whole column: reading them from the start is the classic mistake."""
    start = data.draw(st.integers(0, len(pages)))
    stop = data.draw(st.integers(start, len(pages)))
    column = strokes_to_arrow(pages)
    assert_same(strokes_from_arrow(column), pages)
    assert_same(strokes_from_arrow(column.slice(start, stop - start)), pages[start:stop])
    chunked = pa.chunked_array([column.slice(start), column.slice(0, start)])
    assert_same(strokes_from_arrow(chunked), pages[start:] + pages[:start])


@given(st.lists(arrays(3), max_size=6), st.data())
def test_stroke3_comes_back_from_slices(rows: list, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(rows)))
    column = stroke3_to_arrow(rows)
    assert_same(stroke3_from_arrow(column.slice(start)), rows[start:])


def test_vectors_come_back_from_slices_and_from_nothing() -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    column = vectors_to_arrow(vectors)
    np.testing.assert_array_equal(vectors_from_arrow(column.slice(1, 2)), vectors[1:3])
    assert vectors_from_arrow(pa.chunked_array([], column.type)).shape == (0, 3)
