"""Where the nats of a score go: to the first point, the line, the jumps, the pen, the end, the latent.

And how many of them the far past saves: the second half of each drawing is scored given the first half, and given
nothing but the place where it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.sketch_models.drawings import (
    batches_of_like_length,
    check_drawings,
    pad_drawings,
    pad_offsets,
)
from singleline_pipeline.sketch_models.features import with_start_row
from singleline_pipeline.sketch_models.mixture import PEN_END, MixtureParameters, log_density
from singleline_pipeline.sketch_models.score import target_noise
from singleline_pipeline.sketch_models.sketch_model import SketchModel, evaluating

FIRST_POINT, PEN_DOWN, PEN_UP, PEN_STATE, END, LATENT = PARTS = (
    "first_point",
    "pen_down_offsets",
    "pen_up_jumps",
    "pen_state",
    "end",
    "latent",
)
"""The place of the first point; offsets of the line; offsets with the pen lifted; the pen of every point; the end;
the KL of the latent. They add up to the score."""

SETTLED = 16
"""Points after the cut from which on both ways of scoring a second half have read as much of the line nearby."""

_OTHER_UNITS = 2.0  # a ratio of two scales beyond which they are not two datasets of one canvas


@dataclass(frozen=True)
class Likelihood:
    """Nats of n drawings, (n,) each, in the order of the drawings.

    points: points of each drawing; parts: nats by name, see `PARTS`
    half_points, given_half, given_nothing: points of the second half, its nats after the first half, and without it
    far_points, far_given_half, far_given_nothing: the same of the points from the `SETTLED`th after the cut on
    """

    points: np.ndarray
    parts: dict[str, np.ndarray]
    half_points: np.ndarray
    given_half: np.ndarray
    given_nothing: np.ndarray
    far_points: np.ndarray
    far_given_half: np.ndarray
    far_given_nothing: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Nats of each drawing, (n,)."""
        return np.sum([self.parts[name] for name in PARTS], axis=0)


def unit_shift(model_scale: float, scale: float) -> float:
    """Nats a point to be added to a negative log density in units of `model_scale`, to have it in units of `scale`.

    Raises ComparisonError where the two are so far apart that the model was trained on another canvas.
    """
    if not 1 / _OTHER_UNITS <= model_scale / scale <= _OTHER_UNITS:
        raise ComparisonError(
            f"The model was trained on steps of {model_scale:.3g} units, those of the drawings here are {scale:.3g}: "
            "they are on another canvas. Compare it on drawings of its own units."
        )
    return 2 * float(np.log(model_scale / scale))


@torch.no_grad()
def measure_likelihood(
    model: SketchModel, drawings: Sequence[np.ndarray], *, scale: float, seed: int = 0
) -> Likelihood:
    """Score drawings as `evaluate` does (teacher-forced, z = μ, the same noise on the targets), drawing by drawing.

    The second half of n points are those from number n // 2 on: their offsets and pens, without the end. Given
    nothing, the decoder starts at the cut as it starts a drawing, with the true position and number of points; it has
    the latent of the whole drawing either way.

    scale: file units that are called one; densities of a model with another scale are brought to it
    Raises ComparisonError where the model's score is no density, or its canvas another one; DatasetError where a
    drawing is bad.
    """
    if model.score_kind != "density":
        raise ComparisonError(
            "Its score is made of probabilities, which nats of densities cannot be compared with."
        )
    shift = unit_shift(model.config.scale, scale)
    checked = check_drawings(drawings, "held-out")
    noise = target_noise([len(drawing) for drawing in checked], seed)
    columns = {name: np.zeros(len(checked)) for name in (*PARTS, *_HALVES)}
    with evaluating(model):
        for batch in batches_of_like_length([len(drawing) for drawing in checked]):
            measured = _measure_batch(
                model, [checked[row] for row in batch], [noise[row] for row in batch], shift
            )
            for name, values in measured.items():
                columns[name][batch] = values.double().cpu().numpy()
    points = np.array([len(drawing) for drawing in checked])
    half = points - points // 2
    return Likelihood(
        points=points,
        parts={name: columns[name] for name in PARTS},
        half_points=half,
        far_points=np.maximum(half - SETTLED, 0),
        **{name: columns[name] for name in _HALVES},
    )


_HALVES = ("given_half", "given_nothing", "far_given_half", "far_given_nothing")


def _measure_batch(
    model: SketchModel, drawings: Sequence[np.ndarray], noise: Sequence[np.ndarray], shift: float
) -> dict[str, Tensor]:
    """Nats of each drawing by name, (b,) each."""
    batch = pad_drawings(drawings)
    points, lengths = batch.points.to(model.device), batch.lengths.to(model.device)
    order = torch.arange(points.shape[1], device=points.device)
    real = order < lengths.unsqueeze(1)
    latent, kl = model.latent_of(points, lengths, None)
    predicted = model.predict(with_start_row(points), latent)
    targets = (points[..., :2] + pad_offsets(noise).to(points.device)) / model.config.scale
    xy, pen = _nats(predicted, targets, points[..., 2], shift)

    lifted = torch.zeros_like(real)
    lifted[:, 1:] = points[:, :-1, 2] > 0
    first = (order == 0).expand_as(real)
    ends = -predicted.log_pen[torch.arange(len(points), device=points.device), lengths, PEN_END]
    found = {
        FIRST_POINT: (xy * first).sum(1),
        PEN_DOWN: (xy * (real & ~first & ~lifted)).sum(1),
        PEN_UP: (xy * (real & lifted)).sum(1),
        PEN_STATE: (pen * real).sum(1),
        END: ends,
        LATENT: kl,
    }

    cut = lengths // 2
    after = real & (order >= cut.unsqueeze(1))
    far = real & (order >= cut.unsqueeze(1) + SETTLED)
    found["given_half"] = ((xy + pen) * after).sum(1)
    found["far_given_half"] = ((xy + pen) * far).sum(1)

    index = (cut.unsqueeze(1) + order).clamp(max=points.shape[1] - 1)
    second = _pick(points, index)
    begins = (points[..., :2] * (order < cut.unsqueeze(1)).unsqueeze(-1)).sum(1)
    alone = model.predict(with_start_row(second, position=begins, order=cut), latent)
    xy, pen = _nats(alone, _pick(targets, index), second[..., 2], shift)
    there = order < (lengths - cut).unsqueeze(1)
    found["given_nothing"] = ((xy + pen) * there).sum(1)
    found["far_given_nothing"] = ((xy + pen) * (there & (order >= SETTLED))).sum(1)
    return found


def _nats(
    predicted: MixtureParameters, targets: Tensor, lifts: Tensor, shift: float
) -> tuple[Tensor, Tensor]:
    """Nats of the offsets and of the pens of points, (b, t) each, from predictions (b, t + 1), the last of the end."""
    parameters = MixtureParameters(*(part[:, :-1] for part in predicted))
    xy = shift - log_density(parameters, targets)
    pen = -parameters.log_pen.gather(-1, lifts.long().unsqueeze(-1)).squeeze(-1)
    return xy, pen


def _pick(sequence: Tensor, index: Tensor) -> Tensor:
    """Rows (b, t) of a sequence (b, s, f)."""
    return sequence.gather(1, index.unsqueeze(-1).expand(*index.shape, sequence.shape[-1]))
