"""The score: the negative ELBO on given drawings, nats a point for both continuous models; lower is better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from singleline_pipeline.sketch_models.drawings import (
    batches_of_like_length,
    canvas_size,
    check_drawings,
    pad_drawings,
    pad_offsets,
)
from singleline_pipeline.sketch_models.errors import DatasetError
from singleline_pipeline.sketch_models.sketch_model import SketchModel, evaluating

_OTHER_SCALE = 3.0  # factor between the median sides; kinds of drawings differ by less


def target_noise(lengths: Sequence[int], seed: int) -> list[np.ndarray]:
    """Uniform noise of ±0.5 file units for drawings of these lengths, (n, 2) float32 each.

    Without it, data on an integer grid reward a component that collapses onto dx = 0 without end.
    """
    rng = np.random.default_rng(seed)
    return [rng.uniform(-0.5, 0.5, (length, 2)).astype(np.float32) for length in lengths]


def _refuse_other_scale(model: SketchModel, drawings: Sequence[np.ndarray]) -> None:
    side, known = canvas_size(drawings), model.config.canvas
    if not known / _OTHER_SCALE <= side <= known * _OTHER_SCALE:
        raise DatasetError(
            f"The drawings are about {side:.3g} units large, what the model learned from {known:.3g}: they are of "
            "another scale. Rescale them, or score them with a model of their own."
        )


@torch.no_grad()
def evaluate(model: SketchModel, drawings: Sequence[np.ndarray], *, seed: int = 0) -> dict[str, float]:
    """Score drawings, teacher-forced, with z = μ.

    drawings: stroke-3 arrays (n, 3) in file units
    seed: of the noise on the targets
    returns, in nats (for the token variant see `TokenTransformer.scores`: its nats are of another kind):
        xy, pen: negative log density of the offsets and cross-entropy of the pen state, a real point
        nll_per_point: xy + pen
        eos_per_drawing, kl_per_drawing: cross-entropy of the end step, KL of the latent, a drawing
        nats_per_point: all four summed over the drawings, divided by the number of real points
    Raises DatasetError where there is nothing to score, a drawing is bad, or they are of another scale than the model.
    """
    checked = check_drawings(drawings, "evaluated")
    if not checked:
        raise DatasetError("There are no drawings to evaluate in this split.")
    _refuse_other_scale(model, checked)
    noise = target_noise([len(drawing) for drawing in checked], seed)
    sums: Counter[str] = Counter()
    with evaluating(model):
        for rows in batches_of_like_length([len(drawing) for drawing in checked]):
            batch = pad_drawings([checked[row] for row in rows])
            output = model(
                points=batch.points.to(model.device),
                lengths=batch.lengths.to(model.device),
                target_noise=pad_offsets([noise[row] for row in rows]).to(model.device),
            )
            sums.update({name: float(value) for name, value in output.items()})
    return model.scores(sums)
