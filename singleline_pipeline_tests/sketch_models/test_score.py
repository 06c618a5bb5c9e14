"""The score, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from singleline_pipeline.sketch_models import DatasetError, evaluate
from singleline_pipeline.sketch_models.mixture import MixtureHead
from singleline_pipeline.sketch_models.score import target_noise
from singleline_pipeline.sketch_models.sketch_model import Posterior, SketchConfig, SketchModel

from .conftest import wheels


class Indifferent(SketchModel):
    """Says the same of every row: one Gaussian of deviation one at zero, and the pen's three states alike."""

    def __init__(self, config: SketchConfig) -> None:
        super().__init__(config)
        self.head = MixtureHead(1, components=1)
        self.post_init()
        nn.init.zeros_(self.head.linear.weight)
        # Undo the bounds of the head: log sigma 0 and correlation 0.
        nn.init.zeros_(self.head.linear.bias)
        with torch.no_grad():
            center, radius = math.log(20 * 0.005) / 2, math.log(20 / 0.005) / 2
            self.head.linear.bias[3:5] = radius * math.atanh(-center / radius)

    def posterior(
        self, points: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Posterior:
        return Posterior(points.new_full((len(points), 2), 2.0), points.new_zeros(len(points), 2))

    def decode(
        self, features: Tensor, latent: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        return features[..., :1]

    def start_cache(self, latent: Tensor | None, batch: int, max_rows: int) -> None:
        """What is the same for every row remembers none."""

    def advance(self, features: Tensor, cache: None) -> Tensor:
        return features[..., :1]


def test_score_is_the_sum_of_what_it_is_said_to_be():
    """xy, pen, end and KL worked out with nothing but the definitions."""
    drawings = wheels(7)
    scale = 25.0
    scores = evaluate(Indifferent(SketchConfig(scale=scale, latent_size=2)), drawings, seed=4)
    points, count = sum(map(len, drawings)), len(drawings)
    noise = target_noise([len(drawing) for drawing in drawings], 4)
    squares = sum(
        float(np.square((drawing[:, :2] + shift) / scale).sum())
        for drawing, shift in zip(drawings, noise, strict=True)
    )
    xy = math.log(2 * math.pi) + squares / 2 / points
    kl = 2 * 0.5 * 2.0**2  # two dimensions of mean 2 and deviation 1
    assert scores["xy"] == pytest.approx(xy, rel=1e-5)
    assert scores["pen"] == pytest.approx(math.log(3), rel=1e-5)
    assert scores["eos_per_drawing"] == pytest.approx(math.log(3), rel=1e-5)
    assert scores["kl_per_drawing"] == pytest.approx(kl, rel=1e-6)
    expected = xy + math.log(3) + (math.log(3) + kl) * count / points
    assert scores["nats_per_point"] == pytest.approx(expected, rel=1e-5)


def test_parts_add_up(model):
    drawings = wheels(9)
    scores = evaluate(model, drawings)
    points = sum(map(len, drawings))
    assert scores["nll_per_point"] == pytest.approx(scores["xy"] + scores["pen"])
    ends = (scores["eos_per_drawing"] + scores["kl_per_drawing"]) * len(drawings) / points
    assert scores["nats_per_point"] == pytest.approx(scores["nll_per_point"] + ends)


def test_score_does_not_depend_on_the_batches(model, monkeypatch):
    drawings = wheels(9)
    whole = evaluate(model, drawings)
    monkeypatch.setattr("singleline_pipeline.sketch_models.drawings._ROWS_AT_ONCE", 20)
    assert evaluate(model, drawings) == pytest.approx(whole, rel=1e-4)


def test_the_seed_is_the_only_chance_in_it(model):
    """The latent is its mean and dropout is off, in whatever mode the model was left."""
    drawings = wheels(5)
    first = evaluate(model, drawings)
    assert evaluate(model.train(), drawings) == first
    assert evaluate(model, drawings, seed=1)["xy"] != first["xy"]
    assert evaluate(model, drawings, seed=1)["pen"] == first["pen"]


def test_noise_is_uniform_within_half_a_unit_and_moves_targets_only(model):
    noise = np.concatenate(target_noise([500, 700], 0))
    assert noise.min() >= -0.5
    assert noise.max() <= 0.5
    assert abs(noise.std() - 12**-0.5) < 0.01
    points = torch.from_numpy(wheels(1)[0]).unsqueeze(0)
    lengths = torch.tensor([points.shape[1]])
    with torch.no_grad():
        clean = model(points, lengths)
        noisy = model(points, lengths, target_noise=torch.full((1, points.shape[1], 2), 0.5))
    assert noisy.xy != clean.xy
    assert noisy.pen == clean.pen
    assert noisy.kl == clean.kl
    assert noisy.end == clean.end


@pytest.mark.parametrize(
    ("drawings", "says"),
    [
        ([], "no drawings"),
        ([np.zeros((0, 3))], "evaluated drawing 0 is empty"),
        ([np.ones((4, 3)), np.full((4, 3), np.nan)], "evaluated drawing 1 has a value that is not a number at point 0"),
        ([np.ones((4, 5))], "stroke-5"),
        ([np.ones((4, 2))], r"shape \(4, 2\)"),
        ([np.full((4, 3), 2.0)], "only 0 .down. and 1"),
        ([["a", "b"]], "not an array of numbers"),
    ],
)  # fmt: skip
def test_bad_drawings_are_named(model, drawings, says):
    with pytest.raises(DatasetError, match=says):
        evaluate(model, drawings)
