"""The mixture head that both models share: 20 bivariate Gaussians over an offset and 3 pen states.

Density and parametrisation follow Graves 2013 (eq. 18-25). Offsets are in units of the model's scale. All of it is
computed in float32, whatever the network before it ran in.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from singleline_pipeline.sketch_models.features import into_frame, out_of_frame

PEN_DOWN, PEN_UP, PEN_END = 0, 1, 2
"""Pen states: the line goes on after this point, the pen lifts after it, the drawing is over (no point)."""

# Bounds of a component's deviation, in units of the scale (about 15 canvas units). The lower one is a quarter of
# the deviation of the uniform noise on the targets, so nothing is gained by reaching it.
_MIN_SIGMA, _MAX_SIGMA = 0.005, 20.0
_LOG_SIGMA_CENTER = (math.log(_MAX_SIGMA) + math.log(_MIN_SIGMA)) / 2
_LOG_SIGMA_RADIUS = (math.log(_MAX_SIGMA) - math.log(_MIN_SIGMA)) / 2
_MAX_CORRELATION = 0.995


class MixtureParameters(NamedTuple):
    """What the head says about the next row; `...` are leading dimensions, k the components."""

    log_weights: Tensor  # (..., k), normalised
    mean: Tensor  # (..., k, 2)
    log_sigma: Tensor  # (..., k, 2)
    correlation: Tensor  # (..., k), inside (-1, 1)
    log_pen: Tensor  # (..., 3), normalised
    frame: Tensor  # (..., 2), unit vectors: the first axis of the coordinates that the Gaussians are in


class MixtureHead(nn.Module):
    """Hidden vectors to mixture parameters."""

    def __init__(self, hidden_size: int, components: int = 20) -> None:
        super().__init__()
        self.components = components
        self.linear = nn.Linear(hidden_size, 6 * components + 3)
        # Small weights, and means spread out, so that no two components start as the same one.
        nn.init.normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)
        nn.init.normal_(self.linear.bias.data[components : 3 * components], std=0.5)

    def forward(self, hidden: Tensor, frame: Tensor | None = None) -> MixtureParameters:
        """hidden: (..., hidden_size); frame: (..., 2), by default the canvas's own axes."""
        raw = self.linear(hidden).float()
        k = self.components
        weights, mean, sigma, correlation, pen = raw.split([k, 2 * k, 2 * k, k, 3], dim=-1)
        return MixtureParameters(
            log_weights=functional.log_softmax(weights, dim=-1),
            mean=mean.unflatten(-1, (k, 2)),
            log_sigma=_LOG_SIGMA_CENTER
            + _LOG_SIGMA_RADIUS * torch.tanh(sigma.unflatten(-1, (k, 2)) / _LOG_SIGMA_RADIUS),
            correlation=_MAX_CORRELATION * torch.tanh(correlation),
            log_pen=functional.log_softmax(pen, dim=-1),
            frame=raw.new_tensor([1.0, 0.0]).expand(*raw.shape[:-1], 2) if frame is None else frame,
        )


def log_density(parameters: MixtureParameters, offsets: Tensor) -> Tensor:
    """Log density of offsets (..., 2) under the mixture, in nats, (...).

    Graves 2013, eq. 24-25, in logarithms throughout: a point 50 deviations away still has a gradient.
    """
    turned = into_frame(parameters.frame, offsets)
    scaled = (turned.unsqueeze(-2) - parameters.mean) * torch.exp(-parameters.log_sigma)
    zx, zy = scaled.unbind(-1)
    rho = parameters.correlation
    independent = (1 - rho) * (1 + rho)
    quadratic = (zx.square() + zy.square() - 2 * rho * zx * zy) / independent
    log_normal = (
        -math.log(2 * math.pi) - parameters.log_sigma.sum(-1) - 0.5 * torch.log(independent) - 0.5 * quadratic
    )
    return torch.logsumexp(parameters.log_weights + log_normal, dim=-1)


def with_temperature(parameters: MixtureParameters, temperature: float) -> MixtureParameters:
    """The mixture at a temperature in (0, 1]: variances times the temperature, weights sharpened by its root.

    Ha and Eck (eq. 8) sharpen the weights by the temperature itself. A corner is rarely the likeliest way on, so that
    at 0.4 half of an artist's corners were gone and lines curled; by the root, a component is sharpened as much as
    the deviation inside of it shrinks. The pen's probabilities stay what the model says; `sampling.PenClock` is what
    a temperature means for them. Nothing is changed in place.
    """
    return parameters._replace(
        log_weights=functional.log_softmax(parameters.log_weights / math.sqrt(temperature), dim=-1),
        log_sigma=parameters.log_sigma + 0.5 * math.log(temperature),
    )


def sample_offset(parameters: MixtureParameters, generator: torch.Generator | None) -> Tensor:
    """One offset for each row of parameters (b, ...), (b, 2)."""
    component = torch.multinomial(parameters.log_weights.exp(), 1, generator=generator)
    pick = component.unsqueeze(-1).expand(-1, 1, 2)
    mean = parameters.mean.gather(1, pick).squeeze(1)
    sigma = parameters.log_sigma.gather(1, pick).squeeze(1).exp()
    rho = parameters.correlation.gather(1, component).squeeze(1)
    first, second = torch.randn(mean.shape, generator=generator, device=mean.device).unbind(-1)
    second = rho * first + torch.sqrt((1 - rho) * (1 + rho)) * second
    return out_of_frame(parameters.frame, mean + sigma * torch.stack([first, second], dim=-1))
