"""How a model is trained: what a person may set, within which bounds, and what the presets make of it."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from singleline_pipeline.sketch_models.augmentation import AugmentationSettings
from singleline_pipeline.sketch_models.errors import TrainingError

ModelName = Literal["sketch_rnn", "sketch_transformer"]
MODEL_NAMES: tuple[ModelName, ...] = ("sketch_rnn", "sketch_transformer")
PRESET_NAMES = ("small", "hour", "story")

# Light enough to leave the local statistics of a line as they are: the score is taken on drawings as they are.
# Drawn from its other end, a line is another drawing: where minutes are short, that is half of them for nothing.
_FOR_MINUTES = AugmentationSettings(
    max_rotation=10.0, max_scale=1.1, max_drop=0.1, reversed_share=0.0, min_scale=0.9
)
# In an hour a model sees each of a thousand drawings hundreds of times, and learns them by heart if they do not vary.
_FOR_AN_HOUR = AugmentationSettings(
    max_rotation=12.0, max_scale=1.15, max_drop=0.15, reversed_share=0.25, min_scale=0.87, max_stretch=0.15,
    max_warp=0.02, mirrored_share=0.5,
)  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """Sizes of a model and its training.

    model: arguments of the model's config; batch_size: drawings a step; learning_rate: its peak
    kl_annealing_steps: steps over which the weight of the KL rises to 1
    matrix_rate: peak rate of Muon for the matrices between hidden layers; None leaves them to AdamW
    augmentation: how drawings vary from epoch to epoch; None: not at all
    ema_decay: of the average of the weights that is scored and kept; None: the weights as they are
    """

    model: dict[str, Any]
    batch_size: int
    learning_rate: float
    kl_annealing_steps: int
    matrix_rate: float | None = None
    augmentation: AugmentationSettings | None = _FOR_MINUTES
    ema_decay: float | None = None


_SMALL_RNN = {"encoder_size": 128, "decoder_size": 256, "latent_size": 64}
_SMALL_TRANSFORMER = {
    "width": 128, "heads": 4, "feed_forward": 512, "encoder_layers": 1, "decoder_layers": 4, "latent_size": 64,
}  # fmt: skip

PRESETS: dict[tuple[str, str], Preset] = {
    # A few hundred steps are all that minutes hold: the rates are the highest that stayed stable, the transformer's
    # batches half as large, for its step costs by the point where the LSTM's costs by the row.
    ("sketch_rnn", "small"): Preset(_SMALL_RNN, 50, 1.5e-2, 300),
    ("sketch_rnn", "hour"): Preset(
        _SMALL_RNN | {"recurrent_dropout": 0.3}, 50, 1.5e-2, 300, None, _FOR_AN_HOUR, 0.999
    ),
    ("sketch_rnn", "story"): Preset(
        {"encoder_size": 256, "decoder_size": 512, "latent_size": 128}, 100, 1e-3, 5000
    ),
    # Held-out drawings have fewer nats in the latent than those that are learned: 7 there are 5 here.
    ("sketch_transformer", "small"): Preset(
        _SMALL_TRANSFORMER | {"free_nats": 7.0}, 25, 4e-3, 300, 0.02
    ),
    ("sketch_transformer", "hour"): Preset(
        _SMALL_TRANSFORMER | {"residual_dropout": 0.2}, 25, 4e-3, 300, 0.02, _FOR_AN_HOUR, 0.999
    ),
    ("sketch_transformer", "story"): Preset(
        {"width": 128, "heads": 8, "feed_forward": 512, "encoder_layers": 4, "decoder_layers": 4, "latent_size": 256},
        100, 1e-3, 5000, 0.02,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class TrainSettings:
    """What a person decides about a training.

    Attributes:
        preset: "small" (minutes on two cores), "hour" (the same sizes for an hour or more) or "story" (the story's).
        seed: Of weights, order, augmentation and noise; 0 or more.
        max_seconds: CPU seconds of the process from the first step, evaluations included; above 0. None: no limit.
        max_steps: Optimizer steps at most; 1 or more. None: no limit.
        threads: Threads of PyTorch, 1 to 256. None: as they are.
        evaluate_every_seconds: CPU seconds between evaluations where max_seconds is given; above 0. None: a thirtieth
            of them, but at least 20.
        evaluate_every_steps: Steps between evaluations where it is not; 1 or more.
        patience: Evaluations without a better score after which training stops; 1 or more.
        augmentation: Variants made on the fly; None where the drawings are augmented already. "preset": the preset's.
        bf16: Whether matrix products run in bf16. None: where the processor has instructions for it.
        tokens: Codes of the sketch transformer's token variant, at least 100. None: the continuous model.
        overrides: Arguments of the model's config in place of the preset's, such as {"latent_size": 0}.
        batch_size, learning_rate, kl_annealing_steps: In place of the preset's.
        ema_decay: What an average of the weights keeps of itself at each step, at least 0, below 1; the averages are
            then what is scored and kept. It rises from 0.1 to this with the steps. None: the preset's; 0: no average.
        max_points: Points of the longest drawing that is taken, 2 or more; what a step holds in memory grows with it.
        sheet_share: Share of the processor time that may go into sheets of samples, 0 to 1; 0 draws none.
    """

    preset: Literal["small", "hour", "story"] = "small"
    seed: int = 0
    max_seconds: float | None = None
    max_steps: int | None = None
    threads: int | None = None
    evaluate_every_seconds: float | None = None
    evaluate_every_steps: int = 200
    patience: int = 10
    augmentation: AugmentationSettings | Literal["preset"] | None = "preset"
    bf16: bool | None = None
    tokens: int | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    batch_size: int | None = None
    learning_rate: float | None = None
    kl_annealing_steps: int | None = None
    ema_decay: float | None = None
    max_points: int = 1000
    sheet_share: float = 0.01

    def __post_init__(self) -> None:
        if self.preset not in PRESET_NAMES:
            raise TrainingError(f"There is no preset {self.preset!r}: {', '.join(PRESET_NAMES)}.")
        lowest = {
            "seed": 0, "max_steps": 1, "threads": 1, "evaluate_every_steps": 1, "patience": 1, "batch_size": 1,
            "kl_annealing_steps": 1, "max_points": 2, "tokens": 100,
        }  # fmt: skip
        for name, low in lowest.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise TrainingError(f"{name} is {value}; the least is {low}.")
        for name in ("max_seconds", "evaluate_every_seconds", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise TrainingError(f"{name} is {value}; it must be a number above 0.")
        if self.threads is not None and self.threads > 256:
            raise TrainingError(f"threads is {self.threads}; the most is 256.")
        if not 0 <= self.sheet_share <= 1:
            raise TrainingError(f"sheet_share is {self.sheet_share}; it lies between 0 and 1.")
        if self.ema_decay is not None and not 0 <= self.ema_decay < 1:
            raise TrainingError(f"ema_decay is {self.ema_decay}; it is at least 0 and below 1.")

    def resolved(self, name: str) -> Preset:
        """The preset of a model with what these settings put in its place."""
        if name not in MODEL_NAMES:
            raise TrainingError(f"There is no model {name!r}: {' or '.join(MODEL_NAMES)}.")
        preset = PRESETS[name, self.preset]
        if self.tokens is not None and name != "sketch_transformer":
            raise TrainingError(
                f"{name} has no token variant; only sketch_transformer has. Leave tokens out."
            )
        variant = {} if self.tokens is None else {"tokens": self.tokens}
        return Preset(
            preset.model | variant | self.overrides,
            self.batch_size or preset.batch_size,
            self.learning_rate or preset.learning_rate,
            self.kl_annealing_steps or preset.kl_annealing_steps,
            preset.matrix_rate,
            preset.augmentation if self.augmentation == "preset" else self.augmentation,
            (preset.ema_decay if self.ema_decay is None else self.ema_decay) or None,
        )

    @property
    def evaluation_interval(self) -> float:
        """CPU seconds between evaluations of a training with a budget of them."""
        if self.evaluate_every_seconds is not None:
            return self.evaluate_every_seconds
        return max(20.0, (self.max_seconds or 0.0) / 30)

    def identity(self, name: str) -> str:
        """Hash of what a training is: one that goes on may be given other limits, and be evaluated at other times,
        though the learning rate follows both."""
        preset = asdict(self.resolved(name))
        parts = {"name": name, "seed": self.seed, "bf16": self.bf16, "preset": preset}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
