"""One table of degenerate drawings, against every public function: a StrokeError that says which stroke, or a right
result; never a warning, never another exception, never a wrong shape.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from singleline_pipeline import geometry
from singleline_pipeline.geometry import StrokeError
from singleline_pipeline_tests.geometry.strategies import moved, wandering

Drawing = Sequence[Any]

CIRCLE = np.column_stack(
    [50 + 30 * np.cos(np.linspace(0, 6.2, 40)), 50 + 30 * np.sin(np.linspace(0, 6.2, 40))]
)
LOOP = np.concatenate([CIRCLE, CIRCLE[:1]])
LINE = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 0.0]])

GOOD: dict[str, Drawing] = {
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
    "small whole numbers": [np.array([[0, 0], [100, -128], [127, 4]], np.int8)],
    "lists": [[[0, 0], [3, 4]], [[9, 9.5], [3, 5]]],
    "tuples": (((0, 0), (3, 4)), ((9, 9.5), (3, 5))),
    "float32": [stroke.astype(np.float32) for stroke in wandering(4, 20)],
    "object arrays": [np.array([[0, 0.5], [3, 4]], dtype=object), np.array([[9, 9], [3, 5]], dtype=object)],
    "not contiguous": [np.asfortranarray(CIRCLE), CIRCLE[::-2], np.column_stack([LOOP, LOOP])[:, 1:3]],
    "read-only": [np.frombuffer(LINE.tobytes()).reshape(-1, 2)],
    "20,000 points": wandering(20, 1000),
    "300 strokes": wandering(300, 10),
    "200 identical strokes": [LINE] * 200,
    "100,000 points": wandering(1, 100_000),
    "2,000 strokes": wandering(2000, 5),
}
BAD = {
    "an empty stroke": ([LINE, np.empty((0, 2))], "stroke 1"),
    "NaN": ([LINE, LINE, np.array([[0.0, 0.0], [np.nan, 1.0]])], "stroke 2 .* row 1"),
    "infinity": ([np.array([[0.0, -np.inf]]), LINE], "stroke 0"),
    "beyond any page": ([LINE, LINE * 1e300], "stroke 1"),
    "three columns": ([LINE, np.zeros((4, 3))], r"stroke 1 has the shape \(4, 3\)"),
    "an array in place of a list": (LINE, "list of strokes"),
    "a number in place of a stroke": ([LINE, 7], "stroke 1"),
    "words": ([LINE, [["a", "b"]]], "stroke 1"),
    "digits in a text": ([LINE, [["1", "2"]]], "stroke 1"),
    "a ragged stroke": ([[[0, 0], [1]]], "stroke 0"),
    "an object among numbers": ([LINE, np.array([[0, 1], [None, 2]], dtype=object)], "stroke 1"),
    "complex numbers": ([LINE, LINE * 1j], "stroke 1"),
}


# ---- what makes a result right, given the strokes (n, 2) that went in


def same(before: list[np.ndarray], after: Any) -> None:
    assert len(after) == len(before)
    assert all(np.array_equal(a, b) and a.dtype == np.float64 for a, b in zip(after, before, strict=True))


def lines(after: Any) -> None:
    assert isinstance(after, list)
    assert all(
        stroke.dtype == np.float64 and stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke)
        for stroke in after
    )


def connected(before: list[np.ndarray], after: Any) -> None:
    """No vertex lost, and no line."""
    lines(after)
    assert vertices(before) <= vertices(after)
    assert len(after) <= len(before)
    assert total(after) >= total(before) * (1 - 1e-9)


def one_line(before: list[np.ndarray], after: Any) -> None:
    connected(before, after)
    assert len(after) == min(1, len(before))


def account(before: list[np.ndarray], after: Any) -> None:
    """Strokes, their groups, and the sums: what came in, what was lost, added, drawn again."""
    lines(after.strokes)
    assert len(after.groups) == len(after.strokes)
    expected = total(before) - after.lost + after.added + after.retraced
    assert total(after.strokes) == pytest.approx(expected, rel=1e-6, abs=1e-6 * extent(before))


def parted(before: list[np.ndarray], after: Any) -> None:
    groups, dropped = after
    assert sorted([*chain(*groups), *dropped]) == list(range(len(before)))
    assert bool(groups) == bool(before)


def pages_parted(before: list[np.ndarray], after: Any) -> None:
    drawn = sum(len(drawing.strokes) for drawing in after.drawings)
    assert drawn + sum(len(indices) for indices, _ in after.dropped) == len(before)
    for drawing in after.drawings:
        lines(drawing.strokes)
        assert np.isfinite([*drawing.box, drawing.scale]).all()


def boxed(before: list[np.ndarray], after: Any) -> None:
    points = np.concatenate(before)
    assert np.array_equal(after, [*points.min(axis=0), *points.max(axis=0)])


def measured(before: list[np.ndarray], after: Any) -> None:
    assert after == pytest.approx(total(before), rel=1e-9)


def rescaled(before: list[np.ndarray], after: Any) -> None:
    strokes, scale, offset = after
    lines(strokes)
    assert [len(stroke) for stroke in strokes] == [len(stroke) for stroke in before]
    assert np.concatenate(strokes).min(axis=0).tolist() == [0, 0]
    assert np.concatenate(strokes).max() == pytest.approx(200 if extent(before) > 1e-9 else extent(before))
    back = np.concatenate(strokes) / scale + offset
    assert np.allclose(back, np.concatenate(before), rtol=1e-9, atol=1e-9 * extent(before))


def sorted_out(before: list[np.ndarray], after: Any) -> None:
    kept, dropped = after
    assert sorted([*kept, *dropped]) == list(range(len(before)))
    assert bool(kept) == bool(before)


def backwards(before: list[np.ndarray], after: Any) -> None:
    same([stroke[::-1] for stroke in before[::-1]], after)


def simplified(before: list[np.ndarray], after: Any) -> None:
    lines(after)
    for full, kept in zip(before, after, strict=True):
        assert vertices([kept]) <= vertices([full])
        assert np.array_equal(kept[[0, -1]], full[[0, -1]])
        line = shapely.LineString(kept) if (kept != kept[0]).any() else shapely.Point(kept[0])
        assert shapely.distance(line, shapely.points(full[:500])).max() <= 1 + 1e-9 * np.abs(full).max()


def within_budget(before: list[np.ndarray], after: Any) -> None:
    strokes, epsilon = after
    lines(strokes)
    assert [len(stroke) > 1 for stroke in strokes] == [len(stroke) > 1 for stroke in before]
    assert sum(map(len, strokes)) <= max(1000, 2 * len(before))
    assert math.isfinite(epsilon)
    assert epsilon >= 0


def a_number_a_vertex(before: list[np.ndarray], after: Any) -> None:
    assert after.shape == (sum(map(len, before)),)
    assert not np.isnan(after).any()
    assert np.isinf(after).sum() == sum(min(2, len(stroke)) for stroke in before)


def rows_of(before: list[np.ndarray], after: Any) -> None:
    assert after.shape == (sum(map(len, before)), 3)
    ends = np.cumsum([len(stroke) for stroke in before]) - 1
    assert np.array_equal(np.flatnonzero(after[:, 2]), ends)
    if before:
        assert np.allclose(np.cumsum(after[:, :2], axis=0)[ends], [stroke[-1] for stroke in before])


def there_and_back(before: list[np.ndarray], after: Any) -> None:
    lines(after)
    assert [len(stroke) for stroke in after] == [len(stroke) for stroke in before]
    # To 1e-9 of the page's units, and of the size of numbers whose own last digit is larger.
    for a, b in zip(after, before, strict=True):
        assert np.allclose(a, b, rtol=1e-11, atol=1e-9)


def reversed_rows(before: list[np.ndarray], after: Any) -> None:
    there_and_back([stroke[::-1] for stroke in before[::-1]], geometry.from_stroke3(after))


def evenly_sampled(before: list[np.ndarray], after: Any) -> None:
    lines(after)
    for full, points in zip(before, after, strict=True):
        assert np.array_equal(points[0], full[0])
        assert total([full]) == 0 or (len(points) == 8 and np.array_equal(points[-1], full[-1]))


# ---- every public function, called with a drawing


def each(function: Callable[[Any], Any]) -> Callable[[Drawing], Any]:
    """A function of one stroke on all strokes of a drawing, which is no list where it is bad."""
    return lambda strokes: [function(stroke) for stroke in geometry.validate_strokes(strokes)]


def on_one_page(function: Callable[..., Any]) -> Callable[[Drawing], Any]:
    return lambda strokes: function(strokes, [0] * len(strokes))


def through_npz(strokes: Drawing, folder: Path) -> list[np.ndarray]:
    geometry.save_npz(folder / "a.npz", {"train": [geometry.to_stroke3(strokes)]})
    return geometry.from_stroke3(geometry.load_npz(folder / "a.npz")["train"][0])


def through_ndjson(strokes: Drawing, folder: Path) -> list[np.ndarray]:
    geometry.save_ndjson(folder / "a.ndjson", [strokes])
    (back,) = geometry.load_ndjson(folder / "a.ndjson")
    return back


def step_of(stroke: np.ndarray) -> float:
    return geometry.stroke_length(stroke) / 7 or 1.0


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[list[np.ndarray], Any], None]]] = {
    "validate_strokes": (geometry.validate_strokes, same),
    "validate_stroke": (each(geometry.validate_stroke), same),
    "bounding_box": (geometry.bounding_box, boxed),
    "drawing_length": (geometry.drawing_length, measured),
    "stroke_length": (lambda strokes: sum(each(geometry.stroke_length)(strokes)), measured),
    "rescale": (geometry.rescale, rescaled),
    "resample_stroke": (
        each(lambda stroke: geometry.resample_stroke(stroke, step_of(stroke))),
        evenly_sampled,
    ),
    "drop_short": (geometry.drop_short, sorted_out),
    "reverse_strokes": (geometry.reverse_strokes, backwards),
    "join_strokes": (geometry.join_strokes, connected),
    "join_strokes without limit": (lambda strokes: geometry.join_strokes(strokes, math.inf), one_line),
    "splice_strokes": (geometry.splice_strokes, connected),
    "splice_strokes without limit": (lambda strokes: geometry.splice_strokes(strokes, math.inf), one_line),
    "route_strokes": (geometry.route_strokes, connected),
    "route_strokes without limit": (lambda strokes: geometry.route_strokes(strokes, math.inf), one_line),
    "per_group": (
        lambda strokes: geometry.per_group(strokes, [0] * len(strokes), geometry.join_strokes),
        account,
    ),
    "join_page": (on_one_page(geometry.join_page), account),
    "splice_page": (on_one_page(geometry.splice_page), account),
    "route_page": (on_one_page(geometry.route_page), account),
    "drawings_of_page": (on_one_page(geometry.drawings_of_page), pages_parted),
    "split_drawings": (geometry.split_drawings, parted),
    "simplify": (each(lambda stroke: geometry.simplify(stroke, 1.0)), simplified),
    "simplify_minimal": (each(lambda stroke: geometry.simplify_minimal(stroke, 1.0)), simplified),
    "simplify_to_budget": (
        lambda strokes: geometry.simplify_to_budget(strokes, max(1000, 2 * len(strokes))),
        within_budget,
    ),
    "vertex_epsilons": (geometry.vertex_epsilons, a_number_a_vertex),
    "to_stroke3": (geometry.to_stroke3, rows_of),
    "from_stroke3": (lambda strokes: geometry.from_stroke3(geometry.to_stroke3(strokes)), there_and_back),
    "validate_stroke3": (lambda strokes: geometry.validate_stroke3(geometry.to_stroke3(strokes)), rows_of),
    "reverse_stroke3": (
        lambda strokes: geometry.reverse_stroke3(geometry.to_stroke3(strokes)),
        reversed_rows,
    ),
}
FILES = {
    "save_ndjson, load_ndjson": through_ndjson,
    "save_npz, load_npz": through_npz,
}
# What reads files of others: its bad input is a bad file, in test_files.py and test_svg*.py.
READERS = {"load_drawings", "stroke3_column", "read_svg", "read_svg_drawing"}
# What has no answer for a drawing without strokes says so.
NEEDS_A_STROKE = {"bounding_box", "rescale"}


def test_no_public_function_is_missing_from_the_table() -> None:
    public = {name for name in geometry.__all__ if inspect.isfunction(getattr(geometry, name))}
    tested = {name.split()[0] for name in FUNCTIONS} | {name for names in FILES for name in names.split(", ")}
    assert public == tested | READERS


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("drawing", GOOD)
def test_degenerate_drawings_have_a_right_result(function: str, drawing: str) -> None:
    strokes = GOOD[drawing]
    before = [np.array(stroke, np.float64) for stroke in strokes]
    call, check = FUNCTIONS[function]
    if function in NEEDS_A_STROKE and not strokes:
        with pytest.raises(StrokeError, match="without strokes"):
            call(strokes)
        return
    check(before, call(strokes))
    assert all(np.array_equal(a, b) for a, b in zip(before, strokes, strict=True)), "the input was changed"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", FILES)
@pytest.mark.parametrize("drawing", sorted(set(GOOD) - {"nothing"}))
def test_degenerate_drawings_come_back_from_files(function: str, drawing: str, tmp_path: Path) -> None:
    """`.npz` holds float32 offsets: a seven-millionth of the largest at each of them."""
    before = [np.array(stroke, np.float64) for stroke in GOOD[drawing]]
    after = FILES[function](GOOD[drawing], tmp_path)
    lines(after)
    assert [len(stroke) for stroke in after] == [len(stroke) for stroke in before]
    points = np.concatenate(before)
    exact = "ndjson" in function
    slack = 0.0 if exact else 6e-8 * np.abs(points).max() * max(1, len(points) ** 0.5)
    assert np.abs(np.concatenate(after) - points).max() <= slack


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("drawing", BAD)
def test_broken_drawings_are_refused_by_the_name_of_the_stroke(function: str, drawing: str) -> None:
    strokes, message = BAD[drawing]
    with pytest.raises(StrokeError, match=message):
        FUNCTIONS[function][0](strokes)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("drawing", BAD)
def test_a_single_stroke_that_is_none_is_refused_by_every_function_of_one(drawing: str) -> None:
    if drawing == "an array in place of a list":
        return
    strokes, _ = BAD[drawing]
    broken = []
    for stroke in strokes:
        try:
            geometry.validate_stroke(stroke)
        except StrokeError:
            broken.append(stroke)
    assert len(broken) == 1
    for function in (
        geometry.stroke_length,
        lambda stroke: geometry.simplify(stroke, 1.0),
        lambda stroke: geometry.simplify_minimal(stroke, 1.0),
        lambda stroke: geometry.resample_stroke(stroke, 1.0),
    ):
        with pytest.raises(StrokeError, match="the stroke"):
            function(broken[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "call",
    [
        lambda: geometry.join_strokes([LINE], math.nan),
        lambda: geometry.splice_strokes([LINE], -1.0),
        lambda: geometry.route_strokes([LINE], 30.0, -0.1),
        lambda: geometry.split_drawings([LINE], min_area=math.nan),
        lambda: geometry.split_drawings([LINE], max_gap=-1.0),
        lambda: geometry.split_drawings([LINE], apart=math.nan),
        lambda: geometry.split_drawings([LINE], groups=[0, 1]),
        lambda: geometry.simplify(LINE, -1.0),
        lambda: geometry.simplify(LINE, math.nan),
        lambda: geometry.simplify_minimal(LINE, -1.0),
        lambda: geometry.simplify_minimal(LINE, math.nan),
        lambda: geometry.rescale([LINE], 0.0),
        lambda: geometry.rescale([LINE], math.nan),
        lambda: geometry.resample_stroke(LINE, 0.0),
        lambda: geometry.resample_stroke(LINE, math.nan),
        lambda: geometry.drop_short([LINE], -1),
        lambda: geometry.per_group([LINE], [0, 1], geometry.join_strokes),
        lambda: geometry.join_page([LINE], [0, 1]),
        lambda: geometry.drawings_of_page([LINE], []),
        lambda: geometry.simplify_to_budget([LINE] * 6, 10),
        lambda: geometry.join_strokes(7),  # type: ignore[arg-type]
        lambda: geometry.from_stroke3("text"),
        lambda: geometry.reverse_stroke3([[0, 0]]),
    ],
)
def test_impossible_settings_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(StrokeError):
        call()


def vertices(strokes: Sequence[np.ndarray]) -> set[tuple[float, float]]:
    return {tuple(point) for stroke in strokes for point in stroke.tolist()}


def total(strokes: Sequence[np.ndarray]) -> float:
    return float(sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes))


def extent(strokes: list[np.ndarray]) -> float:
    return float(np.ptp(np.concatenate(strokes), axis=0).max()) if strokes else 0.0
