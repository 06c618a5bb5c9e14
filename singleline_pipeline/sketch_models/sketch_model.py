"""What SketchRNN and the sketch transformer have in common: one loss, one latent, one way to be sampled.

A drawing of n points is n + 1 predictions: each point from those before it, and after the last one the end.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from singleline_pipeline.sketch_models import sampling
from singleline_pipeline.sketch_models.batches import collate
from singleline_pipeline.sketch_models.drawings import check_drawings, pad_drawings
from singleline_pipeline.sketch_models.errors import SketchModelError
from singleline_pipeline.sketch_models.features import (
    Rows,
    feature_size,
    heading,
    row_features,
    with_start_row,
)
from singleline_pipeline.sketch_models.mixture import (
    PEN_END,
    MixtureHead,
    MixtureParameters,
    log_density,
)

FORMAT = 1
"""Raised whenever weights of the same shapes come to mean something else: older ones are refused, not misread."""


class SketchConfig(PretrainedConfig):
    """What every sketch model's weights need beside them. Lengths are in file units (200 to a drawing's longer side).

    Attributes:
        scale: File units that the model calls one: the pooled deviation of dx and dy over the train split.
        canvas: Median longer side of the train split's drawings.
        max_points: Points of the longest train drawing: where sampling stops by default, and the unit of a row's order.
        components: Gaussians in the mixture.
        latent_size: Width of the variational bottleneck; 0 leaves encoder and latent out.
        absolute_position: Whether the models read a point's position beside its offset.
        heading_frame: Whether offsets are read and predicted in coordinates that turn with the line.
        free_nats: KL in nats a drawing that costs nothing in the loss (it does in the score).
        dataset_fingerprint: Which data the weights were fitted to.
        train_drawings: Number of drawings in the train split.
        project_version: The version of this project that trained the weights.
        score: The validation score of these weights, as `evaluate` gives it.
        format: What the weights mean; see `FORMAT`.
    """

    format: int = FORMAT
    scale: float = 15.0
    canvas: float = 200.0
    max_points: int = 250
    components: int = 20
    latent_size: int = 128
    absolute_position: bool = True
    heading_frame: bool = True
    free_nats: float = 5.5
    dataset_fingerprint: str = ""
    train_drawings: int = 0
    project_version: str = ""
    score: dict | None = None


def check_config(config: SketchConfig) -> None:
    """Raise SketchModelError for sizes that no model can have."""
    sizes = (
        "components", "encoder_size", "decoder_size", "width", "heads", "feed_forward", "encoder_layers",
        "decoder_layers",
    )  # fmt: skip
    lowest = dict.fromkeys(sizes, 1) | {"latent_size": 0, "free_nats": 0, "tokens": 0}
    for name, low in lowest.items():
        value = getattr(config, name, low)
        if not value >= low:
            raise SketchModelError(f"{name} is {value}; the least is {low}.")
    for name in ("recurrent_dropout", "residual_dropout"):
        value = getattr(config, name, 0.0)
        if not 0 <= value < 1:
            raise SketchModelError(f"{name} is {value}; it is at least 0 and below 1.")
    heads, width = getattr(config, "heads", 1), getattr(config, "width", 1)
    if width % heads:
        raise SketchModelError(f"{heads} heads do not divide a width of {width}.")


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model without dropout, and afterwards in the mode that it was in."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


class Posterior(NamedTuple):
    """Diagonal Gaussian over the latent of each drawing, both (b, latent_size)."""

    mean: Tensor
    log_variance: Tensor

    def kl(self) -> Tensor:
        """KL to the standard normal in nats, (b,): Kingma and Welling 2014, appendix B."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).sum(-1)


@dataclass
class SketchOutput(ModelOutput):
    """Sums over a batch, in nats, and the loss.

    loss: what training minimises, in nats a point: xy, pen and end, plus the weighted KL above the free nats
    xy: negative log density of the offsets; pen: cross-entropy of the pen over real points; end: that of the end steps
    kl: KL of the latent; points: real points in the batch; drawings: drawings in it
    """

    loss: Tensor | None = None
    xy: Tensor | None = None
    pen: Tensor | None = None
    end: Tensor | None = None
    kl: Tensor | None = None
    points: Tensor | None = None
    drawings: Tensor | None = None


class SketchModel(PreTrainedModel, ABC):
    """Base of both models. A subclass says how to encode and how to decode, in whole and step by step."""

    config_class = SketchConfig
    config: SketchConfig
    base_model_prefix = ""
    main_input_name = "points"
    score_kind: ClassVar[Literal["density", "probability"]] = "density"
    """What the score is the logarithm of: nats of the two kinds cannot be compared with each other."""
    score_name: ClassVar[str] = "nats_per_point"
    """Which of the scores decides: the lower it is, the better the weights."""
    logged_parts: ClassVar[tuple[str, ...]] = ("xy", "pen")
    logged_sums: ClassVar[tuple[str, ...]] = ("nll_per_point", "nats_per_point")
    """The scores that the history of a training holds."""
    head: MixtureHead

    # ---- what a subclass provides

    @abstractmethod
    def posterior(
        self, points: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Posterior:
        """Encode points (b, t, 3) in file units, of which the first `lengths` rows of each drawing count.

        generator: draws the dropout while training
        """

    @abstractmethod
    def decode(
        self, features: Tensor, latent: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Hidden states (b, t, hidden) for rows of features (b, t, f), each seeing its row and earlier ones."""

    @abstractmethod
    def start_cache(self, latent: Tensor | None, batch: int, max_rows: int) -> Any:
        """What `advance` carries from row to row, before the first one; it has `select(rows)` to drop drawings."""

    @abstractmethod
    def advance(self, features: Tensor, cache: Any) -> Tensor:
        """As `decode`, for the next rows (b, t, f) after those that the cache has seen; brings the cache forward."""

    def hidden_matrices(self) -> list[nn.Parameter]:
        """Matrices between hidden layers, which `optimizer.make_optimizer` may move by Muon; none by default."""
        return []

    # ---- the loss

    @property
    def comparable(self) -> str:
        """Scores can be compared between models for which this is the same."""
        return self.score_kind

    @staticmethod
    def scores(sums: Mapping[str, float]) -> dict[str, float]:
        """What `evaluate` says, from the sums of the outputs over all batches."""
        points, drawings = sums["points"], sums["drawings"]
        return {
            "nll_per_point": (sums["xy"] + sums["pen"]) / points,
            "xy": sums["xy"] / points,
            "pen": sums["pen"] / points,
            "eos_per_drawing": sums["end"] / drawings,
            "kl_per_drawing": sums["kl"] / drawings,
            "nats_per_point": (sums["xy"] + sums["pen"] + sums["end"] + sums["kl"]) / points,
        }

    def frame(self, rows: Rows) -> Tensor:
        """Unit vectors (b, t, 2): first axes of the coordinates in which what follows these rows is predicted."""
        if self.config.heading_frame:
            return heading(rows)
        return rows.offset.new_tensor([1.0, 0.0]).expand_as(rows.offset)

    def features(self, rows: Rows) -> Tensor:
        """Features of rows, (b, t, f)."""
        config = self.config
        return row_features(
            rows, self.frame(rows), scale=config.scale, canvas=config.canvas, max_points=config.max_points,
            absolute_position=config.absolute_position,
        )  # fmt: skip

    def predict(self, rows: Rows, latent: Tensor | None) -> MixtureParameters:
        """What comes after each of these rows (b, t) from a drawing's start."""
        return self.head(self.decode(self.features(rows), latent), self.frame(rows))

    def latent_of(
        self, points: Tensor, lengths: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor | None, Tensor]:
        """The latent of a batch, drawn while training and else its mean, and the KL that it costs, (b,)."""
        if not self.config.latent_size:
            return None, points.new_zeros(len(points))
        posterior = self.posterior(points, lengths, generator)
        latent = posterior.mean
        if self.training:
            noise = torch.randn(latent.shape, generator=generator, device=latent.device)
            latent = latent + torch.exp(0.5 * posterior.log_variance) * noise
        return latent, posterior.kl()

    def collate(self, items: list[tuple[int, np.ndarray, np.ndarray]]) -> dict[str, Any]:
        """Arguments of `forward` from items of `TrainingDrawings`, and the rows of the train split as `rows`."""
        return collate(items)

    def forward(
        self,
        points: Tensor,
        lengths: Tensor,
        target_noise: Tensor | None = None,
        kl_weight: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> SketchOutput:
        """Teacher-forced loss of a batch.

        points: (b, t, 3) stroke-3 in file units; lengths: (b,)
        target_noise: (b, t, 2) in file units, added to the offsets that are predicted, not to those that are read
        kl_weight: weight of the KL in the loss
        generator: draws the latent and the dropout while training; in evaluation the latent is its mean
        """
        batch, time, _ = points.shape
        real = torch.arange(time, device=points.device) < lengths.unsqueeze(1)
        points = points * real.unsqueeze(-1)
        latent, kl = self.latent_of(points, lengths, generator)
        rows = with_start_row(points)
        hidden, frame = self.decode(self.features(rows), latent, generator), self.frame(rows)
        # Row t of `hidden` has read the points before t, and predicts point t; row n predicts the end.
        predicted = self.head(hidden[:, :-1][real], frame[:, :-1][real])
        targets = points[..., :2] if target_noise is None else points[..., :2] + target_noise
        xy = -log_density(predicted, targets[real] / self.config.scale).sum()
        pen = functional.nll_loss(predicted.log_pen, points[..., 2][real].long(), reduction="sum")
        last = hidden[torch.arange(batch, device=points.device), lengths]
        end = -self.head(last).log_pen[:, PEN_END].sum()
        count = lengths.sum()
        paid = self.paid_kl(kl)
        loss = (xy + pen + end + kl_weight * paid) / count
        return SketchOutput(
            loss=loss, xy=xy.detach(), pen=pen.detach(), end=end.detach(), kl=kl.sum().detach(),
            points=count, drawings=points.new_tensor(batch),
        )  # fmt: skip

    def paid_kl(self, kl: Tensor) -> Tensor:
        """What the latents of a batch cost in the loss, from the KL of each drawing (b,): up to the free nats no
        less for being smaller, in the mean over the batch; nothing without a latent."""
        return kl.mean().clamp(min=self.config.free_nats if self.config.latent_size else 0.0) * len(kl)

    # ---- drawing

    @torch.no_grad()
    def encode(self, drawings: Sequence[np.ndarray]) -> Tensor:
        """The latent of each drawing, z = μ, (len(drawings), latent_size)."""
        if not self.config.latent_size:
            raise sampling.no_latent()
        batch = pad_drawings(check_drawings(drawings, "encode"))
        with evaluating(self):
            return self.posterior(batch.points.to(self.device), batch.lengths.to(self.device)).mean

    def sample(
        self,
        n: int,
        *,
        temperature: float = 0.4,
        max_points: int | None = None,
        generator: torch.Generator | None = None,
        prefix: np.ndarray | None = None,
        z: Tensor | None = None,
    ) -> list[sampling.Sample]:
        """Draw n drawings at once.

        temperature: in (0, 1]; 1 samples what the model believes, lower is calmer
        max_points: points at most; by default as many as the longest drawing that the model was trained on has
        generator: on the model's device; None seeds one with 0
        prefix: (m, 3) stroke-3 that somebody began; every sample goes on from it and holds it
        z: (n, latent_size) or (1, latent_size); drawn from the prior where it is None
        """
        with evaluating(self):
            return sampling.sample(
                self, n,
                temperature=temperature, max_points=max_points, generator=generator, prefix=prefix, z=z,
            )  # fmt: skip

    def reconstruct(
        self,
        drawings: Sequence[np.ndarray],
        *,
        temperature: float = 0.2,
        variability: float = 0.0,
        max_points: int | None = None,
        generator: torch.Generator | None = None,
    ) -> list[sampling.Sample]:
        """Draw each drawing again from its latent.

        variability: in [0, 1]; 0 draws from z = μ, 1 from a latent that has nothing to do with the drawing
        """
        if generator is None:
            generator = torch.Generator(self.device).manual_seed(0)
        return self.sample(
            len(drawings), temperature=temperature, max_points=max_points, generator=generator,
            z=sampling.varied(self.encode(drawings), variability, generator),
        )  # fmt: skip

    def interpolate(
        self,
        first: np.ndarray,
        second: np.ndarray,
        steps: int = 8,
        *,
        temperature: float = 0.2,
        max_points: int | None = None,
        generator: torch.Generator | None = None,
    ) -> list[sampling.Sample]:
        """Drawings on the great circle between the latents of two, both ends included."""
        ends = self.encode([first, second])
        z = sampling.spherical_interpolation(ends[0], ends[1], steps)
        return self.sample(steps, temperature=temperature, max_points=max_points, generator=generator, z=z)

    def next_row(self, rows: Rows, cache: Any) -> MixtureParameters:
        """What comes after the last of these rows (b, t); brings the cache forward."""
        return self.head(self.advance(self.features(rows), cache)[:, -1], self.frame(rows)[:, -1])

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: modules begin as they were constructed. transformers would pass over those without own weights."""


def input_size(config: SketchConfig) -> int:
    """Features of a row under a config."""
    return feature_size(config.absolute_position)
