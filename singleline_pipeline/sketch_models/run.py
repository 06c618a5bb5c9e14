"""One training as it goes: transformers' Trainer with our batches, our loss arguments, our score and our clock."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from singleline_pipeline.sketch_models.averaging import WeightAverage
from singleline_pipeline.sketch_models.batches import (
    LengthBuckets,
    TrainingDrawings,
    step_generator,
)
from singleline_pipeline.sketch_models.checkpoints import Checkpoints, Progress
from singleline_pipeline.sketch_models.errors import TrainingError
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline.sketch_models.history import in_words, write_history
from singleline_pipeline.sketch_models.processes import Processes
from singleline_pipeline.sketch_models.schedule import Clock, kl_weight
from singleline_pipeline.sketch_models.score import evaluate
from singleline_pipeline.sketch_models.settings import Preset, TrainSettings
from singleline_pipeline.sketch_models.sheets import draw_sheet, sheet_picture, write_sheet
from singleline_pipeline.sketch_models.sketch_model import SketchModel, SketchOutput
from singleline_pipeline.sketch_models.spikes import MOST_IN_A_ROW, is_spike
from singleline_pipeline.sketch_models.stopping import StopRequest

_LOG_EVERY = 50  # steps between rows of the train split
_HALVE_AFTER = 3  # evaluations without a better score

_log = logging.getLogger(__name__)

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
        buckets = LengthBuckets(
            run.drawings.lengths, run.batch_size, run.settings.seed, run.progress.step,
            process=run.processes.rank, processes=run.processes.count,
        )  # fmt: skip
        # Not prepared by accelerate, which would deal whole batches to the processes in turn.
        return DataLoader(run.drawings, batch_sampler=buckets, collate_fn=self.sketch_model.collate)

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Gradients of a batch; none, which leaves the weights as they are, where they are a spike."""
        rows = inputs["rows"].tolist()
        loss = super().training_step(model, inputs, num_items_in_batch)
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        # The Trainer clips by this norm, of the whole model's gradient.
        norm = float(torch.nn.utils.get_total_norm(gradients))
        if self.run.is_spike(self.state.global_step, norm, rows):
            model.zero_grad(set_to_none=True)
        return loss

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        rows = inputs.pop("rows")
        run, step, device = self.run, self.state.global_step, inputs["points"].device
        generator = step_generator(run.settings.seed, step, run.processes.rank, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=run.bf16):
            output = model(**inputs, kl_weight=run.kl_weight(step), generator=generator)
        share = run.collect(output, step, rows.tolist())
        loss = output.loss * share
        return (loss, output) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Score the validation drawings, all of them; keep the weights where they are the best so far."""
        average = self.run.average
        model = self.sketch_model if average is None else cast(SketchModel, average.model)
        return {f"eval_{name}": value for name, value in self.run.evaluate(model).items()}


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
        progress.next_evaluation = progress.next_evaluation or self.run.settings.evaluation_interval

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Average the weights, and count the step."""
        run = self.run
        if run.average is not None:
            run.average.update(kwargs["model"])
        control.should_evaluate = run.after_step(state.global_step)
        control.should_save = control.should_evaluate or run.stop_requested
        return control

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Put our own state into the checkpoint; stop where that was the last."""
        run = self.run
        run.note_request()
        run.processes.wait()  # until each has written its part
        run.progress.seconds = run.clock.seconds()
        if run.processes.is_main:
            run.save(f"checkpoint-{state.global_step}")
        control.should_training_stop = bool(run.progress.stopped_because) or run.stop_requested
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
        checkpoints: Checkpoints,
        processes: Processes,
        stop: StopRequest,
        bf16: bool,
        report: Callable[[HistoryRow], None] | None,
    ) -> None:
        self.drawings, self.valid, self.out, self.settings = drawings, valid, out, settings
        self.kind = kind
        self.batch_size, self.kl_annealing_steps = preset.batch_size, preset.kl_annealing_steps
        self.progress, self.bf16, self.report = progress, bf16, report
        self.checkpoints, self.processes, self.stop = checkpoints, processes, stop
        self.clock = Clock(processes.largest)
        self.learning_rate: Callable[[], float] = lambda: 0.0
        self.average: WeightAverage | None = None
        self.board: SummaryWriter | None = None
        self.stop_requested = False
        self._loss = math.nan
        self._batches_per_epoch = -(-len(drawings) // preset.batch_size)
        self._parts: Counter[str] = Counter()
        self._largest_norm = 0.0
        self._skipped: list[int] = []
        self._evaluation_seconds = 0.0
        self._first_step = progress.step

    def kl_weight(self, step: int) -> float:
        """Weight of the KL in the loss of the step after so many."""
        return kl_weight(step, self.kl_annealing_steps)

    def broken(self, what: str, rows: list[int]) -> TrainingError:
        """The error for a loss or gradient that is no number, or far off again and again."""
        rows = sorted(self.processes.gathered(rows))
        seen = f" ({self.drawings.called} {', '.join(map(str, rows))})" if rows else ""
        return TrainingError(
            f"{what}{seen}. The best weights so far are kept in {self.out}, and the last checkpoint beside them. Look "
            "at these drawings for points far out of the canvas, or train with a lower learning rate."
        )

    def collect(self, output: SketchOutput, step: int, rows: list[int]) -> float:
        """Add a step's sums to those of the next row of the train split.

        rows: of the train split, in this process's share of the batch
        returns: the weight of this process's loss, so that the mean over the processes is that over all points
        Raises TrainingError where the loss of any process is not a number.
        """
        parts = {name: float(value.detach()) for name, value in output.items()}
        points, broken = self.processes.total([parts["points"], not math.isfinite(parts["loss"])])
        if broken:
            raise self.broken(f"The loss is {parts['loss']} at step {step + 1}", rows)
        weight = parts["points"] * self.processes.count / points
        (self._loss,) = self.processes.total([parts["loss"] * weight / self.processes.count])
        self._parts.update(parts | {"loss": self._loss, "batches": 1.0})
        return weight

    def is_spike(self, step: int, norm: float, rows: list[int]) -> bool:
        """Whether the step is to be left out, for its loss or its gradient's norm lie far over those before it.

        Raises TrainingError where the gradient is not a number, or too many steps in a row are spikes.
        """
        progress = self.progress
        if not math.isfinite(norm):
            raise self.broken(f"The gradients are not numbers at step {step + 1}", rows)
        self._largest_norm = max(self._largest_norm, norm)
        if not is_spike(progress, self._loss, norm):
            return False
        what = f"Step {step + 1} is a spike (loss {self._loss:.2f} nats a point, gradient norm {norm:.2f})"
        if progress.skipped_in_a_row >= MOST_IN_A_ROW:
            raise self.broken(f"{what}, the {MOST_IN_A_ROW}th in a row", rows)
        rows = sorted(self.processes.gathered(rows))
        if self.processes.is_main:
            seen = ", ".join(map(str, rows))
            _log.warning("%s and is left out: %s %s.", what, self.drawings.called, seen)
        self._skipped += rows
        return True

    def note_request(self) -> None:
        """See whether any process was asked to stop."""
        self.stop_requested = bool(self.processes.largest(float(self.stop.signal is not None)))

    def save(self, name: str) -> None:
        """Add our own state to a checkpoint that the Trainer wrote, and take it among the others."""
        if self.average is not None:
            self.average.save(self.checkpoints.aside / name)
        self.progress.save(self.checkpoints.aside / name)
        self.checkpoints.add(name)

    def after_step(self, step: int) -> bool:
        """Log, and decide whether to evaluate now."""
        settings, progress = self.settings, self.progress
        progress.step, progress.seconds = step, self.clock.seconds()
        self.note_request()
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
        if due or self.stop_requested or step % _LOG_EVERY == 0:
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
            "gradient_norm": self._largest_norm if split == "train" else None,
            "skipped": self._skipped if split == "train" else [],
            "seconds": self.clock.seconds(),
        }
        progress.history.append(row)
        if self.board is not None:
            for name, value in row.items():
                if isinstance(value, float):
                    self.board.add_scalar(f"{split}/{name}", value, progress.step)
        if self.report is not None:
            self.report(row)

    def _log_train(self) -> None:
        names = sorted(self._parts)
        parts = dict(zip(names, self.processes.total([self._parts[name] for name in names]), strict=True))
        scores = self.kind.scores(parts)
        self._row(
            "train", scores | {"loss": parts["loss"] / parts["batches"], "kl": scores["kl_per_drawing"]}
        )
        self._parts, self._largest_norm, self._skipped = Counter(), 0.0, []

    def evaluate(self, model: SketchModel) -> dict[str, float]:
        """Score the validation drawings; keep the weights where they are the best so far, and what they draw."""
        progress = self.progress
        began = self.clock.seconds()
        # One process does it for all: on two devices the last bits may differ, and with them what is decided.
        scores = self.processes.from_main(evaluate(model, self.valid) if self.processes.is_main else {})
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
        if self.processes.is_main:
            if best:
                model.config.score = scores
                save_model(model, self.out)
            write_history(self.out, progress.history)
        self._draw(model, score)
        every = self.settings.evaluation_interval
        seconds = self.clock.seconds()
        self._evaluation_seconds = seconds - began
        progress.next_evaluation = every * (math.floor(seconds / every) + 1)
        return scores

    def _draw(self, model: SketchModel, score: float) -> None:
        """Draw a sheet of samples, unless those before it took their share of the time."""
        progress = self.progress
        began = self.clock.seconds()
        if progress.sheet_seconds >= self.settings.sheet_share * began:
            return
        if self.processes.is_main:
            drawings = draw_sheet(model, self.settings.seed)
            title = f"step {progress.step}, {score:.3f} {in_words(model.score_name)}"
            write_sheet(self.out / "samples" / f"step-{progress.step:06d}.svg", drawings, title)
            if self.board is not None:
                self.board.add_image("samples", sheet_picture(drawings), progress.step, dataformats="HW")
        progress.sheet_seconds += self.clock.seconds() - began
