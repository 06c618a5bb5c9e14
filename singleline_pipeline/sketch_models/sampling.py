"""Drawing with a model: batched, from nothing, from a latent, or on from a line that somebody began."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from singleline_pipeline.sketch_models.drawings import check_drawings
from singleline_pipeline.sketch_models.errors import SketchModelError
from singleline_pipeline.sketch_models.features import Rows, next_row, with_start_row
from singleline_pipeline.sketch_models.mixture import (
    PEN_END,
    PEN_UP,
    MixtureParameters,
    sample_offset,
    with_temperature,
)

if TYPE_CHECKING:
    from singleline_pipeline.sketch_models.sketch_model import SketchModel


@dataclass(frozen=True)
class Sample:
    """A drawing that a model made.

    stroke3: (n, 3) float32 in file units; the last row lifts the pen
    ended: whether the model ended it; False where it ran into the limit of points
    """

    stroke3: np.ndarray
    ended: bool


def no_latent() -> SketchModelError:
    """The error for asking an unconditional model for a latent."""
    return SketchModelError(
        "This model has no latent (latent_size is 0), so it cannot encode, reconstruct or interpolate. "
        "Sample freely, give a prefix, or train one with a latent."
    )


def spherical_interpolation(first: Tensor, second: Tensor, steps: int) -> Tensor:
    """Points on the great circle from one latent to another, both included (Shoemake 1985): (steps, size)."""
    if steps < 2:
        raise SketchModelError(f"An interpolation has at least its two ends; {steps} steps were asked for.")
    cosine = torch.dot(first, second) / (first.norm() * second.norm()).clamp(min=1e-8)
    angle = torch.acos(cosine.clamp(-1, 1))
    fraction = torch.linspace(0, 1, steps, device=first.device).unsqueeze(1)
    if float(torch.sin(angle)) < 1e-4:  # the same direction, or opposite ones, which share no single circle
        return (1 - fraction) * first + fraction * second
    return (torch.sin((1 - fraction) * angle) * first + torch.sin(fraction * angle) * second) / torch.sin(
        angle
    )


def varied(latent: Tensor, variability: float, generator: torch.Generator) -> Tensor:
    """Latents (b, size) on the way to random ones: 0 leaves them, 1 draws them from the prior.

    The way is an arc, cos φ z + sin φ ε, so that what was distributed as the prior is so anywhere on it.
    """
    if not 0 <= variability <= 1:
        raise SketchModelError(f"The variability is {variability}; it lies between 0 and 1.")
    angle = 0.5 * math.pi * variability
    noise = torch.randn(latent.shape, generator=generator, device=latent.device)
    return math.cos(angle) * latent + math.sin(angle) * noise


class PenClock:
    """When the pen lifts, or the drawing ends: events that have a small probability at every step.

    An event comes when the steps' -log(1 - p) have summed up to a number from the exponential distribution of mean 1:
    the same as drawing it step by step. A temperature t takes that number to the power t, and keeps its mean
    (E^t / Γ(1 + t), a Weibull variable), so that cold strokes and drawings are all about as long as they are on
    average. Sharpening each step's p, as is usual, makes both events vanish: neither is ever the likeliest thing to
    happen next, and strokes, then drawings, would go on for ever.
    """

    def __init__(self, n: int, temperature: float, generator: torch.Generator, device: torch.device) -> None:
        self.temperature, self.generator = temperature, generator
        self.waiting = torch.zeros(n, device=device)
        self.waited = torch.zeros(n, device=device)
        self.wind(torch.arange(n, device=device))

    def wind(self, drawings: Tensor) -> None:
        """Wait anew, for these drawings (indices)."""
        exponential = -torch.log1p(
            -torch.rand(len(drawings), generator=self.generator, device=drawings.device)
        )
        self.waiting[drawings] = exponential**self.temperature / math.gamma(1 + self.temperature)
        self.waited[drawings] = 0.0

    def strikes(self, drawings: Tensor, probability: Tensor) -> Tensor:
        """Which of these drawings the event comes to at a step where it has this probability: (len(drawings),)."""
        self.waited[drawings] -= torch.log1p(-probability.clamp(max=1 - 1e-7))
        return self.waited[drawings] >= self.waiting[drawings]


class Request(NamedTuple):
    """What is to be drawn, checked: points at most, the prefix (m, 3), chance, the latents (n, latent_size) or None."""

    limit: int
    begun: np.ndarray
    generator: torch.Generator
    latent: Tensor | None


def check_request(
    model: SketchModel,
    n: int,
    temperature: float,
    max_points: int | None,
    generator: torch.Generator | None,
    prefix: np.ndarray | None,
    z: Tensor | None,
) -> Request:
    """The arguments of `SketchModel.sample`, with what is not given filled in. Raises SketchModelError."""
    if n < 1:
        raise SketchModelError(f"{n} drawings were asked for; at least one can be drawn.")
    if not 0 < temperature <= 1:
        raise SketchModelError(f"The temperature is {temperature}; it lies above 0 and is at most 1.")
    limit = model.config.max_points if max_points is None else max_points
    begun = np.zeros((0, 3), np.float32) if prefix is None else check_drawings([prefix], "prefix")[0]
    if limit <= len(begun):
        raise SketchModelError(f"At most {limit} points were asked for, but the prefix has {len(begun)}.")
    if generator is None:
        generator = torch.Generator(model.device).manual_seed(0)
    return Request(limit, begun, generator, _latent(model, n, z, generator))


@torch.no_grad()
def sample(
    model: SketchModel,
    n: int,
    *,
    temperature: float,
    max_points: int | None,
    generator: torch.Generator | None,
    prefix: np.ndarray | None,
    z: Tensor | None,
) -> list[Sample]:
    """See `SketchModel.sample`."""
    limit, begun, generator, latent = check_request(model, n, temperature, max_points, generator, prefix, z)
    device = model.device

    rows = torch.zeros(n, limit, 3, device=device)
    rows[:, : len(begun)] = torch.from_numpy(begun).to(device)
    lengths = torch.full((n,), len(begun), device=device)
    ended = torch.zeros(n, dtype=torch.bool, device=device)
    ends, lifts = (PenClock(n, temperature, generator, device) for _ in range(2))
    active = torch.arange(n, device=device)

    cache = model.start_cache(latent, n, limit + 1)
    read = with_start_row(rows[:, : len(begun)])
    for point in range(len(begun), limit + 1):
        parameters = model.next_row(read, cache)
        if point > 0:  # a drawing has at least one point
            over = ends.strikes(active, parameters.log_pen[:, PEN_END].exp())
            ended[active[over]] = True
            going_on = torch.nonzero(~over).squeeze(1)
            if len(going_on) == 0:
                break
            if len(going_on) < len(active):
                active, read = active[going_on], Rows(*(part[going_on] for part in read))
                cache.select(going_on)
                parameters = MixtureParameters(*(part[going_on] for part in parameters))
        if point == limit:
            break
        step = sample_offset(with_temperature(parameters, temperature), generator) * model.config.scale
        drawing = parameters.log_pen[:, :PEN_END].softmax(dim=-1)
        lift = lifts.strikes(active, drawing[:, PEN_UP])
        lifts.wind(active[lift])
        rows[active, point] = torch.cat([step, lift.unsqueeze(1).float()], dim=1)
        lengths[active] = point + 1
        read = next_row(read, step, lift)

    samples = []
    for row, length, by_itself in zip(rows.cpu().numpy(), lengths.tolist(), ended.tolist(), strict=True):
        stroke3 = row[:length].copy()
        stroke3[-1, 2] = 1
        samples.append(Sample(stroke3, by_itself))
    return samples


def _latent(model: SketchModel, n: int, z: Tensor | None, generator: torch.Generator) -> Tensor | None:
    size = model.config.latent_size
    if not size:
        if z is not None:
            raise no_latent()
        return None
    if z is None:
        return torch.randn(n, size, generator=generator, device=model.device)
    if z.ndim != 2 or z.shape[0] not in (1, n) or z.shape[1] != size:
        raise SketchModelError(
            f"z has shape {tuple(z.shape)}; this model takes ({n}, {size}) or (1, {size})."
        )
    return z.to(model.device).expand(n, size)
