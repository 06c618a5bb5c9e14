"""Drawings as tokens and back: each code goes from where those before it have led towards where the line truly goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from singleline_pipeline.sketch_models.codebook import Codebook, Role
from singleline_pipeline.sketch_models.drawings import check_drawings
from singleline_pipeline.sketch_models.errors import DatasetError, SketchModelError

MOST_TOKENS = 16
"""Of one row."""

_BEAM = 4  # ways to write a drawing that are followed at once
_SINGLES, _PAIRS = 4, 3  # nearest codes, and nearest pairs of codes, that are weighed for a row
_NEARNESS = 0.3  # what an error as large as the tolerance costs, in tokens
_MISS, _WORST = (
    100.0,
    1.25,
)  # cost of a row that nothing leads within the tolerance of; how many of it are too many
_AT_ONCE = 64  # drawings


class Phrases(NamedTuple):
    """Ways to write rows: s rows, c ways each. What is no way costs infinity."""

    residual: np.ndarray  # (s, c, 2) float64, target minus what the codes add up to
    cost: np.ndarray  # (s, c)
    codes: (
        np.ndarray
    )  # (s, c, MOST_TOKENS) int32, the closing one first, then those that carry; -1 past the last


class _Closing(NamedTuple):
    """The codes that close a row in one pen state, alone and after each code that carries."""

    codes: np.ndarray  # (m,)
    singles: cKDTree
    pairs: cKDTree  # point i is carry i // m and then closing code i % m


class _Search:
    """What encoding with a codebook looks things up in."""

    def __init__(self, codebook: Codebook) -> None:
        offsets = codebook.offsets.astype(np.float64)
        self.tolerance = codebook.tolerance
        self.offsets = offsets
        self.rank = np.empty(len(offsets), np.int64)  # by length, the longest first
        self.rank[np.argsort(-np.hypot(*offsets.T), kind="stable")] = np.arange(len(offsets))
        self.carries = np.flatnonzero(codebook.roles == Role.CARRY)
        self.carry_tree = cKDTree(offsets[self.carries])
        self.closing = []
        for role in (Role.DOWN, Role.UP):
            codes = np.flatnonzero(codebook.roles == role)
            sums = offsets[self.carries][:, None] + offsets[codes][None]
            self.closing.append(_Closing(codes, cKDTree(offsets[codes]), cKDTree(sums.reshape(-1, 2))))

    def phrases(self, targets: np.ndarray, lifts: np.ndarray) -> Phrases:
        """Ways to write offsets (s, 2), the pen lifting after those of `lifts` (s,)."""
        ways = _SINGLES + _PAIRS
        found = Phrases(
            np.zeros((len(targets), ways, 2)),
            np.full((len(targets), ways), np.inf),
            np.full((len(targets), ways, MOST_TOKENS), -1, np.int32),
        )
        for closing, rows in zip(self.closing, (~lifts, lifts), strict=True):
            index = np.flatnonzero(rows)
            if len(index):
                self._with_one_code(closing, targets[index], index, found)
                index = index[~np.isfinite(found.cost[index]).any(axis=1)]
                self._with_more_codes(closing, targets[index], index, found)
        return found

    def _price(self, residual: np.ndarray, tokens: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Cost of each way, and whether it lies within the tolerance."""
        error = np.hypot(residual[..., 0], residual[..., 1]) / self.tolerance
        return tokens + _NEARNESS * error**2, error <= 1

    def _with_one_code(
        self, closing: _Closing, targets: np.ndarray, index: np.ndarray, found: Phrases
    ) -> None:
        near = closing.singles.query(targets, k=list(range(1, 1 + min(_SINGLES, len(closing.codes)))))[1]
        codes = closing.codes[near]
        residual = targets[:, None] - self.offsets[codes]
        cost, close = self._price(residual, 1)
        width = codes.shape[1]
        found.residual[index, :width] = residual
        found.cost[index, :width] = np.where(close, cost, np.inf)
        found.codes[index, :width, 0] = codes

    def _with_more_codes(
        self, closing: _Closing, targets: np.ndarray, index: np.ndarray, found: Phrases
    ) -> None:
        """Two codes for each of these rows; where they do not reach, first the carrying code that leads nearest."""
        ways = np.arange(_SINGLES, _SINGLES + min(_PAIRS, len(closing.codes) * len(self.carries)))
        carried = np.full((len(index), MOST_TOKENS), -1, np.int32)
        for before in range(MOST_TOKENS - 1):
            near = closing.pairs.query(targets, k=list(range(1, 1 + len(ways))))[1]
            close_by, carry = (
                closing.codes[near % len(closing.codes)],
                self.carries[near // len(closing.codes)],
            )
            residual = targets[:, None] - self.offsets[carry] - self.offsets[close_by]
            cost, close = self._price(residual, 2 + before)
            # Where nothing has come within the tolerance, the nearest so far stays, at what a miss costs.
            missed = ~close.any(axis=1)
            cost = np.where(close, cost, np.inf)
            error = np.hypot(residual[missed, :, 0], residual[missed, :, 1]) / self.tolerance
            cost[missed] = np.where(error <= _WORST, _MISS + error, np.inf)
            better = cost.min(axis=1) < found.cost[index].min(axis=1)
            rows = index[better, None], ways[None]
            found.residual[rows], found.cost[rows] = residual[better], cost[better]
            found.codes[rows] = carried[better, None]
            found.codes[(*rows, 0)], found.codes[(*rows, 1)] = close_by[better], carry[better]
            index, targets, carried = index[missed], targets[missed], carried[missed]
            if not len(index):
                return
            step = self.carries[self.carry_tree.query(targets)[1]]
            targets = targets - self.offsets[step]
            if before < MOST_TOKENS - 2:
                carried[:, 2 + before] = step


@lru_cache(maxsize=4)
def _search(codebook: Codebook) -> _Search:
    return _Search(codebook)


def encode_drawings(
    codebook: Codebook, drawings: Sequence[np.ndarray], names: Sequence[int] | None = None
) -> list[np.ndarray]:
    """The tokens of drawings, stroke-3 (n, 3) each, as int64 (m,): m >= n, a closing code for every row.

    A beam search over rows: each code is chosen for what is left between the position that the tokens before it lead to
    and the true one, so that errors do not add up; fewer tokens win, then smaller errors.
    names: what messages call the drawings, by default their places
    Raises DatasetError for bad drawings, and where a row cannot be written: the drawing is of another scale.
    """
    checked = check_drawings(drawings, "tokenised")
    tokens: list[np.ndarray] = [np.empty(0, np.int64)] * len(checked)
    # Drawings of like length together, so that none waits for the others' rows.
    order = sorted(range(len(checked)), key=lambda row: len(checked[row]))
    for first in range(0, len(order), _AT_ONCE):
        rows = order[first : first + _AT_ONCE]
        called = rows if names is None else [names[row] for row in rows]
        for row, found in zip(rows, _encode(codebook, [checked[row] for row in rows], called), strict=True):
            tokens[row] = found
    return tokens


def _encode(codebook: Codebook, drawings: list[np.ndarray], names: list[int]) -> Iterator[np.ndarray]:
    """Tokens of drawings that are followed row by row together."""
    search = _search(codebook)
    count, lengths = len(drawings), np.array([len(drawing) for drawing in drawings])
    rows = np.zeros((count, lengths.max(), 3))
    for row, drawing in enumerate(drawings):
        rows[row, : len(drawing)] = drawing
    residual = np.zeros((count, _BEAM, 2))
    cost = np.full((count, _BEAM), np.inf)
    cost[:, 0] = 0.0
    chosen = np.full((rows.shape[1], count, _BEAM, MOST_TOKENS), -1, np.int32)
    parent = np.zeros((rows.shape[1], count, _BEAM), np.int64)
    for step in range(rows.shape[1]):
        going = np.flatnonzero(lengths > step)
        drawing, beam = np.nonzero(np.isfinite(cost[going]))
        targets = rows[going, step, :2][drawing] + residual[going[drawing], beam]
        found = search.phrases(targets, rows[going, step, 2][drawing] > 0)
        ways = found.cost.shape[1]
        total = np.full((len(going), _BEAM * ways), np.inf)
        total.reshape(len(going), _BEAM, ways)[drawing, beam] = (
            found.cost + cost[going[drawing], beam][:, None]
        )
        kept = np.argpartition(total, _BEAM - 1, axis=1)[:, :_BEAM]
        cost[going] = np.take_along_axis(total, kept, axis=1)
        lost = ~np.isfinite(cost[going]).any(axis=1)
        if lost.any():
            raise _out_of_reach(names[going[lost.argmax()]], step, rows[going[lost.argmax()], step], codebook)
        state = np.zeros((len(going), _BEAM), np.int64)
        state[drawing, beam] = np.arange(len(drawing))
        came_from = kept // ways
        from_state = np.take_along_axis(state, came_from, axis=1)
        parent[step, going] = came_from
        residual[going] = found.residual[from_state, kept % ways]
        chosen[step, going] = found.codes[from_state, kept % ways]
    for row, length in enumerate(lengths):
        followed = int(cost[row].argmin())
        way = []
        for step in range(length - 1, -1, -1):
            way.append(followed)
            followed = int(parent[step, row, followed])
        yield _in_order(chosen[np.arange(length), row, way[::-1]], search.rank)


def _in_order(codes: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The tokens of rows (n, MOST_TOKENS): those that carry, the longest first, so that there is one order only, then
    the closing one: (m,)."""
    carries = codes[:, 1:]
    order = np.argsort(np.where(carries < 0, len(rank), rank[carries]), axis=1)
    codes = np.concatenate([np.take_along_axis(carries, order, axis=1), codes[:, :1]], axis=1)
    return codes[codes >= 0].astype(np.int64)


def _out_of_reach(name: int, step: int, row: np.ndarray, codebook: Codebook) -> DatasetError:
    longest = float(np.hypot(*codebook.offsets.T).max())
    return DatasetError(
        f"Drawing {name} goes {np.hypot(row[0], row[1]):g} units at point {step}, which {MOST_TOKENS} codes of the "
        f"codebook do not write: its longest is {longest:.3g} units. Bring the drawings to the scale it was fitted to."
    )


def decode_tokens(codebook: Codebook, tokens: np.ndarray) -> np.ndarray:
    """The drawing that tokens (m,) write: stroke-3 (n, 3) float32, a row for every closing code.

    Raises SketchModelError where a token is not in the codebook or the last row is not closed.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 1 or (len(tokens) and (tokens.min() < 0 or tokens.max() >= len(codebook))):
        raise SketchModelError(f"Tokens are a row of whole numbers from 0 to {len(codebook) - 1}.")
    if not len(tokens):
        return np.zeros((0, 3), np.float32)
    roles = codebook.roles[tokens]
    ends = np.flatnonzero(roles != Role.CARRY)
    if not len(ends) or ends[-1] != len(tokens) - 1:
        raise SketchModelError(
            "The tokens stop inside of a row: the last one has to be a code that closes it."
        )
    drawing = np.empty((len(ends), 3), np.float32)
    starts = np.append(0, ends[:-1] + 1)
    drawing[:, :2] = np.add.reduceat(codebook.offsets[tokens].astype(np.float64), starts, axis=0)
    drawing[:, 2] = roles[ends] == Role.UP
    return drawing


def drift(drawing: np.ndarray, again: np.ndarray) -> np.ndarray:
    """How far each point of a drawing (n, 3) lies from the same one of another, in file units: (n,)."""
    apart = np.cumsum(drawing[:, :2].astype(np.float64) - again[:, :2], axis=0)
    return np.hypot(apart[:, 0], apart[:, 1])
