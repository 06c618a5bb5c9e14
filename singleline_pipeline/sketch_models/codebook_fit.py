"""Fitting a codebook to the offsets of drawings, so that few tokens write a row and none is out of reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree
from sklearn.cluster import KMeans

from singleline_pipeline.sketch_models.codebook import Codebook, Role
from singleline_pipeline.sketch_models.drawings import canvas_size, check_drawings
from singleline_pipeline.sketch_models.errors import DatasetError
from singleline_pipeline.sketch_models.tokens import encode_drawings

FEWEST_CODES = 100

# Lengths in tolerances. Cells of the lattice reach a little further than the tolerance: the beam search steers around
# the gaps at their corners, and the same codes reach further out.
_CELL = 1.15  # from the middle of a cell to its corner
_CORE_CELLS = (
    19  # the middle one and two rings of cells around it are codes in any case: all others lead there
)
_WIDEST = 260.0  # no single code closes a row longer than this
_RINGS = (7.0, 16.0, 36.0, 80.0, 180.0)  # radii of the carrying codes that lead anywhere
_ON_A_RING = 5
_UP, _CARRY = (
    0.14,
    0.2,
)  # shares of the codes that lift the pen, and that carry; the others close with the pen down

_MOST_OFFSETS = 200_000  # that K-means looks at


def default_tolerance(drawings: Sequence[np.ndarray]) -> float:
    """Half a hundredth of the drawings' median longer side, as the nearest of 1, 2 and 5 times a power of ten.

    Rounded, for scores of tokens can be compared under one tolerance only, and a few more pages are not to change it.
    """
    longest = max(float(np.hypot(drawing[:, 0], drawing[:, 1]).max()) for drawing in drawings)
    exact = max(canvas_size(drawings), longest / 100) / 200  # drawings of one point have no side
    decade = 10.0 ** np.floor(np.log10(exact))
    steps = np.array([1.0, 2.0, 5.0, 10.0]) * decade
    return float(f"{steps[np.abs(np.log(steps / exact)).argmin()]:.6g}")


def _lattice(tolerance: float) -> np.ndarray:
    """Middles of the hexagonal cells around the origin, (n, 2), the nearest first."""
    pitch = _CELL * np.sqrt(3.0)
    reach = np.arange(-int(_WIDEST / pitch * 1.2), int(_WIDEST / pitch * 1.2) + 1)
    along, across = np.meshgrid(reach, reach)
    points = np.stack([(along + across / 2) * pitch, across * np.sqrt(0.75) * pitch], axis=-1).reshape(-1, 2)
    length = np.hypot(points[:, 0], points[:, 1])
    points = points[np.argsort(length, kind="stable")]
    return points[: int((length <= _WIDEST).sum())] * tolerance


def _cells(offsets: np.ndarray, codes: int, tolerance: float, rng: np.random.Generator) -> np.ndarray:
    """The cells of the lattice that most of these offsets lie in, and those of the core: at most `codes`, (m, 2).

    The offsets are taken with what the tokens before them may have left, a tolerance at most.
    """
    lattice = _lattice(tolerance)
    left = rng.uniform(-0.5 * tolerance, 0.5 * tolerance, offsets.shape)
    inside = np.hypot(offsets[:, 0], offsets[:, 1]) < _WIDEST * tolerance
    held = np.bincount(KDTree(lattice).query((offsets + left)[inside])[1], minlength=len(lattice))
    by_use = np.argsort(-held[_CORE_CELLS:], kind="stable")[: codes - _CORE_CELLS] + _CORE_CELLS
    return lattice[np.append(np.arange(_CORE_CELLS), by_use[held[by_use] > 0])]


def _carries(offsets: np.ndarray, codes: int, tolerance: float, rng: np.random.Generator) -> np.ndarray:
    """Rings of directions, which lead anywhere, and centroids of these offsets: at most `codes`, (m, 2)."""
    rings = []
    for number, radius in enumerate(_RINGS):
        angle = (np.arange(_ON_A_RING) + number / 2) * (2 * np.pi / _ON_A_RING)
        rings.append(radius * tolerance * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    found = np.concatenate(rings)
    distinct = np.unique(offsets, axis=0)
    count = min(codes - len(found), len(distinct))
    if count <= 0:
        return found
    if len(offsets) > _MOST_OFFSETS:
        offsets = offsets[rng.choice(len(offsets), _MOST_OFFSETS, replace=False)]
    centroids = distinct
    if len(distinct) > count:
        centroids = (
            KMeans(count, n_init=1, random_state=int(rng.integers(2**31))).fit(offsets).cluster_centers_
        )
    return np.concatenate([found, centroids])


def fit_codebook(
    drawings: Sequence[np.ndarray], codes: int = 250, *, tolerance: float | None = None, seed: int = 0
) -> Codebook:
    """Fit a codebook to the offsets of drawings, stroke-3 (n, 3) each.

    codes: how many at most; fewer where the drawings have fewer different offsets
    tolerance: how far a drawing may lie from its tokens, in file units; None: see `default_tolerance`
    seed: of K-means

    Rows are closed by cells of a hexagonal lattice, the plane's thinnest covering: those that hold the most offsets.
    Those offsets that they do not reach have centroids of their own, which carry the pen near them.
    Raises DatasetError where there are no drawings, a bad one, or too few codes asked for.
    """
    if codes < FEWEST_CODES:
        raise DatasetError(
            f"A codebook of {codes} codes cannot write every drawing; the least is {FEWEST_CODES}."
        )
    checked = check_drawings(drawings, "codebook")
    if not checked:
        raise DatasetError("There are no drawings to fit a codebook to.")
    if tolerance is None:
        tolerance = default_tolerance(checked)
    elif not (np.isfinite(tolerance) and tolerance > 0):
        raise DatasetError(f"The tolerance of a codebook is {tolerance}; it must be above 0.")
    rows = np.concatenate(checked).astype(np.float64)
    rng = np.random.default_rng(seed)
    lifting = max(int(_UP * codes), _CORE_CELLS)
    carrying = max(int(_CARRY * codes), len(_RINGS) * _ON_A_RING)
    closing, far = [], []
    for lifts, most in enumerate((codes - lifting - carrying, lifting)):
        offsets = rows[rows[:, 2] == lifts, :2]
        cells = _cells(offsets, most, tolerance, rng)
        closing.append(cells)
        far.append(offsets[KDTree(cells).query(offsets)[0] > _CELL * tolerance] if len(offsets) else offsets)
    carries = _carries(np.concatenate(far), codes - sum(map(len, closing)), tolerance, rng)
    parts = [*closing, carries]
    book = Codebook(
        np.concatenate(parts).astype(np.float32),
        np.concatenate([np.full(len(part), role, np.int8) for role, part in zip(Role, parts, strict=True)]),
        np.zeros(sum(map(len, parts)), np.int64),
        tolerance,
    )
    used = np.concatenate(encode_drawings(book, checked))
    counts = np.bincount(used, minlength=len(book))
    order = np.lexsort((np.arange(len(book)), -counts, book.roles))
    return Codebook(book.offsets[order], book.roles[order], counts[order], tolerance)
