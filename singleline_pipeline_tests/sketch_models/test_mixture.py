"""The mixture head: what it says must be a density, far out too."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from singleline_pipeline.sketch_models.mixture import (
    MixtureHead,
    MixtureParameters,
    log_density,
    sample_offset,
    with_temperature,
)


def parameters(rows: int = 7, seed: int = 0) -> MixtureParameters:
    torch.manual_seed(seed)
    head = MixtureHead(16)
    head.linear.weight.data.normal_(0, 0.5)
    with torch.no_grad():
        return head(torch.randn(rows, 16, generator=torch.Generator().manual_seed(1)))


def reference(of: MixtureParameters) -> MixtureSameFamily:
    """The same mixture in torch.distributions, in float64."""
    sigma = of.log_sigma.double().exp()
    across = of.correlation.double() * sigma.prod(-1)
    covariance = torch.diag_embed(sigma.square())
    covariance[..., 0, 1] = covariance[..., 1, 0] = across
    return MixtureSameFamily(
        Categorical(logits=of.log_weights.double()), MultivariateNormal(of.mean.double(), covariance)
    )


def test_density_is_the_one_of_torch_distributions():
    of = parameters()
    offsets = torch.randn(7, 2, generator=torch.Generator().manual_seed(2)) * 3
    torch.testing.assert_close(
        log_density(of, offsets).double(), reference(of).log_prob(offsets.double()), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("distance", [6.0, 50.0, 1000.0])
def test_far_out_points_still_pull(distance):
    """log(1e-5 + p) has no gradient beyond six deviations, and an outlier is then never learned."""
    head = MixtureHead(16)
    hidden = torch.randn(5, 16, generator=torch.Generator().manual_seed(3)).requires_grad_()
    loss = -log_density(head(hidden), torch.full((5, 2), distance)).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(hidden.grad).all()
    assert hidden.grad.abs().min() > 0
    assert head.linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("raw", [-1e4, 1e4])
def test_extreme_activations_stay_finite(raw):
    """One wild activation in bf16 must not end a training of an hour."""
    head = MixtureHead(1)
    head.linear.weight.data.fill_(1.0)
    hidden = torch.tensor([[raw]], requires_grad=True)
    density = log_density(head(hidden), torch.zeros(1, 2))
    density.sum().backward()
    assert torch.isfinite(density).all()
    assert torch.isfinite(hidden.grad).all()


def test_head_computes_in_float32_under_autocast():
    head = MixtureHead(16)
    with torch.autocast("cpu", torch.bfloat16):
        of = head(torch.ones(3, 16))
    assert {part.dtype for part in of} == {torch.float32}
    torch.testing.assert_close(of.log_pen.exp().sum(-1), torch.ones(3))


def test_temperature_changes_nothing_in_place_and_one_is_neutral():
    """The original overwrote the parameters, so that a second sample was colder than the first."""
    of = parameters()
    before = MixtureParameters(*(part.clone() for part in of))
    neutral = with_temperature(of, 1.0)
    with_temperature(of, 0.2)
    for part, kept, same in zip(of, before, neutral, strict=True):
        torch.testing.assert_close(part, kept, rtol=0, atol=0)
        torch.testing.assert_close(part, same)


def test_cold_mixtures_are_narrower_and_sharper_by_as_much():
    """By the temperature itself they would be sharper still, and an artist's corners, seldom the likeliest, be gone."""
    of = parameters()
    cold = with_temperature(of, 0.25)
    torch.testing.assert_close(cold.log_sigma.exp(), of.log_sigma.exp() / 2)
    torch.testing.assert_close(cold.log_weights.exp().sum(-1), torch.ones(7))
    ratio = cold.log_weights[:, :1] - cold.log_weights
    torch.testing.assert_close(ratio, 2 * (of.log_weights[:, :1] - of.log_weights))


def test_samples_have_the_moments_of_the_mixture():
    of = parameters(rows=1)
    many = MixtureParameters(*(part.expand(40_000, *part.shape[1:]) for part in of))
    drawn = sample_offset(many, torch.Generator().manual_seed(0)).double()
    expected = reference(of)
    deviation = expected.variance.sqrt()
    assert ((drawn.mean(0) - expected.mean[0]).abs() < 0.03 * deviation[0]).all()
    assert ((drawn.var(0) / expected.variance[0] - 1).abs() < 0.1).all()


def test_samples_follow_the_correlation():
    of = MixtureParameters(
        torch.zeros(20_000, 1),
        torch.zeros(20_000, 1, 2),
        torch.zeros(20_000, 1, 2),
        torch.full((20_000, 1), 0.8),
        torch.zeros(20_000, 3),
        torch.tensor([1.0, 0.0]).expand(20_000, 2),
    )
    drawn = sample_offset(of, torch.Generator().manual_seed(0))
    assert abs(float(torch.corrcoef(drawn.T)[0, 1]) - 0.8) < 0.02
