"""The hand of the sample artist: control points to one smooth, slightly unsteady line.

A path is an (n, 3) array: x, y, and 1 where the pen turns sharply. Parts of a drawing (an eye, a jaw, an
arm) are paths; `visit` chains them into the one path that the pen takes without being lifted.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

Path = np.ndarray

# (wave length, amplitude) of the hand's unsteadiness, as shares of the drawing's longer side: drift, wobble,
# tremor.
_UNSTEADINESS = ((0.35, 0.012), (0.10, 0.0035), (0.025, 0.0007))


def path(*points: Sequence[float]) -> Path:
    """A path from points (x, y) and sharp corners (x, y, 1)."""
    return np.array([(*point, 0.0)[:3] for point in points], dtype=np.float64)


def moved(
    part: Path, offset: Sequence[float], size: float = 1.0, angle: float = 0.0, flip: bool = False
) -> Path:
    """A part scaled by `size`, mirrored left to right, turned by `angle` (radians, clockwise on paper), then moved."""
    xy = part[:, :2] * size
    if flip:
        xy = xy * (-1.0, 1.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([xy @ turn + np.asarray(offset), part[:, 2]])


def ring(
    centre: Sequence[float], radius: float, start: float, turns: float = 1.0, squash: float = 1.0
) -> Path:
    """A loop around `centre`, from the angle `start`; negative `turns` go the other way round."""
    count = max(4, round(abs(turns) * 6) + 1)
    angles = start + np.linspace(0.0, turns * 2 * np.pi, count)
    x = centre[0] + radius * np.cos(angles)
    y = centre[1] + radius * squash * np.sin(angles)
    return np.column_stack([x, y, np.zeros(count)])


def visit(parts: Sequence[Path], rng: np.random.Generator, loop_chance: float = 0.25) -> Path:
    """Chain parts in their order, each entered at its nearer end; on the way the pen swings, and sometimes curls."""
    done = [parts[0]]
    for part in parts[1:]:
        here = done[-1][-1, :2]
        if np.hypot(*(part[-1, :2] - here)) < 0.8 * np.hypot(*(part[0, :2] - here)):
            part = part[::-1]
        way = part[0, :2] - here
        distance = np.hypot(*way)
        if distance > 0.12:
            across = np.array([-way[1], way[0]])
            heading = here - done[-1][-2, :2]
            heading = heading / max(np.hypot(*heading), 1e-9)
            if rng.random() < loop_chance and distance > 0.2:
                beyond = here + heading * min(0.10, 0.3 * distance)
                done.append(path(beyond))
            done.append(path(here + 0.5 * way + rng.normal(0.0, 0.10) * across))
        done.append(part)
    return np.vstack(done)


def bent(part: Path, rng: np.random.Generator, amount: float) -> Path:
    """A part pushed out of its symmetry: sheared, leaning, and pulled about by three slow waves of `amount`."""
    xy = part[:, :2]
    push = np.zeros_like(xy)
    for _ in range(3):
        direction = rng.normal(size=2)
        wave = rng.normal(0.0, 1.0, 2) * 3.5
        push += direction * amount * np.sin(xy @ wave + rng.uniform(0, 2 * np.pi))[:, None]
    lean, shear = rng.normal(0.0, 0.10), rng.normal(0.0, 0.10)
    turn = np.array([[1.0, lean], [shear - lean, 1.0]])
    return np.column_stack([(xy + push) @ turn * (rng.uniform(0.88, 1.12), 1.0), part[:, 2]])


def sharpened(part: Path, rng: np.random.Generator, share: float) -> Path:
    """A part with a `share` of its soft turns made sharp: the hasty hand."""
    corners = np.maximum(part[:, 2], rng.random(len(part)) < share)
    return np.column_stack([part[:, :2], corners])


def drawn(control: Path, rng: np.random.Generator, steadiness: float = 1.0) -> np.ndarray:
    """The line of the pen through a path's control points: (m, 2), 2400 points, longer side 1, first corner
    at 0.

    Centripetal cubic splines between the sharp corners, then the hand's unsteadiness along the line.
    """
    line = resampled(smooth(control), 2400)
    length = np.hypot(*np.diff(line, axis=0).T).sum()
    size = np.ptp(line, axis=0).max()
    for wave, amplitude in _UNSTEADINESS:
        sigma = wave * size / length * len(line) / 2
        shake = gaussian_filter1d(rng.standard_normal(line.shape), sigma, axis=0, mode="reflect")
        line = line + shake * (amplitude * size / steadiness / max(shake.std(), 1e-9))
    line = line - line.min(axis=0)
    return line / np.ptp(line, axis=0).max()


def smooth(control: Path) -> np.ndarray:
    """Splines through the control points between the sharp corners, (m, 2)."""
    far = np.hypot(*np.diff(control[:, :2], axis=0).T) > 1e-6
    control = control[np.concatenate([[True], far])]
    cuts = np.unique(np.concatenate([[0], np.flatnonzero(control[:, 2] > 0), [len(control) - 1]]))
    return np.vstack([_spline(control[a : b + 1, :2]) for a, b in pairwise(cuts)])


def resampled(line: np.ndarray, count: int) -> np.ndarray:
    """`count` points at equal distances along a polyline (n, 2)."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, travelled[-1], count)
    return np.column_stack([np.interp(at, travelled, line[:, axis]) for axis in (0, 1)])


def _spline(points: np.ndarray) -> np.ndarray:
    if len(points) == 2:
        return points
    # Lee 1989: steps by the square root of the distance neither overshoot nor make cusps where points crowd.
    steps = np.sqrt(np.hypot(*np.diff(points, axis=0).T))
    knots = np.concatenate([[0.0], np.cumsum(steps)])
    curve = CubicSpline(knots, points, bc_type="natural")
    inner = np.linspace(0.0, 1.0, 40, endpoint=False)
    at = (knots[:-1, None] + inner * steps[:, None]).ravel()
    return np.vstack([curve(at), points[-1:]])
