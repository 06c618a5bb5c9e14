"""One training as it goes: transformers' Trainer with our batches, our loss arguments, our score and our clock."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from singleline_pipeline.sketch_models.averaging import WeightAverage
from singleline_pipeline.sketch_models.batches import (
    LengthBuckets,
    TrainingDrawings,
    step_generator,
)
from singleline_pipeline.sketch_models.checkpoints import Progress
from singleline_pipeline.sketch_models.errors import TrainingError
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline.sketch_models.schedule import Clock, kl_weight
from singleline_pipeline.sketch_models.score import evaluate
from singleline_pipeline.sketch_models.settings import Preset, TrainSettings
from singleline_pipeline.sketch_models.sketch_model import SketchModel, SketchOutput

_LOG_EVERY = 50  # steps between rows of the train split
_HALVE_AFTER = 3  # evaluations without a better score

HistoryRow = dict[str, Any]


class SketchTrainer(Trainer):
    """Trainer with our batches, our loss arguments and our score.

    It sees one epoch without end: batches are counted from the start of the training, and a resumed one asks for
    the batch that it would have come to, where Trainer would read and discard those before.
    """

    def __init__(
        self,
        run: Run,
        model: SketchModel,
        args: TrainingArguments,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LambdaLR,
    ) -> None:
        self.run, self.sketch_model = run, model
        super().__init__(model, args, train_dataset=run.drawings, optimizers=(optimizer, schedule))

    def get_train_dataloader(self) -> DataLoader:
        run = self.run
        first = run.progress.step * self.args.world_size
        buckets = LengthBuckets(run.drawings.lengths, run.batch_size, run.settings.seed, first)
        return self.accelerator.prepare(
            DataLoader(run.drawings, batch_sampler=buckets, collate_fn=self.sketch_model.collate)
        )

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        rows = inputs.pop("rows")
        step, device = self.state.global_step, inputs["points"].device
        generator = step_generator(self.run.settings.seed, step, self.args.process_index, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.run.bf16):
            output = model(**inputs, kl_weight=self.run.kl_weight(step), generator=generator)
        if not bool(torch.isfinite(output.loss)):
            raise self.run.broken(
                f"The loss is {float(output.loss.detach())} at step {step + 1}", rows.tolist()
            )
        self.run.collect(output)
        return (output.loss, output) if return_outputs else output.loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Score the validation drawings, all of them; keep the weights where they are the best so far."""
        average = self.run.average
        model = self.sketch_model if average is None else cast(SketchModel, average.model)
        scores, best = self.run.evaluate(model)
        if best and self.is_world_process_zero():
            model.config.score = scores
            save_model(model, self.run.out)
        self.log({f"valid/{name}": value for name, value in scores.items()})
        return {f"eval_{name}": value for name, value in scores.items()}


class Flow(TrainerCallback):
    """When to evaluate, to save and to stop."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock."""
        progress = self.run.progress
        self.run.clock.start(progress.seconds)
        progress.next_evaluation = progress.next_evaluation or self.run.settings.evaluate_every_seconds

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse gradients that are not numbers."""
        # Clipping scales all gradients by their common norm, so one that is not a number has spread to all.
        parameters = kwargs["model"].parameters()
        gradient = next(parameter.grad for parameter in parameters if parameter.grad is not None)
        if not bool(torch.isfinite(gradient).all()):
            raise self.run.broken(f"The gradients are not numbers at step {state.global_step + 1}", [])

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Average the weights, and count the step."""
        if self.run.average is not None:
            self.run.average.update(kwargs["model"])
        if self.run.after_step(state.global_step):
            control.should_evaluate = control.should_save = True
        return control

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Put our own state into the checkpoint; stop where that was the last."""
        if state.is_world_process_zero:
            checkpoint = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            if self.run.average is not None:
                self.run.average.save(checkpoint)
            self.run.progress.save(checkpoint)
        control.should_training_stop = bool(self.run.progress.stopped_because)
        # Trainer looks at these once more when its epoch is over.
        control.should_evaluate = control.should_save = False
        return control


class Run:
    """What one training knows and has done, and what it decides at each step."""

    def __init__(
        self,
        kind: type[SketchModel],
        drawings: TrainingDrawings,
        valid: list[np.ndarray],
        out: Path,
        settings: TrainSettings,
        preset: Preset,
        progress: Progress,
        bf16: bool,
        report: Callable[[HistoryRow], None] | None,
    ) -> None:
        self.drawings, self.valid, self.out, self.settings = drawings, valid, out, settings
        self.kind = kind
        self.batch_size, self.kl_annealing_steps = preset.batch_size, preset.kl_annealing_steps
        self.progress, self.bf16, self.report = progress, bf16, report
        self.clock = Clock()
        self.learning_rate: Callable[[], float] = lambda: 0.0
        self.average: WeightAverage | None = None
        self._batches_per_epoch = -(-len(drawings) // preset.batch_size)
        self._parts: Counter[str] = Counter()
        self._evaluation_seconds = 0.0
        self._first_step = progress.step

    def kl_weight(self, step: int) -> float:
        """Weight of the KL in the loss of the step after so many."""
        return kl_weight(step, self.kl_annealing_steps)

    def broken(self, what: str, rows: list[int]) -> TrainingError:
        """The error for a loss or gradient that is no number."""
        seen = f" (train drawings {', '.join(map(str, rows))})" if rows else ""
        return TrainingError(
            f"{what}{seen}. The best weights so far are kept in {self.out}, and the last checkpoint beside them. Look "
            "at these drawings for points far out of the canvas, or train with a lower learning rate."
        )

    def collect(self, output: SketchOutput) -> None:
        """Add a step's sums to those of the next row of the train split."""
        self._parts.update({name: float(value.detach()) for name, value in output.items()} | {"batches": 1.0})

    def after_step(self, step: int) -> bool:
        """Log, and decide whether to evaluate and save now."""
        settings, progress = self.settings, self.progress
        progress.step, progress.seconds = step, self.clock.seconds()
        if settings.max_steps is not None and step >= settings.max_steps:
            progress.stopped_because = "max_steps"
        if settings.max_seconds is None:
            due = step % settings.evaluate_every_steps == 0
        else:
            due = progress.seconds >= progress.next_evaluation
            # What is left must hold one more step and the last evaluation.
            step_seconds = (progress.seconds - self.clock.before) / (step - self._first_step)
            if progress.seconds + step_seconds + self._evaluation_seconds >= settings.max_seconds:
                progress.stopped_because = "max_seconds"
        due = due or bool(progress.stopped_because)
        if due or step % _LOG_EVERY == 0:
            self._log_train()
        return due

    def _row(self, split: str, scores: Mapping[str, float]) -> None:
        progress = self.progress
        row: HistoryRow = {
            "step": progress.step,
            "epoch": progress.step / self._batches_per_epoch,
            "split": split,
            **{name: scores[name] for name in ("loss", *self.kind.logged_parts, "kl")},
            "kl_weight": self.kl_weight(progress.step - 1),
            **{name: scores[name] for name in self.kind.logged_sums},
            "learning_rate": self.learning_rate(),
            "seconds": self.clock.seconds(),
        }
        progress.history.append(row)
        if self.report is not None:
            self.report(row)

    def _log_train(self) -> None:
        parts, self._parts = self._parts, Counter()
        scores = self.kind.scores(parts)
        self._row(
            "train", scores | {"loss": parts["loss"] / parts["batches"], "kl": scores["kl_per_drawing"]}
        )

    def evaluate(self, model: SketchModel) -> tuple[dict[str, float], bool]:
        """The validation score, and whether it is the best so far."""
        progress = self.progress
        began = time.process_time()
        scores = evaluate(model, self.valid)
        self._evaluation_seconds = time.process_time() - began
        score = scores[model.score_name]
        self._row("valid", scores | {"loss": score, "kl": scores["kl_per_drawing"]})
        if not math.isfinite(score):
            raise self.broken(f"The validation score is {score} at step {progress.step}", [])
        best = score < progress.best_score
        if best:
            progress.best_score, progress.evaluations_since_best = score, 0
        else:
            progress.evaluations_since_best += 1
            progress.halvings += progress.evaluations_since_best % _HALVE_AFTER == 0
            if progress.evaluations_since_best >= self.settings.patience and not progress.stopped_because:
                progress.stopped_because = "patience"
        every = self.settings.evaluate_every_seconds
        progress.next_evaluation = every * (math.floor(self.clock.seconds() / every) + 1)
        return scores, best
