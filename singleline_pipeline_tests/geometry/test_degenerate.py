"""One table of degenerate drawings, against every public function: a StrokeError that says which stroke, or a right
result; never a warning, never another exception.
"""

import math
from itertools import chain

import numpy as np
import pytest

from singleline_pipeline import geometry
from singleline_pipeline.geometry import StrokeError
from singleline_pipeline_tests.geometry.strategies import moved, wandering

CIRCLE = np.column_stack(
    [50 + 30 * np.cos(np.linspace(0, 6.2, 40)), 50 + 30 * np.sin(np.linspace(0, 6.2, 40))]
)
LOOP = np.concatenate([CIRCLE, CIRCLE[:1]])
LINE = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0]])

GOOD = {
    "nothing": [],
    "one point": [np.array([[3.0, 4.0]])],
    "two equal points": [np.array([[3.0, 4.0], [3.0, 4.0]])],
    "collinear": [LINE],
    "collinear strokes that overlap": [LINE, moved(LINE, 15, 0), moved(LINE[::-1], 5, 0)],
    "closed loops": [LOOP, moved(LOOP, 20, 0), LOOP[::-1]],
    "dots of no length": [np.array([[5.0, 5.0]] * n) for n in (1, 2, 3)],
    "dots and a line": [np.array([[10.0, 1.0]]), LINE, np.array([[12.0, 0.0], [12.0, 0.0]])],
    "identical strokes": [LINE.copy() for _ in range(40)],
    "repeated points": [np.repeat(LINE, 3, axis=0), np.repeat(moved(LINE, 0, 2), 2, axis=0)],
    "far away": [stroke + 1e9 for stroke in wandering(5, 20)],
    "huge": [stroke * 1e7 for stroke in wandering(5, 20)],
    "tiny": [stroke * 1e-9 for stroke in wandering(5, 20)],
    "whole numbers": [np.array([[0, 0], [3, 4]]), np.array([[9, 9], [3, 5]])],
    "lists": [[[0, 0], [3, 4]], [[9, 9.5], [3, 5]]],
    "read-only": [np.frombuffer(LINE.tobytes()).reshape(-1, 2)],
    "20,000 points": wandering(20, 1000),
    "500 strokes": wandering(500, 20),
    "500 identical strokes": [LINE] * 500,
}
BAD = {
    "an empty stroke": ([LINE, np.empty((0, 2))], "stroke 1"),
    "NaN": ([LINE, LINE, np.array([[0.0, 0.0], [np.nan, 1.0]])], "stroke 2 .* row 1"),
    "infinity": ([np.array([[0.0, -np.inf]]), LINE], "stroke 0"),
    "beyond any page": ([LINE, LINE * 1e300], "stroke 1"),
    "three columns": ([LINE, np.zeros((4, 3))], r"stroke 1 has the shape \(4, 3\)"),
    "an array in place of a list": (LINE, "list of strokes"),
    "words": ([LINE, [["a", "b"]]], "stroke 1"),
    "a ragged stroke": ([[[0, 0], [1]]], "stroke 0"),
}

# A function of one drawing, and the check that its result is right for any drawing.
FUNCTIONS = {
    "validate_strokes": geometry.validate_strokes,
    "bounding_box": geometry.bounding_box,
    "drawing_length": geometry.drawing_length,
    "rescale": geometry.rescale,
    "drop_short": geometry.drop_short,
    "reverse_strokes": geometry.reverse_strokes,
    "join_strokes": geometry.join_strokes,
    "join_strokes without limit": lambda strokes: geometry.join_strokes(strokes, math.inf),
    "splice_strokes": geometry.splice_strokes,
    "splice_strokes without limit": lambda strokes: geometry.splice_strokes(strokes, math.inf),
    "route_strokes": geometry.route_strokes,
    "route_strokes without limit": lambda strokes: geometry.route_strokes(strokes, math.inf),
    "split_drawings": geometry.split_drawings,
    "simplify": lambda strokes: [
        geometry.simplify(stroke, 1.0) for stroke in geometry.validate_strokes(strokes)
    ],
    "simplify_to_budget": lambda strokes: geometry.simplify_to_budget(strokes, 1000),
    "to_stroke3": geometry.to_stroke3,
    "per_group": lambda strokes: geometry.per_group(strokes, [0] * len(strokes), geometry.join_strokes),
}
# What has no answer for a drawing without strokes says so.
NEEDS_A_STROKE = {"bounding_box", "rescale"}
ONE_LINE = {"join_strokes without limit", "splice_strokes without limit", "route_strokes without limit"}
CONNECTING = {name for name in FUNCTIONS if name.startswith(("join", "splice", "route"))}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("drawing", GOOD)
def test_degenerate_drawings_have_a_right_result(function: str, drawing: str) -> None:
    strokes = GOOD[drawing]
    before = [np.array(stroke) for stroke in strokes]
    if function in NEEDS_A_STROKE and not strokes:
        with pytest.raises(StrokeError, match="without strokes"):
            FUNCTIONS[function](strokes)
        return
    result = FUNCTIONS[function](strokes)
    assert all(np.array_equal(a, b) for a, b in zip(before, strokes, strict=True)), "the input was changed"
    assert all_finite(result)
    if function in CONNECTING:
        assert vertices(before) <= vertices(result)
        assert all(
            stroke.dtype == np.float64 and stroke.ndim == 2 and stroke.shape[1] == 2 for stroke in result
        )
    if function in ONE_LINE:
        assert len(result) == min(1, len(strokes))
    if function == "split_drawings":
        groups, dropped = result
        assert sorted([*chain(*groups), *dropped]) == list(range(len(strokes)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("drawing", BAD)
def test_broken_drawings_are_refused_by_the_name_of_the_stroke(function: str, drawing: str) -> None:
    strokes, message = BAD[drawing]
    with pytest.raises(StrokeError, match=message):
        FUNCTIONS[function](strokes)


@pytest.mark.parametrize(
    "call",
    [
        lambda: geometry.join_strokes([LINE], math.nan),
        lambda: geometry.splice_strokes([LINE], -1.0),
        lambda: geometry.route_strokes([LINE], 30.0, -0.1),
        lambda: geometry.split_drawings([LINE], min_area=math.nan),
        lambda: geometry.simplify(LINE, -1.0),
        lambda: geometry.rescale([LINE], 0.0),
        lambda: geometry.resample_stroke(LINE, 0.0),
        lambda: geometry.drop_short([LINE], -1),
        lambda: geometry.per_group([LINE], [0, 1], geometry.join_strokes),
        lambda: geometry.simplify_to_budget([LINE] * 6, 10),
        lambda: geometry.join_strokes(7),  # type: ignore[arg-type]
    ],
)
def test_impossible_settings_are_refused(call) -> None:
    with pytest.raises(StrokeError):
        call()


def vertices(strokes: list[np.ndarray]) -> set[tuple[float, float]]:
    return {tuple(point) for stroke in strokes for point in np.asarray(stroke, float).tolist()}


def all_finite(result: object) -> bool:
    if isinstance(result, (list, tuple)):
        return all(all_finite(item) for item in result)
    if isinstance(result, geometry.GroupedStrokes):
        return all_finite(result.strokes) and all_finite([result.added, result.lost, result.retraced])
    return bool(np.isfinite(np.asarray(result, float)).all())
