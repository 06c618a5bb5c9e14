"""Which of a stroke lies near a line, and which inside an outline that a person drew."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from singleline_pipeline.geometry.strokes import Stroke, resample_stroke, segment_lengths

_SLIP = 0.1
"""How far a hand that draws an outline slips, as a share of the outline's longer side: line that reaches over it by
less stays with the rest of its stroke."""


def far_from(line: Stroke, strokes: Sequence[Stroke], distance: float) -> Stroke:
    """Points (n, 2) along a line, half of `distance` apart, that are more than that from all strokes."""
    points = resample_stroke(line, distance / 2)
    away = np.full(len(points), np.inf)
    for stroke in strokes:
        place = shapely.linestrings(stroke) if len(stroke) > 1 else shapely.points(stroke[0])
        away = np.minimum(away, shapely.distance(shapely.points(points), place))
    return points[away > distance]


def share_near(stroke: Stroke, line: Stroke, distance: float) -> float:
    """Share of a stroke (n, 2) that is at most `distance` from a line (m, 2), in the same units."""
    points = resample_stroke(stroke, distance / 2)
    place = shapely.linestrings(line) if len(line) > 1 else shapely.points(line[0])
    return float(np.mean(shapely.distance(shapely.points(points), place) <= distance))


def parts_inside(stroke: Stroke, outline: Stroke) -> list[tuple[Stroke, bool]]:
    """A stroke cut where it crosses a closed outline (m, 2): its parts in their order, and whether each is inside.

    Inside is what a line from far away reaches after an odd number of crossings, so that an outline that crosses
    itself is one, too. What reaches over the outline by less than `_SLIP` of its longer side is not cut off.
    """
    along = np.concatenate([[0.0], np.cumsum(segment_lengths(stroke))])
    if not along[-1]:
        return [(stroke, bool(_is_inside(stroke[:1], outline)[0]))]
    ends = _unlike_neighbours(np.concatenate([[0.0], _crossings(stroke, outline, along), along[-1:]]))
    inside = _is_inside(_at((ends[:-1] + ends[1:]) / 2, along, stroke), outline)
    return _cut(stroke, along, ends, inside, _SLIP * float(np.ptp(outline, axis=0).max()))


def parts_near(stroke: Stroke, line: Stroke, distance: float, shortest: float) -> list[tuple[Stroke, bool]]:
    """A stroke cut where it leaves or meets a line of close points (m, 2): its parts, and whether each lies on it.

    A part of less than `shortest`, such as where a stroke only crosses the line, stays with the rest.
    """
    along = np.concatenate([[0.0], np.cumsum(segment_lengths(stroke))])
    points = shapely.points(resample_stroke(stroke, distance / 2))
    near = shapely.distance(points, shapely.multipoints(line)) <= distance
    if not along[-1]:
        return [(stroke, bool(near[0]))]
    places = np.linspace(0.0, along[-1], len(points))
    ends = np.concatenate([[0.0], (places[:-1] + places[1:]) / 2, along[-1:]])
    return _cut(stroke, along, ends, near, shortest)


def _cut(
    stroke: Stroke,
    along: NDArray[np.float64],
    ends: NDArray[np.float64],
    flags: NDArray[np.bool_],
    shortest: float,
) -> list[tuple[Stroke, bool]]:
    """The runs of a stroke that are alike, those that are too short with their neighbours: flag i is of the line from
    `ends[i]` to `ends[i + 1]`, as lengths along it."""
    runs = _without_slips(list(zip(np.diff(ends).tolist(), flags.tolist(), strict=True)), shortest)
    cuts = np.concatenate([[0.0], np.cumsum([length for length, _ in runs])])
    cuts[-1] = along[-1]
    return [
        (_part(stroke, along, start, end), flag)
        for start, end, (_, flag) in zip(cuts[:-1], cuts[1:], runs, strict=True)
    ]


def _without_slips(runs: list[tuple[float, bool]], shortest: float) -> list[tuple[float, bool]]:
    """Runs of (length, inside), neighbours unlike, without those shorter than `shortest`: the shortest goes first."""
    runs = _joined(runs)
    while len(runs) > 1:
        number = min(range(len(runs)), key=lambda index: runs[index][0])
        if runs[number][0] >= shortest:
            break
        length, is_in = runs[number]
        runs = _joined([*runs[:number], (length, not is_in), *runs[number + 1 :]])
    return runs


def _joined(runs: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    joined: list[tuple[float, bool]] = []
    for length, is_in in runs:
        if joined and joined[-1][1] == is_in:
            joined[-1] = (joined[-1][0] + length, is_in)
        else:
            joined.append((length, is_in))
    return joined


def _crossings(stroke: Stroke, outline: Stroke, along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a stroke crosses the sides of an outline, as lengths along the stroke, ascending."""
    start, step = stroke[:-1, None], np.diff(stroke, axis=0)[:, None]
    corner, side = outline[None], (np.roll(outline, -1, axis=0) - outline)[None]
    across = step[..., 0] * side[..., 1] - step[..., 1] * side[..., 0]
    between = corner - start
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # parallel lines do not cross: their share is no number
        on_stroke = (between[..., 0] * side[..., 1] - between[..., 1] * side[..., 0]) / across
        on_side = (between[..., 0] * step[..., 1] - between[..., 1] * step[..., 0]) / across
    hit = (on_stroke >= 0) & (on_stroke <= 1) & (on_side >= 0) & (on_side <= 1)
    segment = np.nonzero(hit)[0]
    return np.sort(along[segment] + on_stroke[hit] * np.diff(along)[segment])


def _unlike_neighbours(ends: NDArray[np.float64]) -> NDArray[np.float64]:
    return ends[np.concatenate([[True], np.diff(ends) > 0])]


def _is_inside(points: NDArray[np.float64], outline: Stroke) -> NDArray[np.bool_]:
    x, y = points[:, :1], points[:, 1:]
    ax, ay = outline.T
    bx, by = np.roll(outline, -1, axis=0).T
    spans = (ay > y) != (by > y)
    with np.errstate(divide="ignore", invalid="ignore"):  # level sides span nothing
        crossed = spans & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return crossed.sum(axis=1) % 2 == 1


def _at(where: NDArray[np.float64], along: NDArray[np.float64], stroke: Stroke) -> NDArray[np.float64]:
    return np.column_stack([np.interp(where, along, stroke[:, axis]) for axis in (0, 1)])


def _part(stroke: Stroke, along: NDArray[np.float64], start: float, end: float) -> Stroke:
    """The line between two lengths along a stroke; its own points stay as they are."""
    if start <= 0 and end >= along[-1]:
        return stroke
    inner = stroke[(along > start) & (along < end)]
    first, last = _at(np.array([start, end]), along, stroke)
    return np.vstack([first, inner, last])
